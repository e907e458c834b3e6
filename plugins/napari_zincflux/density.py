"""Many traces as one picture; no Qt.

A thousand curves of a thousand points take seconds to draw, and hide one another. Their density
takes milliseconds, and shows where most of them run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

MOST_COLUMNS, N_ROWS = 900, 300


class Density(NamedTuple):
    """How many traces run through each place.

    Attributes
    ----------
    counts
        Traces per place (columns, rows), the lowest row first.
    left, bottom, width, height
        What it covers, in the units of the axes.
    """

    counts: NDArray[np.float32]
    left: float
    bottom: float
    width: float
    height: float


def density_of(
    x: FloatArray, y: FloatArray, limits: tuple[float, float] | None = None
) -> Density | None:
    """Count the traces through each place of a picture.

    Parameters
    ----------
    x
        Position of each frame, increasing, shape (T,).
    y
        Position of each value, (n, T); NaN where there is none.
    limits
        Lowest and highest position to cover; those of the values if not given.

    Returns
    -------
    Density or None
        None where there is nothing to draw: no value, or fewer than two frames.
    """
    finite = np.isfinite(y)
    if len(x) < 2 or not finite.any():
        return None
    low, high = limits or (float(y[finite].min()), float(y[finite].max()))
    span = (high - low) or max(abs(high), 1.0) * 0.1
    if limits is None:
        low, span = low - 0.01 * span, 1.02 * span
    edges = np.linspace(x[0], x[-1], min(MOST_COLUMNS, max(2 * len(x), 200)) + 1)
    levels = _at(x, y, edges)
    with np.errstate(invalid="ignore"):
        rows = np.clip(np.floor((levels - low) / span * N_ROWS), -1, N_ROWS)
    start, end = rows[:, :-1], rows[:, 1:]
    # What runs outside the limits all along covers nothing.
    known = np.isfinite(start) & np.isfinite(end)
    known &= (np.maximum(start, end) >= 0) & (np.minimum(start, end) < N_ROWS)
    start, end = (np.clip(side, 0, N_ROWS - 1) for side in (start, end))
    column = np.broadcast_to(np.arange(len(edges) - 1), start.shape)[known]
    a, b = start[known].astype(np.intp), end[known].astype(np.intp)
    width = N_ROWS + 1
    size = (len(edges) - 1) * width
    # Each piece of a trace covers the rows from one edge of its column to the other.
    change = np.bincount(column * width + np.minimum(a, b), minlength=size).astype(np.float32)
    change -= np.bincount(column * width + np.maximum(a, b) + 1, minlength=size)
    counts = np.cumsum(change.reshape(-1, width), axis=1)[:, :N_ROWS]
    return Density(counts, float(x[0]), low, float(x[-1] - x[0]), span)


def _at(x: FloatArray, y: FloatArray, where: FloatArray) -> FloatArray:
    """Interpolate traces (n, T) between frames; NaN beside a missing value."""
    place = np.interp(where, x, np.arange(len(x)))
    first = np.minimum(place.astype(np.intp), len(x) - 2)
    share = (place - first).astype(np.float32)
    level = y.astype(np.float32)
    before, after = level[:, first], level[:, first + 1]
    # At the very frame the other neighbour does not matter.
    after = np.where(share == 0, before, after)
    before = np.where(share == 1, after, before)
    return np.asarray(before * (1 - share) + after * share)
