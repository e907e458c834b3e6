"""The table that all statistics start from: one row per cell, with the keys of its dish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from zincflux.movie import FloatArray

ARM: tuple[str, ...] = ("condition", "dose", "dose_unit", "group")
"""What cells of one arm have in common."""

DISH: tuple[str, ...] = (*ARM, "experiment", "replicate")
"""What cells of one dish (and of one reporter group in it) have in common."""

MIN_EXPERIMENTS = 3
"""Fewer give no p-value and no interval: two say next to nothing about their own scatter."""

MAX_CENSORED = 0.05
"""Share of cells beyond the calibrated range above which a mean has no meaning."""


def tidy(values: pd.DataFrame) -> pd.DataFrame:
    """Give the table its keys, numbers and sides in one form.

    Parameters
    ----------
    values
        One row per cell: ``condition``, ``experiment``, ``replicate``, ``value``, and where they
        exist ``dose``, ``dose_unit``, ``group`` and ``censored`` ("", "below" or "above" the
        calibrated range).

    Returns
    -------
    pandas.DataFrame
        The columns `DISH`; ``number`` (NaN where there is none); ``ranked``, the number or −inf
        and +inf for cells beyond the range; ``dish``, a number of each dish and group from 0 in the
        order of the keys. The index counts from 0.
    """
    values = values.reset_index(drop=True)
    result: dict[str, Any] = {
        name: _number(values, name) if name == "dose" else _text(values, name) for name in DISH
    }
    side = values["censored"] if "censored" in values else pd.Series("", index=values.index)
    below, above = (side == "below").to_numpy(bool), (side == "above").to_numpy(bool)
    number = _number(values, "value")
    number = np.where(np.isfinite(number) & ~below & ~above, number, np.nan)
    result["number"] = number
    result["ranked"] = np.where(below, -np.inf, np.where(above, np.inf, number))
    table = pd.DataFrame(result).reset_index(drop=True)
    table["dish"] = table.groupby(list(DISH), sort=True, dropna=False, observed=True).ngroup()
    return table


def _number(values: pd.DataFrame, name: str) -> FloatArray:
    if name not in values:
        return np.full(len(values), np.nan)
    numbers = pd.to_numeric(values[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return numbers + 0.0  # −0 and 0 are one dose


def _text(values: pd.DataFrame, name: str) -> pd.Series:
    if name not in values:
        return pd.Series("", index=values.index, dtype=object)
    column = values[name]
    if isinstance(column.dtype, pd.CategoricalDtype) and not column.isna().any():
        return column
    return column.astype(object).where(column.notna(), "")


def arm_label(condition: str, dose: float, dose_unit: str) -> str:
    """Name an arm as people do.

    Examples
    --------
    >>> arm_label("ZnCl2", 30.0, "µM"), arm_label("vehicle", float("nan"), "")
    ('ZnCl2, 30 µM', 'vehicle')
    """
    if np.isnan(dose):
        return condition
    return f"{condition}, {dose:g} {dose_unit}".rstrip()


def notes(parts: Sequence[str]) -> str:
    """Join remarks, each once, in order."""
    return "; ".join(dict.fromkeys(part for part in parts if part))
