"""Cells with the reporter against cells without it, in the same dish."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zincflux.statistics.arms import Arm, arm_of
from zincflux.statistics.keys import DISH, notes
from zincflux.statistics.levels import Levels
from zincflux.statistics.multiplicity import holm
from zincflux.statistics.ratios import Contrast, paired
from zincflux.statistics.rows import Row, row_of_contrast
from zincflux.statistics.settings import StudySettings

POSITIVE, NEGATIVE = "positive", "negative"

_PLACE = [name for name in DISH if name != "group"]


def group_rows(dishes: pd.DataFrame, levels: Levels, settings: StudySettings) -> list[Row]:
    """Compare the two groups of each arm: in each dish, averaged over the dishes of an experiment.

    What the dishes of an arm have in common (dye, medium, day) cancels, which is more than days
    alone would take out.

    Parameters
    ----------
    dishes
        What `zincflux.statistics.dish_levels` gave.
    levels
        The same by arm and experiment.
    settings
        Holds alpha.
    """
    if not {POSITIVE, NEGATIVE} <= set(dishes.group.astype(str)):
        return []
    own = dishes.group.astype(str)
    both = dishes[own == POSITIVE].merge(
        dishes[own == NEGATIVE], on=_PLACE, suffixes=("", "_negative")
    )
    scaled = np.log if levels.scale == "log ratio" else np.asarray
    both["change"] = scaled(both.level) - scaled(both.level_negative)
    both["n_both"] = both.n_cells + both.n_cells_negative
    rows = []
    for key, pairs in both.groupby(
        ["condition", "dose", "dose_unit"], sort=True, dropna=False, observed=True
    ):
        arm = arm_of(*key)
        sides = [Arm(arm.condition, arm.dose, arm.dose_unit, g) for g in (POSITIVE, NEGATIVE)]
        rows.append(_row(arm, pairs, levels.remarks(sides), levels, settings.alpha))
    adjusted = holm([row["p_value"] for row in rows])
    return [
        row | {"p_adjusted": float(p), "adjustment": "Holm" if np.isfinite(p) else ""}
        for row, p in zip(rows, adjusted, strict=True)
    ]


def _row(arm: Arm, pairs: pd.DataFrame, reason: str, levels: Levels, alpha: float) -> Row:
    known = pairs[np.isfinite(pairs.change)]
    if reason or known.empty:
        found = Contrast(note=notes([reason, "no dish with both groups"][: 1 if reason else 2]))
    else:
        by_experiment = known.groupby("experiment", observed=True).change.mean().sort_index()
        names = tuple(str(name) for name in by_experiment.index)
        found = paired(by_experiment.to_numpy(), names, alpha)
    return row_of_contrast(found, levels) | {
        "group": "",
        "test": "paired t test within dishes",
        "compared": f"{arm.label}, {POSITIVE}",
        "control": f"{arm.label}, {NEGATIVE}",
        "n_cells": int(known.n_both.sum()),
        "n_dishes": len(known),
        "n_experiments": len(found.experiments),
    }
