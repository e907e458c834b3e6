"""Numbers of the charts as JSON inside the page: short, exact enough, and harmless as text."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

DIGITS = 5
"""Significant digits: more than any screen shows."""

STEPS = 65534
"""Steps between the ends of packed numbers; the next one stands for a missing number."""


def rounded(values: ArrayLike) -> list[float | int | None]:
    """Round to `DIGITS` significant digits; None where there is no number.

    Examples
    --------
    >>> rounded([1.2345678, float("nan"), 3.0])
    [1.2346, None, 3]
    """
    return [_short(value) for value in np.asarray(values, dtype=np.float64).ravel().tolist()]


def _short(value: float) -> float | int | None:
    if not np.isfinite(value):
        return None
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def packed(values: ArrayLike, *, log: bool = False) -> dict[str, Any]:
    """Pack many numbers at two bytes each, in even steps between the smallest and the largest.

    Parameters
    ----------
    values
        Numbers of any shape, in row order; NaN where there is none.
    log
        Whether the steps are even in the logarithm: relative exactness over many decades. Numbers
        that are not above 0 are then missing.
    """
    numbers = np.asarray(values, dtype=np.float64).ravel()
    if log:
        numbers = np.log(np.where(numbers > 0, numbers, np.nan))
    known = np.isfinite(numbers)
    low, high = (numbers[known].min(), numbers[known].max()) if known.any() else (0.0, 1.0)
    span = high - low if high > low else 1.0
    steps = np.full(numbers.shape, STEPS + 1, dtype="<u2")
    steps[known] = np.rint((numbers[known] - low) / span * STEPS).astype("<u2")
    data = base64.b64encode(steps.tobytes()).decode("ascii")
    return {"lo": float(low), "hi": float(low + span), "log": log, "data": data}


def to_json(chart: Mapping[str, Any]) -> str:
    """Write a chart as JSON that cannot end the element that it stands in.

    Every character that HTML or old scripts may take for markup or a line end is escaped.
    """
    text = json.dumps(chart, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    # Halves of letters, as damaged file names may hold, cannot be stored as UTF-8.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def limits(values: Iterable[ArrayLike], *, positive: bool = False) -> tuple[float, float]:
    """Give the ends of an axis that holds all these numbers; 0 and 1 where there is none."""
    arrays = [np.asarray(one, dtype=np.float64).ravel() for one in values]
    numbers = np.concatenate([np.empty(0), *arrays])
    known = numbers[np.isfinite(numbers) & ((numbers > 0) | (not positive))]
    if not known.size:
        return 0.0, 1.0
    return float(known.min()), float(known.max())
