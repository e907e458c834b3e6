"""The pixels of cells, corrected by the code that corrects cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zincflux.measure import LabelRuns
from zincflux.measure.within import disc_px, mean_within_cells
from zincflux.movie import FloatArray, Image, Labels
from zincflux.pipeline.pixel_rows import PixelRows
from zincflux.pipeline.plan import Plan
from zincflux.pipeline.sources import light_of


class CellPixels(NamedTuple):
    """The N pixels of cells in one frame, corrected like the cells.

    Attributes
    ----------
    place
        Where they are in the flattened frame, ascending, (N,).
    row
        Cell of each in `PixelRows`, (N,).
    light
        Light of the one channel that is the signal, or of numerator and denominator, in counts:
        the mean over the disc, within the cell, (S, N).
    n
        Pixels in this mean, (S, N).
    own
        Light of the pixel alone, (S, N).
    clipped
        Whether a pixel at the camera's limit is in the mean, (N,).
    """

    place: NDArray[np.intp]
    row: NDArray[np.intp]
    light: FloatArray
    n: NDArray[np.int64]
    own: FloatArray
    clipped: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PixelSource:
    """Gives the pixels of cells, frame by frame.

    Attributes
    ----------
    plan
        What the movie was measured by.
    rows
        What the tables say of each cell in each frame.
    labels
        Label images: one in the coordinates of the first frame, or one per frame.
    shifts_px
        Drift of each frame in whole pixels, (T, 2) as (y, x).
    average_um
        Diameter of the disc over which light is averaged.
    """

    plan: Plan
    rows: PixelRows
    labels: Sequence[Labels]
    shifts_px: NDArray[np.int64]
    average_um: float

    def labels_at(self, t: int) -> Labels:
        """Give the cells of a frame in its own coordinates, (Y, X)."""
        if self.plan.follows:
            return np.asarray(self.labels[t], dtype=np.int32)
        dy, dx = self.shifts_px[t].tolist()
        runs = self._still
        return (runs.shifted(dy, dx) if dy or dx else runs).to_labels()

    @cached_property
    def _still(self) -> LabelRuns:
        return LabelRuns.of(np.asarray(self.labels[0]))

    @cached_property
    def _disc(self) -> NDArray[np.intp]:
        return disc_px(self.average_um / self.plan.pixel_size_um)

    def pixels(self, t: int) -> CellPixels:
        """Correct the pixels of a frame like its cells, and average them within these."""
        plan, rows = self.plan, self.rows
        labels = self.labels_at(t)
        place = np.flatnonzero(labels)
        row = rows.find(t, labels.ravel()[place])
        frame = plan.read(t)
        flat = _at(plan.flat(frame), place).astype(np.float64)
        light = light_of(plan, flat, rows.background[:, row]) / rows.bleach_factor[:, t, None]
        own = light[list(plan.signal)]
        mean, n = mean_within_cells(own, labels, self._disc)
        clipped = np.zeros(len(place), dtype=bool)
        if plan.saturation_level is not None:
            raw = _at(frame[list(plan.signal)], place)
            clipped = np.asarray((raw >= plan.saturation_level).any(axis=0))
        if clipped.any():
            share, _ = mean_within_cells(clipped[None].astype(np.float64), labels, self._disc)
            clipped = np.asarray(share[0] > 0)
        return CellPixels(place, row, mean, n, own, clipped)

    def first_place(self, pixels: CellPixels, t: int) -> NDArray[np.intp]:
        """Give where the pixels of static cells are in the flattened first frame."""
        dy, dx = self.shifts_px[t].tolist()
        return np.asarray(pixels.place - dy * self.plan.movie.frame_shape[1] - dx)


def _at(image: Image, place: NDArray[np.intp]) -> Image:
    """Take pixels of an image (C, Y, X) by their place in the flattened frame."""
    return image.reshape(len(image), -1)[:, place]
