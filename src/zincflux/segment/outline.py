"""Outlines: where a cell ends, and whether it ends anywhere."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.measure import label as connected
from skimage.segmentation import expand_labels

from zincflux.movie import FloatArray, Labels
from zincflux.segment.contrast import Contrast, bin_up
from zincflux.segment.pieces import areas, fill_holes, largest_piece

OUTLINE_LEVEL = 0.45
"""Where the outline lies between the background (0) and the brightness of the cell (1). Halfway
would be right for flat cells with steep edges; on hand-drawn nuclei, many of them dome-shaped, the
mean overlap is largest from 0.40 to 0.45."""

ROUNDS = 3
"""How often brightness and outline of a cell follow from each other; then hardly anything moves."""

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
    return OUTLINE_LEVEL * brightness_of(cells, contrast.value)


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


def brightness_of(labels: Labels, values: FloatArray) -> FloatArray:
    """Upper quartile of the values of each id within its own outline; inf for absent ids.

    The halo of a bright cell holds more pixels than the cell: the quartile is taken again of what
    lies within the outline that it leads to.

    Parameters
    ----------
    labels
        Label image (Y, X).
    values
        Image (Y, X).

    Returns
    -------
    numpy.ndarray
        Shape (largest id + 1,).
    """
    inside = np.flatnonzero(labels)
    ids, v = labels.flat[inside], values.flat[inside]
    # One key for both, since sorting twice would take twice as long.
    reach = np.ptp(v) if v.size else 0.0
    order = np.argsort(ids + (v - v.min(initial=np.inf)) / (2 * reach) if reach else ids)
    ids, v = ids[order], v[order]
    count = areas(labels)
    count[0] = 0
    end = np.cumsum(count)
    present = count > 0
    result = np.full(count.size, np.inf)
    for _ in range(ROUNDS):
        rank = end - count + (3 * (count - 1)) // 4
        result[present] = v[rank[present]]
        count = np.bincount(ids[v > OUTLINE_LEVEL * result[ids]], minlength=count.size)
        count = np.where(present, np.maximum(count, 1), 0)
    return result
