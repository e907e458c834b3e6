"""Fits of titrations against curves whose constants are known."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zincflux.calibrate import Calibration, CalibrationSettings, binding_of, file_calibration
from zincflux.calibrate.titration import (
    TitrationFitting,
    calibration_of_titration,
    fit_titration,
)
from zincflux.calibrate.titration.beta import with_beta
from zincflux.calibrate.titration.fit import _assemble
from zincflux.calibrate.titration.least_squares import minimise
from zincflux.calibrate.titration.scaling import even, scale
from zincflux.calibrate.titration_table import Titration
from zincflux.errors import CalibrationError, CalibrationWarning, ExperimentError
from zincflux.indicators import load_indicator
from zincflux.response import apparent_k, signal_from_zinc

ZINC = np.array([0, 0.3, 1, 2, 4, 8, 15, 30, 60, 120, 300, 900, 3000.0])
DYE, RATIO = load_indicator("FluoZin-3"), load_indicator("ZapCY2")


def quiet(table, indicator=DYE, **keys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CalibrationWarning)
        return fit_titration(table, indicator, TitrationFitting(**keys))


def noisy(seed, error, *, replicates=3, hill=1.3):
    random = np.random.default_rng(seed)
    clean = signal_from_zinc(ZINC, 100, 1100, 15, hill)[:, None] * random.uniform(
        0.5, 2, replicates
    )
    noise = random.normal(size=clean.shape)
    spread = 0.03 * clean if error == "relative" else 0.02 * clean.max(axis=0)
    return Titration.of(ZINC, clean + spread * noise)


@pytest.mark.slow
@pytest.mark.parametrize("error", ["constant", "relative"])
def test_intervals_cover_the_truth(error):
    inside_k, inside_n, named = [], [], []
    for seed in range(25):
        table = noisy(seed, error, replicates=1 + (error == "relative"))
        if (table.signal <= 0).any():
            continue
        fit = quiet(table, error=error)
        inside_k.append(fit.k_interval_nM[0] <= 15 <= fit.k_interval_nM[1])
        inside_n.append(fit.hill_interval[0] <= 1.3 <= fit.hill_interval[1])
        named.append(fit.outlier.mean())
    # Less than three standard errors of a share of 25 below 95 %.
    assert len(inside_k) >= 20
    assert np.mean(inside_k) >= 0.82
    assert np.mean(inside_n) >= 0.82
    assert np.mean(named) < 0.05


@pytest.mark.slow
@settings(max_examples=8)
@given(gain=st.floats(1e-3, 1e5), unit=st.sampled_from([1e-3, 1.0, 1e6]), seed=st.integers(0, 99))
def test_gain_unit_and_order_of_replicates_change_nothing(gain, unit, seed):
    table = noisy(1, "constant")
    order = np.random.default_rng(seed).permutation(3)
    columns = table.signal.reshape(len(ZINC), 3)[:, order] * gain * np.array([1, 3, 0.2])
    plain, other = quiet(table), quiet(Titration.of(ZINC * unit, columns))
    np.testing.assert_allclose(other.k_nM, plain.k_nM * unit, rtol=1e-4)
    np.testing.assert_allclose(other.hill, plain.hill, rtol=1e-4)
    np.testing.assert_allclose(other.maximum / other.minimum, plain.maximum / plain.minimum, 1e-3)


def test_tight_binding_gives_the_worked_fractions():
    total = np.array([0, 5, 10, 15, 20, 30, 50, 100, 1000.0])
    bound = np.array([0, 0.15287, 0.27924, 0.38197, 0.46482, 0.58579, 0.72302, 0.85323, 0.984992])
    table = Titration.of(total, 100 + 1000 * bound)
    fit = quiet(table, total=True, indicator_nM=15)
    np.testing.assert_allclose([fit.k_nM, fit.minimum, fit.maximum], [15, 100, 1100], rtol=2e-3)
    assert fit.hill == 1
    assert quiet(table, hill=1).k_nM > 20  # what taking total for free would give
    np.testing.assert_allclose(fit.curve(total).signal, table.signal, rtol=1e-3)


def test_warns_where_a_plateau_was_never_reached():
    clean = signal_from_zinc(ZINC, 100, 1100, 15)
    low, high = ZINC < 20, ZINC > 5
    with pytest.warns(CalibrationWarning, match="saturated plateau was never reached.*15 nM"):
        fit_titration(Titration.of(ZINC[low], clean[low]), DYE, TitrationFitting(hill=1))
    with pytest.warns(CalibrationWarning, match="zinc-free plateau was never reached"):
        fit_titration(Titration.of(ZINC[high], clean[high]), DYE, TitrationFitting(hill=1))
    one = ZINC < 400
    with pytest.warns(CalibrationWarning, match="rests on one concentration"):
        fit_titration(Titration.of(ZINC[one], clean[one]), DYE)


def test_warns_where_k_is_loose_and_where_the_plateau_is_poor():
    random = np.random.default_rng(0)
    table = Titration.of(ZINC[:8], signal_from_zinc(ZINC[:8], 0, 1, 30) + random.normal(0, 0.05, 8))
    assert any("K is loose" in text for text in quiet(table).warnings)
    falling = signal_from_zinc(ZINC, 100, 1100, 15)
    falling[-1] *= 0.8
    assert any("plateau is poor" in text for text in quiet(Titration.of(ZINC, falling)).warnings)


def test_warns_where_n_meets_its_limit_and_where_errors_decide():
    step = signal_from_zinc(ZINC, 1, 10, 15, 14) + 0.01 * np.sin(ZINC)
    found = quiet(Titration.of(ZINC, step)).warnings
    assert any("went to the limit" in text for text in found)
    two = signal_from_zinc(ZINC, 1, 300, 15, 2.5) + signal_from_zinc(ZINC, 0, 12, 1)
    assert any(
        "with relative errors K is" in text for text in quiet(Titration.of(ZINC, two)).warnings
    )


def test_warns_of_the_wrong_direction():
    table = Titration.of(ZINC, signal_from_zinc(ZINC, 1100, 100, 15))
    with pytest.warns(CalibrationWarning, match="should rise with zinc, but it falls"):
        fit_titration(table, DYE)


def test_interval_falls_back_to_the_covariance(monkeypatch):
    def fail(*_args, **_keys):
        raise ValueError

    monkeypatch.setattr("lmfit.conf_interval", fail)
    with pytest.warns(CalibrationWarning, match="symmetric, from the covariance"):
        fit = fit_titration(noisy(5, "constant"), DYE)
    assert fit.k_interval_nM[0] < fit.k_nM < fit.k_interval_nM[1]


def test_beta_from_denominators_and_the_file_of_a_ratio(tmp_path):
    beta, k_app = 4.0, float(apparent_k(2.0, 4.0))
    ratio = signal_from_zinc(ZINC, 0.4, 6, k_app)
    bound = ZINC / (ZINC + 2.0)
    table = replace(Titration.of(ZINC, ratio), denominator=100 + (100 / beta - 100) * bound)
    fit = quiet(table, RATIO)
    np.testing.assert_allclose([fit.beta, fit.k_nM, fit.hill], [beta, k_app, 1], rtol=1e-4)
    stored = Calibration.from_toml(calibration_of_titration(fit, RATIO).to_toml())
    assert stored.binding.k_includes_beta
    assert stored.binding.confidence == "own titration"
    path = tmp_path / "c.toml"
    path.write_text(stored.to_toml(), encoding="utf-8")
    chosen = CalibrationSettings(source="file", file=str(path), same_optics=True)
    used = file_calibration([1, 2], RATIO, chosen)
    np.testing.assert_allclose(used.minimum, 0.4, rtol=1e-4)
    worse = replace(table, denominator=-table.denominator)
    assert quiet(worse, RATIO).beta is None
    odd = replace(table, denominator=np.where(ZINC > 2, 5e3, 1.0))
    assert quiet(odd, RATIO).beta is None or quiet(odd, RATIO).beta > 0


def test_an_intensity_gives_k_and_n_in_situ_but_no_ends(tmp_path):
    fit = quiet(noisy(2, "constant"))
    path = tmp_path / "c.toml"
    path.write_text(calibration_of_titration(fit, DYE).to_toml(), encoding="utf-8")
    binding = binding_of(DYE, CalibrationSettings(source="in-situ", file=str(path)))
    assert (binding.k_nM, binding.hill) == (fit.k_nM, fit.hill)
    assert (binding.k_sd_nM, binding.hill_sd) == (fit.k_sd_nM, fit.hill_sd)
    assert binding.covariance_ln_k_hill == fit.covariance[2, 3]
    stored = Calibration.from_toml(path.read_text(encoding="utf-8"))
    assert np.isnan(stored.pooled.minimum)
    assert "hold for its wells only" in stored.origin
    assert stored.pooled.dynamic_range == pytest.approx(11, rel=0.5)
    below = replace(fit, minimum=-1.0)
    assert np.isnan(calibration_of_titration(below, DYE).pooled.dynamic_range)


def test_held_values_stay():
    table = noisy(4, "constant")
    fit = quiet(table, hill=1, normalise="maximum", maximum=1)
    assert (fit.hill, fit.maximum) == (1, 1)
    assert fit.hill_interval == (1, 1)
    assert calibration_of_titration(fit, DYE).binding.hill_sd is None
    assert quiet(Titration.of(ZINC, table.signal[::3]), maximum=1100.0).maximum == pytest.approx(
        1100
    )
    assert quiet(Titration.of(ZINC, table.signal[::3]), normalise="gain").k_nM > 0


@pytest.mark.parametrize(
    ("keys", "indicator", "match"),
    [
        ({"normalise": "gain"}, RATIO, "has no gain of its own"),
        ({"beta": 2.0}, DYE, "belongs to ratios"),
        ({"total": True, "indicator_nM": 5.0}, RATIO, "Give --beta"),
        ({"normalise": "gain", "maximum": 1.0}, DYE, "cannot be held"),
    ],
)
def test_settings_that_do_not_fit_the_indicator(keys, indicator, match):
    with pytest.raises(ExperimentError, match=match):
        quiet(noisy(0, "constant"), indicator, **keys)


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        ({"total": True}, "indicator_nM"),
        ({"total": True, "indicator_nM": 1, "hill": 2}, "1:1"),
        ({"indicator_nM": 5.0}, "belongs to total metal"),
        ({"normalise": "maximum", "maximum": 1100}, "expected 1, found 1100"),
    ],
)
def test_settings_that_contradict(keys, match):
    with pytest.raises(ExperimentError, match=match):
        TitrationFitting.parse(keys, where="calibrate")


def test_data_that_determine_no_curve():
    with pytest.raises(CalibrationError, match="expected more than 4 points at 4"):
        quiet(Titration.of(ZINC[:4], ZINC[:4] + 1))
    with pytest.raises(CalibrationError, match="determine no K"):
        quiet(Titration.of(ZINC, np.ones(13)))
    with pytest.raises(CalibrationError, match="concentrations above 0"):
        quiet(Titration.of(ZINC * 0, ZINC))
    with pytest.raises(CalibrationError, match="relative errors need signals above 0"):
        quiet(Titration.of(ZINC, ZINC), error="relative")


def test_a_k_at_the_end_of_the_search_is_refused():
    straight = 100 + ZINC
    with pytest.raises(CalibrationError, match=r"10000 times above the highest, 3e\+03 nM"):
        quiet(Titration.of(ZINC, straight), hill=1)
    level = np.where(ZINC > 0, 1000.0, 100.0) + 1e-3 * np.arange(13)
    with pytest.raises(CalibrationError, match=r"times below the lowest, 0\.3 nM, where"):
        quiet(Titration.of(ZINC, level), hill=1)


def test_errors_of_gains_are_in_the_covariance_and_the_band():
    """The ends of the replicate of middle gain, over many titrations with gains unlike."""
    gains = np.array([0.5, 1.0, 2.0])
    clean = signal_from_zinc(ZINC, 100, 1100, 15)[:, None] * gains
    random = np.random.default_rng(12)
    found, stated, inside = [], [], []
    for _ in range(60):
        table = Titration.of(ZINC, clean * 1 + 20 * gains * random.normal(size=clean.shape))
        bare = fit_bare(table)
        found.append([bare.maximum, np.log(bare.k_nM)])
        stated.append(np.sqrt(np.diag(bare.covariance)[1:3]))
        band = bare.curve(ZINC)
        truth = signal_from_zinc(ZINC, 100, 1100, 15)
        inside.append((band.low <= truth) & (truth <= band.high))
    ratio = np.std(found, axis=0) / np.mean(stated, axis=0)
    # Three standard errors of a standard deviation of 60, as is the band's tolerance.
    np.testing.assert_allclose(ratio, 1, atol=3 / np.sqrt(2 * 60))
    assert abs(np.mean(inside) - 0.95) < 0.06


def fit_bare(table):
    """Fit without the search for outliers and the profile, which take most of the time."""
    settings_, every = TitrationFitting(hill=1), np.ones(len(table.signal), dtype=bool)
    scaled = even(scale(table, settings_, "gain", every), every)
    _, result = minimise(scaled.problem)
    return _assemble(table, settings_, scaled, result, {"ln_k": (0, 0), "hill": (1, 1)})


def test_beta_where_replicates_differ_in_indicator():
    beta, k_app = 4.0, float(apparent_k(2.0, 4.0))
    ratio = signal_from_zinc(ZINC, 0.4, 6, k_app)
    bound = ZINC / (ZINC + 2.0)
    gains = np.array([1.0, 7.0])
    denominator = (100 + (100 / beta - 100) * bound)[:, None] * gains
    # One replicate was measured in the lower half only: its gain looks like a change of D.
    low = ZINC < 10
    table = Titration.of(ZINC, np.stack([ratio, ratio], axis=1))
    table = replace(
        table, denominator=np.where(np.stack([low, ~low], 1), denominator, np.nan).ravel()
    )
    assert quiet(table, RATIO).beta == pytest.approx(beta, rel=1e-3)


@pytest.mark.slow
def test_the_error_of_beta_holds_those_of_k():
    random = np.random.default_rng(3)
    beta, k_app = 4.0, float(apparent_k(2.0, 4.0))
    bound = ZINC / (ZINC + 2.0)
    exact = 100 + (100 / beta - 100) * bound
    fits = []
    for _ in range(30):
        ratio = signal_from_zinc(ZINC, 0.4, 6, k_app) + random.normal(0, 0.15, 13)
        denominator = exact * np.exp(random.normal(0, 0.05, 13))
        table = replace(Titration.of(ZINC, ratio), denominator=denominator)
        fits.append(quiet(table, RATIO, hill=1))
    spread = np.std([fit.beta for fit in fits])
    # Three standard errors of a standard deviation of 30.
    assert np.mean([fit.beta_sd for fit in fits]) / spread == pytest.approx(1, abs=0.39)
    sure = with_beta(replace(fits[0], beta=None, covariance=np.zeros((4, 4))), problem_of(fits[0]))
    assert sure.beta == fits[0].beta
    assert sure.beta_sd < fits[0].beta_sd


def problem_of(fit):
    every = np.ones(len(ZINC), dtype=bool)
    return scale(fit.titration, fit.settings, "none", every).problem


def test_a_denominator_that_tells_no_beta():
    ratio = signal_from_zinc(ZINC, 0.4, 6, 8)
    dark = np.where(ZINC > 100, 1e9, 1e-9)
    assert quiet(replace(Titration.of(ZINC, ratio), denominator=dark), RATIO).beta is None


def test_tight_binding_of_a_ratio_gives_k_of_the_dye():
    from zincflux.response import bound_fraction

    bound = bound_fraction(ZINC, 20, 5.0)
    part = bound / (bound + 3 * (1 - bound))
    table = Titration.of(ZINC, 0.5 + 4 * part)
    fit = quiet(table, RATIO, total=True, indicator_nM=20, beta=3)
    assert fit.k_nM == pytest.approx(5, rel=1e-4)
    assert not calibration_of_titration(fit, RATIO).binding.k_includes_beta
