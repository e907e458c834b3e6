"""SuperPlots: dish levels over the cells that they stand for, as a chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from zincflux.report.arms import Arm, groups_of, records
from zincflux.report.chart_data import limits, rounded
from zincflux.report.chart_tables import beyond_text
from zincflux.report.page import clip
from zincflux.report.panels import Panel, cells_of
from zincflux.results.study import Study

MOST_POINTS = 4000
"""Cells that one SuperPlot holds; of more, cells evenly spread stand for all."""


def superplot_chart(study: Study, arms: Sequence[Arm], panels: Sequence[Panel]) -> dict[str, Any]:
    """Describe dish means over their cells, coloured by experiment."""
    days = sorted(set(study.dishes["experiment"]))
    measures = [_superplot(study, arms, panel, days) for panel in panels]
    legend: list[dict[str, Any]] = [
        {
            "key": f"day{i}",
            "name": clip(day, 40) or "experiment not named",
            "c": i % 7,
            "m": i % 6,
        }
        for i, day in enumerate(days)
    ]
    legend.append({"key": "mean", "name": "mean ± SEM of dishes", "c": 6, "d": 0})
    return {
        "title": "Dishes and their cells by condition",
        "x": {
            "label": "",
            "ends": [-0.5, len(arms) - 0.5],
            "ticks": [[arm.place, arm.short] for arm in arms],
            "groups": groups_of(arms),
        },
        "legend": legend,
        "tall": 0.52,
        "measures": measures,
    }


def _superplot(
    study: Study, arms: Sequence[Arm], panel: Panel, days: Sequence[str]
) -> dict[str, Any]:
    cells, dishes = cells_of(study, panel), panel.rows(study.dishes)
    scale, unit = panel.scale(dishes["level"].to_numpy(dtype=np.float64))
    known = cells[np.isfinite(cells["value"])]
    stride = -(-len(known) // MOST_POINTS) or 1
    known = known.iloc[::stride]
    points: list[dict[str, Any]] = []
    for number, day in enumerate(days):
        points.append(_cloud(known[known["experiment"] == day], arms, number, scale))
    for number, day in enumerate(days):
        points.append(_dishes(dishes[dishes["experiment"] == day], arms, number, days, scale))
    points.append(_means(panel.rows(study.conditions), arms, scale))
    values = known["value"].to_numpy(dtype=np.float64) * scale
    low, high = np.quantile(values, [0.004, 0.99]) if values.size else (0.0, 1.0)
    levels = dishes["level"].to_numpy(dtype=np.float64) * scale
    lo, hi = limits([[low, high], levels])
    return {
        "name": panel.name,
        "y": f"{panel.name} ({unit})" if unit else panel.name,
        "unit": unit,
        "log": bool(lo > 0 and hi / lo > 60),
        "both": bool(lo > 0),
        "lo": rounded([lo])[0],
        "hi": rounded([hi])[0],
        "points": points,
        "note": _said(stride, dishes),
        "alt": f"{panel.name}: small points are cells, large ones dishes, by experiment",
    }


def _said(stride: int, dishes: pd.DataFrame) -> str:
    said = [f"One cell in {stride} is drawn."] if stride > 1 else []
    blank = dishes.loc[~np.isfinite(dishes["level"].to_numpy(dtype=np.float64)), "beyond"]
    reasons = Counter(map(beyond_text, blank))
    if reasons:
        told = ", ".join(f"{n} {reason}" for reason, n in sorted(reasons.items()))
        n = len(blank)
        said.append(f"{n} dish{'es' if n > 1 else ''} cannot be drawn: {told}.")
    return " ".join(said)


def _cloud(cells: pd.DataFrame, arms: Sequence[Arm], number: int, scale: float) -> dict[str, Any]:
    x, y = [], []
    for arm in arms:
        values = arm.rows(cells)["value"].to_numpy(dtype=np.float64) * scale
        # Even steps in the order of the table scatter without chance: the page stays the same.
        step = np.modf((np.arange(len(values)) + 7 * number) * 0.6180339887)[0]
        x.append(arm.place + 0.62 * (step - 0.5))
        y.append(values)
    return {
        "key": f"day{number}",
        "c": number % 7,
        "small": True,
        "name": "cells",
        "x": np.round(np.concatenate(x), 3).tolist(),
        "y": rounded(np.concatenate(y)),
    }


def _dishes(
    dishes: pd.DataFrame, arms: Sequence[Arm], number: int, days: Sequence[str], scale: float
) -> dict[str, Any]:
    x, y, labels = [], [], []
    for arm in arms:
        rows = arm.rows(dishes)
        for i, row in enumerate(records(rows)):
            place = (number + (i + 1) / (len(rows) + 1)) / len(days) - 0.5
            x.append(round(arm.place + 0.5 * place, 3))
            y.append(float(row.level) * scale)
            dish = clip(row.replicate, 40)
            labels.append(f"{arm.name} · {clip(days[number], 40)} · {dish} · {row.n_cells} cells")
    return {
        "key": f"day{number}",
        "c": number % 7,
        "m": number % 6,
        "name": "dish",
        "x": x,
        "y": rounded(y),
        "labels": labels,
    }


def _means(conditions: pd.DataFrame, arms: Sequence[Arm], scale: float) -> dict[str, Any]:
    x, labels = [], []
    numbers: list[tuple[float, float]] = []
    for arm in arms:
        for row in records(arm.rows(conditions)):
            x.append(arm.place)
            numbers.append((float(row.mean_of_dishes) * scale, float(row.sem_of_dishes) * scale))
            labels.append(f"{arm.name} · {row.n_dishes} dishes, {row.n_experiments} experiments")
    mean, sem = np.array(numbers).reshape(-1, 2).T
    return {
        "key": "mean",
        "c": 6,
        "bar": 0.3,
        "name": "mean ± SEM",
        "x": x,
        "y": rounded(mean),
        "low": rounded(mean - sem),
        "high": rounded(mean + sem),
        "labels": labels,
    }
