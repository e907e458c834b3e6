"""Pixels inside polygons, by ImageJ's rule.

A pixel belongs to a polygon if its centre lies inside. The top left pixel reaches from (0, 0) to
(1, 1), so its centre is (0.5, 0.5); a centre exactly on a left edge is outside, on a right edge
inside. Where polygons of one outline overlap, every second one is a hole (even-odd rule).

References
----------
ImageJ, class ``ij.process.PolygonFiller`` (since version 1.52u), its description of the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray

IntArray = NDArray[np.int64]

_NUDGE_PX = 1e-8
"""Moves edges to the right, as ImageJ does, so that a centre on an edge is decided the same way."""


class Runs(NamedTuple):
    """Pixels in a row that belong to an outline.

    Attributes
    ----------
    outline
        Number of the outline, (n,), ascending.
    rows, starts, stops
        Row, first column, and the column after the last, (n,).
    """

    outline: IntArray
    rows: IntArray
    starts: IntArray
    stops: IntArray

    def take(self, chosen: NDArray[np.bool_]) -> Runs:
        """Return some of the runs."""
        return Runs(*(part[chosen] for part in self))

    def pixels(self, width: int) -> tuple[IntArray, IntArray]:
        """Return every pixel, counted row by row, and the outline of each, (n_pixels,) each."""
        length = self.stops - self.starts
        before = np.cumsum(length) - length
        first = self.rows * width + self.starts
        pixel = np.arange(length.sum()) + np.repeat(first - before, length)
        return pixel, np.repeat(self.outline, length)


def fill(outlines: Sequence[Sequence[FloatArray]], shape: tuple[int, int]) -> Runs:
    """Find the pixels inside outlines, each of one or more polygons, all at once.

    Parameters
    ----------
    outlines
        For each outline its polygons, corners (n, 2) as (x, y) in px from the top left corner of
        the frame; the last corner is joined to the first.
    shape
        Height and width of the frame; what lies outside is cut.

    Returns
    -------
    Runs
        Sorted by outline and row.

    Examples
    --------
    >>> square = np.array([[1.0, 0.0], [3.0, 0.0], [3.0, 2.0], [1.0, 2.0]])
    >>> fill([[square]], (4, 4)).pixels(4)[0].tolist()
    [1, 2, 5, 6]
    """
    height, width = shape
    start, stop, owner = _edges(outlines)
    ends = np.stack([start[:, 1], stop[:, 1]])
    # Clipped before they become whole numbers: a coordinate may be larger than any of those.
    first, last = (np.clip(np.ceil(y - 0.5), 0, height).astype(np.int64) for y in np.sort(ends, 0))
    n_rows = last - first
    edge = np.repeat(np.arange(owner.size), n_rows)
    row = np.arange(edge.size) - np.repeat(np.cumsum(n_rows) - n_rows - first, n_rows)
    step = stop - start
    with np.errstate(divide="ignore", invalid="ignore"):  # level edges cross no row
        slope = step[:, 0] / step[:, 1]
    x = start[edge, 0] + (row + 0.5 - start[edge, 1]) * slope[edge]
    column = np.clip(np.floor(x + _NUDGE_PX + 0.5), 0, width).astype(np.int64)
    order = np.lexsort((column, row, owner[edge]))
    column = column[order]
    # Closed polygons cross a row an even number of times: in and out take turns.
    runs = Runs(owner[edge][order][::2], row[order][::2], column[::2], column[1::2])
    return runs.take(runs.starts < runs.stops)


def _edges(
    outlines: Sequence[Sequence[FloatArray]],
) -> tuple[FloatArray, FloatArray, IntArray]:
    """List the edges of all polygons: where they start and stop (n, 2), and whose they are."""
    polygons = [(number, corners) for number, own in enumerate(outlines) for corners in own]
    if not polygons:
        return np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, np.int64)
    start = np.concatenate([corners for _, corners in polygons])
    stop = np.concatenate([np.roll(corners, -1, axis=0) for _, corners in polygons])
    sizes = [len(corners) for _, corners in polygons]
    return start, stop, np.repeat([number for number, _ in polygons], sizes)
