"""Cells by watershed: bright areas are cut into bumps, and the bumps of one cell joined."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from zincflux.movie import Image, Labels
from zincflux.segment.candidates import find_candidates
from zincflux.segment.choice import chosen_cells
from zincflux.segment.contrast import (
    OUTLINE_DIAMETER_PX,
    bin_down,
    bin_up,
    measure_contrast,
    picture_area,
)
from zincflux.segment.likeness import learnt
from zincflux.segment.outline import draw, outline_levels
from zincflux.segment.pieces import select
from zincflux.segment.size import CellSize

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

    1. Brightness above the local background is measured in an image binned to 11 pixels or
       more across a cell.
    2. What stands out of the noise is cut into bumps of the logarithm of brightness, more of them
       than there are cells.
    3. Neighbouring bumps are joined, the likeliest pairs first, until none has a neighbour: every
       bump and every join is a candidate.
    4. A small network says of each candidate how likely it is one whole cell, by its shape, size,
       edges and dips; the best set of candidates that do not overlap is chosen.
    5. The outline of each cell lies where the image, with 22 pixels or more across a cell, falls
       to a share of the cell's own brightness above background.

    A border of one value (of a stitched or rotated image) counts as not there.

    The result is the same when all counts are multiplied by a factor or raised by a constant.

    Examples
    --------
    >>> y, x = np.mgrid[:64, :64]
    >>> image = np.hypot(y - 32, x - 20) < 9
    >>> int(Watershed(diameter_um=12)(image * 100.0, 0.65).max())
    1
    """

    minimum_contrast: MinimumContrast = 0.2

    def __call__(self, image: Image, pixel_size_um: float) -> Labels:
        """Find the cells of an image.

        Parameters
        ----------
        image
            Pixels (Y, X) of any real dtype; NaN pixels count as background.
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
        labels = np.zeros(image.shape, dtype=np.int32)
        inner = picture_area(image)
        diameter = self.diameter_px(pixel_size_um)
        step = max(1, int(diameter // OUTLINE_DIAMETER_PX))
        outlined = self._outlined(bin_down(image[inner], step), diameter / step)
        smallest, largest = (area / step**2 for area in self.area_limits_px(pixel_size_um))
        kept = select(outlined, smallest, largest, exclude_border=self.exclude_border)
        labels[inner] = bin_up(kept, labels[inner].shape, step)
        return labels

    def _outlined(self, image: Image, diameter_px: float) -> Labels:
        contrast = measure_contrast(image, diameter_px)
        found = None if contrast is None else find_candidates(contrast, self.minimum_contrast)
        if contrast is None or found is None:
            return np.zeros(image.shape, dtype=np.int32)
        cells, _ = chosen_cells(found, learnt()(found.looks))
        return draw(cells, contrast, outline_levels(cells, contrast))
