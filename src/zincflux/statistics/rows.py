"""Rows of the table of tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from zincflux.statistics.contrasts import AgainstControl
from zincflux.statistics.keys import notes
from zincflux.statistics.levels import Levels
from zincflux.statistics.ratios import Contrast

COLUMNS: tuple[str, ...] = (
    *("group", "test", "compared", "control", "n_cells", "n_dishes", "n_experiments"),
    *("estimate", "scale", "low", "high", "statistic", "df", "p_value", "p_adjusted"),
    *("adjustment", "effect_size", "effect_measure", "converged", "is_headline", "note"),
)

Row = dict[str, Any]

_TESTS = {"paired": "paired t test", "unpaired": "Welch's t test", "": "t test"}


def row_of_contrast(found: Contrast, levels: Levels) -> Row:
    """Give what a comparison of two arms says, whatever the arms."""
    return {
        "test": _TESTS[found.pairing],
        "estimate": found.estimate,
        "scale": levels.scale,
        "low": found.low,
        "high": found.high,
        "statistic": found.statistic,
        "df": found.df,
        "p_value": found.p_value,
        "effect_size": found.effect_size,
        "effect_measure": found.effect_measure,
        "note": notes([found.note, levels.no_ratio]),
    }


def row_against_control(one: AgainstControl, levels: Levels, *, is_headline: bool) -> Row:
    """Give the row of an arm and its control."""
    return row_of_contrast(one.found, levels) | {
        "group": one.arm.group,
        "compared": one.arm.label,
        "control": one.control.label,
        "n_cells": one.n_cells,
        "n_dishes": one.n_dishes,
        "n_experiments": one.n_experiments,
        "p_adjusted": one.p_adjusted,
        "adjustment": "Holm" if np.isfinite(one.p_adjusted) else "",
        "is_headline": is_headline,
    }


def table_of_rows(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Give the rows all columns, in order and with their types."""
    rows = list(rows)
    texts = {"group", "test", "compared", "control", "scale", "adjustment", "effect_measure"}
    data: dict[str, pd.Series] = {}
    for name in COLUMNS:
        if name in {*texts, "note"}:
            data[name] = pd.Series([row.get(name, "") for row in rows], dtype=object)
        elif name.startswith("n_"):
            data[name] = pd.Series([row.get(name, 0) for row in rows], dtype=np.int64)
        elif name in ("converged", "is_headline"):
            blank = name == "converged"
            data[name] = pd.Series([row.get(name, blank) for row in rows], dtype=bool)
        else:
            data[name] = pd.Series([row.get(name, np.nan) for row in rows], dtype=np.float64)
    return pd.DataFrame(data)
