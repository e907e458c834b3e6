"""Levels of an image: what lies in the middle, how far it scatters, and what divides it."""

from __future__ import annotations

import numpy as np

from zincflux.movie import FloatArray

MAD_TO_SD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

N_LEVELS = 256
"""Levels of a histogram."""


def median(values: FloatArray) -> float:
    """Median, as of `numpy.median`; only what lies near it is sorted.

    Parameters
    ----------
    values
        Any shape, finite, not empty.
    """
    flat = values.ravel()
    few = np.sort(flat[:: max(1, flat.size // 2048)])
    low, high = few[int(0.45 * few.size)], few[int(0.55 * few.size)]
    near = flat[np.flatnonzero((flat >= low) & (flat <= high))]
    below = np.count_nonzero(flat < low)
    ranks = np.array([(flat.size - 1) // 2, flat.size // 2]) - below
    if ranks[0] < 0 or ranks[1] >= near.size:
        return float(np.median(flat))
    return float(np.partition(near, ranks)[ranks].mean())


def robust_sd(values: FloatArray) -> float:
    """Return the median absolute deviation, scaled to the sd of a normal distribution.

    Parameters
    ----------
    values
        Any shape, finite, not empty.
    """
    return MAD_TO_SD * median(np.abs(values - median(values)))


def otsu(values: FloatArray) -> float:
    """Otsu's threshold with 256 levels, as of `skimage.filters.threshold_otsu`.

    Parameters
    ----------
    values
        Any shape, finite, not empty.

    References
    ----------
    .. [1] N. Otsu, "A threshold selection method from gray-level histograms", IEEE Trans. Syst.
       Man Cybern. 9 (1979) 62–66.
    """
    low, high = float(values.min()), float(values.max())
    if high == low:
        return low
    # Two factors, because the span of tiny numbers may have no reciprocal.
    level = ((values - low) / (high - low) * N_LEVELS).astype(np.intp).ravel()
    count = np.bincount(level, minlength=N_LEVELS + 1)
    count[-2] += count[-1]
    place = np.arange(N_LEVELS) + 0.5
    below = np.cumsum(count[:-1])[:-1]
    total = np.cumsum(count[:-1] * place)
    above = values.size - below
    between = below * above * (total[:-1] / below - (total[-1] - total[:-1]) / above) ** 2
    return low + float(place[np.argmax(between)]) * ((high - low) / N_LEVELS)
