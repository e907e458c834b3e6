"""Errors of K, n and β: in every interval, by both methods, and kept apart for means over cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_free_zinc import uniform
from test_in_situ import Dish

from zincflux.calibrate import (
    Binding,
    Calibration,
    CalibrationSettings,
    Pooled,
    Uncertainty,
    free_zinc,
    resolve_binding,
)
from zincflux.calibrate.pool import Common, Ends, anchored
from zincflux.calibrate.shared_error import shared_ln_sd
from zincflux.errors import CalibrationWarning, ExperimentError
from zincflux.indicators import Indicator, load_indicator
from zincflux.response import signal_from_zinc

MONTE_CARLO = Uncertainty(method="monte-carlo", draws=4096)
K_KNOWN_BADLY = Binding(k_nM=15, beta=1.0, k_sd_nM=2.0)


def log_width(found):
    return np.log(found.high_nM / found.low_nM) / (2 * 1.959964)


@pytest.mark.parametrize("uncertainty", [Uncertainty(), MONTE_CARLO])
def test_worked_numbers(uncertainty):
    """F 600 ± 10, Fmin 100 ± 5, Fmax 1100 ± 20, K 15 ± 2 gives σ(ln Z) 0.145."""
    calibration = uniform(sds=(5.0, 20.0, 0.0), binding=K_KNOWN_BADLY)
    found = free_zinc([600.0], calibration, 10.0, uncertainty)
    assert found.zinc_nM[0] == pytest.approx(15)
    assert log_width(found)[0] == pytest.approx(0.145, abs=0.004)
    assert found.shared_ln_sd[0] == pytest.approx(2 / 15)


@pytest.mark.parametrize("uncertainty", [Uncertainty(), MONTE_CARLO])
def test_worked_numbers_of_a_fret_sensor(uncertainty):
    binding = Binding(5.3, 0.29, k_includes_beta=True, k_sd_nM=0.53, hill_sd=0.02)
    calibration = uniform(minimum=4.13, maximum=6.4015, sds=(0.02, 0.05, 0), binding=binding)
    found = free_zinc([4.6492], calibration, 0.02, uncertainty)
    assert found.zinc_nM[0] * 1000 == pytest.approx(79.9, abs=0.1)
    # The first-order value; the true distribution has a longer tail towards little zinc.
    assert log_width(found)[0] == pytest.approx(0.388, rel=0.05)


def test_without_errors_of_constants_nothing_is_shared():
    assert free_zinc([600.0], uniform(), 10.0).shared_ln_sd[0] == 0


@given(k_sd=st.floats(0.0, 3.0), hill_sd=st.floats(0.0, 0.05), fraction=st.floats(0.05, 0.95))
def test_shared_errors_only_widen(k_sd, hill_sd, fraction):
    signal = [100 + 1000 * fraction]
    plain = free_zinc(signal, uniform(sds=(3.0, 10.0, 0)), 5.0)
    binding = Binding(15, beta=1.0, k_sd_nM=k_sd, hill_sd=hill_sd)
    wider = free_zinc(signal, uniform(sds=(3.0, 10.0, 0), binding=binding), 5.0)
    assert wider.low_nM[0] <= plain.low_nM[0] * (1 + 1e-9)
    assert wider.high_nM[0] >= plain.high_nM[0] * (1 - 1e-9)
    assert wider.zinc_nM[0] == plain.zinc_nM[0]


def test_bounds_beyond_the_range_widen_too():
    plain = free_zinc([95.0, 1105.0], uniform(2), 10.0)
    wider = free_zinc([95.0, 1105.0], uniform(2, binding=K_KNOWN_BADLY), 10.0)
    factor = np.exp(1.959964 * 2 / 15)
    assert wider.high_nM[0] == pytest.approx(plain.high_nM[0] * factor)
    assert wider.low_nM[1] == pytest.approx(plain.low_nM[1] / factor)


def test_covariance_of_k_and_hill_counts():
    def width(covariance):
        binding = Binding(15, beta=1.0, k_sd_nM=1.5, hill_sd=0.1, covariance_ln_k_hill=covariance)
        calibration = uniform(binding=binding)
        signal = signal_from_zinc([150.0], 100, 1100, 15)
        return [log_width(free_zinc(signal, calibration, 0.0, u))[0] for u in methods]

    methods = (Uncertainty(), MONTE_CARLO)
    with_it, without = np.array(width(0.009)), np.array(width(0.0))
    # At high zinc a larger n lowers Z and a larger K raises it.
    assert (with_it < 0.7 * without).all()
    np.testing.assert_allclose(with_it[0], with_it[1], rtol=0.1)


@pytest.mark.parametrize(("low", "high", "which"), [(100.0, 0.0, 0.0), (0.0, 1100.0, 1.0)])
def test_ends_given_as_constants_are_shared(low, high, which):
    ends = Pooled(
        minimum=100, minimum_sd=5, maximum=1100, maximum_sd=20, covariance=0,
        minimum_se=5.0 if low else 0.0, maximum_se=20.0 if high else 0.0,
    )  # fmt: skip
    calibration = Calibration.uniform(
        load_indicator("FluoZin-3"), Binding(15, beta=1.0), [1], ends, ""
    )
    expected = 20 / 500 if which else 5 / 500
    assert shared_ln_sd(np.array([0.5]), calibration)[0] == pytest.approx(expected)


@pytest.mark.parametrize("at_maximum", [True, False])
@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_a_pooled_dynamic_range_is_shared(at_maximum, scale):
    """A cell takes its other end from the pooled ratio; the error of that ratio is shared."""
    one, none = np.array([1.0]) * scale, np.array([np.nan])
    ends = Ends(110 * one, 5 * one, 1100 * one, 30 * one, none, none, none)
    inverse = Common(value=0.1, se=0.005, spread=0.01)
    made = anchored(ends, inverse, np.array([at_maximum]))
    calibration = Calibration(
        indicator="FluoZin-3",
        kind="intensity",
        binding=Binding(15, beta=1.0),
        cell_ids=np.array([1]),
        reason=np.array([""]),
        **made._asdict(),
    )
    moved = (1100 * 0.005 if at_maximum else 110 * 0.005 / 0.01) / 990
    assert shared_ln_sd(np.array([0.5]), calibration)[0] == pytest.approx(2 * moved)


@pytest.mark.parametrize("name", ["FluoZin-3", "ZapCY2"])
@pytest.mark.parametrize("n", [11, 12])
def test_the_more_cells_take_from_the_pool_the_more_they_share(name, n):
    dish = Dish(name, n=n, seed=3, noise=0.05, spread=0.05)
    own, shrunk, pooled = (
        shared_ln_sd(np.full(n, 0.3), dish.calibrate(scope=scope))
        for scope in ("per-cell", "shrunk", "pooled")
    )
    assert (own == 0).all()
    assert (shrunk > 0).all()
    assert np.median(shrunk) < np.median(pooled)


def test_what_is_shared_is_stored():
    calibration = Dish("ZapCY2", n=12).calibrate(scope="pooled")
    again = Calibration.from_toml(calibration.to_toml())
    fraction = np.full(12, 0.4)
    np.testing.assert_array_equal(
        shared_ln_sd(fraction, again), shared_ln_sd(fraction, calibration)
    )


def test_methods_agree_over_the_range():
    fraction = np.linspace(0.05, 0.92, 40)
    calibration = uniform(40, sds=(4.0, 15.0, 0.0), binding=K_KNOWN_BADLY)
    signal = 100 + 1000 * fraction
    analytic = free_zinc(signal, calibration, 8.0)
    drawn = free_zinc(signal, calibration, 8.0, MONTE_CARLO)
    np.testing.assert_allclose(np.log(drawn.low_nM / analytic.low_nM), 0, atol=0.06)
    np.testing.assert_allclose(np.log(drawn.high_nM / analytic.high_nM), 0, atol=0.06)


class TestMonteCarlo:
    def test_is_reproducible_and_depends_on_the_seed(self):
        calibration = uniform(2, sds=(5.0, 20.0, 0.0))
        first, again, other = (
            free_zinc([500.0, 700.0], calibration, 10.0, Uncertainty(method="monte-carlo", seed=s))
            for s in (0, 0, 1)
        )
        np.testing.assert_array_equal(first.low_nM, again.low_nM)
        assert (first.low_nM != other.low_nM).all()

    def test_blocks_do_not_matter(self, monkeypatch):
        calibration = uniform(3, sds=(5.0, 20.0, 0.0))
        signal = np.linspace(90, 1110, 21).reshape(3, 7)
        whole = free_zinc(signal, calibration, 10.0, MONTE_CARLO)
        monkeypatch.setattr("zincflux.calibrate.monte_carlo.BLOCK", 1)
        single = free_zinc(signal, calibration, 10.0, MONTE_CARLO)
        np.testing.assert_allclose(single.high_nM, whole.high_nM, rtol=1e-6)

    def test_flags_and_bounds_are_those_of_the_analytic_interval(self):
        # 1120 is so far above that (nearly) no draw leaves a number.
        signal = np.array([60.0, 95.0, 101.0, 1099.0, 1120.0, 1200.0, np.nan])
        calibration = uniform(7)
        analytic, drawn = (
            free_zinc(signal, calibration, 10.0, u) for u in (Uncertainty(), MONTE_CARLO)
        )
        np.testing.assert_array_equal(drawn.flag, analytic.flag)
        np.testing.assert_array_equal(np.isnan(drawn.low_nM), np.isnan(analytic.low_nM))
        np.testing.assert_array_equal(np.isnan(drawn.high_nM), np.isnan(analytic.high_nM))
        assert not np.isinf(drawn.low_nM).any()

    def test_turn_off_sensor(self):
        calibration = uniform(minimum=2.0, maximum=1.0, sds=(0.01, 0.01, 0))
        analytic, drawn = (
            free_zinc([1.5], calibration, 0.02, u) for u in (Uncertainty(), MONTE_CARLO)
        )
        assert drawn.low_nM[0] == pytest.approx(analytic.low_nM[0], rel=0.01)

    def test_ends_that_may_be_equal_give_no_interval(self):
        calibration = uniform(minimum=100.0, maximum=101.0, sds=(5.0, 5.0, 0.0))
        found = free_zinc([100.5], calibration, 0.1, MONTE_CARLO)
        assert np.isnan([found.low_nM[0], found.high_nM[0]]).all()

    def test_ends_made_from_one_another(self):
        calibration = uniform(sds=(5.0, 50.0, 250.0))
        analytic, drawn = (
            free_zinc([600.0], calibration, 5.0, u) for u in (Uncertainty(), MONTE_CARLO)
        )
        assert log_width(drawn)[0] == pytest.approx(log_width(analytic)[0], rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("uncertainty", [Uncertainty(), MONTE_CARLO], ids=["analytic", "drawn"])
@pytest.mark.parametrize(("hill", "hill_sd"), [(1.0, 0.02), (0.29, 0.01)])
@pytest.mark.parametrize("fraction", [0.05, 0.5, 0.95])
def test_coverage_when_the_constants_are_off(uncertainty, hill, hill_sd, fraction):
    n, k_sd = 2000, 2.0
    rng = np.random.default_rng(11)
    truth = (fraction / (1 - fraction)) ** (1 / hill) * 15
    k = 15 * np.exp(rng.normal(0, k_sd / 15, n))
    true_hill = hill * np.exp(rng.normal(0, hill_sd / hill, n))
    theta = truth**true_hill / (truth**true_hill + k**true_hill)
    binding = Binding(15, hill, beta=1.0, k_sd_nM=k_sd, hill_sd=hill_sd)
    ends = Calibration(
        indicator="x",
        kind="intensity",
        binding=binding,
        cell_ids=np.arange(n),
        minimum=100 + rng.normal(0, 4, n),
        minimum_sd=np.full(n, 4.0),
        maximum=1100 + rng.normal(0, 15, n),
        maximum_sd=np.full(n, 15.0),
        covariance=np.zeros(n),
        reason=np.full(n, ""),
    )
    found = free_zinc(100 + 1000 * theta + rng.normal(0, 8, n), ends, 8.0, uncertainty)
    low, high = np.nan_to_num(found.low_nM, nan=0.0), np.nan_to_num(found.high_nM, nan=np.inf)
    assert np.mean((low <= truth) & (truth <= high)) == pytest.approx(0.95, abs=0.02)


class TestSettings:
    def test_errors_of_constants_come_from_the_record_or_the_settings(self):
        dye = load_indicator("FluoZin-3")
        assert resolve_binding(dye, CalibrationSettings()).k_sd_nM == 2.0
        assert resolve_binding(dye, CalibrationSettings(k_nM=9.0)).k_sd_nM is None
        given = CalibrationSettings(k_sd_nM=0.0, hill_sd=0.03)
        assert resolve_binding(dye, given).k_sd_nM == 0.0
        assert resolve_binding(dye, given).hill_sd == 0.03

    def test_intensity_has_no_error_of_beta(self):
        with pytest.raises(ExperimentError, match="beta_sd belongs to ratios"):
            resolve_binding(load_indicator("FluoZin-3"), CalibrationSettings(beta_sd=0.1))

    def test_unverified_constants_say_so(self):
        record = {
            "name": "Someone 1999", "k_nM": 5.0, "k_includes_beta": False,
            "source": "Quoted from memory", "confidence": "unverified",
        }  # fmt: skip
        data = {"name": "Dye", "kind": "intensity", "default": 0, "records": [record]}
        dye = Indicator.parse(data, where="dye")
        with pytest.warns(CalibrationWarning, match="Someone 1999: 5 nM.*unverified"):
            found = resolve_binding(dye, CalibrationSettings())
        assert found.confidence == "unverified"
        assert resolve_binding(dye, CalibrationSettings(k_nM=6.0)).confidence == ""

    def test_analytic_takes_no_draws(self):
        with pytest.raises(ExperimentError, match="'analytic' does not use draws, seed"):
            Uncertainty.parse({"draws": 999, "seed": 3}, where="x")
