"""How the dye lies within cells, from frames in which zinc is alike in all of a cell."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from zincflux.movie import FloatArray
from zincflux.phases import frames_of, with_role
from zincflux.pipeline.cell_pixels import CellPixels, PixelSource
from zincflux.pipeline.pixel_rows import code_of
from zincflux.pipeline.still import spread
from zincflux.pipeline.survey import Progress

DYE_FRAMES = 12
"""Frames that the distribution of the dye is taken from."""


def find_dye(source: PixelSource) -> Generator[Progress, None, FloatArray | None]:
    """Find how much of the dye is in each pixel of static cells.

    Parameters
    ----------
    source
        The pixels of one channel.

    Yields
    ------
    Progress
        After each frame.

    Returns
    -------
    numpy.ndarray or None
        Light of each pixel over the mean light of its cell, (Y, X) in the coordinates of the first
        frame, NaN where it is not known; None where neither minimum nor maximum was recorded.
    """
    chosen = bright_frames(source)
    if not chosen:
        return None
    shape = source.plan.movie.frame_shape
    light, expected = np.zeros(shape), np.zeros(shape)
    for done, t in enumerate(chosen, start=1):
        pixels = source.pixels(t)
        told = np.isfinite(pixels.light[0]) & ~pixels.clipped
        told &= source.rows.code[pixels.row] == code_of("")
        place, row = source.first_place(pixels, t)[told], pixels.row[told]
        light.ravel()[place] += pixels.light[0][told]
        expected.ravel()[place] += _cell_means(pixels)[row]
        yield Progress("looking where the dye is", done, len(chosen))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, light / expected, np.nan)


def _cell_means(pixels: CellPixels) -> FloatArray:
    """Mean light of each cell, by row."""
    known = np.isfinite(pixels.own[0])
    length = int(pixels.row.max(initial=0)) + 1
    total = np.bincount(pixels.row[known], pixels.own[0][known], minlength=length)
    n = np.bincount(pixels.row[known], minlength=length)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(total / n)


def bright_frames(source: PixelSource) -> list[int]:
    """Choose sharp frames of the second half of the phase in which all cells are at their end."""
    rows, experiment = source.rows, source.plan.experiment
    span = rows.maximum - rows.minimum
    turns_off = np.isfinite(span).any() and np.nanmedian(span) < 0
    brighter = "minimum" if turns_off else "maximum"
    ends = [*with_role(experiment.phases, "minimum"), *with_role(experiment.phases, "maximum")]
    for phase in sorted(ends, key=lambda phase: phase.role != brighter):
        inside = np.flatnonzero(frames_of(phase, source.plan.time_s))
        inside = inside[len(inside) // 2 :]
        sharp = inside[~rows.defocused[inside]]
        if len(sharp):
            return [int(sharp[k]) for k in spread(len(sharp), DYE_FRAMES)]
    return []
