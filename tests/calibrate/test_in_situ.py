"""Calibration in the same cells, on simulated signals with known ends."""

import warnings

import numpy as np
import pytest

from zincflux.calibrate import (
    CalibrationSettings,
    CellSignals,
    calibrate_in_situ,
    free_zinc,
    resolve_binding,
)
from zincflux.calibrate.pool import FEWEST_CELLS, common, robust_sd
from zincflux.errors import CalibrationError, CalibrationWarning, ExperimentError
from zincflux.indicators import load_indicator
from zincflux.phases import Phase
from zincflux.response import signal_from_zinc

PHASES = (
    Phase(name="rest", role="baseline", start_s=0, end_s=100),
    Phase(name="TPEN", role="minimum", start_s=100, end_s=220),
    Phase(name="Zn + pyrithione", role="maximum", start_s=220, end_s=340),
)
TIME = np.arange(0, 340, 5.0)
REST = TIME < 100
LOW = (TIME >= 100) & (TIME < 220)
HIGH = TIME >= 220
REST_NM = 2.0


class Dish:
    """Cells at rest, then under TPEN, then saturated; the ends differ from cell to cell."""

    def __init__(self, name, n=40, seed=0, noise=0.01, spread=0.0):
        rng = np.random.default_rng(seed)
        self.indicator = load_indicator(name)
        exact = CalibrationSettings(k_nM=self.indicator.record().k_nM)
        self.binding = resolve_binding(self.indicator, exact)
        load = rng.lognormal(0, 0.5, n) if self.indicator.kind == "intensity" else np.ones(n)
        factor = 5.0 * np.exp(spread * rng.normal(size=n))
        small, large = 100 * load, 100 * load * factor
        self.minimum, self.maximum = (large, small) if self.indicator.turn_off else (small, large)
        rest = signal_from_zinc(
            REST_NM, self.minimum, self.maximum, self.binding.k_nM, self.binding.hill
        )
        self.rest = rest
        fall, rise = (1 - np.exp(-np.maximum(TIME - t0, 0) / 15) for t0 in (100, 220))
        course = rest[:, None] + (self.minimum - rest)[:, None] * fall
        course += (self.maximum - self.minimum)[:, None] * rise
        self.sd = noise * np.broadcast_to(large[:, None], course.shape)
        self.signal = course + self.sd * rng.normal(size=course.shape)
        self.usable = np.ones(course.shape, dtype=bool)

    def calibrate(self, phases=PHASES, **settings):
        cells = CellSignals(
            cell_ids=np.arange(1, len(self.signal) + 1),
            time_s=TIME,
            signal=self.signal,
            signal_sd=self.sd,
            usable=self.usable,
        )
        return calibrate_in_situ(
            cells, phases, self.indicator, self.binding, CalibrationSettings(**settings)
        )

    def coverage(self, found):
        """Share of intervals of zinc at rest that hold the truth."""
        zinc = free_zinc(self.signal[:, REST], found, self.sd[:, REST])
        low = np.where(np.isnan(zinc.low_nM), 0, zinc.low_nM)
        high = np.where(np.isnan(zinc.high_nM), np.inf, zinc.high_nM)
        return np.mean((low <= REST_NM) & (high >= REST_NM))


@pytest.mark.parametrize("name", ["FluoZin-3", "GZnP2", "ZapCY2", "eCALWY-4"])
@pytest.mark.parametrize("scope", ["per-cell", "pooled"])
def test_ends_and_coverage(name, scope):
    dish = Dish(name, n=200)
    found = dish.calibrate(scope=scope)
    assert np.mean(found.reason == "") > 0.95
    assert abs(np.nanmedian(found.minimum / dish.minimum) - 1) < 0.01
    assert abs(np.nanmedian(found.maximum / dish.maximum) - 1) < 0.01
    assert 0.92 < dish.coverage(found) < 0.99
    assert scope in found.origin
    assert "'TPEN'" in found.origin


def test_pooled_dynamic_range():
    dish = Dish("FluoZin-3", n=200, spread=0.1)
    pooled = dish.calibrate().pooled
    assert pooled.n_cells > 190
    assert pooled.dynamic_range == pytest.approx(5, rel=0.05)
    assert pooled.dynamic_range_spread == pytest.approx(0.5, rel=0.25)
    assert pooled.dynamic_range_se < 0.1
    assert np.isnan(pooled.minimum), "counts are never pooled"


@pytest.mark.parametrize("name", ["FluoZin-3", "ZapCY2"])
@pytest.mark.parametrize("n", [10, 200])
def test_pooling_counts_the_spread_from_cell_to_cell(name, n):
    """A pooled value is not the cell's own: the spread belongs in the interval."""
    shares = []
    for seed in range(2000 // n // 5 + 1):
        dish = Dish(name, n=n, seed=seed, spread=0.2, noise=0.003)
        shares.append(dish.coverage(dish.calibrate(scope="pooled")))
    assert 0.91 < np.mean(shares) < 0.985


def test_dynamic_range_is_pooled_where_the_minimum_is_lost_in_noise():
    dish = Dish("FluoZin-3", n=200)
    dish.signal -= 100 / 500 * dish.maximum[:, None]  # minimum ≈ 0 ± noise
    found = dish.calibrate(scope="pooled")
    assert np.mean(np.isfinite(found.minimum)) > 0.95
    share = np.abs(found.minimum / found.maximum)
    assert np.nanmax(share) < 0.01


class TestCellsThatFail:
    def test_lost_minimum_of_an_intensity(self):
        dish = Dish("FluoZin-3")
        dish.usable[0, LOW] = False
        found = dish.calibrate()
        assert found.reason[0] == "minimum: too few usable frames; pooled dynamic range used"
        assert found.minimum[0] == pytest.approx(dish.minimum[0], rel=0.05)
        assert found.covariance[0] > 0
        assert found.maximum_sd[0] == pytest.approx(np.median(found.maximum_sd), rel=2)

    def test_lost_maximum_of_an_intensity(self):
        dish = Dish("FluoZin-3")
        dish.usable[0, HIGH] = False
        found = dish.calibrate()
        assert found.reason[0] == "maximum: too few usable frames; pooled dynamic range used"
        assert found.maximum[0] == pytest.approx(dish.maximum[0], rel=0.15)

    def test_both_ends_lost(self):
        for name, rest in (("FluoZin-3", "no calibration"), ("ZapCY2", "pooled minimum and")):
            dish = Dish(name)
            dish.usable[0, ~REST] = False
            found = dish.calibrate()
            assert found.reason[0].startswith("minimum and maximum: too few usable frames; " + rest)
            assert found.calibrated[0] == (name == "ZapCY2")

    def test_ratio_keeps_the_end_that_it_has(self):
        dish = Dish("ZapCY2", spread=0.3)
        whole = dish.calibrate()
        for lost, kept in ((LOW, "maximum"), (HIGH, "minimum")):
            dish.usable[:] = True
            dish.usable[0, lost] = False
            found = dish.calibrate()
            assert "pooled minimum and maximum used" in found.reason[0]
            assert getattr(found, kept)[0] == getattr(whole, kept)[0]
            assert found.calibrated[0]

    def test_no_plateau(self):
        dish = Dish("FluoZin-3")
        dish.signal[0, LOW] = np.linspace(900, 100, LOW.sum())
        found = dish.calibrate()
        assert found.reason[0] == "minimum: no plateau; pooled dynamic range used"

    @pytest.mark.parametrize("minimum_first", [True, False])
    def test_implausible_dynamic_range_trusts_the_earlier_end(self, minimum_first):
        dish = Dish("FluoZin-3")
        dish.signal[0, HIGH] = dish.minimum[0] * 1.5 + dish.signal[0, HIGH] * 0.01
        phases = PHASES
        if not minimum_first:
            phases = (
                PHASES[0],
                Phase(name="Zn", role="maximum", start_s=100, end_s=220),
                Phase(name="TPEN", role="minimum", start_s=220, end_s=340),
            )
            dish.signal[:, ~REST] = np.roll(dish.signal[:, ~REST], LOW.sum(), axis=1)
        found = dish.calibrate(phases=phases, minimum_dynamic_range=2.0)
        assert found.reason[0] == "dynamic range below 2; pooled dynamic range used"
        end = "minimum" if minimum_first else "maximum"
        expected = 1.0 if minimum_first else 1.55
        assert getattr(found, end)[0] / dish.minimum[0] == pytest.approx(expected, rel=0.05)

    def test_cell_without_indicator(self):
        dish = Dish("FluoZin-3")
        dish.signal[0] = 100 + 5 * np.random.default_rng(3).normal(size=len(TIME))
        found = dish.calibrate()
        assert found.reason[0] == "no change between minimum and maximum; no calibration"
        assert np.isnan(found.minimum[0])
        assert set(free_zinc(dish.signal, found).flag[0]) == {"no_calibration"}

    def test_wrong_direction_is_no_calibration(self):
        dish = Dish("FluoZin-3")
        dish.signal[0, HIGH] = dish.minimum[0] / 5 + dish.signal[0, HIGH] * 0.01
        assert dish.calibrate().reason[0].startswith("no change between minimum and maximum")

    def test_dead_minimum_of_the_pool_says_nothing_of_the_maximum(self):
        """Fmin ≈ 0 in all cells: Fmax cannot be made from it."""
        dish = Dish("FluoZin-3")
        dish.signal -= dish.minimum[:, None]
        dish.usable[0, HIGH] = False
        assert dish.calibrate().reason[0] == "maximum: too few usable frames; no calibration"


def test_many_failures_are_a_warning():
    dish = Dish("FluoZin-3", n=8)
    dish.usable[:3, LOW] = False
    with pytest.warns(CalibrationWarning, match=r"3 of 8 cells.*too few usable frames \(3\)"):
        found = dish.calibrate()
    assert found.calibrated.all()


def test_no_cell_can_be_calibrated():
    dish = Dish("FluoZin-3", n=4)
    dish.usable[:, HIGH] = False
    with pytest.warns(CalibrationWarning, match="4 of 4 cells could not be calibrated"):
        found = dish.calibrate()
    assert not found.calibrated.any()
    assert np.all(free_zinc(dish.signal, found).flag == "no_calibration")
    assert np.isnan(found.pooled.dynamic_range)


def test_too_few_cells_to_pool():
    dish = Dish("ZapCY2", n=2)
    with pytest.warns(CalibrationWarning, match="needs at least 3 calibrated cells, found 2"):
        found = dish.calibrate(scope="pooled")
    np.testing.assert_allclose(found.minimum, dish.minimum, rtol=0.05)


def test_too_few_cells_to_help_another():
    dish = Dish("ZapCY2", n=3)
    dish.usable[0, LOW] = False
    with pytest.warns(CalibrationWarning, match="1 of 3"):
        found = dish.calibrate()
    assert found.reason[0] == "minimum: too few usable frames; no calibration"


def test_empty_field():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("FluoZin-3", "ZapCY2"):
            found = Dish(name, n=0).calibrate()
            assert found.minimum.shape == found.reason.shape == (0,)
            assert free_zinc(np.zeros((0, 68)), found).zinc_nM.shape == (0, 68)


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        (PHASES[:2], r"role maximum \(saturated\); found for maximum: none\. Add it"),
        (PHASES[::2], r"role minimum \(zinc-free\).*found for minimum: none\. Add it"),
        (
            (*PHASES, Phase(name="TPEN 2", role="minimum", start_s=335, end_s=340)),
            "found for minimum: 'TPEN', 'TPEN 2'. Give the others the role ignore",
        ),
    ],
)
def test_phases_are_needed(phases, message):
    with pytest.raises(CalibrationError, match=message):
        Dish("FluoZin-3", n=1).calibrate(phases=phases)


def test_phase_outside_the_movie():
    late = Phase(name="Zn", role="maximum", start_s=900)
    with pytest.raises(ExperimentError, match="'Zn' runs from 900 s"):
        Dish("FluoZin-3", n=1).calibrate(phases=(*PHASES[:2], late))


def test_shapes_must_fit():
    with pytest.raises(ValueError, match=r"usable: expected shape \(cells, frames\) = \(1, 3\)"):
        CellSignals(
            cell_ids=np.array([1]),
            time_s=np.arange(3.0),
            signal=np.zeros((1, 3)),
            signal_sd=np.zeros((1, 3)),
            usable=np.ones((1, 4), dtype=bool),
        )


@pytest.mark.parametrize("gain", [1e-3, 1e3])
def test_gain_changes_no_zinc(gain):
    dish = Dish("FluoZin-3")
    before = free_zinc(dish.signal, dish.calibrate(), dish.sd)
    dish.signal, dish.sd = dish.signal * gain, dish.sd * gain
    after = free_zinc(dish.signal, dish.calibrate(), dish.sd)
    np.testing.assert_allclose(after.zinc_nM, before.zinc_nM, rtol=1e-9)
    np.testing.assert_allclose(after.high_nM, before.high_nM, rtol=1e-7)


def test_result_is_the_same_for_shuffled_cells():
    dish = Dish("FluoZin-3")
    before = dish.calibrate()
    order = np.random.default_rng(1).permutation(len(dish.signal))
    dish.signal, dish.sd, dish.usable = dish.signal[order], dish.sd[order], dish.usable[order]
    np.testing.assert_allclose(dish.calibrate().minimum, before.minimum[order])


@pytest.mark.parametrize("n", [3, 5, 9, 30])
def test_robust_sd_of_small_samples_is_unbiased(n):
    draws = np.random.default_rng(0).normal(size=(4000, n))
    assert np.mean([robust_sd(x) for x in draws]) == pytest.approx(1, abs=0.04)


def test_spread_does_not_count_measurement_error():
    rng = np.random.default_rng(0)
    values = 5 + rng.normal(0, 0.3, 4000) + rng.normal(0, 0.4, 4000)
    found = common(values, np.full(4000, 0.4))
    assert found.spread == pytest.approx(0.3, abs=0.03)
    assert found.se == pytest.approx(1.2533 * 0.5 / 4000**0.5, rel=0.15)
    assert common(np.ones(5), np.full(5, 0.4)).spread == 0


def test_cells_that_agree_too_well_share_an_error():
    rng = np.random.default_rng(4)
    alike = 100 + rng.normal(0, 0.5, 200)
    assert common(alike, np.full(200, 0.5)).se == pytest.approx(0.5 * np.sqrt(np.pi / 400), rel=0.2)
    assert common(alike, np.full(200, 5.0)).se == pytest.approx(5.0, rel=0.02)


def test_too_few_cells_have_nothing_in_common():
    values = np.arange(3.0)
    assert np.isnan(common(values[: FEWEST_CELLS - 1], np.zeros(2)).value)


class TestShrunk:
    @pytest.mark.parametrize("name", ["FluoZin-3", "ZapCY2", "eCALWY-4"])
    @pytest.mark.parametrize("noise", [0.02, 0.12])
    def test_is_closer_to_the_truth_than_either_way_alone(self, name, noise):
        dish = Dish(name, n=300, seed=4, noise=noise, spread=0.05)
        scopes = ("per-cell", "shrunk", "pooled")
        plain, shrunk, pooled = (dish.calibrate(scope=scope) for scope in scopes)

        def error(found):
            """Root mean square error of ln zinc that the ends alone cause."""
            zinc = free_zinc(dish.rest, found).zinc_nM
            return np.sqrt(np.nanmean(np.log(zinc / REST_NM) ** 2))

        assert error(shrunk) < error(plain)
        assert error(shrunk) < error(pooled)
        assert 0.92 < dish.coverage(shrunk) < 0.99

    def test_ends_that_are_known_well_stay(self):
        dish = Dish("FluoZin-3", n=100, seed=5, noise=0.001, spread=0.3)
        plain, shrunk = (dish.calibrate(scope=scope) for scope in ("per-cell", "shrunk"))
        np.testing.assert_allclose(shrunk.minimum, plain.minimum, rtol=0.002)
        np.testing.assert_allclose(shrunk.maximum, plain.maximum, rtol=0.002)

    def test_needs_enough_cells(self):
        with pytest.warns(CalibrationWarning, match="scope = 'shrunk' needs at least 3"):
            Dish("FluoZin-3", n=2).calibrate(scope="shrunk")
