"""Cells by a small network of our own, whose weights come with the package."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from zincflux.errors import SegmentationError
from zincflux.movie import Image, Labels
from zincflux.segment.contrast import picture_area
from zincflux.segment.extras import filled
from zincflux.segment.learned.cells import find
from zincflux.segment.learned.model_file import network
from zincflux.segment.learned.scaling import Scaled
from zincflux.segment.learned.trials import estimated_px, is_inverted
from zincflux.segment.pieces import fill_holes, largest_piece, select
from zincflux.segment.size import CellSize

__all__ = ["Learned"]

LARGEST_HOLE = 0.25
"""Largest hole in a cell that is closed, as a share of a disc of the diameter."""


class Learned(CellSize):
    """Find nuclei, or whole cells filled with dye, with a small network of our own.

    1. The picture is scaled to 20 pixels across a cell, and gain and offset are taken out.
    2. For each pixel the network tells how likely it lies in a cell, and how deep in it.
    3. Pixels climb to the deepest place of their cell; shallow passes between two summits are
       bridged, and what the network is not sure of is dropped.

    It runs on the processor, one thread for each tile of the picture: the same picture gives the
    same cells with any number of threads.

    References
    ----------
    .. [1] O. Ronneberger et al., "U-Net: convolutional networks for biomedical image
       segmentation", MICCAI 2015, 234–241.
    """

    model: str | None = Field(
        default=None,
        min_length=1,
        description="Path of a network that zincflux train has written; the built-in one if not "
        "given",
    )

    def __call__(self, image: Image, pixel_size_um: float) -> Labels:
        """Find the cells of an image.

        Parameters
        ----------
        image
            Pixels (Y, X) of any real dtype; cells are brighter than the background.
        pixel_size_um
            Edge of a pixel, µm.

        Returns
        -------
        numpy.ndarray
            Label image (Y, X), int32, ids 1…n; all 0 where there are no cells.

        Raises
        ------
        ExperimentError
            If onnxruntime is not installed, or a cell would be smaller than a few pixels.
        SegmentationError
            If the model does not fit, or cells are darker than the background.
        """
        labels = np.zeros(image.shape, dtype=np.int32)
        diameter_px = self.diameter_px(pixel_size_um)
        said = network(self.model)
        inner = picture_area(image)
        pixels = filled(image[inner])
        scaled = Scaled.of(pixels, diameter_px)
        if scaled is None:
            return labels
        if is_inverted(said, pixels, diameter_px):
            raise SegmentationError(
                "segment.method: expected cells that are brighter than the background, found dark "
                "ones on a bright background. Invert the picture, or choose another channel for "
                "channels.segment."
            )
        found = find(said, scaled, (pixels.shape[0], pixels.shape[1]))
        whole = fill_holes(largest_piece(found), LARGEST_HOLE * np.pi / 4 * diameter_px**2)
        limits = self.area_limits_px(pixel_size_um)
        labels[inner] = select(whole, *limits, exclude_border=self.exclude_border)
        return labels

    def estimate_diameter(self, image: Image, pixel_size_um: float) -> float:
        """Estimate the diameter of the cells of an image with the network, µm.

        Parameters
        ----------
        image
            Pixels (Y, X) of any real dtype.
        pixel_size_um
            Edge of a pixel, µm.

        Raises
        ------
        ExperimentError
            If nothing in the image looks like a cell.
        """
        diameter = estimated_px(network(self.model), filled(image[picture_area(image)]))
        if diameter == 0:
            raise SegmentationError(
                "segment.diameter_um: expected cells whose diameter can be estimated, found "
                "nothing in the image that looks like a cell. Set segment.diameter_um to a number."
            )
        return diameter * pixel_size_um
