"""Brightness above the local background, in an image small enough to work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from zincflux.movie import FloatArray, Image

WORKING_DIAMETER_PX = 11
"""Least pixels across a cell that are enough to find it; finer images are binned."""

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
        height, width = self.full.shape
        background = ndimage.zoom(
            self.background, self.bins, order=1, mode="nearest", grid_mode=True
        )[:height, :width]
        sd_px = smoothing_px(self.diameter_px * self.bins)
        smooth: FloatArray = ndimage.gaussian_filter(self.full, sd_px, mode="nearest")
        return smooth - background


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
    middle = np.median(pixels[known])
    # Taking the middle off first keeps the digits of images with a large offset.
    full: FloatArray = np.where(known, pixels - middle, 0.0)
    return full if np.ptp(full) > 0 else None


def bin_down(image: FloatArray, bins: int) -> FloatArray:
    """Average squares of ``bins`` × ``bins`` pixels; the last ones repeat the edge."""
    if bins == 1:
        return image
    height, width = image.shape
    padded = np.pad(image, ((0, -height % bins), (0, -width % bins)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // bins, bins, padded.shape[1] // bins, bins)
    result: FloatArray = blocks.mean(axis=(1, 3))
    return result


def _robust_sd(values: FloatArray) -> float:
    """Return the median absolute deviation, scaled to the sd of a normal distribution."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _low_envelope(smooth: FloatArray, diameter: float) -> FloatArray:
    step = max(1, int(diameter / 3))
    window = round(5 * diameter / step) | 1
    low = ndimage.percentile_filter(smooth[::step, ::step], 10, size=window, mode="reflect")
    low = ndimage.gaussian_filter(low, window / 4, mode="nearest")
    return _enlarge(low, step, smooth.shape)


def _low_plane(image: FloatArray, step: int) -> FloatArray:
    """Fit a plane to the background: squares far above it are left out, repeatedly."""
    coarse = bin_down(image, step)
    y, x = (axis.ravel() / max(coarse.shape) for axis in np.indices(coarse.shape))
    terms = np.stack([np.ones(coarse.size), y, x], axis=1)
    values, kept = coarse.ravel(), np.ones(coarse.size, dtype=bool)
    factors = np.zeros(3)
    for _ in range(6):
        factors = np.linalg.lstsq(terms[kept], values[kept], rcond=None)[0]
        rest = values - terms @ factors
        kept = rest <= np.median(rest) + _robust_sd(rest)
    # Middles of pixels in units of the squares' middles.
    y_full, x_full = (((np.arange(n) + 0.5) / step - 0.5) / max(coarse.shape) for n in image.shape)
    plane: FloatArray = factors[0] + factors[1] * y_full[:, None] + factors[2] * x_full
    return plane


def _enlarge(coarse: FloatArray, step: int, shape: tuple[int, ...]) -> FloatArray:
    large: FloatArray = ndimage.zoom(coarse, step, order=1, mode="nearest", grid_mode=True)
    return large[: shape[0], : shape[1]]


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
    return _enlarge(mean, step, smooth.shape)
