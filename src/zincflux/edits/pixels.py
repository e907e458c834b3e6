"""Pixels of cells: those under a point, in a run, deepest inside."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from zincflux.edits.kinds import Point, Run
from zincflux.movie import Labels


def runs_of(mask: NDArray[np.bool_]) -> tuple[Run, ...]:
    """Write a mask as run lengths, as an edit of the kind ``paint`` stores it.

    Parameters
    ----------
    mask
        Booleans (Y, X).

    Returns
    -------
    tuple
        ``(row, first column, column after the last)`` of each stretch, row by row.

    Examples
    --------
    >>> runs_of(np.array([[False, True, True], [True, False, True]]))
    ((0, 1, 3), (1, 0, 1), (1, 2, 3))
    """
    steps = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    row, start = np.nonzero(steps == 1)
    stop = np.nonzero(steps == -1)[1]
    return tuple(zip(row.tolist(), start.tolist(), stop.tolist(), strict=True))


def pixels_of(runs: tuple[Run, ...], width: int) -> NDArray[np.intp]:
    """List the pixels of runs as positions in a flattened image of a width; runs may overlap."""
    row, start, stop = np.asarray(runs, dtype=np.intp).reshape(-1, 3).T
    length = stop - start
    before = np.cumsum(length) - length
    pixels = np.arange(length.sum()) + np.repeat(row * width + start - before, length)
    return np.asarray(pixels, dtype=np.intp)


class Box(NamedTuple):
    """Rows and columns of a rectangle; the last ones are not part of it."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of an image (Y, X)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def corner(self) -> tuple[int, int]:
        """First row and column."""
        return self.top, self.left

    def joined(self, other: Box) -> Box:
        """Give the box around two boxes."""
        return Box(
            min(self.top, other.top),
            max(self.bottom, other.bottom),
            min(self.left, other.left),
            max(self.right, other.right),
        )


def boxes_of(labels: Labels) -> dict[int, Box]:
    """Give the box around each cell of a label image (Y, X)."""
    new = np.ones(labels.shape, dtype=bool)
    np.not_equal(labels[:, 1:], labels[:, :-1], out=new[:, 1:])
    start = np.flatnonzero(new)
    value = labels.ravel()[start]
    stop = np.append(start[1:], labels.size)[value != 0]
    start, value = start[value != 0], value[value != 0]
    order = np.argsort(value, kind="stable")
    start, stop, value = start[order], stop[order], value[order]
    first = np.flatnonzero(np.diff(value, prepend=0))
    if not first.size:
        return {}
    row, left = np.divmod(start, labels.shape[1])
    edges = (
        np.minimum.reduceat(row, first),
        np.maximum.reduceat(row, first) + 1,
        np.minimum.reduceat(left, first),
        np.maximum.reduceat(left + stop - start, first),
    )
    boxes = (Box(*box) for box in zip(*(edge.tolist() for edge in edges), strict=True))
    return dict(zip(value[first].tolist(), boxes, strict=True))


def anchor_of(labels: Labels, cell: int) -> Point:
    """Choose the pixel that names a cell: the one farthest from its edge.

    An outline can shrink or move by much before that pixel lies in it no more.

    Parameters
    ----------
    labels
        Label image (Y, X).
    cell
        Number of the cell.

    Returns
    -------
    tuple
        Row and column (y, x); the first in reading order among equals.

    Raises
    ------
    ValueError
        If the cell has no pixel.

    Examples
    --------
    >>> anchor_of(np.array([[3, 3, 3], [3, 3, 3], [3, 3, 3]]), 3)
    (1, 1)
    """
    rows, columns = np.nonzero(labels == cell)
    if rows.size == 0:
        raise ValueError(f"cell: expected a number in the label image, found {cell}.")
    y, x = int(rows.min()), int(columns.min())
    box = labels[y : rows.max() + 1, x : columns.max() + 1] == cell
    depth = scipy.ndimage.distance_transform_edt(np.pad(box, 1))[1:-1, 1:-1]
    deepest = np.unravel_index(int(depth.argmax()), box.shape)
    return y + int(deepest[0]), x + int(deepest[1])
