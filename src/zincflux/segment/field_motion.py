"""The motion that the content of a whole frame shares with the frame before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from zincflux.movie import FloatArray, Labels

FARTHEST = 1.5
"""Farthest step that is looked for, in cell diameters."""

CLEAR = 0.05
"""How much better two frames must correlate for the field to count as moved."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """An image as its correlation with another one needs it.

    Attributes
    ----------
    values
        Fourier transform of the image, its mean taken off, with room for the farthest step.
    shape, padded
        Shape of the image, and with that room.
    norm
        Root of the sum of its squares.
    """

    values: NDArray[np.complex64]
    shape: tuple[int, int]
    padded: tuple[int, int]
    norm: float

    @classmethod
    def of(cls, image: FloatArray, reach_px: int) -> Spectrum:
        """Transform an image (y, x), for steps of up to ``reach_px`` along each axis."""
        height, width = image.shape
        padded = tuple(fft.next_fast_len(n + reach_px, real=True) for n in (height, width))
        centred = (image - image.mean()).astype(np.float32)
        values = fft.rfft2(centred, padded).astype(np.complex64)
        norm = float(np.sqrt(np.sum(np.square(centred), dtype=np.float64)))
        return cls(values, (height, width), (padded[0], padded[1]), norm)


def common_step(before: Spectrum, now: Spectrum, reach_px: int) -> tuple[int, int]:
    """Find how far the content moved, in whole pixels (y, x).

    Parameters
    ----------
    before, now
        Two frames.
    reach_px
        Farthest step along each axis.

    Returns
    -------
    tuple
        The step with the largest correlation; (0, 0) where standing still is about as good, or
        the frames differ in size.
    """
    if before.shape != now.shape or not before.norm or not now.norm:
        return 0, 0
    product = np.conj(before.values) * now.values
    correlation = fft.irfft2(product, before.padded) / (before.norm * now.norm)
    rows, columns = (
        np.arange(-min(reach_px, n - 1), min(reach_px, n - 1) + 1) for n in before.shape
    )
    near = correlation[np.ix_(rows, columns)]
    best = np.unravel_index(int(np.argmax(near)), near.shape)
    if near[best] < correlation[0, 0] + CLEAR:
        return 0, 0
    return int(rows[best[0]]), int(columns[best[1]])


def moved_labels(labels: Labels, dy: int, dx: int) -> Labels:
    """Move a label image (y, x) by whole pixels; what leaves it is lost, what enters is 0."""
    if dy == 0 and dx == 0:
        return labels
    height, width = labels.shape
    result = np.zeros_like(labels)
    if abs(dy) >= height or abs(dx) >= width:
        return result
    here = np.s_[max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
    there = np.s_[max(-dy, 0) : height - max(dy, 0), max(-dx, 0) : width - max(dx, 0)]
    result[here] = labels[there]
    return result
