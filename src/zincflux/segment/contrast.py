"""Brightness above the local background, in an image small enough to work on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray, Image
from zincflux.segment.filters import enlarge, gaussian, gaussian_float32, grown, low_rank
from zincflux.segment.levels import MAD_TO_SD, median, otsu, robust_sd

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

    @cached_property
    def bright_level(self) -> float:
        """Level that divides dim from bright among the pixels that stand out of the noise."""
        significant = self.value[self.value > SIGNIFICANT * self.noise_sd]
        if not significant.size:
            return 0.0
        # A few very bright specks must not raise the level that all cells are compared with.
        return otsu(np.minimum(significant, np.quantile(significant, 0.98)))

    def full_value(self) -> NDArray[np.float32]:
        """Brightness above background at full resolution, shape (Y, X)."""
        sd_px = smoothing_px(self.diameter_px * self.bins)
        value = gaussian_float32(self.full, sd_px, truncate=3)
        value -= bin_up(self.background.astype(np.float32), value.shape, self.bins)
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
    _take_off_low_plane(full, max(1, int(diameter_px / 3)))
    bins = max(1, int(diameter_px // WORKING_DIAMETER_PX))
    small = bin_down(full, bins)
    diameter = diameter_px / bins
    sd_px = smoothing_px(diameter)
    smooth = gaussian(small, sd_px)
    detail = smooth - gaussian(small, 2 * sd_px)
    # The median deviation is 0 where most pixels are equal (a dark frame of few counts).
    noise = max(robust_sd(detail), 0.2 * float(detail.std()), least)
    background = _low_envelope(smooth, diameter)
    value = smooth - background
    for round_number in range(3):
        clear = _clear_of_cells(value, noise, diameter, first=round_number == 0)
        if clear.mean() < 0.02:
            break
        background = _average_where(smooth, clear, BACKGROUND_REACH * diameter)
        value = smooth - background
        rest = value[clear]
        noise = max(robust_sd(rest), 0.5 * float(rest.std()), least)
    return Contrast(value, background, noise, bins, diameter, full)


def _without_gaps(image: Image) -> FloatArray | None:
    """Return a copy with the mean taken off, which keeps the digits of large offsets."""
    full: FloatArray = image.astype(np.float64)
    total = full.sum()
    if np.isfinite(total):
        full -= total / max(full.size, 1)
    else:
        known = np.isfinite(full)
        if not known.any():
            return None
        full = np.where(known, full - full.mean(where=known), 0.0)
    return full if full.size and np.ptp(full) > 0 else None


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
    total = np.asarray(image)
    if step == 1:
        return total.astype(np.float64, copy=False)
    # Whole numbers of few digits have exact sums in whole numbers, and these are faster.
    few = total.dtype.kind in "iub" and total.dtype.itemsize <= 2 and step <= 128
    for axis in (0, 1):
        total = _sum_of_bins(total, step, axis, np.int32 if few else np.float64)
    height, width = (np.diff(bin_edges(n, step)) for n in image.shape)
    mean: FloatArray = total / height[:, None]
    mean /= width
    return mean


def _sum_of_bins(image: NDArray[Any], step: int, axis: int, dtype: type) -> NDArray[Any]:
    edges = bin_edges(image.shape[axis], step)
    width = np.diff(edges)
    equal = width.size * step == image.shape[axis]
    total: NDArray[Any] = np.zeros(0, dtype=dtype)
    for k in range(int(width.max(initial=0))):
        wide = np.flatnonzero(width > k)
        places = slice(k, None, step) if equal else edges[wide] + k
        part = image[places] if axis == 0 else image[:, places]
        if k == 0:
            total = part.astype(dtype)
        elif wide.size == width.size:
            total += part
        elif axis == 0:
            total[wide] += part
        else:
            total[:, wide] += part
    return total


def bin_up(small: NDArray[Any], shape: tuple[int, ...], step: int) -> NDArray[Any]:
    """Repeat each bin over its pixels: the way back from `bin_down` to an image of a shape."""
    for axis in (0, 1) if step > 1 else ():
        small = small.repeat(np.diff(bin_edges(shape[axis], step)), axis=axis)
    return small


def picture_area(image: Image, least_px: float = 0.0) -> tuple[slice, slice]:
    """Rows and columns within the blank border of an image (one value all along), if it has one.

    Stitched, rotated and registered images have such borders. They are no background: nothing
    is known of it there.

    Parameters
    ----------
    image
        Pixels (Y, X).
    least_px
        Width below which a side counts as picture: where light is counted photon by photon, rows
        are blank by chance.
    """
    if not image.size:
        return slice(None), slice(None)
    edges = image[0], image[-1], image[:, 0], image[:, -1]
    if all((edge != edge[0]).any() and not np.isnan(edge[0]) for edge in edges):
        return slice(None), slice(None)
    # A border of NaN differs from itself.
    differs = (image != image[0, 0]) & ~(np.isnan(image) & np.isnan(image[0, 0]))
    spans = []
    for axis, length in ((1, image.shape[0]), (0, image.shape[1])):
        filled = np.flatnonzero(differs.any(axis=axis))
        if not filled.size:
            spans.append(slice(None))
            continue
        start, stop = filled[0], filled[-1] + 1
        is_border = start >= least_px, length - stop >= least_px
        spans.append(slice(start if is_border[0] else None, stop if is_border[1] else None))
    return spans[0], spans[1]


def _low_envelope(smooth: FloatArray, diameter: float) -> FloatArray:
    step = max(1, int(diameter / 2))
    window = round(5 * diameter / step) | 1
    low = low_rank(bin_down(smooth, step), 10, window)
    return enlarge(gaussian(low, window / 4), smooth.shape)


def _take_off_low_plane(image: FloatArray, step: int) -> None:
    """Fit a plane to the background and take it off, in place.

    Squares far above it are left out, repeatedly.
    """
    coarse = bin_down(image, step)
    rows, columns = (_places(n, step) for n in image.shape)
    y, x = (axis.ravel() for axis in np.broadcast_arrays(rows[:, None], columns))
    values, kept = coarse.ravel(), np.ones(coarse.size)
    terms = np.stack([np.ones(coarse.size), y, x])
    products = np.concatenate([terms, y * terms[1:], [x * x], values * terms])
    factors = np.zeros(3)
    for _ in range(6):
        # Not "@", whose threads cost more than they save on so little.
        one, y1, x1, yy, yx, xx, *right = np.einsum("kn,n->k", products, kept)
        square = np.array([[one, y1, x1], [y1, yy, yx], [x1, yx, xx]])
        # Least norm where there is only one row or column.
        factors = np.linalg.lstsq(square, np.array(right), rcond=None)[0]
        rest = values - (factors[0] + factors[1] * y + factors[2] * x)
        middle = median(rest)
        kept = (rest <= middle + MAD_TO_SD * median(np.abs(rest - middle))).astype(np.float64)
    y_full, x_full = (_places(n, 1) for n in image.shape)
    image -= (factors[0] + factors[1] * y_full)[:, None]
    image -= factors[2] * x_full


def _places(n_pixels: int, step: int) -> FloatArray:
    """Middles of bins along an axis, from about −1 to 1."""
    edges = bin_edges(n_pixels, step)
    places: FloatArray = (edges[:-1] + edges[1:]) / n_pixels - 1
    return places


def _clear_of_cells(
    value: FloatArray, noise: float, diameter: float, *, first: bool
) -> NDArray[np.bool_]:
    """Pixels away from everything bright, judged on a scale that dim and bright cells share."""
    scaled = np.arcsinh(value / (2 * noise))
    threshold = otsu(scaled)
    if not first:
        threshold = min(threshold, np.arcsinh(25))
    bright = scaled > max(threshold, np.arcsinh(2.5))
    return ~grown(bright, max(1, int(0.25 * diameter)))


def _average_where(smooth: FloatArray, clear: NDArray[np.bool_], reach: float) -> FloatArray:
    """Average the clear pixels around each pixel, from ever farther where there are few."""
    step = max(1, int(reach / 3))
    kept = smooth * clear
    total, weight = bin_down(kept, step), bin_down(clear, step)
    overall = float(kept.sum()) / np.count_nonzero(clear)
    near, far = reach / step, 5 * reach / step

    def blur(image: FloatArray) -> FloatArray:
        return gaussian(image, near) + 0.05 * gaussian(image, far)

    mean = (blur(total) + 1e-4 * overall) / (blur(weight) + 1e-4)
    return enlarge(mean, smooth.shape)
