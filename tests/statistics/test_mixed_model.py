import numpy as np
import pandas as pd
import pytest

from zincflux.statistics import mixed_model
from zincflux.statistics.mixed import MAX_CELLS_PER_DISH


def cells(seed=0, *, days=4, dishes=2, n=15, arms=("0", "1"), effect=0.5, cell_sd=0.5):
    rng = np.random.default_rng(seed)
    rows, dish = [], 0
    for day in range(days):
        shift = rng.normal(0, 0.4)
        for i, arm in enumerate(arms):
            own = shift + i * effect + rng.normal(0, 0.2)
            for _ in range(dishes):
                dish += 1
                level = own + rng.normal(0, 0.2) + rng.normal(0, cell_sd, n)
                rows += [(arm, f"day {day}", dish, value, False) for value in level]
    return pd.DataFrame(rows, columns=["arm", "experiment", "dish", "level", "censored"])


def test_agrees_with_the_formula_of_statsmodels():
    smf = pytest.importorskip("statsmodels.formula.api")
    table = cells(1, dishes=1)
    (found,) = mixed_model(table, "0")
    expected = smf.mixedlm(
        "level ~ C(arm)", table, groups="experiment", vc_formula={"dish": "0 + C(dish)"}
    ).fit(reml=True, method="powell")
    assert found.converged
    assert found.estimate == pytest.approx(expected.fe_params["C(arm)[T.1]"], rel=1e-4)
    error = expected.bse_fe["C(arm)[T.1]"]
    assert found.statistic == pytest.approx(found.estimate / error, rel=1e-3)
    assert (found.n_cells, found.n_experiments, found.df) == (len(table), 4, 3)
    reach = 3.182446 * error  # Student's 97.5 % with 3 degrees of freedom
    assert found.low == pytest.approx(found.estimate - reach, rel=1e-3)


def test_balanced_dishes_give_the_paired_t_statistic():
    # With one dish per arm and day, all of one size, the dish is the unit: the model's Wald
    # statistic is the paired t of the means of dishes.
    table = cells(2, dishes=1, days=5, cell_sd=0.1)
    (found,) = mixed_model(table, "0")
    means = table.groupby(["experiment", "arm"])["level"].mean().unstack()
    off = means["1"] - means["0"]
    assert found.estimate == pytest.approx(off.mean(), rel=1e-6)
    assert found.statistic == pytest.approx(off.mean() / off.sem(), rel=0.02)


def test_a_treatment_that_differs_between_days_widens_the_interval():
    table = cells(3, dishes=4)
    one_dish = table.assign(dish=table.arm + table.experiment)
    (several,), (single,) = mixed_model(table, "0"), mixed_model(one_dish, "0")
    assert several.estimate == pytest.approx(single.estimate, abs=0.02)
    assert several.high - several.low == pytest.approx(single.high - single.low, rel=0.35)


def test_large_dishes_are_thinned_and_said_to_be():
    table = cells(4, n=3 * MAX_CELLS_PER_DISH, dishes=1, days=3)
    (found,) = mixed_model(table, "0")
    assert found.n_cells == 6 * MAX_CELLS_PER_DISH
    assert f"{MAX_CELLS_PER_DISH} cells at most of each dish" in found.note
    means = table.groupby(["arm", "experiment"])["level"].mean().unstack()
    off = (means.loc["1"] - means.loc["0"]).mean()
    assert found.estimate == pytest.approx(off, abs=0.02)  # every k-th by rank stands for all


def test_a_part_that_is_zero_is_told():
    table = cells(5, days=3, dishes=1)
    table["level"] = np.tile([0.0, 1.0, 2.0], len(table) // 3) + (table.arm == "1")
    table.loc[0, "level"] = 0.1
    (found,) = mixed_model(table, "0")
    assert "a random part is estimated as 0" in found.note


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[t.experiment < "day 2"], r"too few experiments \(2\)"),
        (lambda t: t.assign(level=t["level"].where(t.arm == "0")), "an arm has no cell"),
        (lambda t: t.assign(dish=range(len(t))), "one cell per dish"),
        (lambda t: t.assign(censored=t.index % 10 == 0), "more than 5 % of the cells"),
        (lambda t: t.assign(level=0.0), "the cells of a dish do not differ"),
    ],
)
def test_what_stands_in_the_way_is_said(change, message):
    (found,) = mixed_model(change(cells(6)), "0")
    assert np.isnan(found.p_value)
    assert not found.converged
    assert pytest.importorskip("re").search(message, found.note)


def test_too_many_arms_are_not_fitted():
    arms = [f"{i:02d}" for i in range(31)]
    found = mixed_model(cells(7, arms=arms, n=2, dishes=1, days=3), "00")
    assert len(found) == 30
    assert {one.note for one in found} == {"more than 30 arms: not fitted"}
