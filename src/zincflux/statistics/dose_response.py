"""Dose response of every condition: a 4-parameter logistic with its EC50, and the trend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from zincflux.statistics.arms import Arm, control_of
from zincflux.statistics.control import is_corrected
from zincflux.statistics.dishes import levels_of_dishes
from zincflux.statistics.keys import MIN_EXPERIMENTS, notes, tidy
from zincflux.statistics.levels import Levels, levels_of_arms
from zincflux.statistics.logistic import (
    Curve,
    Points,
    fit_curve,
    hill_at_bound,
    jackknife,
    saturation,
)
from zincflux.statistics.ratios import too_few
from zincflux.statistics.settings import StudySettings
from zincflux.statistics.several import linked
from zincflux.statistics.trend import trend_test

MIN_DOSES = 4
"""As many as the curve has parameters."""

REACHED = 0.8
"""Share of the way to the top below which the top is said to be extrapolated."""

COLUMNS: tuple[str, ...] = (
    *("group", "condition", "dose_unit", "n_doses", "n_experiments", "n_dishes", "n_cells"),
    *("bottom", "top", "ec50", "ec50_low", "ec50_high", "hill", "hill_low", "hill_high"),
    *("trend_statistic", "trend_p_value", "converged", "note"),
)

_TEXTS = ("group", "condition", "dose_unit", "note")


def fit_dose_response(
    values: pd.DataFrame, settings: StudySettings, metric: str = ""
) -> pd.DataFrame:
    """Fit one metric against the dose, for each condition and reporter group with four doses.

    Parameters
    ----------
    values
        One row per cell, as `zincflux.statistics.keys.tidy` describes it.
    settings
        Names the control and the control dose.
    metric
        Name of the metric; rates without that of a control are compared by differences.

    Returns
    -------
    pandas.DataFrame
        One row per condition, unit of the dose and group with the columns `COLUMNS`. ``bottom`` is
        the level at dose 0, ``top`` that at endless dose, whichever is higher.
    """
    dishes = levels_of_dishes(tidy(values), settings.level)
    levels = levels_of_arms(dishes, corrected=is_corrected(metric, settings))
    return dose_response_of(levels, settings)


def dose_response_of(levels: Levels, settings: StudySettings) -> pd.DataFrame:
    """Do the same for levels of arms."""
    rows = [_row(doses, levels, settings) for doses in _series(levels, settings)]
    data: dict[str, pd.Series] = {}
    for name in COLUMNS:
        if name in _TEXTS:
            data[name] = pd.Series([row.get(name, "") for row in rows], dtype=object)
        elif name == "converged":
            data[name] = pd.Series([row.get(name, False) for row in rows], dtype=bool)
        else:
            dtype = np.int64 if name.startswith("n_") else np.float64
            data[name] = pd.Series([row.get(name, np.nan) for row in rows], dtype=dtype)
    return pd.DataFrame(data)


@dataclass(frozen=True)
class _Doses:
    """Arms of one condition by dose, and what to mind about them."""

    arms: Mapping[float, Arm]
    note: str

    @property
    def last(self) -> Arm:
        return self.arms[max(self.arms)]


def _series(levels: Levels, settings: StudySettings) -> list[_Doses]:
    """Collect the conditions with at least four doses."""
    found: dict[tuple[str, str, str], dict[float, Arm]] = {}
    for arm in levels.arms:
        if arm.dose is not None and arm.dose >= 0:
            found.setdefault((arm.group, arm.condition, arm.dose_unit), {})[arm.dose] = arm
    series = (_with_zero(arms, levels, settings) for arms in found.values())
    return [one for one in series if len(one.arms) >= MIN_DOSES]


def _with_zero(arms: dict[float, Arm], levels: Levels, settings: StudySettings) -> _Doses:
    """Let the control stand for dose 0 where the doses have none of their own."""
    doses = dict(sorted(arms.items()))
    if min(doses) > 0:
        control = control_of(doses[max(doses)], levels.arms, settings)
        if control is not None and not control.dose:
            return _Doses({0.0: control, **doses}, f"{control.label} stands for dose 0")
    return _Doses(doses, "")


def _row(doses: _Doses, levels: Levels, settings: StudySettings) -> dict[str, Any]:
    by_dose = {dose: levels.level[arm] for dose, arm in doses.arms.items() if levels.level[arm]}
    names = {name for own in by_dose.values() for name in own}
    n_cells, n_dishes, n_experiments = levels.counts(doses.arms.values(), names)
    last = doses.last
    row: dict[str, Any] = {
        "group": last.group,
        "condition": last.condition,
        "dose_unit": last.dose_unit,
        "n_doses": len(by_dose),
        "n_experiments": n_experiments,
        "n_dishes": n_dishes,
        "n_cells": n_cells,
    }
    remarks = [levels.remarks(doses.arms.values()), doses.note]
    if remarks[0]:
        return row | {"note": notes(remarks)}
    trend = trend_test(by_dose, settings.alpha)
    row |= {"trend_statistic": trend.statistic, "trend_p_value": trend.p_value}
    if len(by_dose) < MIN_DOSES:
        fit: dict[str, Any] = {"note": f"fewer than {MIN_DOSES} doses have a number"}
    else:
        fit = _fit(by_dose, levels, settings.alpha)
    return row | fit | {"note": notes([fit["note"], trend.note, *remarks, levels.unnamed])}


def _fit(
    by_dose: Mapping[float, Mapping[str, float]], levels: Levels, alpha: float
) -> dict[str, Any]:
    """Fit the curve, and withhold what it does not tell."""
    points = _points(by_dose, levels)
    n_experiments = int(np.median([len(own) for own in by_dose.values()]))
    if float(np.ptp(points.level)) == 0:
        return {"note": "all levels are the same: no curve"}
    found = fit_curve(points)
    if not found.success:
        return {"note": "the search for the curve did not end"}
    low, high = points.dose[points.dose > 0].min(), points.dose.max()
    row: dict[str, Any] = {"bottom": found.values["bottom"], "top": found.values["top"], "note": ""}
    if n_experiments >= MIN_EXPERIMENTS and _is_flat(points, found, alpha):
        return {"note": "the curve is no better than a constant: no EC50"}
    ec50 = float(np.exp(found.values["ln_ec50"]))
    if not low <= ec50 <= high:
        outside = f"half of the change lies outside the doses from {low:g} to {high:g}: no EC50"
        return {"note": outside}
    steep = hill_at_bound(found.values)
    row |= {"ec50": ec50, "converged": not steep}
    row["hill"] = np.nan if steep else float(np.exp(found.values["ln_hill"]))
    reached = float(
        saturation(np.array([high]), found.values["ln_ec50"], found.values["ln_hill"])[0]
    )
    remarks = [
        "the slope is beyond what these doses tell" if steep else "",
        f"the top is extrapolated: the highest dose reaches {reached:.0%}"
        if reached < REACHED
        else "",
    ]
    if n_experiments < MIN_EXPERIMENTS:
        return row | {"note": notes([too_few(n_experiments), *remarks])}
    intervals = _intervals(points, found, n_experiments, alpha)
    remarks.append(_doubt(intervals, low, high))
    return row | intervals | {"note": notes(remarks)}


def _doubt(intervals: Mapping[str, float], low: float, high: float) -> str:
    """Say that the EC50 is told badly, if it is."""
    if np.isnan(intervals["ec50_low"]):
        return "no interval: a dose or a slope hangs on a single experiment"
    if intervals["ec50_low"] < low / 10 or intervals["ec50_high"] > high * 10:
        return "these experiments hardly tell the EC50"
    return ""


def _points(by_dose: Mapping[float, Mapping[str, float]], levels: Levels) -> Points:
    names = sorted({name for own in by_dose.values() for name in own})
    rows = [
        (dose, names.index(name), level)
        for dose, own in by_dose.items()
        for name, level in sorted(own.items())
    ]
    dose, day, level = (np.array(column) for column in zip(*rows, strict=True))
    number = np.unique(dose, return_inverse=True)[1]
    return Points(
        dose.astype(np.float64),
        level.astype(np.float64),
        day.astype(np.int64),
        levels.scale,
        blocked=len(names) > 1 and linked(number, day, len(by_dose)),
    )


def _is_flat(points: Points, found: Curve, alpha: float) -> bool:
    """Tell, by F's test, whether a constant does as well as the curve."""
    rest = points.centred(points.level - points.level.mean())
    constant = float(np.sum(rest**2))
    days = int(points.day.max()) if points.blocked else 0
    df = len(points.level) - 4 - days
    if df < 1 or found.squares <= 0:
        return False
    f_statistic = (constant - found.squares) / 3 / (found.squares / df)
    return bool(stats.f.sf(f_statistic, 3, df) > alpha)


def _intervals(points: Points, found: Curve, n_experiments: int, alpha: float) -> dict[str, float]:
    """Student intervals of ln EC50 and ln hill, over experiments."""
    errors = jackknife(points, found.values)
    t = float(stats.t.ppf(1 - alpha / 2, n_experiments - 1))
    result = {}
    for name, parameter in (("ec50", "ln_ec50"), ("hill", "ln_hill")):
        middle, reach = found.values[parameter], t * errors[parameter]
        with np.errstate(over="ignore"):
            result[f"{name}_low"] = float(np.exp(middle - reach))
            result[f"{name}_high"] = float(np.exp(middle + reach))
    return result
