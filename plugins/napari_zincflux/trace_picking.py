"""Which traces are meant by a point or a lasso in the plot; no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    Mask = NDArray[np.bool_]


def nearest_trace(
    x: FloatArray, y: FloatArray, point: tuple[float, float], unit: tuple[float, float]
) -> tuple[int, float] | None:
    """Find the trace that runs nearest to a point of the plot.

    Parameters
    ----------
    x
        Position of each frame on the axis, shape (T,).
    y
        Position of each value, (n, T), NaN where there is none.
    point
        Where, (x, y).
    unit
        Length of a pixel along each axis.

    Returns
    -------
    tuple or None
        Row of the trace and its distance in pixels; None where there is no trace.
    """
    if not y.size:
        return None
    at = float(np.interp(point[0], x, np.arange(len(x))))
    first = int(np.clip(np.floor(at), 0, max(len(x) - 2, 0)))
    pair = y[:, first : first + 2]
    share = at - first
    level = pair[:, 0] * (1 - share) + pair[:, -1] * share
    level = np.where(np.isnan(level), pair[:, int(share > 0.5) % pair.shape[1]], level)
    # Along a steep flank the nearest point lies beside the pointer, not under it.
    slope = (
        (pair[:, -1] - pair[:, 0])
        / unit[1]
        / max((x[min(first + 1, len(x) - 1)] - x[first]) / unit[0], 1e-9)
    )
    distance = np.abs(level - point[1]) / unit[1] / np.sqrt(1 + np.nan_to_num(slope) ** 2)
    if np.isnan(distance).all():
        return None
    row = int(np.nanargmin(distance))
    return row, float(distance[row])


def inside_polygon(
    x: FloatArray, y: FloatArray, corners: Sequence[tuple[float, float]]
) -> NDArray[np.intp]:
    """Find the traces that a lasso in the plot touches.

    Parameters
    ----------
    x
        Position of each frame on the axis, (T,).
    y
        Position of each value, (n, T).
    corners
        Corners of the lasso, (x, y); it is closed.

    Returns
    -------
    numpy.ndarray
        Rows with a value in it, or that cross it between two values.
    """
    if len(corners) < 3 or not y.size:
        return np.zeros(0, dtype=np.intp)
    line = np.asarray(corners, dtype=np.float64)
    left, right = line[:, 0].min(), line[:, 0].max()
    # Values between frames, so that a narrow lasso between two frames catches what crosses it.
    inner = x[(x >= left) & (x <= right)]
    columns = np.unique(np.concatenate([inner, np.linspace(left, right, 9)]))
    hit = np.zeros(len(y), dtype=bool)
    for column in columns[(columns >= x[0]) & (columns <= x[-1])]:
        level = _level_at(x, y, float(column))
        hit |= _in_column(line, float(column), level)
    return np.flatnonzero(hit)


def _level_at(x: FloatArray, y: FloatArray, at: float) -> FloatArray:
    place = float(np.interp(at, x, np.arange(len(x))))
    first = min(int(place), len(x) - 1)
    share = place - first
    if share == 0:
        return y[:, first]
    return y[:, first] * (1 - share) + y[:, first + 1] * share


def _in_column(line: FloatArray, at: float, level: FloatArray) -> Mask:
    """Tell which levels lie in a polygon at a position on the axis: even-odd rule."""
    following = np.roll(line, -1, axis=0)
    crosses = (line[:, 0] > at) != (following[:, 0] > at)
    a, b = line[crosses], following[crosses]
    cuts = a[:, 1] + (at - a[:, 0]) / (b[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    return np.asarray((level[:, None] < cuts).sum(axis=1) % 2 == 1)
