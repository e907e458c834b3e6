import numpy as np
import pandas as pd
import pytest
from scipy import stats
from study_values import NO_DOSE, drawn, values

from zincflux.statistics import (
    StudySettings,
    analyse,
    compare,
    dish_levels,
    fit_dose_response,
    is_rate,
    pool_courses,
    subtract_control_rates,
    summarise_conditions,
)


def test_the_slope_of_the_same_experiment_is_subtracted():
    cells = values(
        [
            ("leak", "Mon", "1", [1.0, 3.0]),
            ("leak", "Mon", "2", [4.0, 4.0, 4.0, 4.0]),
            ("leak", "Tue", "1", [-1.0]),
            ("drug", "Mon", "1", [10.0, 12.0]),
            ("drug", "Tue", "1", [10.0]),
            ("drug", "Wed", "1", [10.0]),
        ]
    )
    found = subtract_control_rates(cells, "leak")
    drug = found[found.condition == "drug"]
    np.testing.assert_allclose(drug["value"], [7.0, 9.0, 11.0, np.nan])  # dishes: (2 + 4)/2
    assert dish_levels(found).query("condition == 'drug' and experiment == 'Wed'").n_missing.all()
    assert found.drop(columns="value").equals(cells.drop(columns="value"))


def test_only_the_control_dose_and_group_count_where_they_exist():
    cells = values(
        [("leak", "Mon", "1", [1.0, 2.0, 6.0, 20.0]), ("drug", "Mon", "1", [10.0, 10.0])]
    )
    cells["dose"] = [0, 0, 0, 5, 5, 5]
    cells["group"] = ["positive", "negative", "", "positive", "positive", "other"]
    found = subtract_control_rates(cells, "leak")
    np.testing.assert_allclose(found["value"][4:], [9.0, 10.0 - 3.0])


def test_cells_beyond_the_range_stay_so():
    cells = values([("leak", "Mon", "1", [1.0]), ("drug", "Mon", "1", [5.0, 9.0])])
    cells.loc[2, "censored"] = "above"
    assert dish_levels(subtract_control_rates(cells, "leak")).n_above.sum() == 1


def test_a_control_that_does_not_exist_leaves_nothing():
    found = subtract_control_rates(values([("drug", "Mon", "1", [5.0])]), "leak")
    assert found["value"].isna().all()


def test_a_common_leak_cancels():
    arms = {("leak", NO_DOSE): 1.0, ("control", NO_DOSE): 3.0, ("drug", NO_DOSE): 5.0}
    cells = drawn(arms, days=5, day_sd=0.0, dish_sd=0.02, cell_sd=0.05)
    leak = cells.experiment.map({f"day {i}": i * 2.0 for i in range(5)})
    corrected = subtract_control_rates(cells.assign(value=cells["value"] + leak), "leak")
    found = summarise_conditions(corrected, StudySettings(control="control"))
    drug = found[found.condition == "drug"].iloc[0]
    assert drug.difference_low < 2.0 < drug.difference_high
    assert drug.difference == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("rate_nM_per_s", True), ("rate_r2", False), ("peak_zinc_nM", False)],
)
def test_only_slopes_are_rates(metric, expected):
    assert is_rate(metric) is expected


def courses(levels, times=(0.0, 1.0)):
    rows = [
        ("a", NO_DOSE, "", "", experiment, replicate, time, value + 10 * time, 7)
        for (experiment, replicate), value in levels.items()
        for time in times
    ]
    columns = ["condition", "dose", "dose_unit", "group", "experiment", "replicate", "time_s"]
    return pd.DataFrame(rows, columns=[*columns, "value", "n_cells"])


LEVELS = {("Mon", "1"): 1.0, ("Mon", "2"): 3.0, ("Tue", "1"): 5.0, ("Wed", "1"): 6.0}


def test_courses_are_pooled_over_experiments():
    found = pool_courses(courses(LEVELS))
    assert list(found.time_s) == [0.0, 1.0]
    first = found.iloc[0]
    means = np.array([2.0, 5.0, 6.0])
    expected = stats.ttest_1samp(means, 0).confidence_interval()
    assert (first.n_cells, first.n_dishes, first.n_experiments) == (28, 4, 3)
    assert first["median"] == 4.0
    np.testing.assert_allclose(
        [first.mean_of_dishes, first.sem_of_dishes, first.low, first.high],
        [means.mean(), stats.sem(means), expected.low, expected.high],
    )
    np.testing.assert_allclose(found.mean_of_dishes.diff()[1], 10.0)


def test_two_experiments_have_no_interval():
    found = pool_courses(courses({k: v for k, v in LEVELS.items() if k[0] != "Wed"}))
    assert found.mean_of_dishes.notna().all()
    assert found.low.isna().all()


def test_a_dish_beyond_the_range_blanks_the_mean_and_is_ranked():
    table = courses(LEVELS)
    table.loc[(table.experiment == "Wed") & (table.time_s == 1.0), "value"] = np.inf
    table.loc[(table.experiment == "Tue") & (table.time_s == 0.0), "value"] = np.nan
    found = pool_courses(table)
    assert list(found.n_dishes) == [3, 4]
    assert found["median"].notna().all()
    assert list(found.mean_of_dishes.isna()) == [False, True]
    table["value"] = -np.inf
    assert pool_courses(table)["median"].isna().all()


def test_counts_of_cells_may_be_absent():
    assert pool_courses(courses(LEVELS).drop(columns="n_cells")).n_cells.eq(0).all()


def test_nothing_pools_to_nothing():
    assert len(pool_courses(courses(LEVELS).iloc[:0])) == 0


DOSES = {("salt", dose): 1 + dose / 20 for dose in (0.0, 10.0, 30.0, 60.0, 90.0)}


@pytest.mark.slow
def test_corrected_rates_are_compared_by_differences_also_where_all_are_positive():
    # All dishes happen to lie above 0: a ratio of rates near 0 says nothing.
    settings = StudySettings(subtract_control="leak")
    cells = drawn(DOSES, groups={"positive": 2.0, "negative": 1.0})
    assert (cells["value"] > 0).all()
    found = analyse(cells, settings, "rate_nM_per_s")
    arms = found.conditions[found.conditions.control != ""]
    assert arms.fold_change.isna().all()
    assert arms.difference.notna().all()
    assert arms.note.str.contains("corrected rates are compared by differences").all()
    scales = found.tests.loc[found.tests.test != "analysis of variance"].groupby("test").scale
    assert set(scales.unique().explode()) == {"difference"}
    assert {"mixed model", "paired t test within dishes", "Dunnett's test"} <= set(scales.groups)
    one = found.tests[found.tests.test == "mixed model"].iloc[-1]
    assert one.estimate == pytest.approx(9, rel=0.5)  # positive cells at 90
    # The dose response is fitted to the rates themselves, not to their logarithms.
    plain = analyse(cells, StudySettings(), "rate_nM_per_s")
    assert not np.allclose(found.dose_response.trend_statistic, plain.dose_response.trend_statistic)
    for single, table in (
        (summarise_conditions, found.conditions.drop(columns="responder_fraction")),
        (compare, found.tests),
        (fit_dose_response, found.dose_response),
    ):
        alone = single(cells, settings, "rate_nM_per_s")[list(table)]
        pd.testing.assert_frame_equal(alone, table)


def test_other_metrics_keep_their_ratios():
    found = analyse(drawn(DOSES), StudySettings(subtract_control="leak"), "peak_zinc_nM")
    assert found.conditions.fold_change.notna().sum() == 4
