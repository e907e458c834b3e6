"""The background of one frame as a number per channel, and the noise of its pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from zincflux.movie import FloatArray, Image

_WITHIN_ONE_SD = math.erf(1 / math.sqrt(2))
_WITHIN_THREE_SD = math.erf(3 / math.sqrt(2))
# Standard deviation of a Gaussian of which only what lies within three of them is kept.
_TRUNCATED_SD = math.sqrt(1 - 6 * math.exp(-4.5) / math.sqrt(2 * math.pi) / _WITHIN_THREE_SD)


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


def robust_sd(values: FloatArray) -> float:
    """Estimate the standard deviation of the bulk of values that scatter around 0.

    Parameters
    ----------
    values
        Numbers, shape (n,), mostly Gaussian, with outliers.

    Returns
    -------
    float
        Standard deviation of the Gaussian part; NaN where there are no values.
    """
    if values.size == 0:
        return math.nan
    size = np.abs(values)
    one_sd = float(np.quantile(size, _WITHIN_ONE_SD))
    bulk = size[size <= 3 * one_sd]
    return float(np.sqrt(np.mean(bulk**2))) / _TRUNCATED_SD


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
