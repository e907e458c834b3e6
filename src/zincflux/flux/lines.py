"""Slope of a straight line through each cell's trace, with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from zincflux.movie import FloatArray

MIN_FRAMES = 3
"""Fewer frames leave no degree of freedom for an interval."""

MIN_SHARE = 0.75
"""Share of the frames that must have a number: a slope over a remnant is another slope."""


@dataclass(frozen=True, eq=False)
class LineFit:
    """Straight lines, one per cell; every array has shape (n,).

    Attributes
    ----------
    slope, low, high
        Slope and the ends of its 95 % interval, unit of the values per second.
    r2
        Coefficient of determination; NaN for a constant trace.
    n_frames
        Frames that were used.
    """

    slope: FloatArray
    low: FloatArray
    high: FloatArray
    r2: FloatArray
    n_frames: NDArray[np.int64]


def line_fit(time_s: FloatArray, values: FloatArray) -> LineFit:
    """Fit y = a + s·t by ordinary least squares to each row.

    s = Σ(t − t̄)(y − ȳ) / S with S = Σ(t − t̄)²; its interval is s ± t₀.₉₇₅(m − 2)·√(RSS/(m − 2)/S)
    for the m frames with a number. It takes the scatter about the line as independent from frame to
    frame, so curvature within the window widens it but is not corrected for.

    Parameters
    ----------
    time_s
        Time of each frame in s, shape (T,).
    values
        Shape (n, T); NaN frames are left out.

    Returns
    -------
    LineFit
        NaN for a row with fewer than 3 numbers, or with numbers in less than three quarters of the
        frames.

    Examples
    --------
    >>> import numpy as np
    >>> time_s = np.arange(0.0, 11.0, 2.0)
    >>> fit = line_fit(time_s, 1 + 2 * (1 - np.exp(-0.01 * time_s))[None])
    >>> round(float(fit.slope[0]), 5)
    0.01903
    """
    known = np.isfinite(values)
    n_frames = known.sum(axis=1)
    enough = n_frames >= max(MIN_FRAMES, MIN_SHARE * values.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        t = centred(np.broadcast_to(time_s, values.shape), known)
        y = centred(values, known)
        stt, sty, syy = (t * t).sum(axis=1), (t * y).sum(axis=1), (y * y).sum(axis=1)
        slope = np.where(enough, sty / stt, np.nan)
        rss = ((y - slope[:, None] * t) ** 2).sum(axis=1)
        freedom = np.where(enough, n_frames - 2, 1)
        half = stdtrit(freedom, 0.975) * np.sqrt(rss / freedom / stt)
        r2 = np.where(syy > 0, 1 - rss / syy, np.nan)
    return LineFit(slope, slope - half, slope + half, r2, n_frames)


def centred(values: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """Subtract each row's mean over its known entries; 0 elsewhere."""
    filled = np.where(known, values, 0.0)
    mean = filled.sum(axis=1, keepdims=True) / known.sum(axis=1, keepdims=True)
    result: FloatArray = np.where(known, filled - mean, 0.0)
    return result
