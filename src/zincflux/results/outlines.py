"""Outlines of labels along the edges of their pixels, all labels of an image at once.

Every pixel edge between a label and anything else is an arrow that keeps its label on the right.
Arrows are joined head to tail into closed polygons, whose corners are corners of pixels: filled
again, they give exactly the label. Pixels of a label that touch only at a corner stay in one
polygon; a hole is a polygon of its own, with the opposite sense.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import Labels

IntArray = NDArray[np.int64]

_STEPS = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
"""Arrows as (x, y) steps, y downwards: right, down, left, up; the next one turns right."""

_TURNS = (3, 0, 1)
"""Left, straight on, right: at a corner where two pixels of a label touch, left joins them."""


def trace_outlines(labels: Labels) -> dict[int, tuple[IntArray, ...]]:
    """Trace the outlines of all labels.

    Parameters
    ----------
    labels
        Label image (Y, X), 0 for background.

    Returns
    -------
    dict
        For each label, by ascending number, its closed polygons: corners (n, 2) as (x, y) in px
        from the top left corner of the image, clockwise as seen; holes the other way.

    Examples
    --------
    >>> trace_outlines(np.array([[0, 7, 7]]))
    {7: (array([[1, 0],
           [3, 0],
           [3, 1],
           [1, 1]]),)}
    """
    label, x, y, turn = _arrows(labels)
    after = _next(label, x, y, turn, labels.shape[1] + 2)
    before = np.empty_like(after)
    before[after] = np.arange(after.size)
    is_corner = turn[before] != turn
    polygon, rank = _rings(after)
    order = np.lexsort((rank, polygon, label))
    order = order[is_corner[order]]
    corners = np.stack([x, y], axis=1)[order]
    starts = np.flatnonzero(np.diff(polygon[order], prepend=-1))
    result: dict[int, list[IntArray]] = {}
    for number, part in zip(label[order][starts], np.split(corners, starts)[1:], strict=True):
        result.setdefault(int(number), []).append(part)
    return {number: tuple(parts) for number, parts in result.items()}


def _arrows(labels: Labels) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """List the arrows: label, corner (x, y) where they start, and direction."""
    padded = np.pad(labels, 1)
    # Above, right, below, left: an arrow has the neighbour on its left, across the pixel's edge.
    neighbours = padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2]
    parts = []
    for turn, neighbour in enumerate(neighbours):
        rows, columns = np.nonzero((labels != neighbour) & (labels > 0))
        # From that corner of the pixel at which an arrow of this direction starts.
        x, y = columns + (turn in (1, 2)), rows + (turn in (2, 3))
        own = labels[rows, columns].astype(np.int64)
        parts.append((own, x, y, np.full(rows.size, turn, dtype=np.int64)))
    label, x, y, turns = (np.concatenate(column) for column in zip(*parts, strict=True))
    return label, x, y, turns


def _next(label: IntArray, x: IntArray, y: IntArray, turn: IntArray, width: int) -> IntArray:
    """Find the arrow that goes on where each one ends."""
    corner = np.stack([x, y], axis=1)
    _, cell = np.unique(label, return_inverse=True)
    n_corners = (int(y.max(initial=0)) + 1) * width

    def key(at: IntArray, way: IntArray) -> IntArray:
        return ((cell * n_corners) + at[:, 1] * width + at[:, 0]) * 4 + way

    own = key(corner, turn)
    order = np.argsort(own)
    ends = corner + _STEPS[turn]
    result = np.full(label.size, -1, dtype=np.int64)
    for bend in _TURNS:
        wanted = key(ends, (turn + bend) % 4)
        place = np.minimum(np.searchsorted(own[order], wanted), max(own.size - 1, 0))
        found = (result < 0) & (own[order][place] == wanted)
        result[found] = order[place][found]
    return result


def _rings(after: IntArray) -> tuple[IntArray, IntArray]:
    """Find the rings that arrows form, and the place of each arrow in its ring.

    By doubling: after k rounds each arrow knows the smallest of the 2^k that follow it.
    """
    n = after.size
    ring, jump = np.arange(n), after.copy()
    for _ in range(max(n, 1).bit_length()):
        ring = np.minimum(ring, ring[jump])
        jump = jump[jump]
    # Cut open before the first arrow, each ring is a list whose end is found in the same way.
    left = np.where(after == ring, 0, 1)
    jump = np.where(after == ring, np.arange(n), after)
    for _ in range(max(n, 1).bit_length()):
        left = left + left[jump]
        jump = jump[jump]
    return ring, -left
