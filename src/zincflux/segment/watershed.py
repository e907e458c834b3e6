"""Cells by watershed: bright areas are cut into bumps, and the bumps of one cell joined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zincflux.movie import Image, Labels
from zincflux.segment.candidates import find_candidates
from zincflux.segment.choice import chosen_cells
from zincflux.segment.contrast import (
    OUTLINE_DIAMETER_PX,
    Contrast,
    bin_down,
    bin_up,
    measure_contrast,
    picture_area,
)
from zincflux.segment.likeness import learnt
from zincflux.segment.outline import draw, outline_levels
from zincflux.segment.over_time import Spread, filmed
from zincflux.segment.pieces import select
from zincflux.segment.size import CellSize
from zincflux.segment.sketches import Sketch, sketch

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
    5. The outline of each cell lies at a share of the cell's own brightness above background, near
       0.45 of it, at which the brightness falls steeply; it is drawn with 22 pixels or more across
       a cell.

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
        view = self._view(image, pixel_size_um)
        contrast = view.contrast
        found = None if contrast is None else find_candidates(contrast, self.minimum_contrast)
        cells = None if found is None else chosen_cells(found, learnt()(found.looks))[0]
        return self._labels(view, cells, pixel_size_um)

    def film(
        self, images: Iterable[Image], pixel_size_um: float, *, spread: Spread = map
    ) -> Iterator[Labels]:
        """Find the cells of every frame of a film, so that frames settle each other's doubts.

        A cell that is dim, blurred or merged with its neighbour in one frame is told by the frames
        before and after. What becomes of a frame hangs on the six frames before and after it;
        these are held at once, and one more for each thread.

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
        ExperimentError
            If a cell would be smaller than a few pixels.
        """
        return filmed(
            images,
            lambda image: self._sketch(image, pixel_size_um),
            lambda view, cells: self._labels(view, cells, pixel_size_um),
            spread,
        )

    def _sketch(self, image: Image, pixel_size_um: float) -> tuple[_View, Sketch | None]:
        # Frames are compared: rows that are blank by chance must not set them apart.
        view = self._view(image, pixel_size_um, 0.5 * self.diameter_px(pixel_size_um))
        if view.contrast is None:
            return view, None
        found = sketch(view.contrast, self.minimum_contrast, view.inner)
        # Of a film, several frames are held at once.
        full: NDArray[Any] = view.contrast.full.astype(np.float32)
        return replace(view, contrast=replace(view.contrast, full=full)), found

    def _view(self, image: Image, pixel_size_um: float, least_border_px: float = 0.0) -> _View:
        inner = picture_area(image, least_border_px)
        diameter = self.diameter_px(pixel_size_um)
        step = max(1, int(diameter // OUTLINE_DIAMETER_PX))
        contrast = measure_contrast(bin_down(image[inner], step), diameter / step)
        return _View(image.shape, inner, step, contrast)

    def _labels(self, view: _View, cells: Labels | None, pixel_size_um: float) -> Labels:
        """Draw cells (y, x) of the binned image in the frame (Y, X), and leave out what is none."""
        labels = np.zeros(view.shape, dtype=np.int32)
        if cells is None or view.contrast is None:
            return labels
        outlined = draw(cells, view.contrast, outline_levels(cells, view.contrast))
        limits = (area / view.step**2 for area in self.area_limits_px(pixel_size_um))
        kept = select(outlined, *limits, exclude_border=self.exclude_border)
        labels[view.inner] = bin_up(kept, labels[view.inner].shape, view.step)
        return labels


@dataclass(frozen=True, eq=False)
class _View:
    """A frame as it is worked on.

    Attributes
    ----------
    shape
        Of the frame.
    inner
        Rows and columns within its blank border.
    step
        Pixels per bin for outlines.
    contrast
        Brightness above background; None where the frame is blank.
    """

    shape: tuple[int, ...]
    inner: tuple[slice, slice]
    step: int
    contrast: Contrast | None
