"""Dose response of 38,833 real cells: ERK and Akt reporters against histamine, in four treatments.

The table holds, for every cell, how far two kinase translocation reporters moved (log ratios, so
that some are negative), the dose in µM, and the plate it was on. The cells at dose 0 stand in it
once for each treatment; they come from plates of their own.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from zincflux.statistics import StudySettings, analyse, dish_levels

pytestmark = pytest.mark.realdata

TREATMENTS = ("DMSO", "PTx", "YM", "ymptx")


@pytest.fixture(scope="module")
def table(realdata: Path) -> pd.DataFrame:
    rows = pd.read_csv(realdata / "ktr-dose-response" / "His_nac.csv")
    assert len(rows) == 38833
    return rows


def cells_of(table: pd.DataFrame, reporter: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "condition": table["Condition"],
            "dose": table["Concen"],
            "dose_unit": "µM",
            "experiment": table["Experiment"],
            "replicate": table["Experiment"],
            "value": table[reporter],
        }
    )


def logistic(dose, bottom, top, ln_ec50, hill):
    with np.errstate(divide="ignore"):
        return bottom + (top - bottom) / (1 + np.exp(-hill * (np.log(dose) - ln_ec50)))


def test_curves_are_those_of_an_independent_fit(table: pd.DataFrame) -> None:
    cells = cells_of(table, "ERKnac")
    found = analyse(cells, StudySettings()).dose_response.set_index("condition")
    medians = table.groupby(["Condition", "Concen", "Experiment"])["ERKnac"].median().reset_index()
    for name in ("DMSO", "PTx"):
        own = medians[medians.Condition == name]
        expected, _ = optimize.curve_fit(
            logistic, own.Concen, own.ERKnac, [0.0, 2.0, np.log(0.5), 1.0], maxfev=20000
        )
        row = found.loc[name]
        np.testing.assert_allclose(
            [row.bottom, row.top, np.log(row.ec50), row.hill], expected, rtol=0.01, atol=0.01
        )
        # Histamine acts on HeLa-like cells in the micromolar range and below.
        assert 0.1 < row.ec50_low < row.ec50 < row.ec50_high < 10
        assert (row.n_doses, row.n_experiments) == (7, 6)
    # Pertussis toxin leaves the response larger, YM-254890 and both together smaller.
    assert found.top["PTx"] > found.top["DMSO"]


def test_experiments_are_counted_not_cells(table: pd.DataFrame) -> None:
    for reporter in ("ERKnac", "Aktnac"):
        found = analyse(cells_of(table, reporter), StudySettings())
        assert found.dishes.n_cells.sum() == 38833
        assert (found.conditions.n_experiments == 3).all()
        compared = found.conditions[found.conditions.control != ""]
        assert len(compared) == 24
        assert set(compared.pairing) == {"unpaired"}
        # Medians of rest lie below 0: no ratios.
        assert compared.fold_change.isna().all()
        assert (compared.difference > 0).sum() >= 23
        headline = found.tests[found.tests.is_headline]
        assert headline.df.max() <= 4  # 3 plates against 3
        assert headline.p_value.min() > 1e-7  # thousands of cells would say 1e-300


def test_trend_over_doses(table: pd.DataFrame) -> None:
    found = analyse(cells_of(table, "ERKnac"), StudySettings()).dose_response
    assert set(found.condition) == set(TREATMENTS)
    trend = found.set_index("condition").trend_statistic
    for condition in TREATMENTS:
        own = table[(table["Condition"] == condition) & (table["Concen"] > 0)]
        levels = own.groupby(["Concen", "Experiment"])["ERKnac"].median().unstack()
        slopes = [np.polyfit(np.arange(1, 7), levels[name], 1)[0] for name in levels]
        expected = stats.ttest_1samp(slopes, 0.0)
        assert trend[condition] == pytest.approx(expected.statistic)
    assert (trend[["DMSO", "PTx", "YM"]] > 3).all()
    assert abs(trend["ymptx"]) < 1  # both inhibitors together leave no response


def test_levels_are_plain_medians(table: pd.DataFrame) -> None:
    found = dish_levels(cells_of(table, "Aktnac"))
    expected = table.groupby(["Condition", "Concen", "Experiment"])["Aktnac"].median()
    np.testing.assert_allclose(
        found.sort_values(["condition", "dose", "experiment"])["level"], expected.to_numpy()
    )
