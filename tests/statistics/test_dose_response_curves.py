import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from study_values import NO_DOSE, drawn

from zincflux.statistics import StudySettings, fit_dose_response, trend_test
from zincflux.statistics.dose_response import COLUMNS
from zincflux.statistics.logistic import Points, fit_curve, residuals

DOSES = (0.0, 3.0, 10.0, 30.0, 100.0, 300.0)


def logistic(dose, bottom, top, ec50, hill):
    return bottom + (top - bottom) * dose**hill / (dose**hill + ec50**hill)


def study(bottom=1.0, top=5.0, ec50=30.0, hill=1.2, doses=DOSES, **options):
    arms = {("zinc", dose): logistic(dose, bottom, top, ec50, hill) for dose in doses}
    return drawn(arms, **options)


def exact(**options):
    return study(day_sd=0.4, dish_sd=0.0, cell_sd=0.0, dishes=1, cells=1, **options)


@settings(max_examples=10, deadline=None)
@given(st.floats(5, 150), st.floats(0.7, 3), st.sampled_from([(1.0, 5.0), (4.0, 0.5)]))
def test_curves_without_scatter_come_back_whatever_the_days(ec50, hill, ends):
    table = exact(bottom=ends[0], top=ends[1], ec50=ec50, hill=hill, days=3)
    days = np.log(table[table.dose == 0]["value"]).mean() - np.log(ends[0])
    row = fit_dose_response(table, StudySettings()).iloc[0]
    np.testing.assert_allclose(
        [row.ec50, row.hill, row.bottom, row.top],
        [ec50, hill, *np.array(ends) * np.exp(days)],
        rtol=1e-3,
    )
    assert row.converged
    assert (row.n_doses, row.n_experiments, row.n_dishes, row.n_cells) == (6, 3, 18, 18)


def test_agrees_with_curve_fit_of_scipy():
    table = study(days=4, seed=2)
    medians = table.groupby(["experiment", "dose", "replicate"])["value"].median()
    level = np.log(medians).groupby(level=[0, 1]).mean().reset_index()
    days = pd.get_dummies(level.experiment).to_numpy(float)

    def model(_, bottom, top, ln_ec50, hill, *shifts):
        curve = np.log(logistic(level.dose.to_numpy(), bottom, top, np.exp(ln_ec50), hill))
        return curve + days @ np.array([*shifts, -np.sum(shifts)])

    start = [1.0, 5.0, np.log(30.0), 1.0, 0.0, 0.0, 0.0]
    expected, _ = optimize.curve_fit(model, level.dose, level["value"], start)
    row = fit_dose_response(table, StudySettings()).iloc[0]
    np.testing.assert_allclose(
        [row.bottom, row.top, np.log(row.ec50), row.hill], expected[:4], rtol=1e-3
    )
    assert row.ec50_low < row.ec50 < row.ec50_high
    assert row.hill_low < row.hill < row.hill_high


def test_negative_levels_are_fitted_as_differences():
    table = exact(days=3)
    table["value"] = logistic(table.dose, -1.0, 2.0, 20.0, 1.5) + table.experiment.map(
        {"day 0": -0.5, "day 1": 0.1, "day 2": 0.4}
    )
    row = fit_dose_response(table, StudySettings()).iloc[0]
    np.testing.assert_allclose(
        [row.bottom, row.top, row.ec50, row.hill], [-1.0, 2.0, 20.0, 1.5], rtol=1e-3
    )


def test_a_flat_curve_has_no_ec50():
    row = fit_dose_response(study(top=1.0, seed=1), StudySettings()).iloc[0]
    assert np.isnan(row.ec50)
    assert not row.converged
    assert "no better than a constant" in row.note
    assert row.trend_p_value > 0.05


def test_half_of_the_change_beyond_the_doses_is_no_ec50():
    row = fit_dose_response(exact(ec50=3000.0, days=3), StudySettings()).iloc[0]
    assert np.isnan(row.ec50)
    assert "lies outside the doses from 3 to 300" in row.note
    assert "do not differ at all" in row.note  # three equal days: no trend can be tested


def test_an_extrapolated_top_is_told():
    row = fit_dose_response(exact(ec50=150.0, hill=1.0, days=3), StudySettings()).iloc[0]
    assert "the top is extrapolated: the highest dose reaches 67%" in row.note


def test_a_step_between_two_doses_has_no_slope():
    row = fit_dose_response(exact(ec50=17.0, hill=40.0, days=3), StudySettings()).iloc[0]
    assert 10 <= row.ec50 <= 30
    assert np.isnan(row.hill)
    assert not row.converged
    assert "the slope is beyond what these doses tell" in row.note


@pytest.mark.parametrize("days", [1, 2])
def test_few_experiments_give_a_curve_without_interval(days):
    row = fit_dose_response(study(days=days, seed=4), StudySettings()).iloc[0]
    assert np.isfinite(row.ec50)
    assert np.isnan([row.ec50_low, row.ec50_high, row.hill_low, row.trend_p_value]).all()
    assert f"too few experiments ({days})" in row.note


def test_the_vehicle_stands_for_dose_zero():
    arms = {("drug", d): logistic(d, 1, 4, 20, 1.0) for d in DOSES[1:]} | {("vehicle", NO_DOSE): 1}
    found = fit_dose_response(drawn(arms), StudySettings(control="vehicle"))
    assert len(found) == 1
    assert found.n_doses[0] == 6
    assert "vehicle stands for dose 0" in found.note[0]
    assert fit_dose_response(drawn(arms), StudySettings()).n_doses[0] == 5


def test_dishes_beyond_the_range_withhold_the_curve():
    table = study()
    table.loc[(table.dose == 300) & (table.experiment == "day 0"), "censored"] = "above"
    row = fit_dose_response(table, StudySettings()).iloc[0]
    assert np.isnan([row.ec50, row.bottom, row.trend_p_value]).all()
    assert "zinc, 300 µM: 2 of 8 dishes lie above the calibrated range" in row.note


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(value=2.0), "all levels are the same: no curve"),
        (lambda t: t.assign(value=t["value"].where(t.dose < 20)), "fewer than 4 doses"),
        (lambda t: t[(t.dose > 0) | (t.experiment == "day 0")], ""),
    ],
)
def test_poor_studies_are_told(change, message):
    row = fit_dose_response(change(study()), StudySettings()).iloc[0]
    assert message in row.note


def test_conditions_with_few_doses_have_no_row():
    assert len(fit_dose_response(study(doses=DOSES[:3]), StudySettings())) == 0
    assert tuple(fit_dose_response(study(doses=DOSES[:3]), StudySettings())) == COLUMNS


def test_negative_doses_are_left_out():
    table = study(doses=DOSES[:4])
    table.loc[table.dose == 3, "dose"] = -3
    assert len(fit_dose_response(table, StudySettings())) == 0


def test_shifts_of_days_are_orthogonal_to_what_is_fitted():
    rng = np.random.default_rng(0)
    dose = np.tile(DOSES, 3)
    day = np.repeat([0, 1, 2], 6)
    level = np.log(logistic(dose, 1, 5, 30, 1.2)) + rng.normal(0, 0.1, 18)
    found = fit_curve(Points(dose, level, day, "log ratio", blocked=True))
    shifted = level + np.array([-1.0, 0.3, 0.7])[day]
    other = fit_curve(Points(dose, shifted, day, "log ratio", blocked=True))
    assert other.values == pytest.approx(found.values, rel=1e-4)
    left = residuals(Points(dose, level, day, "log ratio", blocked=True), found.values)
    assert [left[day == d].mean() for d in range(3)] == pytest.approx([left.mean()] * 3)


def trend_of(table):
    return trend_test(
        {
            dose: {row.experiment: row.level for row in own.itertuples()}
            for dose, own in table.groupby("dose")
        }
    )


def test_the_trend_is_a_t_test_of_slopes():
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        [
            (f"d{i}", dose, rank * 0.2 + i + rng.normal(0, 0.1))
            for i in range(4)
            for rank, dose in enumerate((0.0, 1.0, 10.0, 50.0))
        ],
        columns=["experiment", "dose", "level"],
    )
    slopes = [stats.linregress(range(4), own.level).slope for _, own in table.groupby("experiment")]
    expected = stats.ttest_1samp(slopes, 0)
    found = trend_of(table)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.statistic == pytest.approx(expected.statistic)


def test_one_dose_per_experiment_is_one_line():
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        [
            (f"d{dose}{i}", dose, dose / 10 + rng.normal(0, 0.3))
            for dose in (0.0, 5.0, 20.0)
            for i in range(3)
        ],
        columns=["experiment", "dose", "level"],
    )
    expected = stats.linregress(np.repeat([0, 1, 2], 3), table.level)
    found = trend_of(table)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert "every experiment has one dose" in found.note
    few = trend_of(table[~table.experiment.isin(["d0.00"])])
    assert np.isnan(few.p_value)
    assert "trend: too few experiments (2)" in few.note
    assert np.isnan(trend_of(table.assign(level=1.0)).p_value)


def test_short_experiments_are_left_out_of_the_trend():
    table = pd.DataFrame(
        [(f"d{i}", dose, dose * (1 + i / 10)) for i in range(4) for dose in (0.0, 1.0, 2.0)],
        columns=["experiment", "dose", "level"],
    )
    found = trend_of(table[(table.experiment != "d3") | (table.dose > 1)])
    assert "1 experiments with fewer than 3 doses are left out" in found.note
    assert len(found.experiments) == 3


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", 0.0), ("a", 1.0)], "at least 3 doses are needed"),
        ([("a", 0.0), ("a", 1.0), ("b", 1.0), ("b", 2.0)], "no experiment has 3 doses"),
    ],
)
def test_no_trend_is_told(rows, message):
    table = pd.DataFrame([(*row, i) for i, row in enumerate(rows)])
    table.columns = ["experiment", "dose", "level"]
    found = trend_of(table)
    assert np.isnan(found.p_value)
    assert message in found.note
