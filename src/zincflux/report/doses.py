"""Dose responses as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from zincflux.report.arms import Arm, records
from zincflux.report.chart_data import limits, rounded
from zincflux.report.page import clip
from zincflux.report.panels import Panel
from zincflux.results.study import Study


def dose_chart(study: Study, arms: Sequence[Arm], panels: Sequence[Panel]) -> dict[str, Any]:
    """Describe the dose responses: dishes, means with their errors, and the fitted curves."""
    dosed = [arm for arm in arms if not np.isnan(arm.dose)]
    ticks = _Doses(sorted({arm.dose for arm in dosed}))
    fitted = [panel for panel in panels if len(panel.rows(study.dose_response))]
    firsts = {(arm.condition, arm.group): arm for arm in reversed(dosed)}
    unit = next((arm.dose_unit for arm in dosed if arm.dose_unit), "")
    legend = [
        {
            "key": arm.key,
            "name": clip(arm.condition, 60) + (f", reporter {arm.group}" if arm.group else ""),
            "c": arm.colour,
            "d": arm.dash,
            "m": arm.marker,
        }
        for arm in reversed(firsts.values())
    ]
    return {
        "title": "Dose response",
        "x": {
            "label": f"Dose ({clip(unit, 20)})" if unit else "Dose",
            "ends": ticks.ends,
            "ticks": ticks.named,
        },
        "legend": legend,
        "measures": [_dose(study, dosed, panel, ticks, firsts) for panel in fitted],
    }


class _Doses:
    """Places of doses on a logarithmic axis, with room for 0 at its left end."""

    def __init__(self, doses: Sequence[float]) -> None:
        positive = [dose for dose in doses if dose > 0]
        logs = np.log10(positive) if positive else np.zeros(1)
        step = float(np.median(np.diff(logs))) if len(logs) > 1 else 0.5
        self.zero = round(float(logs[0] - max(step, 0.2)), 4)
        self.low, self.high = float(logs[0] - 0.4 * step), float(logs[-1] + 0.3 * step)
        left = self.zero if 0 in doses else self.low
        self.ends = [round(left - 0.3 * step, 4), round(self.high, 4)]
        self.named = [[self.at(dose), f"{dose:g}"] for dose in doses]

    def at(self, dose: float) -> float:
        """Give the place of a dose."""
        return self.zero if dose <= 0 else round(float(np.log10(dose)), 4)


def _dose(
    study: Study,
    arms: Sequence[Arm],
    panel: Panel,
    doses: _Doses,
    firsts: dict[tuple[str, str], Arm],
) -> dict[str, Any]:
    conditions, dishes = panel.rows(study.conditions), panel.rows(study.dishes)
    scale, unit = panel.scale(conditions["mean_of_dishes"].to_numpy(dtype=np.float64))
    points, drawn = [], []
    for (condition, group), first in firsts.items():
        own = [arm for arm in arms if (arm.condition, arm.group) == (condition, group)]
        for one in (_dose_dishes(dishes, own, doses), _dose_means(conditions, own, doses)):
            for key in ("y", "low", "high"):
                if key in one:
                    one[key] = rounded(np.array(one[key]) * scale)
                    drawn.append([value for value in one[key] if value is not None])
            points.append({"key": first.key, "c": first.colour, "m": first.marker} | one)
    lo, hi = limits(drawn)
    return {
        "name": panel.name,
        "y": f"{panel.name} ({unit})" if unit else panel.name,
        "unit": unit,
        "log": False,
        "both": bool(lo > 0),
        "lo": rounded([lo])[0],
        "hi": rounded([hi])[0],
        "series": _curves(panel.rows(study.dose_response), firsts, doses, scale),
        "points": points,
        "alt": f"{panel.name} against dose",
    }


def _dose_dishes(dishes: pd.DataFrame, arms: Sequence[Arm], doses: _Doses) -> dict[str, Any]:
    rows = [(arm, row) for arm in arms for row in records(arm.rows(dishes))]
    return {
        "small": True,
        "name": "dish",
        "x": [doses.at(arm.dose) for arm, _ in rows],
        "y": [float(row.level) for _, row in rows],
    }


def _dose_means(conditions: pd.DataFrame, arms: Sequence[Arm], doses: _Doses) -> dict[str, Any]:
    rows = [(arm, row) for arm in arms for row in records(arm.rows(conditions))]
    mean = np.array([float(row.mean_of_dishes) for _, row in rows])
    sem = np.array([float(row.sem_of_dishes) for _, row in rows])
    return {
        "name": "mean ± SEM of dishes",
        "x": [doses.at(arm.dose) for arm, _ in rows],
        "y": mean,
        "low": mean - sem,
        "high": mean + sem,
        "labels": [arm.name for arm, _ in rows],
    }


def _curves(
    fits: pd.DataFrame, firsts: dict[tuple[str, str], Arm], doses: _Doses, scale: float
) -> list[dict[str, Any]]:
    places = np.linspace(doses.low, doses.high, 60)
    series = []
    for fit in records(fits):
        arm = firsts.get((fit.condition, fit.group))
        if arm is None or not fit.converged or not np.isfinite(fit.ec50):
            continue
        level = fit.bottom + (fit.top - fit.bottom) / (1 + (fit.ec50 / 10**places) ** fit.hill)
        series.append(
            {
                "key": arm.key,
                "name": arm.name,
                "c": arm.colour,
                "d": arm.dash,
                "x": np.round(places, 4).tolist(),
                "y": rounded(level * scale),
            }
        )
    return series
