"""Cells by watershed: bright areas are cut into bumps, and the bumps of one cell joined."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from zincflux.movie import FloatArray, Image, Labels
from zincflux.segment.contrast import Contrast, measure_contrast
from zincflux.segment.fragments import bright_mask, cut, log_brightness, threshold_of
from zincflux.segment.merging import join
from zincflux.segment.pieces import areas, fill_holes, largest_piece, select
from zincflux.segment.size import CellSize

OUTLINE_LEVEL = 0.5
"""Where the outline lies between the background (0) and the brightness of the cell (1)."""


MinimumContrast = Annotated[
    float,
    Field(
        gt=0,
        le=1,
        description="Dimmest cell edge, as a fraction of the level that divides dim from bright "
        "pixels; lower finds dimmer cells, higher ignores haze and processes; only with method = "
        "watershed",
    ),
]


class Watershed(CellSize):
    """Find cells of very different brightness that may touch each other.

    1. Brightness above the local background is measured in an image binned to about 14 pixels
       across a cell.
    2. What stands out of the noise is cut into bumps of the logarithm of brightness, more of them
       than there are cells.
    3. Neighbouring bumps are joined where together they look like one cell.
    4. The outline of each cell lies, at full resolution, halfway between the background and the
       cell's own brightness.

    The result is the same when all counts are multiplied by a factor or raised by a constant.

    Examples
    --------
    >>> y, x = np.mgrid[:64, :64]
    >>> image = np.hypot(y - 32, x - 20) < 9
    >>> Watershed(diameter_um=12)(image * 100.0, 0.65).max()
    np.int32(1)
    """

    minimum_contrast: MinimumContrast = 0.2

    def __call__(self, image: Image, pixel_size_um: float) -> Labels:
        """Find the cells of an image.

        Parameters
        ----------
        image
            Pixels (Y, X) of any real dtype; NaN pixels belong to no cell's brightness.
        pixel_size_um
            Edge of a pixel, µm.

        Returns
        -------
        numpy.ndarray
            Label image (Y, X), int32, ids 1…n; all 0 where there are no cells.

        Raises
        ------
        ExperimentError
            If a cell would be smaller than a few pixels.
        """
        contrast = measure_contrast(image, self.diameter_px(pixel_size_um))
        if contrast is None:
            return np.zeros(image.shape, dtype=np.int32)
        threshold = threshold_of(contrast, self.minimum_contrast)
        mask = bright_mask(contrast, self.minimum_contrast)
        brightness = log_brightness(contrast, threshold)
        pieces = cut(brightness, mask, contrast.diameter_px)
        cells = join(pieces, brightness, contrast.cell_area_px)
        smallest, largest = self.area_limits_px(pixel_size_um)
        return select(
            outline(cells, contrast),
            smallest,
            largest,
            exclude_border=self.exclude_border,
        )


def outline(cells: Labels, contrast: Contrast) -> Labels:
    """Draw each cell's outline at full resolution, halfway up its own brightness.

    Parameters
    ----------
    cells
        Label image (y, x) of the binned image; an area holds at least one whole cell.
    contrast
        Brightness above background.

    Returns
    -------
    numpy.ndarray
        Label image (Y, X), int32, same ids; each cell is one piece without holes.
    """
    height, width = contrast.full.shape
    areas_of_cells = cells.repeat(contrast.bins, axis=0).repeat(contrast.bins, axis=1)
    level = OUTLINE_LEVEL * upper_quartile(cells, contrast.value)
    # Background pixels look up the level of id 0, which nothing exceeds.
    of_cell = areas_of_cells[:height, :width]
    bright = contrast.full_value() > level[of_cell]
    return fill_holes(largest_piece(np.where(bright, of_cell, 0).astype(np.int32)))


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
