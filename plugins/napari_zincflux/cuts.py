"""Where a cell is cut in two; no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt

from napari_zincflux.errors import CorrectionError
from zincflux.edits import Numbered, Split, anchor_of, replay_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zincflux.edits.kinds import Point

    Mask = NDArray[np.bool_]

SMALLEST_SHARE = 0.2
"""Part of a cell, at least, that is cut off at its neck; else the cell is halved."""


def split_of(
    mask: Mask, cell: int, frame: int | None, line: tuple[Point, Point] | None = None
) -> Split:
    """Make the edit that cuts a cell: along a line, at its neck, or where it has none in half.

    Parameters
    ----------
    mask
        Pixels of the cell, (Y, X).
    cell
        Its number.
    frame
        Number of the frame; None for static cells.
    line
        Two pixels (y, x) of a straight line to cut along.

    Raises
    ------
    CorrectionError
        If the line is none, does not cross the cell, or the cell is too small.
    """
    ids = (cell,)
    if line is not None and line[0] == line[1]:
        raise CorrectionError("split: expected a line, found a single pixel. Draw longer.")
    if line is None:
        point, other = ends_of(mask)
        edit = Split(point=point, other=other, frame=frame, cell_ids=ids)
        parts = np.bincount(replay_labels(mask.astype(np.int32), [Numbered(1, edit)]).labels[mask])[
            1:
        ]
        if parts.min() >= SMALLEST_SHARE * parts.sum():
            return edit
        line = across(mask)  # a convex cell has no neck
    return Split(point=beside(mask, line), line=line, frame=frame, cell_ids=ids)


def ends_of(mask: Mask) -> tuple[Point, Point]:
    """Give the deepest pixels of the two halves of a cell along its long axis, larger half first.

    Raises
    ------
    CorrectionError
        If the cell is too small to be cut.
    """
    pixels = np.argwhere(mask)
    if len(pixels) < 2:
        raise CorrectionError("split: expected a cell of two pixels or more. Delete it instead.")
    centred = pixels - pixels.mean(axis=0)
    along = centred @ np.linalg.eigh(centred.T @ centred)[1][:, 1]
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1][mask]
    halves = sorted((along < 0, along >= 0), key=np.count_nonzero, reverse=True)
    ends = []
    for half in halves:
        # Not at the very cut, where the other half may be deep as well.
        outer = half & (np.abs(along) >= np.median(np.abs(along[half])))
        chosen = np.flatnonzero(outer)[depth[outer].argmax()]
        ends.append((int(pixels[chosen][0]), int(pixels[chosen][1])))
    return ends[0], ends[1]


def across(mask: Mask) -> tuple[Point, Point]:
    """Give a line through the middle of a cell, across its long axis, inside the image."""
    pixels = np.argwhere(mask)
    middle = pixels.mean(axis=0)
    centred = pixels - middle
    across = np.linalg.eigh(centred.T @ centred)[1][:, 0]
    last = np.array(mask.shape) - 1
    with np.errstate(divide="ignore"):
        reach = np.where(across > 0, last - middle, middle) / np.abs(across)
        back = np.where(across > 0, middle, last - middle) / np.abs(across)
    ends = np.rint([middle + reach.min() * across, middle - back.min() * across]).astype(int)
    one, two = np.clip(ends, 0, last).tolist()
    return (one[0], one[1]), (two[0], two[1])


def beside(mask: Mask, line: tuple[Point, Point]) -> Point:
    """Give the deepest pixel of the larger part that a line cuts a cell into."""
    (y0, x0), (y1, x1) = line
    y, x = np.nonzero(mask)
    side = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
    larger = 1 if np.count_nonzero(side > 0) >= np.count_nonzero(side < 0) else -1
    part = np.zeros(mask.shape, dtype=np.int32)
    kept = np.sign(side) == larger
    if not kept.any() or kept.all():
        raise CorrectionError("split: the line does not cross the cell. Draw it across.")
    part[y[kept], x[kept]] = 1
    return anchor_of(part, 1)
