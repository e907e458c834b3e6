"""Slopes, exponentials and levels of traces, against worked numbers, SciPy and invariants."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize, stats

from zincflux.flux import (
    area_above,
    baseline_mean,
    delta_f_f0,
    exponential_fit,
    f_f0,
    half_time,
    line_fit,
    peak,
    ranked_median,
    running_mean,
)

values_2d = arrays(np.float64, (3, 12), elements=st.floats(-50, 50, width=32))


def no_codes(values):
    return np.zeros(values.shape, dtype=np.int8)


def uptake(time_s):
    return (1 + 2 * (1 - np.exp(-0.01 * time_s)))[None]


def efflux(time_s):
    return (0.2 + 0.8 * np.exp(-0.005 * time_s))[None]


def test_f0_leaves_out_missing_frames():
    signal = np.array([[1.0, np.nan, 3.0, 9.0], [np.nan, np.nan, np.nan, 5.0]])
    f0 = baseline_mean(signal, np.array([True, True, True, False]))
    np.testing.assert_equal(f0, [2.0, np.nan])


def test_f_f0_of_a_cell_below_its_background_is_unknown():
    signal = np.array([[2.0, 4.0], [-1.0, 3.0], [0.0, 1.0]])
    f0 = np.array([2.0, -1.0, 0.0])
    np.testing.assert_equal(f_f0(signal, f0), [[1, 2], [np.nan] * 2, [np.nan] * 2])
    np.testing.assert_equal(delta_f_f0(signal, f0)[0], [0, 1])


@pytest.mark.parametrize(
    ("window_s", "slope"),
    [(10, 0.01903), (20, 0.01812), (30, 0.01726), (60, 0.01496), (100, 0.01245)],
)
def test_slope_of_uptake_over_windows(window_s, slope):
    time = np.arange(0, window_s + 1, 2.0)
    assert line_fit(time, uptake(time)).slope[0] == pytest.approx(slope, abs=5e-6)


@pytest.mark.parametrize(("window_s", "slope"), [(30, -0.003713), (60, -0.003451), (150, -0.00279)])
def test_slope_of_efflux_over_windows(window_s, slope):
    time = np.arange(0, window_s + 1, 3.0)
    assert line_fit(time, efflux(time)).slope[0] == pytest.approx(slope, abs=5e-7)


def test_line_equals_scipy():
    rng = np.random.default_rng(3)
    time = np.sort(rng.uniform(0, 50, 9))
    values = 0.3 * time + rng.normal(0, 2, (4, 9))
    values[2, 5] = np.nan
    fit = line_fit(time, values)
    for row, y in enumerate(values):
        known = np.isfinite(y)
        expected = stats.linregress(time[known], y[known])
        half = stats.t.ppf(0.975, known.sum() - 2) * expected.stderr
        assert fit.slope[row] == pytest.approx(expected.slope)
        assert fit.low[row] == pytest.approx(expected.slope - half)
        assert fit.high[row] == pytest.approx(expected.slope + half)
        assert fit.r2[row] == pytest.approx(expected.rvalue**2)
        assert fit.n_frames[row] == known.sum()


def test_line_interval_covers_the_true_slope():
    rng = np.random.default_rng(11)
    time = np.arange(7) * 5.0
    fit = line_fit(time, 0.1 * time + rng.normal(size=(4000, 7)))
    covered = np.mean((fit.low < 0.1) & (fit.high > 0.1))
    assert 0.94 < covered < 0.96


def test_line_needs_most_of_the_window():
    time = np.arange(8.0)
    values = np.tile(time, (3, 1))
    values[0, :2] = np.nan
    values[1, :3] = np.nan
    values[2] = np.nan
    slope = line_fit(time, values).slope
    assert slope[0] == pytest.approx(1)
    assert np.isnan(slope[1:]).all()


def test_constant_trace_has_no_r2():
    fit = line_fit(np.arange(5.0), np.full((1, 5), 2.0))
    assert fit.slope[0] == 0
    assert np.isnan(fit.r2[0])


@given(values_2d, st.floats(-1000, 1000), st.floats(0.1, 100))
def test_slope_ignores_time_shift_and_scales(values, shift, scale):
    time = np.arange(12) * 2.5
    slope = line_fit(time, values).slope
    np.testing.assert_allclose(line_fit(time + shift, values).slope, slope, atol=1e-9)
    np.testing.assert_allclose(line_fit(time, values * scale).slope, slope * scale, atol=1e-9)


@given(values_2d)
def test_rows_do_not_know_each_other_and_nan_stays_nan(values):
    time = np.arange(12) * 2.5
    together = line_fit(time, np.vstack([values, np.full((1, 12), np.nan)]))
    np.testing.assert_allclose(together.slope[:3], line_fit(time, values).slope)
    assert np.isnan(together.slope[3])
    assert np.isnan(together.high[3])


def test_exponential_finds_the_true_initial_rates():
    time = np.arange(0, 301, 2.0)
    fit = exponential_fit(time, np.vstack([uptake(time), efflux(time)]))
    np.testing.assert_allclose(fit.rate_per_s, [0.01, 0.005], rtol=1e-5)
    np.testing.assert_allclose(fit.initial_rate, [0.02, -0.004], rtol=1e-5)
    np.testing.assert_allclose(fit.change, [2, -0.8], rtol=1e-5)


def test_exponential_equals_scipy_with_its_error():
    rng = np.random.default_rng(5)
    time = np.arange(0, 200, 4.0)
    values = 1 + 5 * -np.expm1(-0.02 * time) + rng.normal(0, 0.2, (5, len(time)))
    values[1, 7] = np.nan
    fit = exponential_fit(time, values)
    for row, y in enumerate(values):
        known = np.isfinite(y)
        # Parametrised by the initial slope r itself: its error comes out directly.
        best, covariance = optimize.curve_fit(
            lambda t, a, r, k: a + r / k * -np.expm1(-k * t),
            time[known],
            y[known],
            p0=(1, 0.1, 0.02),
        )
        assert fit.initial_rate[row] == pytest.approx(best[1], rel=1e-4)
        assert fit.rate_per_s[row] == pytest.approx(best[2], rel=1e-4)
        assert fit.initial_rate_se[row] == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-3)


def test_exponential_says_nothing_where_there_is_nothing_to_say():
    rng = np.random.default_rng(2)
    time = np.arange(40) * 3.0
    noise = rng.normal(0, 0.3, (300, 40))
    few = np.full(40, np.nan)
    few[:5] = 1 - np.exp(-time[:5])
    assert np.isnan(exponential_fit(time, np.stack([0.1 * time, np.ones(40), few])).change).all()
    spurious = np.isfinite(exponential_fit(time, noise).rate_per_s).mean()
    assert spurious < 0.02
    assert np.isfinite(exponential_fit(time, 0.1 * time + noise).rate_per_s).mean() < 0.03


def test_exponential_of_no_cells_and_of_equal_times():
    assert exponential_fit(np.arange(9.0), np.empty((0, 9))).change.shape == (0,)
    assert np.isnan(exponential_fit(np.zeros(9), np.ones((1, 9))).change[0])


@settings(max_examples=25, deadline=None)
@given(st.floats(0.005, 0.2), st.floats(-20, 20).filter(lambda b: abs(b) > 0.1), st.floats(0.1, 50))
def test_exponential_scales(k, change, scale):
    time = np.arange(0, 120, 2.0)
    values = (3 + change * -np.expm1(-k * time))[None]
    fit, scaled = exponential_fit(time, values), exponential_fit(time, scale * values)
    assert fit.initial_rate[0] == pytest.approx(k * change, rel=1e-3)
    assert scaled.initial_rate[0] == pytest.approx(scale * fit.initial_rate[0], rel=1e-3)


def test_running_mean_equals_a_plain_mean():
    time = np.arange(6.0)
    values = np.array([[1.0, 5, 3, 1, 8, 6]])
    smooth = running_mean(time, values, no_codes(values), None)
    np.testing.assert_allclose(smooth[0], [3, 3, 3, 4, 5, 7])
    np.testing.assert_allclose(running_mean(time, values, no_codes(values), 2.0), smooth)
    np.testing.assert_allclose(running_mean(time, values, no_codes(values), 0), values)


def test_running_mean_follows_the_time_not_the_frame_number():
    time = np.array([0.0, 1.0, 10.0, 11.0])
    values = np.array([[0.0, 2, 10, 14]])
    smooth = running_mean(time, values, no_codes(values), 3.0)
    np.testing.assert_allclose(smooth[0], [1, 1, 12, 12])


def test_running_mean_beyond_the_range_and_missing():
    nan = np.nan
    values = np.array([[1.0, nan, 3, nan, nan, 5, nan, nan, nan]])
    codes = np.array([[0, 1, 0, 1, 1, 0, -1, -1, 0]], dtype=np.int8)
    smooth = running_mean(np.arange(9.0), values, codes, None)[0]
    np.testing.assert_equal(smooth[[1, 3, 4]], [2, np.inf, np.inf])
    np.testing.assert_equal(smooth[6], -np.inf)
    empty = np.full((1, 3), nan)
    assert np.isnan(running_mean(np.arange(3.0), empty, no_codes(empty), None)).all()


def test_peak_is_unknown_above_the_range_and_ignores_what_lies_below():
    time = np.array([10.0, 20.0, 30.0])
    smooth = np.array([[1, np.inf, 2], [-np.inf, 3, 2], [np.nan, 1, np.nan], [np.nan] * 3])
    level, moment = peak(time, smooth)
    np.testing.assert_equal(level, [np.nan, 3, 1, np.nan])
    np.testing.assert_equal(moment, [np.nan, 20, 20, np.nan])


def test_peak_of_a_turn_off_indicator_is_the_farthest_from_one():
    level, moment = peak(np.arange(3.0), np.array([[1.1, 0.6, 1.2]]), away_from=1.0)
    assert (level[0], moment[0]) == (0.6, 1)


@given(arrays(np.float64, (4, 7), elements=st.floats(-9, 9, allow_nan=False)))
def test_ranked_median_of_numbers_is_the_median(values):
    np.testing.assert_allclose(ranked_median(values, no_codes(values)), np.median(values, axis=1))


def test_ranked_median_beyond_the_range():
    nan = np.nan
    values = np.array([[nan, nan, 5, 6], [nan, nan, 5, 6], [nan, nan, nan, 6], [nan, 4, 5, 6]])
    codes = np.array([[-1, 1, 0, 0], [-1, -1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]], dtype=np.int8)
    np.testing.assert_equal(ranked_median(values, codes), [5.5, nan, nan, 5.5])
    both = ranked_median(np.full((1, 2), nan), np.array([[-1, 1]], dtype=np.int8))
    assert np.isnan(both[0])
    assert np.isnan(ranked_median(np.empty((1, 0)), np.empty((1, 0), dtype=np.int8))[0])


def test_half_time_of_an_exponential():
    time = np.arange(0, 301, 2.0)
    halfway = half_time(time, uptake(time), 0.0, np.array([1.0]), np.array([3.0]))
    assert halfway[0] == pytest.approx(69.31, abs=0.01)
    fall = half_time(time + 40, 4 - uptake(time), 40.0, np.array([3.0]), np.array([1.0]))
    assert fall[0] == pytest.approx(69.31, abs=0.01)


def test_half_time_without_a_crossing_or_a_level():
    time, rows = np.arange(1.0, 4.0), np.array([[1.0, 1, 1], [np.nan, 3, 3], [1, 2, 3], [1, 1, 1]])
    before = np.array([1.0, 1, np.nan, 1])
    after = np.array([3.0, 3, 3, 1])
    np.testing.assert_equal(half_time(time, rows, 0.0, before, after), [np.nan] * 4)


def test_half_time_before_the_first_frame_is_interpolated_from_the_start():
    halfway = half_time(np.array([4.0, 8]), np.array([[3.0, 3]]), 0.0, np.ones(1), np.full(1, 3.0))
    assert halfway[0] == 2


def test_area_of_the_worked_uptake():
    time = np.arange(0, 301, 2.0)
    assert area_above(time, uptake(time), np.ones(1))[0] == pytest.approx(409.951, abs=5e-4)


def test_area_bridges_few_missing_frames_only():
    time = np.arange(41.0)
    values = np.tile(2 * time + 1, (5, 1))
    values[0, 20] = np.nan
    values[1, [0, 40]] = np.nan
    values[2, :3] = np.nan
    values[3] = np.nan
    area = area_above(time, values, np.array([1.0, 1, 1, 1, np.nan]))
    assert area[0] == pytest.approx(1600)
    # Ends are held: 2 too high in the first triangle, 2 too low in the last.
    assert area[1] == pytest.approx(1600 + 1 - 1)
    assert np.isnan(area[2:]).all()
