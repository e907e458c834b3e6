"""Levels of each cell's trace: running mean, peak, plateau, half time and area.

A frame beyond the calibrated range has no number but a side, the code −1 (below) or +1 (above).
It counts as lower or higher than every number, so that a level that lies beyond the range comes
out as NaN and never as the level of the few frames that happen to be inside.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray

Codes = NDArray[np.int8]
"""Shape (n, T): −1 below the calibrated range, +1 above it, 0 otherwise."""

MAX_MISSING_AREA = 0.05
"""Share of the frames that may lack a number before an area has no meaning."""


def running_mean(
    time_s: FloatArray, values: FloatArray, codes: Codes, smoothing_s: float | None
) -> FloatArray:
    """Average each frame with its neighbours.

    Parameters
    ----------
    time_s
        Time of each frame in s, increasing, shape (T,).
    values
        Shape (n, T), NaN where there is no number.
    codes
        Side of the frames beyond the range, shape (n, T).
    smoothing_s
        Length of the window in s, centred on the frame; None for three frames, 0 for none.

    Returns
    -------
    numpy.ndarray
        Shape (n, T). The mean of the numbers in the window; +inf or −inf where at least half of
        the measured frames lie above or below the range; NaN where most are missing.
    """
    index = np.arange(len(time_s))
    if smoothing_s is None:
        start, stop = np.maximum(index - 1, 0), np.minimum(index + 2, len(index))
    else:
        half = smoothing_s / 2 * (1 + 1e-9)
        start = np.searchsorted(time_s, time_s - half, side="left")
        stop = np.searchsorted(time_s, time_s + half, side="right")
    number = np.isfinite(values)
    n_number = _window_sum(number, start, stop)
    n_above = _window_sum(~number & (codes > 0), start, stop)
    n_below = _window_sum(~number & (codes < 0), start, stop)
    measured = n_number + n_above + n_below
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = _window_sum(np.where(number, values, 0.0), start, stop) / n_number
    return np.select(
        [2 * measured < stop - start, 2 * n_above >= measured, 2 * n_below >= measured],
        [np.full_like(mean, np.nan), np.full_like(mean, np.inf), np.full_like(mean, -np.inf)],
        mean,
    )


def _window_sum(
    values: NDArray[np.float64] | NDArray[np.bool_],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
) -> FloatArray:
    total = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=total[:, 1:])
    return total[:, stop] - total[:, start]


def peak(
    time_s: FloatArray, smoothed: FloatArray, away_from: float | None = None
) -> tuple[FloatArray, FloatArray]:
    """Find the highest level of each row, or the one farthest from a given level.

    Parameters
    ----------
    time_s
        Time of each frame in s, shape (T,).
    smoothed
        What `running_mean` gave, shape (n, T).
    away_from
        If given, the peak is the level farthest from this one, upwards or downwards: what a
        turn-off indicator needs.

    Returns
    -------
    level, time
        Shapes (n,); both NaN where the peak lies beyond the calibrated range or nothing was
        measured.
    """
    height = smoothed if away_from is None else np.abs(smoothed - away_from)
    ranked = np.where(np.isnan(height), -np.inf, height)
    best = np.argmax(ranked, axis=1)
    level = np.take_along_axis(smoothed, best[:, None], axis=1)[:, 0]
    known = np.isfinite(level)
    return np.where(known, level, np.nan), np.where(known, time_s[best], np.nan)


def ranked_median(values: FloatArray, codes: Codes) -> FloatArray:
    """Take the median of each row, with the frames beyond the range as lowest and highest.

    Parameters
    ----------
    values
        Shape (n, T), NaN where there is no number.
    codes
        Side of the frames beyond the range, shape (n, T).

    Returns
    -------
    numpy.ndarray
        Shape (n,); NaN where the median lies beyond the range, or where at least half of the
        frames are missing.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([[np.nan, 1.0, 2.0], [np.nan, np.nan, 2.0]])
    >>> ranked_median(values, np.array([[-1, 0, 0], [-1, -1, 0]], dtype=np.int8))
    array([ 1., nan])
    """
    if values.shape[1] == 0:
        return np.full(len(values), np.nan)
    side = np.where(codes > 0, np.inf, np.where(codes < 0, -np.inf, np.nan))
    ranked = np.sort(np.where(np.isfinite(values), values, side), axis=1)  # NaN goes last
    measured = (~np.isnan(ranked)).sum(axis=1)
    rows = np.arange(len(values))
    with np.errstate(invalid="ignore"):  # the middle of −inf and +inf
        low = ranked[rows, np.maximum((measured - 1) // 2, 0)]
        median = (low + ranked[rows, np.minimum(measured // 2, values.shape[1] - 1)]) / 2
    known = np.isfinite(median) & (2 * measured > values.shape[1])
    return np.where(known, median, np.nan)


def half_time(
    time_s: FloatArray, smoothed: FloatArray, start_s: float, before: FloatArray, after: FloatArray
) -> FloatArray:
    """Give the time at which a trace has made half of its way from one level to another.

    Parameters
    ----------
    time_s
        Time of each frame of the phase in s, shape (T,).
    smoothed
        What `running_mean` gave, shape (n, T).
    start_s
        Start of the phase in s.
    before, after
        Level before the phase and plateau at its end, shape (n,).

    Returns
    -------
    numpy.ndarray
        Seconds from the start to the first crossing, linear between frames, shape (n,); NaN where
        a level is unknown or the frames about the crossing have no number.
    """
    times = np.concatenate([[start_s], time_s])
    way = np.column_stack([before, smoothed])
    direction = np.sign(after - before)[:, None]
    with np.errstate(invalid="ignore"):
        ahead = direction * (way - ((before + after) / 2)[:, None])
        crossed = ahead[:, 1:] >= 0
    first = np.argmax(crossed, axis=1) + 1
    rows = np.arange(len(way))
    d0, d1 = ahead[rows, first - 1], ahead[rows, first]
    with np.errstate(invalid="ignore", divide="ignore"):
        fraction = -d0 / (d1 - d0)
        moment = times[first - 1] + fraction * (times[first] - times[first - 1]) - start_s
    usable = crossed.any(axis=1) & (direction[:, 0] != 0) & np.isfinite(d0) & np.isfinite(d1)
    return np.where(usable, moment, np.nan)


def area_above(time_s: FloatArray, values: FloatArray, level: FloatArray) -> FloatArray:
    """Integrate each row above a level by the trapezoid rule: ∫ (y − level) dt.

    Parameters
    ----------
    time_s
        Time of each frame in s, shape (T,).
    values
        Shape (n, T). Missing frames are interpolated between their neighbours.
    level
        Level of each row, shape (n,).

    Returns
    -------
    numpy.ndarray
        Area, unit of the values times s, shape (n,); NaN for a row in which more than 5 % of the
        frames have no number, and for one without a level.
    """
    known = np.isfinite(values)
    enough = known.any(axis=1) & (known.mean(axis=1) >= 1 - MAX_MISSING_AREA)
    area = np.full(len(values), np.nan)
    if enough.any():
        filled = _interpolated(time_s, values[enough], known[enough])
        height = filled - level[enough, None]
        area[enough] = ((height[:, 1:] + height[:, :-1]) / 2 * np.diff(time_s)).sum(axis=1)
    return area


def _interpolated(time_s: FloatArray, values: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """Fill gaps linearly in time; before the first and after the last number, with that number."""
    index = np.arange(values.shape[1])
    before = np.maximum.accumulate(np.where(known, index, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, index, len(index))[:, ::-1], axis=1)[:, ::-1]
    before, after = (
        np.where(before < 0, after, before),
        np.where(after == len(index), before, after),
    )
    y0, y1 = np.take_along_axis(values, before, axis=1), np.take_along_axis(values, after, axis=1)
    gap = time_s[after] - time_s[before]
    weight = np.where(gap > 0, (time_s - time_s[before]) / np.where(gap > 0, gap, 1.0), 0.0)
    result: FloatArray = y0 + weight * (y1 - y0)
    return result
