"""Conversion to zinc: flags, bounds, and the coverage of the intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zincflux.calibrate import Binding, Calibration, Pooled, free_zinc
from zincflux.indicators import load_indicator
from zincflux.response import (
    Constants,
    SignalSd,
    log_zinc_sd,
    signal_from_zinc,
    zinc_from_saturation,
    zinc_from_signal,
)

FLUOZIN = Binding(k_nM=15, beta=1.0)


def uniform(n=1, minimum=100.0, maximum=1100.0, sds=(0.0, 0.0, 0.0), binding=FLUOZIN):
    ends = Pooled(
        minimum=minimum,
        minimum_sd=sds[0],
        maximum=maximum,
        maximum_sd=sds[1],
        covariance=sds[2],
    )
    return Calibration.uniform(load_indicator("FluoZin-3"), binding, np.arange(1, n + 1), ends, "")


def test_numbers_and_flags():
    signal = np.array([[50, 100, 150, 600, 1000, 1100, 1200, np.nan]])
    found = free_zinc(signal, uniform())
    expected = [[np.nan, np.nan, 15 / 19, 15, 135, np.nan, np.nan, np.nan]]
    np.testing.assert_allclose(found.zinc_nM, expected)
    assert found.flag.tolist() == [
        ["below_min", "below_min", "", "", "", "above_max", "above_max", ""]
    ]
    np.testing.assert_allclose(found.saturation[0, :4], [-0.05, 0, 0.05, 0.5])
    np.testing.assert_allclose(found.occupancy[0, :4], [np.nan, 0, 0.05, 0.5])


def test_without_errors_the_interval_is_the_number():
    found = free_zinc([600.0], uniform())
    np.testing.assert_allclose([found.low_nM, found.high_nM], [[15], [15]])


def test_turn_off_sensor():
    calibration = uniform(minimum=2.0, maximum=1.0, sds=(0.01, 0.01, 0))
    found = free_zinc(np.array([[2.01, 1.5, 0.99]]), calibration, 0.02)
    assert found.flag.tolist() == [["below_min", "", "above_max"]]
    assert found.zinc_nM[0, 1] == pytest.approx(15)
    assert found.low_nM[0, 1] < 15 < found.high_nM[0, 1]


def test_below_range_keeps_its_upper_bound():
    found = free_zinc([95.0], uniform(), 10.0)
    assert np.isnan(found.zinc_nM[0])
    assert np.isnan(found.low_nM[0])
    assert found.high_nM[0] == pytest.approx(
        zinc_from_signal(95 + 1.959964 * 10, 100, 1100, 15), rel=1e-6
    )


def test_above_range_keeps_its_lower_bound():
    found = free_zinc([1105.0], uniform(), 10.0)
    assert np.isnan(found.zinc_nM[0])
    assert np.isnan(found.high_nM[0])
    assert found.low_nM[0] == pytest.approx(
        zinc_from_signal(1105 - 1.959964 * 10, 100, 1100, 15), rel=1e-6
    )


def test_far_outside_keeps_the_bound_of_a_signal_at_the_end():
    found = free_zinc([[0.0, 1200.0]], uniform(), 10.0)
    at_end = free_zinc([[100.0, 1100.0]], uniform(), 10.0)
    assert found.high_nM[0, 0] == at_end.high_nM[0, 0]
    assert found.low_nM[0, 1] == at_end.low_nM[0, 1]
    assert np.isnan([found.low_nM[0, 0], found.high_nM[0, 1]]).all()


def test_interval_that_reaches_past_an_end_is_open_there():
    found = free_zinc([[110.0, 1090.0]], uniform(), 10.0)
    assert np.isfinite(found.zinc_nM).all()
    assert np.isnan(found.low_nM[0, 0])
    assert np.isfinite(found.high_nM[0, 0])
    assert np.isfinite(found.low_nM[0, 1])
    assert np.isnan(found.high_nM[0, 1])


def test_ends_that_may_be_equal_give_no_interval():
    found = free_zinc([600.0], uniform(sds=(300.0, 500.0, 0.0)), 1.0)
    assert found.zinc_nM[0] == pytest.approx(15)
    assert np.isnan([found.low_nM[0], found.high_nM[0]]).all()


def test_unknown_error_gives_no_interval():
    found = free_zinc([600.0], uniform(), np.nan)
    assert found.zinc_nM[0] == pytest.approx(15)
    assert np.isnan([found.low_nM[0], found.high_nM[0]]).all()


def test_without_calibration():
    signal = np.array([[600.0, np.nan]])
    found = free_zinc(signal, None)
    assert found.flag.tolist() == [["no_calibration", ""]]
    assert np.isnan(found.zinc_nM).all()
    lacking = free_zinc(signal, uniform(minimum=np.nan, maximum=np.nan))
    assert lacking.flag.tolist() == [["no_calibration", ""]]
    assert np.isnan(lacking.saturation).all()


def test_each_cell_has_its_own_calibration():
    calibration = Calibration(
        **{**vars(uniform(n=2)), "maximum": np.array([1100.0, 600.0])},
    )
    found = free_zinc(np.full((2, 3), 350.0), calibration)
    np.testing.assert_allclose(found.zinc_nM[:, 0], [5, 15])
    np.testing.assert_allclose(free_zinc([350.0, 350.0], calibration).zinc_nM, [5, 15])


@pytest.mark.parametrize("signal", [600.0, [600.0, 600.0]])
def test_rows_are_cells(signal):
    with pytest.raises(ValueError, match="expected a signal of 1 cells along its first axis"):
        free_zinc(signal, uniform())


def test_blanking():
    found = free_zinc([[600.0, 50.0]], uniform(), 1.0).where(np.array([[False, False]]))
    assert np.isnan([found.zinc_nM, found.low_nM, found.high_nM, found.saturation]).all()
    assert found.flag.tolist() == [["", ""]]


@given(
    fraction=st.floats(0.25, 0.75),
    hill=st.sampled_from([1.0, 0.29, 0.53]),
    beta=st.floats(0.2, 5),
)
def test_agrees_with_first_order_in_the_middle(fraction, hill, beta):
    binding = Binding(k_nM=5.3, hill=hill, beta=beta)
    sds = (0.005, 0.008)
    calibration = uniform(minimum=4.0, maximum=6.0, sds=(*sds, 0.0), binding=binding)
    signal = 4 + 2 * fraction
    found = free_zinc([signal], calibration, 0.01)
    first_order = log_zinc_sd(signal, 4, 6, SignalSd(0.01, *sds), Constants(hill=hill, beta=beta))
    width = np.log(found.high_nM[0] / found.low_nM[0]) / (2 * 1.96)
    assert width == pytest.approx(first_order, rel=0.01)


@pytest.mark.parametrize("k_includes_beta", [True, False])
def test_beta(k_includes_beta):
    binding = Binding(k_nM=3, beta=5, k_includes_beta=k_includes_beta)
    calibration = uniform(minimum=0.4, maximum=6, binding=binding)
    found = free_zinc([1.2], calibration)
    assert found.zinc_nM[0] == pytest.approx(0.5 if k_includes_beta else 2.5)
    assert found.occupancy[0] == pytest.approx(2.5 / 3 / (1 + 2.5 / 3))


def simulate(hill, fraction, seed, covariance=0.0):
    """Share of 4000 draws of signal, minimum and maximum whose interval holds the truth."""
    n, sds = 4000, (0.03, 0.03, 0.04)
    rng = np.random.default_rng(seed)
    truth = zinc_from_saturation(fraction, 5.3, hill)
    signal = signal_from_zinc(truth, 2, 3, 5.3, hill) + rng.normal(0, sds[0], n)
    ends = rng.multivariate_normal(
        [2, 3], [[sds[1] ** 2, covariance], [covariance, sds[2] ** 2]], n
    )
    calibration = Calibration(
        **{
            **vars(
                uniform(
                    n=n,
                    sds=(sds[1], sds[2], covariance),
                    binding=Binding(k_nM=5.3, hill=hill, beta=1.0),
                )
            ),
            "minimum": ends[:, 0],
            "maximum": ends[:, 1],
        }
    )
    found = free_zinc(signal, calibration, sds[0])
    low = np.where(np.isnan(found.low_nM), 0, found.low_nM)
    high = np.where(np.isnan(found.high_nM), np.inf, found.high_nM)
    # Where the signal lies so far outside that no zinc fits, the interval is empty.
    empty = (found.flag != "") & np.isnan(found.low_nM) & np.isnan(found.high_nM)
    return np.mean((low <= truth) & (truth <= high) & ~empty)


@pytest.mark.parametrize("hill", [1.0, 0.29])
@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.5, 0.9, 0.98])
def test_coverage(hill, fraction):
    assert 0.93 <= simulate(hill, fraction, seed=1) <= 0.97


@pytest.mark.parametrize("covariance", [0.8e-3, -0.8e-3])
def test_coverage_with_ends_made_from_one_another(covariance):
    assert 0.93 <= simulate(1.0, 0.6, seed=2, covariance=covariance) <= 0.97
