"""Outlines: where a cell ends, and whether it ends anywhere."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.measure import label as connected
from skimage.segmentation import expand_labels

from zincflux.movie import FloatArray, Labels
from zincflux.segment.contrast import Contrast
from zincflux.segment.pieces import areas, fill_holes, largest_piece

OUTLINE_LEVEL = 0.5
"""Where the outline lies between the background (0) and the brightness of the cell (1)."""

EDGE_WIDTH = 0.25
"""Width of the bands inside and outside an outline that are compared, in cell diameters."""

LEAST_SHARPNESS = 0.35
"""Least drop across the outline, relative to the mean brightness inside. Cells of the images that
this was set on drop by 0.45 to 0.8, clouds of uneven background by 0.1 to 0.3."""


def half_levels(cells: Labels, contrast: Contrast) -> FloatArray:
    """Brightness of the outline of each cell, halfway up: shape (largest id + 1,), id 0 inf.

    Parameters
    ----------
    cells
        Label image (y, x) of the binned image; an area holds at least one whole cell.
    contrast
        Brightness above background.
    """
    return OUTLINE_LEVEL * upper_quartile(cells, contrast.value)


def draw(cells: Labels, contrast: Contrast, level: FloatArray, smallest_px: float) -> Labels:
    """Draw the outline of each cell at full resolution; leave out specks and clouds.

    Parameters
    ----------
    cells
        Label image (y, x) of the binned image; an area holds at least one whole cell.
    contrast
        Brightness above background.
    level
        Brightness of the outline of each id, shape (largest id + 1,); inf for id 0.
    smallest_px
        Smallest area of a cell, pixels of the full image.

    Returns
    -------
    numpy.ndarray
        Label image (Y, X), int32, same ids; each cell is one piece without holes.
    """
    trimmed = np.where(contrast.value > level[cells], cells, 0).astype(np.int32)
    area = np.bincount(trimmed.ravel(), minlength=level.size)
    trimmed = np.where((area * contrast.bins**2 >= smallest_px)[trimmed], trimmed, 0)
    kept = np.bincount(without_clouds(trimmed, contrast).ravel(), minlength=level.size) > 0
    level = np.where(kept, level, np.inf)
    level[0] = np.inf
    height, width = contrast.full.shape
    large = cells.repeat(contrast.bins, axis=0).repeat(contrast.bins, axis=1)[:height, :width]
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


def upper_quartile(labels: Labels, values: FloatArray) -> FloatArray:
    """Upper quartile of the values of each id, shape (largest id + 1,); inf for absent ids.

    Parameters
    ----------
    labels
        Label image (Y, X).
    values
        Image (Y, X).
    """
    inside = np.flatnonzero(labels)
    ids, v = labels.flat[inside], values.flat[inside]
    ordered = v[np.lexsort((v, ids))]
    count = areas(labels)
    count[0] = 0
    present = count > 0
    start = np.cumsum(count) - count
    result = np.full(count.size, np.inf)
    result[present] = ordered[(start + (3 * (count - 1)) // 4)[present]]
    return result
