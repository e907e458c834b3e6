"""Points that do not fit a titration: how many are named, and which."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from zincflux.calibrate.titration import TitrationFitting, fit_titration, outliers
from zincflux.calibrate.titration.least_squares import minimise
from zincflux.calibrate.titration.model import bare_problem, predicted
from zincflux.calibrate.titration.outliers import LEVEL, SHARE, find_outliers
from zincflux.calibrate.titration_table import Titration
from zincflux.errors import CalibrationError, CalibrationWarning
from zincflux.indicators import load_indicator
from zincflux.response import signal_from_zinc

ZINC = np.array([0, 0.3, 1, 2, 4, 8, 15, 30, 60, 120, 300, 900, 3000.0])
FEW = ZINC[[0, 2, 4, 6, 7, 8, 10, 12]]
DYE = load_indicator("FluoZin-3")


def clean(seed, zinc=ZINC, *, spread=0.03):
    """A problem without outliers, Hill coefficient held."""
    random = np.random.default_rng(seed)
    bare = bare_problem(zinc, TitrationFitting(hill=1), None)
    noise = random.normal(0, spread, len(zinc))
    return replace(bare, signal=signal_from_zinc(zinc, 0.1, 1, 15) + noise)


def moved(problem, at, by):
    signal = problem.signal.copy()
    signal[at] += by
    return replace(problem, signal=signal)


def fitted(table, **keys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CalibrationWarning)
        return fit_titration(table, DYE, TitrationFitting(**keys))


@pytest.mark.slow
@pytest.mark.parametrize("zinc", [FEW, ZINC], ids=["8 points", "13 points"])
def test_points_of_a_clean_titration_are_seldom_named(zinc):
    number = 50
    named = [find_outliers(clean((5, seed), zinc)).named.any() for seed in range(number)]
    # The level, and three standard errors of a share of so many titrations.
    assert np.mean(named) <= LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / number)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), at=st.integers(0, 12), sign=st.sampled_from([-1, 1]))
def test_a_gross_outlier_is_named_wherever_it_lies(seed, at, sign):
    found = find_outliers(moved(clean(seed), at, sign * 1.5))
    assert found.named.tolist() == (np.arange(13) == at).tolist()
    assert abs(found.residual[at]) > found.limit


@settings(max_examples=5)
@given(seed=st.integers(0, 10**6), row=st.integers(0, 12))
def test_two_outliers_beside_each_other_do_not_hide_each_other(seed, row):
    random = np.random.default_rng(seed)
    signal = signal_from_zinc(np.repeat(ZINC, 2), 0.1, 1, 15) + random.normal(0, 0.02, 26)
    signal[2 * row : 2 * row + 2] += 1
    bare = bare_problem(np.repeat(ZINC, 2), TitrationFitting(hill=1), None)
    found = find_outliers(replace(bare, signal=signal))
    assert found.named[2 * row : 2 * row + 2].all()
    assert found.named.sum() <= SHARE * 26


def test_residuals_are_those_of_a_fit_without_the_point():
    problem = moved(clean(1), 6, 0.6)
    found = find_outliers(problem)
    others = np.arange(13) != 6
    _, without = minimise(problem.subset(others))
    off = problem.signal[6] - predicted(problem, without.params.valuesdict())[6]
    # A new point's distance holds the curve's error too, so it counts a little less than this.
    assert 0.6 * off / np.sqrt(without.redchi) < found.residual[6] < off / np.sqrt(without.redchi)
    assert found.limit == pytest.approx(student.ppf(1 - 0.05 / 26, 13 - 3 - 1))


def test_no_more_than_a_tenth_is_named():
    problem = clean(2, np.repeat(ZINC, 2))
    for at, by in ((2, 2), (9, -2), (15, 2), (22, -2)):
        problem = moved(problem, at, by)
    assert find_outliers(problem).most == 2
    assert find_outliers(problem).named.sum() <= 2


def test_too_few_points_tell_no_outlier():
    few = ZINC[[0, 4, 6, 7, 9, 11]]
    table = Titration.of(few, signal_from_zinc(few, 100, 1100, 15))
    table.signal[2] *= 3
    fit = fitted(table, hill=1, drop_outliers=True)
    assert any("none of the 6 points was left out (--drop" in text for text in fit.warnings)
    assert not fit.outlier.any()
    assert not fit.dropped
    kept = fitted(table, hill=1)
    assert kept.k_nM == fit.k_nM
    assert not any("left out" in text for text in kept.warnings)


def noisy(seed, replicates):
    random = np.random.default_rng(seed)
    signal = signal_from_zinc(ZINC, 100, 1100, 15)[:, None] * random.uniform(0.5, 2, replicates)
    return Titration.of(ZINC, signal + 0.02 * signal.max(axis=0) * random.normal(size=signal.shape))


def test_an_outlier_is_named_and_left_out_only_when_asked():
    table = noisy(3, 3)
    table.signal[20] *= 0.6
    with pytest.warns(CalibrationWarning, match=r"do not fit \(kept; .*line 8, rep 3 \(15 nM\)"):
        kept = fit_titration(table, DYE)
    assert np.argmax(np.abs(kept.residual)) == 20
    dropped = fitted(table, drop_outliers=True)
    assert dropped.dropped
    assert dropped.k_sd_nM < kept.k_sd_nM
    assert "left out" in dropped.warnings[0]
    clear = fitted(noisy(4, 1), drop_outliers=True)
    assert not clear.dropped


@pytest.mark.parametrize("normalise", ["gain", "maximum"])
def test_leaving_an_outlier_out_is_fitting_a_table_without_it(normalise):
    table = noisy(5, 2)
    table.signal[10] *= 5  # the largest of its replicate, by which it would be divided
    without = replace(
        table,
        **{
            name: np.delete(getattr(table, name), 10)
            for name in ("concentration_nM", "signal", "replicate", "line", "dilution")
        },
        denominator=np.delete(table.denominator, 10),
    )
    dropped = fitted(table, drop_outliers=True, normalise=normalise)
    expected = fitted(without, normalise=normalise)
    assert np.flatnonzero(dropped.outlier).tolist() == [10]
    np.testing.assert_allclose(
        [dropped.k_nM, dropped.k_sd_nM, dropped.hill],
        [expected.k_nM, expected.k_sd_nM, expected.hill],
        rtol=1e-6,
    )


def test_as_many_outliers_as_are_looked_for_are_a_doubt():
    table = noisy(7, 2)
    table.signal[[4, 15]] *= 4
    assert any("no more are looked for" in text for text in fitted(table).warnings)


def test_points_without_which_nothing_can_be_fitted_are_kept(monkeypatch):
    problem = clean(7)
    whole = outliers.minimise

    def fails_without_a_point(points):
        if len(points.signal) < 13:
            raise CalibrationError("determine no K")
        return whole(points)

    monkeypatch.setattr(outliers, "minimise", fails_without_a_point)
    assert not find_outliers(problem).named.any()
