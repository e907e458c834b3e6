"""Filters of images, each with the result of the plain one in a fraction of its time."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import fft, ndimage

from zincflux.movie import FloatArray

Mode = Literal["nearest", "reflect"]

CACHE_LINE_BYTES = 64

STRIP_ROWS = 64
"""Rows that are worked on at a time: few enough to stay in the cache of a processor."""

VALUES_AT_ONCE = 2**16
"""Values that are sorted at a time, for the same reason."""


def gaussian(
    image: FloatArray,
    sd_px: float,
    truncate: float = 4.0,
    order: tuple[int, int] = (0, 0),
    mode: Mode = "nearest",
) -> FloatArray:
    """Gaussian filter, or a derivative of one, as of `scipy.ndimage.gaussian_filter`.

    Parameters
    ----------
    image
        Pixels (Y, X).
    sd_px
        Standard deviation, pixels.
    truncate
        Where the filter ends, standard deviations.
    order
        Order of the derivative along y and along x.
    mode
        What lies beyond the edges, as in `scipy.ndimage`.

    Returns
    -------
    numpy.ndarray
        Shape (Y, X), float64.
    """
    pixels, down, along = _roomy(image.shape), _roomy(image.shape), np.empty(image.shape)
    pixels[:] = image
    for axis, here, there in ((0, pixels, down), (1, down, along)):
        ndimage.gaussian_filter1d(
            here, sd_px, axis, order[axis], output=there, mode=mode, truncate=truncate
        )
    return along


def _roomy(shape: tuple[int, ...]) -> FloatArray:
    """Return an empty image whose rows do not lie a power of two apart in memory.

    Pixels below each other would share a few places of the cache, and working down the columns of
    an image of 512 or 1024 columns would take three times as long.
    """
    lines = -(-shape[1] * 8 // CACHE_LINE_BYTES) | 1
    return np.empty((shape[0], lines * CACHE_LINE_BYTES // 8))[:, : shape[1]]


def laplacian(image: FloatArray, sd_px: float, mode: Mode) -> FloatArray:
    """Laplacian of a Gaussian, as `scipy.ndimage.gaussian_laplace` cut off at 3 sd.

    Parameters
    ----------
    image
        Pixels (Y, X).
    sd_px
        Standard deviation, pixels.
    mode
        What lies beyond the edges, as in `scipy.ndimage`.
    """
    down = gaussian(image, sd_px, 3, (2, 0), mode)
    down += gaussian(image, sd_px, 3, (0, 2), mode)
    return down


def laplacians(image: FloatArray, sds_px: list[float]) -> list[FloatArray]:
    """Laplacians of Gaussians of several sizes, cut off at 3 sd, to rounding of the brightest.

    All of them are products with one Fourier transform. Beyond the edges the image goes on as at
    its edge.

    Parameters
    ----------
    image
        Pixels (Y, X).
    sds_px
        Standard deviations, pixels.
    """
    reach = max(_radius(sd, 3) for sd in sds_px)
    height, width = (fft.next_fast_len(n + 2 * reach, real=True) for n in image.shape)
    after = [large - n - reach for n, large in zip(image.shape, (height, width), strict=True)]
    spectrum = fft.rfft2(np.pad(image, [(reach, n) for n in after], mode="edge"))
    inner = tuple(slice(reach, reach + n) for n in image.shape)
    found = []
    for sd in sds_px:
        y0, y2 = (_response(sd, order, height)[:, None] for order in (0, 2))
        x0, x2 = (_response(sd, order, width)[: width // 2 + 1] for order in (0, 2))
        response = y2 * x0 + y0 * x2
        found.append(fft.irfft2(spectrum * response, s=(height, width))[inner])
    return found


def _radius(sd_px: float, truncate: float) -> int:
    return int(truncate * sd_px + 0.5)


def _kernel(sd_px: float, truncate: float, order: int) -> FloatArray:
    radius = _radius(sd_px, truncate)
    impulse = np.zeros(2 * radius + 1)
    impulse[radius] = 1.0
    kernel: FloatArray = ndimage.gaussian_filter1d(
        impulse, sd_px, order=order, mode="constant", truncate=truncate
    )
    return kernel


def _response(sd_px: float, order: int, n: int) -> FloatArray:
    """Fourier transform over n places of a kernel cut off at 3 sd: real, because it is even."""
    kernel = _kernel(sd_px, 3, order)
    around = np.zeros(n)
    around[: kernel.size] = kernel
    response: FloatArray = fft.fft(np.roll(around, -(kernel.size // 2))).real
    return response


def gaussian_float32(image: FloatArray, sd_px: float, truncate: float) -> NDArray[np.float32]:
    """Gaussian filter of single precision: rounding is relative to the pixels around, 1e-7 of them.

    Beyond the edges the image goes on as at its edge. Mirrored images give mirrored results.

    Parameters
    ----------
    image
        Pixels (Y, X).
    sd_px
        Standard deviation, pixels.
    truncate
        Where the filter ends, standard deviations.
    """
    radius = _radius(sd_px, truncate)
    weights = _kernel(sd_px, truncate, 0)[radius:].astype(np.float32)
    n_rows, n_columns = image.shape
    result = np.empty(image.shape, dtype=np.float32)
    inner = slice(radius, radius + n_columns)
    for start in range(0, n_rows, STRIP_ROWS):
        stop = min(start + STRIP_ROWS, n_rows)
        rows = np.clip(np.arange(start - radius, stop + radius), 0, n_rows - 1)
        strip = image[rows[0] : rows[-1] + 1].astype(np.float32)[rows - rows[0]]
        wide = np.empty((stop - start, n_columns + 2 * radius), dtype=np.float32)
        _weigh([strip[k : k + len(wide)] for k in range(2 * radius + 1)], weights, wide[:, inner])
        wide[:, :radius], wide[:, inner.stop :] = wide[:, radius, None], wide[:, -radius - 1, None]
        sides = [wide[:, k : k + n_columns] for k in range(2 * radius + 1)]
        _weigh(sides, weights, result[start:stop])
    return result


def _weigh(
    places: list[NDArray[np.float32]], weights: NDArray[np.float32], total: NDArray[np.float32]
) -> None:
    """Weight places by their distance from the middle one."""
    radius = weights.size - 1
    np.multiply(places[radius], weights[0], out=total)
    both = np.empty_like(total)
    for k in range(1, radius + 1):
        np.add(places[radius - k], places[radius + k], out=both)
        both *= weights[k]
        total += both


def low_rank(image: FloatArray, percent: int, window: int) -> FloatArray:
    """Percentile of the square around each pixel, as of `scipy.ndimage.percentile_filter`.

    Parameters
    ----------
    image
        Pixels (Y, X); beyond its edges lies its mirror image.
    percent
        Which percentile, below 100.
    window
        Side of the square, pixels, odd.
    """
    half, n_values = window // 2, window * window
    rank = n_values * percent // 100
    around = sliding_window_view(np.pad(image, half, mode="symmetric"), (window, window))
    result = np.empty(image.shape)
    n_rows = max(1, VALUES_AT_ONCE // (n_values * image.shape[1]))
    for start in range(0, len(image), n_rows):
        squares = around[start : start + n_rows].reshape(-1, image.shape[1], n_values)
        result[start : start + n_rows] = np.partition(squares, rank, axis=2)[..., rank]
    return result


def grown(mask: NDArray[np.bool_], n_pixels: int) -> NDArray[np.bool_]:
    """Dilate by a number of steps to the four neighbours.

    Parameters
    ----------
    mask
        Booleans (Y, X).
    n_pixels
        Number of steps.
    """
    for _ in range(n_pixels):
        larger = mask.copy()
        larger[1:] |= mask[:-1]
        larger[:-1] |= mask[1:]
        larger[:, 1:] |= mask[:, :-1]
        larger[:, :-1] |= mask[:, 1:]
        mask = larger
    return mask


def opened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Remove what a cross of five pixels does not fit into.

    Parameters
    ----------
    mask
        Booleans (Y, X).
    """
    middles = ~grown(np.pad(~mask, 1, constant_values=True), 1)[1:-1, 1:-1]
    return grown(middles, 1)


def enlarge(coarse: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Interpolate, linearly between the middles of bins.

    Parameters
    ----------
    coarse
        Pixels (y, x).
    shape
        Shape (Y, X) of the result.
    """
    if coarse.shape == shape:
        return coarse
    # The long axis of memory last, where there are most pixels.
    return _between(_between(coarse, shape[1], 1), shape[0], 0)


def _between(coarse: FloatArray, n_pixels: int, axis: int) -> FloatArray:
    n_bins = coarse.shape[axis]
    place = np.clip((np.arange(n_pixels) + 0.5) * n_bins / n_pixels - 0.5, 0, n_bins - 1)
    before = np.minimum(place.astype(np.intp), max(n_bins - 2, 0))
    share = (place - before)[(slice(None), None) if axis == 0 else slice(None)]
    after = np.minimum(before + 1, n_bins - 1)
    result: FloatArray = coarse.take(before, axis) * (1 - share) + coarse.take(after, axis) * share
    return result
