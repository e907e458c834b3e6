"""Brightness above the local background, in an image small enough to work on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from zincflux.movie import FloatArray, Image

WORKING_DIAMETER_PX = 11
"""Least pixels across a cell that are enough to find it; finer images are binned."""

OUTLINE_DIAMETER_PX = 22
"""Least pixels across a cell that are enough to draw its outline."""

SMOOTHING = 0.07
"""Smoothing (Gaussian sd) as a fraction of the cell diameter."""

SIGNIFICANT = 3.5
"""Robust standard deviations of the background from which a smoothed pixel counts."""

BACKGROUND_REACH = 1.5
"""Reach (Gaussian sd) of the background's average, in cell diameters."""


@dataclass(frozen=True, eq=False)
class Contrast:
    """Brightness above the local background.

    Attributes
    ----------
    value
        Smoothed brightness above background, shape (y, x) of the binned image, float64.
    background
        The background that was taken off, same shape, in the units of `full`.
    noise_sd
        Robust standard deviation of the smoothed background.
    bins
        Pixels along the edge of a bin.
    diameter_px
        Diameter of a cell in binned pixels.
    full
        The image at full resolution (Y, X), the slope of its background taken off, gaps filled.
    """

    value: FloatArray
    background: FloatArray
    noise_sd: float
    bins: int
    diameter_px: float
    full: FloatArray

    @property
    def cell_area_px(self) -> float:
        """Area of a round cell in binned pixels."""
        return float(np.pi / 4 * self.diameter_px**2)

    def full_value(self) -> FloatArray:
        """Brightness above background at full resolution, shape (Y, X)."""
        background: FloatArray = bin_up(self.background, self.full.shape, self.bins)
        sd_px = smoothing_px(self.diameter_px * self.bins)
        smooth: FloatArray = ndimage.gaussian_filter(self.full, sd_px, mode="nearest", truncate=3)
        value: FloatArray = smooth - background
        return value


def smoothing_px(diameter_px: float) -> float:
    """Smoothing for cells of a diameter, both in pixels; at least half a pixel."""
    return max(0.5, SMOOTHING * diameter_px)


def measure_contrast(image: Image, diameter_px: float) -> Contrast | None:
    """Measure brightness above the local background.

    The background is first the lowest tenth within a few cell diameters, then the average of the
    pixels away from everything that stands out of it; the scatter of these pixels is the noise.

    Parameters
    ----------
    image
        Pixels (Y, X) of any real dtype; NaN and infinite ones are taken as background.
    diameter_px
        Diameter of a cell, pixels.

    Returns
    -------
    Contrast or None
        None where the image is empty or constant.
    """
    full = _without_gaps(image)
    if full is None:
        return None
    # Without any noise (a drawn image) every difference would be significant, rounding included.
    least = 1e-6 * float(np.ptp(full))
    full = full - _low_plane(full, max(1, int(diameter_px / 3)))
    bins = max(1, int(diameter_px // WORKING_DIAMETER_PX))
    small = bin_down(full, bins)
    diameter = diameter_px / bins
    sd_px = smoothing_px(diameter)
    smooth = ndimage.gaussian_filter(small, sd_px, mode="nearest")
    detail = smooth - ndimage.gaussian_filter(small, 2 * sd_px, mode="nearest")
    # The median deviation is 0 where most pixels are equal (a dark frame of few counts).
    noise = max(_robust_sd(detail), 0.2 * float(detail.std()), least)
    background = _low_envelope(smooth, diameter)
    for round_number in range(3):
        clear = _clear_of_cells(smooth - background, noise, diameter, first=round_number == 0)
        if clear.mean() < 0.02:
            break
        background = _average_where(smooth, clear, BACKGROUND_REACH * diameter)
        rest = (smooth - background)[clear]
        noise = max(_robust_sd(rest), 0.5 * float(rest.std()), least)
    return Contrast(smooth - background, background, noise, bins, diameter, full)


def _without_gaps(image: Image) -> FloatArray | None:
    pixels = np.asarray(image, dtype=np.float64)
    known = np.isfinite(pixels)
    if not known.any():
        return None
    # Taking the mean off first keeps the digits of images with a large offset.
    full: FloatArray = np.where(known, pixels - pixels.mean(where=known), 0.0)
    return full if np.ptp(full) > 0 else None


def bin_edges(n_pixels: int, step: int) -> NDArray[np.intp]:
    """Edges of bins of about ``step`` pixels, the same seen from either end.

    Parameters
    ----------
    n_pixels
        Pixels along the axis.
    step
        Pixels per bin; a few bins hold one pixel less.

    Returns
    -------
    numpy.ndarray
        Shape (bins + 1,), from 0 to `n_pixels`.
    """
    n = -(-n_pixels // step)
    # An even number of bins would have to cut the middle pixel of an odd number in two.
    n += (n + 1) % 2 & n_pixels % 2
    half = np.floor(np.arange((n + 1) // 2 + (n + 1) % 2) * n_pixels / n + 0.5).astype(np.intp)
    return np.concatenate([half, (n_pixels - half[: n + 1 - half.size])[::-1]])


def bin_down(image: NDArray[Any], step: int) -> FloatArray:
    """Average bins of about ``step`` × ``step`` pixels; mirrored images give mirrored results."""
    small = np.asarray(image)
    for axis in (0, 1) if step > 1 else ():
        small = _bin_axis(small, step, axis)
    return small.astype(np.float64, copy=False)


def _bin_axis(image: NDArray[Any], step: int, axis: int) -> FloatArray:
    n = image.shape[axis]
    if n % step == 0:
        slices = [(slice(None),) * axis + (slice(k, None, step),) for k in range(step)]
        total = image[slices[0]].astype(np.float64)
        for one in slices[1:]:
            total += image[one]
        return total / step
    edges = bin_edges(n, step)
    width = np.diff(edges)[(slice(None), None) if axis == 0 else slice(None)]
    summed: FloatArray = np.add.reduceat(image, edges[:-1], axis=axis, dtype=np.float64)
    return summed / width


def bin_up(small: NDArray[Any], shape: tuple[int, ...], step: int) -> NDArray[Any]:
    """Repeat each bin over its pixels: the way back from `bin_down` to an image of a shape."""
    for axis in (0, 1) if step > 1 else ():
        small = small.repeat(np.diff(bin_edges(shape[axis], step)), axis=axis)
    return small


def picture_area(image: Image) -> tuple[slice, slice]:
    """Rows and columns within the blank border of an image (one value all along), if it has one.

    Stitched, rotated and registered images have such borders. They are no background: nothing
    is known of it there.

    Parameters
    ----------
    image
        Pixels (Y, X).
    """
    if not image.size:
        return slice(None), slice(None)
    # A border of NaN differs from itself.
    differs = (image != image[0, 0]) & ~(np.isnan(image) & np.isnan(image[0, 0]))
    spans = []
    for axis in (1, 0):
        filled = np.flatnonzero(differs.any(axis=axis))
        spans.append(slice(filled[0], filled[-1] + 1) if filled.size else slice(None))
    return spans[0], spans[1]


def _robust_sd(values: FloatArray) -> float:
    """Return the median absolute deviation, scaled to the sd of a normal distribution."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _low_envelope(smooth: FloatArray, diameter: float) -> FloatArray:
    step = max(1, int(diameter / 2))
    window = round(5 * diameter / step) | 1
    low = ndimage.percentile_filter(bin_down(smooth, step), 10, size=window, mode="reflect")
    low = ndimage.gaussian_filter(low, window / 4, mode="nearest")
    return _enlarge(low, smooth.shape)


def _low_plane(image: FloatArray, step: int) -> FloatArray:
    """Fit a plane to the background: squares far above it are left out, repeatedly."""
    coarse = bin_down(image, step)
    rows, columns = (_places(n, step) for n in image.shape)
    y, x = (axis.ravel() for axis in np.broadcast_arrays(rows[:, None], columns))
    terms = np.stack([np.ones(coarse.size), y, x], axis=1)
    values, kept = coarse.ravel(), np.ones(coarse.size, dtype=bool)
    factors = np.zeros(3)
    for _ in range(6):
        factors = np.linalg.lstsq(terms[kept], values[kept], rcond=None)[0]
        rest = values - terms @ factors
        kept = rest <= np.median(rest) + _robust_sd(rest)
    y_full, x_full = (_places(n, 1) for n in image.shape)
    plane: FloatArray = factors[0] + factors[1] * y_full[:, None] + factors[2] * x_full
    return plane


def _places(n_pixels: int, step: int) -> FloatArray:
    """Middles of bins along an axis, from about −1 to 1."""
    edges = bin_edges(n_pixels, step)
    places: FloatArray = (edges[:-1] + edges[1:]) / n_pixels - 1
    return places


def _enlarge(coarse: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    if coarse.shape == shape:
        return coarse
    large = coarse
    for axis in (0, 1):
        large = _between(large, shape[axis], axis)
    return large


def _between(coarse: FloatArray, n_pixels: int, axis: int) -> FloatArray:
    """Interpolate along an axis, linearly between the middles of the bins."""
    n_bins = coarse.shape[axis]
    place = np.clip((np.arange(n_pixels) + 0.5) * n_bins / n_pixels - 0.5, 0, n_bins - 1)
    before = np.minimum(place.astype(np.intp), max(n_bins - 2, 0))
    share = (place - before)[(slice(None), None) if axis == 0 else slice(None)]
    after = np.minimum(before + 1, n_bins - 1)
    result: FloatArray = coarse.take(before, axis) * (1 - share) + coarse.take(after, axis) * share
    return result


def _clear_of_cells(
    value: FloatArray, noise: float, diameter: float, *, first: bool
) -> NDArray[np.bool_]:
    """Pixels away from everything bright, judged on a scale that dim and bright cells share."""
    scaled = np.arcsinh(value / (2 * noise))
    threshold = threshold_otsu(scaled) if np.ptp(scaled) > 0 else np.inf
    if not first:
        threshold = min(threshold, np.arcsinh(25))
    bright = scaled > max(threshold, np.arcsinh(2.5))
    return ~ndimage.binary_dilation(bright, iterations=max(1, int(0.25 * diameter)))


def _average_where(smooth: FloatArray, clear: NDArray[np.bool_], reach: float) -> FloatArray:
    """Average the clear pixels around each pixel, from ever farther where there are few."""
    step = max(1, int(reach / 3))
    total = bin_down(np.where(clear, smooth, 0.0), step)
    weight = bin_down(clear.astype(np.float64), step)
    overall = float(smooth[clear].mean())
    near, far = reach / step, 5 * reach / step

    def blur(image: FloatArray) -> FloatArray:
        local = ndimage.gaussian_filter(image, near, mode="nearest")
        result: FloatArray = local + 0.05 * ndimage.gaussian_filter(image, far, mode="nearest")
        return result

    mean = (blur(total) + 1e-4 * overall) / (blur(weight) + 1e-4)
    return _enlarge(mean, smooth.shape)
