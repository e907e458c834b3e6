"""Outlines: where a cell ends, and whether it ends anywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label as connected
from skimage.segmentation import expand_labels

from zincflux.movie import FloatArray, Labels
from zincflux.segment.contrast import Contrast, bin_up
from zincflux.segment.pieces import fill_holes, largest_piece

LEVELS = np.geomspace(0.18, 0.83, 12)
"""Where the outline is looked for between the background (0) and the bright part of a cell (1)."""

USUAL_LEVEL, USUAL_SPREAD = 0.45, 0.3
"""Where it usually lies, and how far from there (in log brightness): on hand-drawn nuclei the best
level of one cell is from 0.2 to 0.7 of its bright part."""

SHARP = 1.0
"""Slope that counts half as much as a cliff, in brightness of a cell per diameter. A cell's rim
is a few times steeper, a halo hardly; a core may be steeper still, and must not win by that."""

FIRMNESS = 30.0
"""How much the slope counts beside the usual level; from 20 to 60 most scores hardly change."""

EDGE_WIDTH = 0.25
"""Width of the bands inside and outside an outline that are compared, in cell diameters."""

LEAST_SHARPNESS = 0.35
"""Least drop across the outline, relative to the mean brightness inside. Cells of the images that
this was set on drop by 0.45 to 0.8, clouds of uneven background by 0.1 to 0.3."""


def outline_levels(cells: Labels, contrast: Contrast) -> FloatArray:
    """Brightness of the outline of each cell, shape (largest id + 1,), inf for id 0.

    Parameters
    ----------
    cells
        Label image (y, x) of the binned image; an area holds at least one whole cell.
    contrast
        Brightness above background.
    """
    ids, value, slope = pixels_of(cells, contrast)
    return edge_levels(ids, value, slope)


def pixels_of(
    cells: Labels, contrast: Contrast
) -> tuple[NDArray[np.integer], FloatArray, FloatArray]:
    """Id, brightness, and slope per cell diameter of each pixel of each cell.

    Parameters
    ----------
    cells
        Label image (y, x) of the binned image.
    contrast
        Brightness above background.

    Returns
    -------
    tuple
        Three arrays (n,), in reading order.
    """
    inside = np.flatnonzero(cells)
    square = np.zeros(inside.size)
    for axis in (0, 1):
        rise = ndimage.correlate1d(contrast.value, [-0.5, 0.0, 0.5], axis=axis, mode="nearest")
        square += rise.ravel()[inside] ** 2
    slope = np.sqrt(square) * contrast.diameter_px
    return cells.ravel()[inside], contrast.value.ravel()[inside], slope


def edge_levels(ids: NDArray[np.integer], value: FloatArray, slope: FloatArray) -> FloatArray:
    """Brightness at which each cell ends: where its brightness falls steeply.

    The mean slope of the pixels of each of `LEVELS` is the mean steepness of the contour there. It
    is low in the middle of a cell and in the halo around it. The level is a weighted mean of those
    that are steep and not far from the usual one.

    Parameters
    ----------
    ids
        Cell of each pixel, shape (n,).
    value
        Brightness above background of each pixel, shape (n,).
    slope
        Its gradient, in brightness per diameter of a cell, shape (n,).

    Returns
    -------
    numpy.ndarray
        Shape (largest id + 1,), inf for ids without pixels.
    """
    bright = brightness_of(ids, value)
    logs, n = np.log(LEVELS), LEVELS.size
    # Classes around the levels, and one at either end for what lies beyond.
    relative = np.log(np.maximum(value / bright[ids], 1e-9))
    place = np.floor((relative - logs[0]) / (logs[1] - logs[0]) + 1.5)
    key = ids * (n + 2) + np.clip(place, 0, n + 1).astype(np.intp)
    many = bright.size * (n + 2)
    pixels, total = (
        _smoothed(np.bincount(key, weights, minlength=many).reshape(-1, n + 2))
        for weights in (None, slope / bright[ids])
    )
    sharp = total / np.maximum(total + SHARP * pixels, 1e-12)
    usual = np.exp(-0.5 * ((logs - np.log(USUAL_LEVEL)) / USUAL_SPREAD) ** 2)
    # Where there is no slope at all, as in cells drawn without any blur, the usual level is left.
    sharp = np.maximum(sharp, 1e-9)
    weight = (sharp / sharp.max(axis=1, keepdims=True)) ** FIRMNESS * usual
    result: FloatArray = bright * np.exp((weight * logs).sum(axis=1) / weight.sum(axis=1))
    return result


def _smoothed(classes: NDArray[Any]) -> FloatArray:
    """Average each class with its neighbours, one half to two quarters, and drop the ends."""
    result: FloatArray = classes[:, 1:-1] / 2 + (classes[:, :-2] + classes[:, 2:]) / 4
    return result


def brightness_of(ids: NDArray[np.integer], value: FloatArray) -> FloatArray:
    """Upper quartile of the values of each id, the larger of two; inf for absent ids.

    Parameters
    ----------
    ids
        Id of each value, shape (n,).
    value
        Values, shape (n,).

    Returns
    -------
    numpy.ndarray
        Shape (largest id + 1,).
    """
    # One key for both, since sorting twice would take twice as long.
    reach = np.ptp(value) if value.size else 0.0
    order = np.argsort(ids + (value - value.min(initial=np.inf)) / (2 * reach) if reach else ids)
    count = np.bincount(ids)
    present = count > 0
    rank = np.cumsum(count) - count + (3 * (count - 1)) // 4
    result = np.full(max(count.size, 1), np.inf)
    result[: count.size][present] = value[order][rank[present]]
    return result


def draw(cells: Labels, contrast: Contrast, level: FloatArray) -> Labels:
    """Draw the outline of each cell at full resolution.

    Parameters
    ----------
    cells
        Label image (y, x) of the binned image; an area holds at least one whole cell.
    contrast
        Brightness above background.
    level
        Brightness of the outline of each id, shape (largest id + 1,); inf for id 0.

    Returns
    -------
    numpy.ndarray
        Label image (Y, X), int32, same ids; each cell is one piece without holes.
    """
    large = bin_up(cells, contrast.full.shape, contrast.bins)
    bright = contrast.full_value() > level[large]
    return fill_holes(largest_piece(np.where(bright, large, 0).astype(np.int32)))


def without_clouds(cells: Labels, contrast: Contrast) -> Labels:
    """Drop cells of clumps that fade out slowly: haze, uneven light, reflections.

    The outline of a clump of touching cells is judged as a whole, so that cells in its middle
    share the fate of those at its rim. A clump that fills the image has no outline and is kept.

    Parameters
    ----------
    cells
        Label image (y, x) of the binned image.
    contrast
        Brightness above background.
    """
    clumps = connected(cells > 0, connectivity=1)
    width = max(1.0, EDGE_WIDTH * contrast.diameter_px)
    rim = np.where(ndimage.distance_transform_edt(clumps > 0) <= width, clumps, 0)
    around = np.where(clumps == 0, expand_labels(clumps, width), 0)
    n = int(clumps.max(initial=0)) + 1
    inside, _ = _mean_of_each(clumps, contrast.value, n)
    at_rim, _ = _mean_of_each(rim, contrast.value, n)
    outside, n_outside = _mean_of_each(around, contrast.value, n)
    cloudy = (at_rim - outside < LEAST_SHARPNESS * inside) & (n_outside > 0)
    return np.where(cloudy[clumps], 0, cells).astype(np.int32)


def _mean_of_each(labels: Labels, values: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
    count = np.bincount(labels.ravel(), minlength=n).astype(np.float64)
    total = np.bincount(labels.ravel(), values.ravel(), minlength=n)
    return total / np.maximum(count, 1), count
