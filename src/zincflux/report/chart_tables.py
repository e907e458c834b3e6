"""The numbers of the charts of a study as tables, for those who do not see the charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zincflux.plot.style import digits, zinc_unit
from zincflux.report.arms import Arm, records
from zincflux.report.page import clip
from zincflux.report.panels import Panel
from zincflux.report.summary import NOTHING
from zincflux.results.study import Study

MOST_TIMES = 16
"""Rows of the table of time courses."""

MOST_DISHES = 400
"""Rows of the table of dishes."""


_BEYOND = {
    "below": "below the range",
    "above": "above the range",
    "both": "below and above the range",
    "not positive": "numbers not positive",
}


def beyond_text(beyond: str) -> str:
    """Say why a dish has no level.

    Examples
    --------
    >>> beyond_text("above"), beyond_text("")
    ('above the range', 'no number')
    """
    return _BEYOND.get(beyond, "no number")


def number_text(value: float) -> str:
    """Write a number for people; a dash where there is none.

    Examples
    --------
    >>> number_text(-1.2345), number_text(5.48e13), number_text(float("nan"))
    ('−1.23', '5.5e13', '–')
    """
    if not np.isfinite(value):
        return NOTHING
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.2g}".replace("e+", "e").replace("-", "−")
    return digits(float(value)).replace("-", "−")


def percent_text(share: float) -> str:
    """Write a share; a dash where there is none."""
    if not np.isfinite(share):
        return NOTHING
    return "<1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def course_table(study: Study, arms: Sequence[Arm]) -> dict[str, Any]:
    """Write the first quantity of the time courses: times down, arms across."""
    is_zinc = study.courses["quantity"] == "zinc_nM"
    shown_first = study.courses[is_zinc] if is_zinc.any() else study.courses
    first = shown_first.iloc[0]
    same = (shown_first["quantity"] == first["quantity"]) & (
        shown_first["region"] == first["region"]
    )
    rows = shown_first[same]
    times = np.unique(rows["time_s"].to_numpy(dtype=np.float64))
    times = times[:: -(-len(times) // MOST_TIMES) or 1]
    shown = [arm for arm in arms if len(arm.rows(rows))]
    columns = []
    for arm in shown:
        own = arm.rows(rows).set_index("time_s").reindex(times)
        columns.append([number_text(value) for value in own["mean_of_dishes"]])
    return {
        "head": ["Time (s)", *(arm.name for arm in shown)],
        "rows": [list(row) for row in zip([number_text(t) for t in times], *columns, strict=True)],
    }


def dish_table(study: Study, arms: Sequence[Arm], panels: Sequence[Panel]) -> dict[str, Any]:
    """Write the level of every dish in the headline metric."""
    dishes = panels[0].rows(study.dishes)
    scale, unit = panels[0].scale(dishes["level"].to_numpy(dtype=np.float64))
    rows = [
        [
            arm.name,
            clip(row.experiment, 40),
            clip(row.replicate, 40),
            str(row.n_cells),
            number_text(row.level * scale) if np.isfinite(row.level) else beyond_text(row.beyond),
        ]
        for arm in arms
        for row in records(arm.rows(dishes))
    ]
    head = ["Condition", "Experiment", "Dish", "Cells", f"{panels[0].name} ({unit})"]
    table: dict[str, Any] = {"head": head, "rows": rows[:MOST_DISHES]}
    if len(rows) > MOST_DISHES:
        table["note"] = f"The first {MOST_DISHES} of {len(rows)} dishes."
    return table


def dose_table(study: Study, arms: Sequence[Arm], panels: Sequence[Panel]) -> dict[str, Any]:
    """Write mean and standard error of every dose in the headline metric."""
    conditions = panels[0].rows(study.conditions)
    scale, unit = panels[0].scale(conditions["mean_of_dishes"].to_numpy(dtype=np.float64))
    rows = [
        [
            arm.name,
            number_text(row.mean_of_dishes * scale),
            number_text(row.sem_of_dishes * scale),
            str(row.n_dishes),
        ]
        for arm in arms
        for row in records(arm.rows(conditions))
        if not np.isnan(arm.dose)
    ]
    return {"head": ["Condition", f"{panels[0].name} ({unit})", "SEM", "Dishes"], "rows": rows}


def heat_table(study: Study, arms: Sequence[Arm]) -> dict[str, Any]:
    """Write how many cells the map holds, and how high those of each arm rise."""
    table = study.heat_map[study.heat_map["quantity"] == study.heat_map["quantity"].iloc[0]]
    name = str(table["quantity"].iloc[0])
    scale, unit = (1.0, "")
    if name.endswith("_nM"):
        scale, unit = zinc_unit(table["value"].to_numpy(dtype=np.float64))
    rows = []
    for arm in arms:
        own = arm.rows(table)
        if not len(own):
            continue
        highest = own.groupby(["sample", "cell_id"])["value"].max().to_numpy(dtype=np.float64)
        known = highest[np.isfinite(highest)]
        quartiles = np.quantile(known, [0.5, 0.25, 0.75]) if known.size else np.full(3, np.nan)
        rows.append([arm.name, str(len(highest)), *(number_text(q * scale) for q in quartiles)])
    of_unit = f" ({unit})" if unit else ""
    head = ["Condition", "Cells", f"Highest value in range, median{of_unit}", "25 %", "75 %"]
    return {"head": head, "rows": rows}
