"""Cells by a small network of our own, whose weights come with the package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from zincflux.errors import SegmentationError
from zincflux.movie import Image, Labels
from zincflux.segment.contrast import picture_area
from zincflux.segment.extras import filled
from zincflux.segment.learned.cells import drawn, find, predict
from zincflux.segment.learned.draft import Draft
from zincflux.segment.learned.model_file import Network, network
from zincflux.segment.learned.scaling import FloatImage, Scaled, inputs_of, places_in
from zincflux.segment.learned.trials import estimated_px, is_inverted
from zincflux.segment.over_time import Spread, filmed
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
        said, inner = network(self.model), picture_area(image)
        scaled = self._scaled(said, image[inner], pixel_size_um)
        if scaled is None:
            return np.zeros(image.shape, dtype=np.int32)
        found = find(said, scaled, (image[inner].shape[0], image[inner].shape[1]))
        return self._kept(found, _View(image.shape, inner), pixel_size_um)

    def film(
        self, images: Iterable[Image], pixel_size_um: float, *, spread: Spread = map
    ) -> Iterator[Labels]:
        """Find the cells of every frame of a film, so that frames settle each other's doubts.

        Which summits are one cell is settled by the frames around, and a cell in which the network
        sees one summit is cut where they show two. Whole scaled frames are held: about a dozen,
        and one more for each thread.

        Parameters
        ----------
        images
            Frames (Y, X), in order, of one size.
        pixel_size_um
            Edge of a pixel, µm.
        spread
            Applies a function to many items and gives the results in their order, as `map` does;
            perhaps in several threads.

        Yields
        ------
        numpy.ndarray
            Label image (Y, X) of each frame, int32, ids 1…n; ids of different frames have nothing
            to do with each other.

        Raises
        ------
        ExperimentError, SegmentationError
            As for a single image.
        """
        return filmed(
            images,
            lambda image: self._draft(image, pixel_size_um),
            lambda view, cells: self._labels(view, cells, pixel_size_um),
            spread,
        )

    def _draft(self, image: Image, pixel_size_um: float) -> tuple[_View, Draft | None]:
        said = network(self.model)
        # Frames are compared: rows that are blank by chance must not set them apart.
        inner = picture_area(image, 0.5 * self.diameter_px(pixel_size_um))
        scaled = self._scaled(said, image[inner], pixel_size_um)
        if scaled is None:
            return _View(image.shape, inner), None
        whole = slice(0, scaled.shape[0]), slice(0, scaled.shape[1])
        draft = Draft.of(predict(said, inputs_of(scaled.level(whole))), inner)
        return _View(image.shape, inner, draft.inside), draft

    def _labels(self, view: _View, cells: Labels | None, pixel_size_um: float) -> Labels:
        """Draw scaled cells (y, x) in the frame (Y, X), and leave out what is none."""
        labels = np.zeros(view.shape, dtype=np.int32)
        if cells is None or view.inside is None:
            return labels
        places = map(places_in, labels[view.inner].shape, cells.shape)
        return self._kept(drawn(cells, view.inside, tuple(places)), view, pixel_size_um)

    def _scaled(self, said: Network, image: Image, pixel_size_um: float) -> Scaled | None:
        """Scale an image; None where all its pixels are equal."""
        diameter_px, pixels = self.diameter_px(pixel_size_um), filled(image)
        scaled = Scaled.of(pixels, diameter_px)
        if scaled is not None:
            _refuse_inverted(said, pixels, diameter_px)
        return scaled

    def _kept(self, found: Labels, view: _View, pixel_size_um: float) -> Labels:
        """Close holes, leave out what is no cell, and put the rest in the frame (Y, X)."""
        labels = np.zeros(view.shape, dtype=np.int32)
        disc_px = np.pi / 4 * self.diameter_px(pixel_size_um) ** 2
        whole = fill_holes(largest_piece(found), LARGEST_HOLE * disc_px)
        limits = self.area_limits_px(pixel_size_um)
        labels[view.inner] = select(whole, *limits, exclude_border=self.exclude_border)
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
            If onnxruntime is not installed.
        SegmentationError
            If the model does not fit, nothing in the image looks like a cell, or cells are darker
            than the background.
        """
        said, pixels = network(self.model), filled(image[picture_area(image)])
        _refuse_inverted(said, pixels)
        diameter = estimated_px(said, pixels)
        if diameter == 0:
            raise SegmentationError(
                "segment.diameter_um: expected cells whose diameter can be estimated, found "
                "nothing in the image that looks like a cell. Set segment.diameter_um to a number."
            )
        return diameter * pixel_size_um


@dataclass(frozen=True, eq=False)
class _View:
    """A frame as it is worked on.

    Attributes
    ----------
    shape
        Of the frame.
    inner
        Rows and columns within its blank border.
    inside
        Probability of a cell in the scaled frame (y, x); only in a film.
    """

    shape: tuple[int, ...]
    inner: tuple[slice, slice]
    inside: FloatImage | None = None


def _refuse_inverted(said: Network, pixels: Image, diameter_px: float | None = None) -> None:
    if is_inverted(said, pixels, diameter_px):
        raise SegmentationError(
            "segment.method: expected cells that are brighter than the background, found dark "
            "ones on a bright background. Invert the picture, or choose another channel for "
            "channels.segment."
        )
