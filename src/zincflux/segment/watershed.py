"""Cells by watershed: bright areas are cut into bumps, and the bumps of one cell joined."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from zincflux.movie import Image, Labels
from zincflux.segment.contrast import measure_contrast
from zincflux.segment.fragments import bright_mask, cut, log_brightness, threshold_of
from zincflux.segment.merging import join
from zincflux.segment.outline import draw, half_levels
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
    3. Neighbouring bumps are joined where together they look like one cell.
    4. The outline of each cell lies, at full resolution, halfway between the background and the
       cell's own brightness. Clumps of cells without a sharp outline are dropped as clouds.

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
        contrast = measure_contrast(image, self.diameter_px(pixel_size_um))
        if contrast is None:
            return np.zeros(image.shape, dtype=np.int32)
        threshold = threshold_of(contrast, self.minimum_contrast)
        mask = bright_mask(contrast, self.minimum_contrast)
        brightness = log_brightness(contrast, threshold)
        pieces = cut(brightness, mask, contrast.diameter_px)
        cells = join(pieces, brightness, contrast.cell_area_px)
        smallest, largest = self.area_limits_px(pixel_size_um)
        outlined = draw(cells, contrast, half_levels(cells, contrast), smallest)
        return select(outlined, smallest, largest, exclude_border=self.exclude_border)
