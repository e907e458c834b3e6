import numpy as np
import pandas as pd
import pytest
from scipy import stats
from study_values import COLUMNS, NO_DOSE, drawn, values

from zincflux.statistics import (
    Arm,
    StudySettings,
    analyse,
    compare,
    control_of,
    dish_levels,
    families,
    fold_table,
    missing_control,
    summarise_conditions,
)
from zincflux.statistics.conditions import COLUMNS as CONDITIONS
from zincflux.statistics.rows import COLUMNS as TESTS

SALTS = {(salt, dose): 1 + dose / 60 for salt in ("A", "B") for dose in (0.0, 30.0, 60.0)}
PLAIN = {("control", NO_DOSE): 1.0, ("drug", NO_DOSE): 1.8, ("other", NO_DOSE): 1.2}
VEHICLE = StudySettings(control="control")


def row(table, **keys):
    for name, value in keys.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_the_fold_change_is_scipys_paired_t_on_experiments():
    cells = drawn(PLAIN)
    found = row(summarise_conditions(cells, VEHICLE), condition="drug")
    medians = cells.groupby(["condition", "experiment", "replicate"])["value"].median()
    by_day = np.log(medians).groupby(level=[0, 1]).mean().unstack(0)
    expected = stats.ttest_rel(by_day["drug"], by_day["control"])
    interval = expected.confidence_interval()
    np.testing.assert_allclose(
        [found.fold_change, found.fold_low, found.fold_high, found.p_value],
        [
            np.exp((by_day["drug"] - by_day["control"]).mean()),
            *np.exp([interval.low, interval.high]),
            expected.pvalue,
        ],
    )
    assert (found.n_cells, found.n_dishes, found.n_experiments) == (160, 8, 4)
    assert (found.control, found.pairing, found.effect_measure) == ("control", "paired", "d_z")
    assert found["median"] == pytest.approx(cells[cells.condition == "drug"]["value"].median())
    assert found.mean_of_dishes == pytest.approx(medians["drug"].mean())
    assert found.sem_of_dishes == pytest.approx(medians["drug"].sem())
    assert np.isnan(found.difference)


def test_tests_and_conditions_say_the_same():
    cells = drawn(SALTS)
    both = analyse(cells, StudySettings(control="A"))
    headline = both.tests[both.tests.is_headline]
    compared = both.conditions[both.conditions.control != ""]
    np.testing.assert_allclose(headline.p_value, compared.p_value)
    np.testing.assert_allclose(headline.p_adjusted, compared.p_adjusted)
    np.testing.assert_allclose(np.exp(headline.estimate), compared.fold_change)
    assert list(headline.compared) == ["A, 30 µM", "A, 60 µM", "B, 0 µM", "B, 30 µM", "B, 60 µM"]
    assert list(headline.control) == ["A, 0 µM", "A, 0 µM", "A, 0 µM", "B, 0 µM", "B, 0 µM"]
    assert (headline.adjustment == "Holm").all()


def test_analyse_gives_what_the_single_calls_give():
    cells, settings = drawn(SALTS, groups={"positive": 2.0, "negative": 1.0}), VEHICLE
    found = analyse(cells.assign(responder=cells["value"] > 1), settings)
    pd.testing.assert_frame_equal(found.dishes, dish_levels(cells))
    pd.testing.assert_frame_equal(found.tests, compare(cells, settings))
    alone = summarise_conditions(cells.assign(responder=cells["value"] > 1), settings)
    pd.testing.assert_frame_equal(found.conditions, alone)
    assert found.conditions.responder_fraction.between(0.1, 1).all()
    assert tuple(found.conditions) == CONDITIONS
    assert tuple(found.tests) == TESTS


def test_conditions_at_one_dose_are_compared_beside_the_headline():
    found = compare(drawn(SALTS), StudySettings(control="A"))
    same = found[~found.is_headline & (found.test == "paired t test")]
    assert list(same.compared) == ["B, 30 µM", "B, 60 µM"]
    assert list(same.control) == ["A, 30 µM", "A, 60 µM"]


def test_several_arms_get_analysis_of_variance_and_dunnett():
    found = compare(drawn(PLAIN), VEHICLE)
    anova = row(found, test="analysis of variance")
    assert (anova.n_experiments, anova.df) == (4, 6)
    assert anova.note == "F(2, 6); levels of experiments taken out"
    assert anova.effect_measure == "partial omega squared"
    dunnett = found[found.test == "Dunnett's test"]
    assert list(dunnett.compared) == ["drug", "other"]
    assert (dunnett.p_adjusted >= dunnett.p_value).all()
    assert (found.test == "mixed model").sum() == 2


def test_tukey_compares_all_pairs():
    settings = StudySettings(control="control", comparison="tukey")
    found = compare(drawn(PLAIN), settings)
    tukey = found[found.test == "Tukey's test"]
    assert len(tukey) == 3
    assert set(tukey.adjustment) == {"Tukey"}


def test_without_a_control_there_is_no_fold_change_but_a_word():
    found = analyse(drawn(PLAIN), StudySettings())
    assert found.conditions.fold_change.isna().all()
    assert set(found.conditions.note) == {"no control is named: set study.control"}
    assert not found.tests.is_headline.any()
    assert "Dunnett's test needs" in row(found.tests, test="analysis of variance").note


def test_groups_are_compared_within_dishes():
    cells = drawn(PLAIN, groups={"positive": 1.5, "negative": 1.0}, dish_sd=0.6, seed=3)
    found = compare(cells, VEHICLE)
    own = found[found.test == "paired t test within dishes"]
    assert list(own.compared) == [f"{c}, positive" for c in ("control", "drug", "other")]
    medians = np.log(
        cells.groupby(["condition", "experiment", "replicate", "group"])["value"].median()
    ).unstack()
    change = (medians.positive - medians.negative).groupby(level=[0, 1]).mean()["drug"]
    expected = stats.ttest_1samp(change, 0)
    drug = row(own, compared="drug, positive")
    assert drug.p_value == pytest.approx(expected.pvalue)
    assert drug.estimate == pytest.approx(change.mean())
    assert (drug.n_dishes, drug.n_experiments, drug.n_cells) == (8, 4, 320)
    assert not own.is_headline.any()


def test_groups_that_share_no_dish_are_told():
    cells = drawn({("a", NO_DOSE): 1.0}, groups={"positive": 1.0})
    other = drawn({("a", NO_DOSE): 1.0}, groups={"negative": 1.0})
    cells = pd.concat([cells, other.assign(replicate="other")])
    assert len(compare(cells, VEHICLE)) == 0  # no dish has both, so no arm has a row


def test_a_metric_with_levels_of_zero_or_less_is_compared_by_differences():
    cells = drawn(PLAIN)
    cells["value"] -= 1.0
    found = analyse(cells, VEHICLE)
    drug = row(found.conditions, condition="drug")
    assert np.isnan(drug.fold_change)
    assert drug.difference_low < drug.difference < drug.difference_high
    assert drug.bootstrap_low < drug.difference < drug.bootstrap_high
    assert "differences stand for ratios" in drug.note
    assert set(found.tests[found.tests.is_headline].scale) == {"difference"}


def test_dishes_beyond_the_range_withhold_the_comparison():
    cells = drawn(PLAIN)
    beyond = (cells.condition == "drug") & (cells.experiment == "day 1")
    cells.loc[beyond, "censored"] = "above"
    found = analyse(cells, VEHICLE)
    drug = row(found.conditions, condition="drug")
    assert np.isnan([drug.fold_change, drug.p_value, drug.mean_of_dishes]).all()
    assert drug.share_above == 0.25
    assert "drug: 2 of 8 dishes lie above the calibrated range" in drug.note
    other = row(found.conditions, condition="other")
    assert np.isfinite(other.p_value)
    assert "fewer than three arms are left" in row(found.tests, test="analysis of variance").note


def test_dishes_beyond_both_ends_are_told():
    cells = drawn({("control", NO_DOSE): 1.0, ("drug", NO_DOSE): 2.0})
    drug = cells.condition == "drug"
    cells.loc[drug & (cells.experiment == "day 1"), "censored"] = "above"
    cells.loc[drug & (cells.experiment == "day 2"), "censored"] = "below"
    note = row(summarise_conditions(cells, VEHICLE), condition="drug").note
    assert "4 of 8 dishes lie beyond the calibrated range" in note


def test_an_arm_entirely_beyond_the_range():
    cells = drawn({("control", NO_DOSE): 1.0, ("drug", NO_DOSE): 2.0})
    cells.loc[cells.condition == "control", "censored"] = "below"
    found = analyse(cells, VEHICLE)
    control = row(found.conditions, condition="control")
    assert control.share_below == 1.0
    assert "the median of all cells lies beyond the calibrated range" in control.note
    assert found.tests.p_value.isna().all()


@pytest.mark.parametrize("days", [1, 2])
def test_few_experiments_give_no_p_value(days):
    found = analyse(drawn(PLAIN, days=days), VEHICLE)
    drug = row(found.conditions, condition="drug")
    assert np.isfinite(drug.fold_change)
    assert np.isnan([drug.fold_low, drug.p_value, drug.bootstrap_low]).all()
    assert f"too few experiments ({days})" in drug.note
    assert found.tests.p_value.isna().all()
    assert found.tests.low.isna().all()


def test_unnamed_experiments_count_as_one():
    found = summarise_conditions(drawn(PLAIN).assign(experiment=""), VEHICLE)
    drug = row(found, condition="drug")
    assert drug.n_experiments == 1
    assert "the sheet names no experiments, so that all dishes count as one" in drug.note


def test_missing_arms_on_some_days():
    cells = drawn(PLAIN, days=5)
    cells = cells[~((cells.condition == "drug") & (cells.experiment == "day 2"))]
    found = analyse(cells, VEHICLE)
    drug = row(found.conditions, condition="drug")
    assert (drug.n_experiments, drug.pairing) == (4, "paired")
    assert "1 experiments have only one of the two arms" in drug.note
    assert np.isfinite(row(found.tests, test="analysis of variance").p_value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "cells",
    [
        pd.DataFrame(columns=COLUMNS),
        drawn({("a", NO_DOSE): 1.0}),
        drawn({("a", NO_DOSE): 1.0}, days=1, dishes=1, cells=1),
        drawn({("control", NO_DOSE): 1.0, ("b", 3.0): 1.0}).assign(value=np.nan),
        drawn({("control", NO_DOSE): 1.0, ("b", 3.0): 1.0}).assign(value=1.0),
        drawn({("control", NO_DOSE): 1.0, ("b", 3.0): 1.0}).assign(value=0.0),
        drawn(SALTS).assign(value=2.5),
        drawn(SALTS).assign(dose=np.nan),
        drawn(SALTS).assign(censored="below"),
        drawn(SALTS).assign(condition="", experiment="", replicate=""),
        drawn(PLAIN, groups={"": 1.0, "positive": 1.0, "negative": 1.0}, cells=2),
    ],
    ids=range(11),
)
@pytest.mark.parametrize("level", ["median", "geometric-mean"])
def test_odd_studies_give_tables_without_p_values_out_of_nothing(cells, level):
    for comparison in ("dunnett", "tukey"):
        settings = StudySettings(control="control", level=level, comparison=comparison)
        found = analyse(cells, settings)
        scatter = len(cells) and cells["value"].nunique() > 1 and (cells.censored == "").all()
        if not scatter:
            assert found.tests.p_value.isna().all()
            assert found.conditions.p_value.isna().all()
        assert (found.conditions.note != "").all() or np.isfinite(found.dishes.level).any()
        fold_table(found.conditions)


def test_the_control_of_every_arm():
    arms = [
        Arm("vehicle"),
        Arm("salt", 0.0, "µM"),
        Arm("salt", 30.0, "µM"),
        Arm("drug", 10.0, "nM"),
        Arm("wild type", 0.0, "µM"),
    ]
    settings = StudySettings(control="vehicle")
    names = {arm.label: control_of(arm, arms, settings) for arm in arms}
    assert names["vehicle"] is None
    assert names["salt, 30 µM"] == arms[1]
    assert names["salt, 0 µM"] == names["drug, 10 nM"] == arms[0]
    assert control_of(arms[2], arms[2:], StudySettings()) is None
    dosed = [*arms, Arm("vehicle", 0.0, "")]
    assert control_of(arms[3], dosed, settings) == dosed[-1]
    other_group = Arm("drug", group="positive")
    assert control_of(other_group, arms, settings) is None


def test_families_are_doses_of_a_condition_and_single_conditions():
    arms = [
        *(Arm("salt", dose, "µM") for dose in (0.0, 30.0, 60.0)),
        *(Arm("drug", dose, "nM") for dose in (1.0, 10.0)),
        *(Arm(name) for name in ("vehicle", "TPEN", "other")),
    ]
    found = families(arms, StudySettings(control="vehicle"))
    assert [len(one.arms) for one in found] == [3, 3, 3]
    assert [one.control.label for one in found] == ["vehicle", "salt, 0 µM", "vehicle"]


@pytest.mark.parametrize(
    ("conditions", "doses", "settings", "expected"),
    [
        (["a", "b"], [None, None], {"control": "a"}, ""),
        (["a", "b"], [0.0, 0.0], {}, ""),
        (["a"], [None], {}, ""),
        (
            ["a", "b"],
            [None, None],
            {"control": "c"},
            "study.control: expected one of the conditions 'a', 'b'; found 'c'.",
        ),
        (
            ["a", "b"],
            [0.0, None],
            {"subtract_control": "leak"},
            "study.subtract_control: expected one of the conditions 'a', 'b'; found 'leak'.",
        ),
        (
            ["a", "b"],
            [0.0, None],
            {},
            "No control is named, so that 'b' have no fold change. Set study.control to one of the "
            "conditions 'a', 'b'.",
        ),
    ],
)
def test_a_missing_control_is_said(conditions, doses, settings, expected):
    assert missing_control(conditions, doses, StudySettings(**settings)) == expected


def test_fold_changes_in_the_layout_of_papers():
    found = summarise_conditions(drawn(SALTS), StudySettings(control="A"))
    table = fold_table(found)
    assert list(table.dose) == [0.0, 30.0, 60.0]
    assert list(table) == ["dose", "dose_unit"] + [
        f"{salt} {what}" for salt in "AB" for what in ("fold", "low", "high", "n")
    ]
    assert table["A fold"][0] == table["B fold"][0] == 1.0
    assert np.isnan(table["B low"][0])
    expected = row(found, condition="B", dose=60.0)
    assert table["B fold"][2] == expected.fold_change
    assert table["B high"][2] == expected.fold_high
    assert table["B n"][2] == 4


def test_differences_stand_in_the_layout_too():
    cells = drawn(SALTS, groups={"positive": 1.0})
    table = fold_table(summarise_conditions(cells.assign(value=cells["value"] - 1), VEHICLE))
    assert table["A, positive difference"][0] == 0.0
    assert np.isfinite(table["B, positive difference"]).all()


def test_one_name_of_a_condition_does_not_reach_into_another():
    table = values([("a, 30 µM", "d", "1", [1.0]), ("a", "d", "1", [2.0])])
    assert len(dish_levels(table)) == 2


def test_a_naive_test_over_cells_is_never_there():
    # A hundred times more cells make the p value no smaller than the days allow.
    few, many = (drawn(PLAIN, cells=n, seed=8, dish_sd=0.3) for n in (20, 1000))
    p = [row(summarise_conditions(t, VEHICLE), condition="other").p_value for t in (few, many)]
    assert min(p) > 1e-4
    tests = compare(many, VEHICLE)
    assert tests.df.max() <= 6


def test_a_dose_of_zero_in_the_same_unit_is_the_nearer_control():
    other, own = Arm("salt", 0.0, "mM"), Arm("salt", 0.0, "µM")
    dose = Arm("salt", 30.0, "µM")
    for arms in ([other, own, dose], [own, other, dose]):
        assert control_of(dose, arms, StudySettings()) == own
    assert control_of(dose, [other, dose], StudySettings()) == other
    there = StudySettings(control_dose=5)
    assert control_of(dose, [Arm("salt", 5.0, "mM"), dose], there) is None
