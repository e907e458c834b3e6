"""One row per arm: what was found, out of how many, and how it compares with the control."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from zincflux.statistics.arms import Arm, arm_of
from zincflux.statistics.contrasts import AgainstControl, against_controls
from zincflux.statistics.control import is_corrected
from zincflux.statistics.dishes import levels_of_dishes
from zincflux.statistics.keys import ARM, notes, tidy
from zincflux.statistics.levels import Levels, levels_of_arms
from zincflux.statistics.settings import StudySettings

COLUMNS: tuple[str, ...] = (
    *ARM,
    *("n_cells", "n_dishes", "n_experiments", "median", "mean_of_dishes", "sem_of_dishes"),
    *("share_below", "share_above", "share_missing", "responder_fraction", "control", "pairing"),
    *("fold_change", "fold_low", "fold_high"),
    *("difference", "difference_low", "difference_high"),
    *("p_value", "p_adjusted", "adjustment", "effect_size", "effect_measure"),
    *("bootstrap_low", "bootstrap_high", "note"),
)


def summarise_conditions(
    values: pd.DataFrame, settings: StudySettings, metric: str = ""
) -> pd.DataFrame:
    """Summarise one metric of a study.

    Parameters
    ----------
    values
        One row per cell, as `zincflux.statistics.keys.tidy` describes it; a column ``responder``
        (bool), where there is one, gives ``responder_fraction``.
    settings
        Names the control.
    metric
        Name of the metric; rates without that of a control are compared by differences.

    Returns
    -------
    pandas.DataFrame
        One row per arm with the columns `COLUMNS`, of which `zincflux.columns` tells the meaning.
    """
    cells = tidy(values)
    if "responder" in values:
        cells["responder"] = values["responder"].to_numpy()
    dishes = levels_of_dishes(cells, settings.level)
    levels = levels_of_arms(dishes, corrected=is_corrected(metric, settings))
    return conditions_of(cells, dishes, levels, settings)


def conditions_of(
    cells: pd.DataFrame, dishes: pd.DataFrame, levels: Levels, settings: StudySettings
) -> pd.DataFrame:
    """Do the same for cells, dishes and levels in their own form."""
    found = {one.arm: one for one in against_controls(levels, settings)}
    medians = _medians(cells, dishes)
    controls = {one.control for one in found.values()}
    rows = []
    for arm, own in _by_arm(dishes).items():
        row: dict[str, Any] = {
            "condition": arm.condition,
            "dose": np.nan if arm.dose is None else arm.dose,
            "dose_unit": arm.dose_unit,
            "group": arm.group,
            **_numbers(own),
            **medians[arm],
        }
        comparison = found.get(arm)
        if comparison is not None:
            row |= _comparison(comparison, levels)
        elif arm not in controls and arm.condition != settings.control:
            row["note"] = _no_control(settings)
        remark = "" if comparison is not None else levels.remarks([arm])
        row["note"] = notes([row.get("note", ""), remark, _half_censored(row, settings)])
        rows.append(row)
    return _table(rows)


def _by_arm(dishes: pd.DataFrame) -> dict[Arm, pd.DataFrame]:
    result = {}
    for key, own in dishes.groupby(list(ARM), sort=True, dropna=False, observed=True):
        result[arm_of(*key)] = own
    return result


def _numbers(dishes: pd.DataFrame) -> dict[str, Any]:
    """Count, and summarise the dishes of an arm."""
    counted = dishes[dishes.n_cells > 0]
    known = dishes.level.dropna()
    complete = len(known) == len(counted)
    n_cells = int(counted.n_cells.sum())
    n_missing = int(dishes.n_missing.sum())
    return {
        "n_cells": n_cells,
        "n_dishes": len(counted[["experiment", "replicate"]].drop_duplicates()),
        "n_experiments": int(counted.experiment.nunique()),
        "mean_of_dishes": known.mean() if complete and len(known) else np.nan,
        "sem_of_dishes": known.sem() if complete and len(known) > 1 else np.nan,
        "share_below": counted.n_below.sum() / n_cells if n_cells else np.nan,
        "share_above": counted.n_above.sum() / n_cells if n_cells else np.nan,
        "share_missing": n_missing / (n_cells + n_missing) if n_cells + n_missing else np.nan,
    }


def _medians(cells: pd.DataFrame, dishes: pd.DataFrame) -> dict[Arm, dict[str, float]]:
    """Median over all cells of each arm, and the share that responded."""
    arms = {}
    place = np.empty(len(dishes), dtype=np.int64)
    for i, (arm, own) in enumerate(_by_arm(dishes).items()):
        place[own.index.to_numpy()] = i
        arms[arm] = i
    code = place[cells.dish.to_numpy()]
    with np.errstate(invalid="ignore"):  # the middle of −inf and +inf
        median = pd.Series(cells.ranked.to_numpy()).groupby(code).median()
    result = {arm: {"median": _finite(median[i])} for arm, i in arms.items()}
    if "responder" in cells:
        share = cells.responder.astype(float).groupby(code).mean()
        for arm, i in arms.items():
            result[arm]["responder_fraction"] = float(share[i])
    return result


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else np.nan


def _comparison(one: AgainstControl, levels: Levels) -> dict[str, Any]:
    found, is_ratio = one.found, levels.scale == "log ratio"
    name = "fold" if is_ratio else "difference"
    scaled = np.exp if is_ratio else float
    return {
        "control": one.control.label,
        "pairing": found.pairing,
        "fold_change" if is_ratio else "difference": float(scaled(found.estimate)),
        f"{name}_low": float(scaled(found.low)),
        f"{name}_high": float(scaled(found.high)),
        "p_value": found.p_value,
        "p_adjusted": one.p_adjusted,
        "adjustment": "Holm" if np.isfinite(one.p_adjusted) else "",
        "effect_size": found.effect_size,
        "effect_measure": found.effect_measure,
        "bootstrap_low": float(scaled(found.bootstrap_low)),
        "bootstrap_high": float(scaled(found.bootstrap_high)),
        "note": notes([found.note, levels.no_ratio]),
    }


def _no_control(settings: StudySettings) -> str:
    if settings.control is not None:
        return f"no arm of {settings.control!r} to compare with"
    return "no control is named: set study.control"


def _half_censored(row: dict[str, Any], settings: StudySettings) -> str:
    if row["n_cells"] == 0:
        return "no cell has a number"
    if np.isnan(row["median"]):
        return "the median of all cells lies beyond the calibrated range"
    return ""


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Give the rows all columns, in order and with their types."""
    texts = {*ARM, "control", "pairing", "adjustment", "effect_measure", "note"} - {"dose"}
    data: dict[str, pd.Series] = {}
    for name in COLUMNS:
        if name in texts:
            data[name] = pd.Series([row.get(name, "") for row in rows], dtype=object)
        else:
            dtype = np.int64 if name.startswith("n_") else np.float64
            data[name] = pd.Series([row.get(name, np.nan) for row in rows], dtype=dtype)
    return pd.DataFrame(data)
