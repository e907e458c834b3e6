"""What the network is given: a picture at a common cell size, with gain and offset taken out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from zincflux.movie import FloatArray, Image, Labels

FloatImage = NDArray[np.float32]
Window = tuple[slice, slice]

DIAMETER_PX = 20.0
"""Pixels across a cell after scaling."""

DARK_PERCENTILE, BRIGHT_PERCENTILE = 1.0, 99.8
"""Percentiles of a picture that become 0 and 1."""

WINDOW_PX = 41
"""Side of the box, applied twice, that tells how bright the surroundings are."""

FAINT = 0.02
"""Contrast, relative to the picture's range, below which surroundings count as even."""

LEAST_SPREAD = 1e-9
"""Spread of a picture's percentiles, relative to its range, below which no detail is sought."""

_SQUASH = 3.0


@dataclass(frozen=True, eq=False)
class Scaled:
    """A picture in which cells are `DIAMETER_PX` across, made part by part.

    Attributes
    ----------
    pixels
        Levelled pixels (Y, X): already shrunk, or as they were where they are to be enlarged.
    shape
        Height and width after scaling.
    """

    pixels: FloatImage
    shape: tuple[int, int]

    @classmethod
    def of(cls, image: Image, diameter_px: float) -> Scaled | None:
        """Scale a picture; None where all its pixels are equal.

        Parameters
        ----------
        image
            Pixels (Y, X), all of them finite.
        diameter_px
            Diameter of a cell.
        """
        shape = scaled_shape(image.shape, diameter_px)
        if image.size == 0:
            return None
        least, most = float(image.min()), float(image.max())
        if least == most:
            return None
        # In double precision: a small range on a large offset keeps its digits.
        plain = ((image.astype(np.float64) - least) / (most - least)).astype(np.float32)
        small = tuple(min(pair) for pair in zip(shape, image.shape, strict=True))
        pixels = levelled(resized(plain, (small[0], small[1])))
        return cls(pixels, shape)

    def level(self, window: Window) -> FloatImage:
        """Give the levelled pixels of a window of the scaled picture."""
        if self.pixels.shape == self.shape:
            return self.pixels[window]
        places = [
            places_in(new, old)[part]
            for new, old, part in zip(self.shape, self.pixels.shape, window, strict=True)
        ]
        return interpolated(self.pixels, places[0], places[1])


def scaled_shape(shape: tuple[int, ...], diameter_px: float) -> tuple[int, int]:
    """Height and width at which cells of a diameter are `DIAMETER_PX` across."""
    height, width = (max(1, round(n * DIAMETER_PX / diameter_px)) for n in shape)
    return height, width


def places_in(n_new: int, n_old: int) -> FloatArray:
    """Where the middles of pixels lie among ``n_old`` pixels of the same line, shape (n_new,)."""
    return np.asarray((np.arange(n_new) + 0.5) * (n_old / n_new) - 0.5)


def resized(image: NDArray[np.generic], shape: tuple[int, int]) -> FloatImage:
    """Resize an image; every pixel of a smaller one is a mean, of a larger one interpolated.

    Parameters
    ----------
    image
        Pixels (Y, X).
    shape
        New height and width.
    """
    result = np.asarray(image, dtype=np.float32)
    for axis, n_new in enumerate(shape):
        if n_new < result.shape[axis]:
            result = _averaged(result, n_new, axis)
    places = [places_in(new, old) for new, old in zip(shape, result.shape, strict=True)]
    return result if result.shape == shape else interpolated(result, places[0], places[1])


def _averaged(image: FloatImage, n_new: int, axis: int) -> FloatImage:
    """Mean over boxes of a width that need not be whole, by differences of the running sum."""
    n_old = image.shape[axis]
    total = np.cumsum(image, axis=axis, dtype=np.float64)
    total = np.concatenate([np.zeros_like(np.take(total, [0], axis)), total], axis=axis)
    edge = np.linspace(0, n_old, n_new + 1)
    low = np.minimum(edge.astype(np.intp), n_old - 1)
    part = np.expand_dims(edge - low, 1 - axis)
    at_edge = np.take(total, low, axis) * (1 - part) + np.take(total, low + 1, axis) * part
    return np.asarray(np.diff(at_edge, axis=axis) * (n_new / n_old), dtype=np.float32)


def interpolated(image: FloatImage, rows: FloatArray, columns: FloatArray) -> FloatImage:
    """Interpolate an image (Y, X) at places along its rows and columns; ends are drawn out."""
    result = image
    for axis, wanted in enumerate((rows, columns)):
        last = image.shape[axis] - 1
        place = np.clip(wanted, 0, last)
        low = np.minimum(place.astype(np.intp), max(last - 1, 0))
        part = np.expand_dims((place - low).astype(np.float32), 1 - axis)
        high = np.minimum(low + 1, last)
        result = np.take(result, low, axis) * (1 - part) + np.take(result, high, axis) * part
    return np.asarray(result, dtype=np.float32)


def nearest(labels: Labels, rows: FloatArray, columns: FloatArray) -> Labels:
    """Give the labels nearest to places along the rows and columns."""
    y, x = (
        np.clip(np.floor(place + 0.5).astype(np.intp), 0, length - 1)
        for place, length in zip((rows, columns), labels.shape, strict=True)
    )
    return np.asarray(labels[y[:, None], x])


def levelled(image: FloatImage) -> FloatImage:
    """Take gain and offset out of a picture: its dark percentile becomes 0, its bright one 1."""
    dark, bright = np.percentile(image, [DARK_PERCENTILE, BRIGHT_PERCENTILE])
    least, most = float(image.min()), float(image.max())
    if bright <= dark:
        dark, bright = least, most
    # One pixel may be brighter than all the others by any factor: its square must stay a number.
    spread = max(bright - dark, LEAST_SPREAD * (most - least), np.finfo(np.float32).tiny)
    return np.asarray((image - dark) / spread, np.float32)


def inputs_of(level: FloatImage) -> FloatImage:
    """Make the inputs of the network from a levelled picture.

    Parameters
    ----------
    level
        Brightness, 0 to about 1, shape (Y, X).

    Returns
    -------
    numpy.ndarray
        Brightness on a scale that lifts what is dim, and brightness relative to mean and spread
        of the surroundings; shape (2, Y, X).
    """
    mean = _surroundings(level)
    spread = np.sqrt(np.maximum(_surroundings((level - mean) ** 2), 0))
    relative = (level - mean) / (spread + np.float32(FAINT))
    lifted = np.arcsinh(np.float32(_SQUASH) * level) / np.float32(np.arcsinh(_SQUASH))
    both = np.stack([np.clip(lifted, -1, 3), np.clip(relative / 2, -3, 3)])
    return np.asarray(both, dtype=np.float32)


def _surroundings(image: FloatImage) -> FloatImage:
    """Weighted mean around each pixel; what lies beyond the edge does not count."""
    result = image
    lines = [np.ones(n, dtype=np.float32) for n in image.shape]
    for _ in range(2):
        result = ndimage.uniform_filter(result, WINDOW_PX, mode="constant")
        lines = [ndimage.uniform_filter1d(line, WINDOW_PX, mode="constant") for line in lines]
    return np.asarray(result / (lines[0][:, None] * lines[1]), dtype=np.float32)
