"""The background of one frame as a number per channel, and the noise of its pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray, Image

_WITHIN_ONE_SD = math.erf(1 / math.sqrt(2))
_WITHIN_THREE_SD = math.erf(3 / math.sqrt(2))
# Standard deviation of a Gaussian of which only what lies within three of them is kept.
_TRUNCATED_SD = math.sqrt(1 - 6 * math.exp(-4.5) / math.sqrt(2 * math.pi) / _WITHIN_THREE_SD)

# Whole numbers below this are counted: a table of them is small.
_MOST_COUNTED = 2**20


@dataclass(frozen=True, eq=False)
class BackgroundLevel:
    """Background of one frame.

    Attributes
    ----------
    level
        Background in counts, shape (C,).
    noise_sd
        Standard deviation of the noise of one background pixel in counts, shape (C,); NaN where
        it was not measured.
    n_pixels
        Number of pixels that it was measured on; 0 for a given value.
    """

    level: FloatArray
    noise_sd: FloatArray
    n_pixels: int

    @classmethod
    def given(cls, level: FloatArray) -> Self:
        """Make the level of a frame on which nothing was measured."""
        return cls(level, np.full(level.shape, np.nan), 0)


def robust_sd(values: FloatArray | NDArray[np.integer[Any]]) -> float:
    """Estimate the standard deviation of the bulk of values that scatter around 0.

    Parameters
    ----------
    values
        Numbers, shape (n,), mostly Gaussian, with outliers. Whole numbers are counted, not sorted.

    Returns
    -------
    float
        Standard deviation of the Gaussian part; NaN where there are no values.
    """
    if values.size == 0:
        return math.nan
    size = np.abs(values)
    if values.dtype.kind == "i" and size.max() < _MOST_COUNTED:
        mean_square = _bulk_of_whole_numbers(np.bincount(size))
    else:
        one_sd = float(np.quantile(size, _WITHIN_ONE_SD))
        mean_square = float(np.mean(size[size <= 3 * one_sd] ** 2))
    return math.sqrt(mean_square) / _TRUNCATED_SD


def _bulk_of_whole_numbers(count: NDArray[np.intp]) -> float:
    """Mean square of the bulk of whole numbers 0, 1, 2 … of which there are so many each."""
    upto = np.cumsum(count)
    place = _WITHIN_ONE_SD * (upto[-1] - 1)
    low, high = np.searchsorted(upto, [math.floor(place), math.ceil(place)], side="right")
    one_sd = low + (high - low) * (place - math.floor(place))
    n = math.floor(3 * one_sd) + 1
    return float(np.arange(n, dtype=np.float64)[: count.size] ** 2 @ count[:n] / count[:n].sum())


def neighbour_noise(image: Image) -> float:
    """Estimate the noise of one pixel from the differences of neighbours.

    Parameters
    ----------
    image
        Pixels of one channel (Y, X); those that are not finite are left out.

    Returns
    -------
    float
        Standard deviation in counts; NaN where no two pixels lie side by side.
    """
    differences = np.diff(np.asarray(image, dtype=np.float64), axis=1).ravel()
    return robust_sd(differences[np.isfinite(differences)]) / math.sqrt(2)
