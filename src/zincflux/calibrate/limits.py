"""Limits that may not exist."""

from __future__ import annotations

import math


def finite_or_none(value: float) -> float | None:
    """Give a number as JSON can hold it: None where it is NaN or infinite, so does not exist.

    Examples
    --------
    >>> finite_or_none(2.5), finite_or_none(math.inf)
    (2.5, None)
    """
    return value if math.isfinite(value) else None
