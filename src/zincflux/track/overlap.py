"""How far the outlines of cells in successive frames overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.movie import FloatArray

Int32Array = NDArray[np.int32]

COLUMNS = ("frame", "label", "next_label", "overlap_px", "overlap")


class Outlines(Protocol):
    """Cells of a frame as run lengths, such as `zincflux.measure.LabelRuns`."""

    @property
    def rows(self) -> Int32Array:
        """Row of each run (r,)."""

    @property
    def starts(self) -> Int32Array:
        """First column of each run (r,)."""

    @property
    def stops(self) -> Int32Array:
        """Column after the last one of each run (r,)."""

    @property
    def cells(self) -> Int32Array:
        """Index of each run's cell in `ids` (r,)."""

    @property
    def ids(self) -> Int32Array:
        """Label of each cell (n,)."""


def overlaps(outlines: Sequence[Outlines], step_px: FloatArray | None = None) -> pd.DataFrame:
    """Count the pixels that each cell shares with each cell of the next frame.

    Parameters
    ----------
    outlines
        Cells of each of T frames.
    step_px
        How far the content moves from each frame to the next, y and x in pixels (T - 1 or more,
        2), such as drift and common motion: it is taken off first, rounded. None for none.

    Returns
    -------
    pandas.DataFrame
        ``frame``, ``label``, ``next_label`` (in the frame after), ``overlap_px``, and ``overlap``:
        these pixels over those of the smaller of both cells, 0 to 1. Only pairs that overlap.

    Examples
    --------
    >>> from zincflux.measure import LabelRuns
    >>> frames = [np.array([[1, 1, 0, 0]]), np.array([[0, 3, 3, 3]])]
    >>> overlaps([LabelRuns.of(frame) for frame in frames]).to_numpy().tolist()
    [[0.0, 1.0, 3.0, 1.0, 0.5]]
    """
    steps = np.zeros((len(outlines), 2)) if step_px is None else np.asarray(step_px)
    tables = [np.zeros((5, 0)), *_overlaps(outlines, np.rint(steps).astype(np.int64))]
    columns = np.concatenate(tables, axis=1)
    table = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
    return table.astype(dict.fromkeys(COLUMNS[:4], np.int64))


def _overlaps(outlines: Sequence[Outlines], step: NDArray[np.int64]) -> Iterator[FloatArray]:
    for frame, (here, there) in enumerate(pairwise(outlines)):
        i, j, n = _shared(here, there, *step[frame])
        smaller = np.minimum(_area(here)[i], _area(there)[j])
        yield np.stack([np.full(i.size, frame), here.ids[i], there.ids[j], n, n / smaller])


def _area(outlines: Outlines) -> FloatArray:
    length = (outlines.stops - outlines.starts).astype(np.float64)
    return np.bincount(outlines.cells, length, len(outlines.ids)).astype(np.float64)


_Shared = tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]


def _shared(here: Outlines, there: Outlines, dy: int, dx: int) -> _Shared:
    """Cells of both frames that overlap once the first is moved, and their shared pixels."""
    ends = [int(o.stops.max(initial=0)) for o in (here, there)]
    # Rows are laid end to end, with room for what is moved beyond them.
    width, room = max(ends) + 2 * abs(dx), abs(dx)
    start, stop, own = _line(here, width, dy * width + dx + room)
    other_start, other_stop, other = _line(there, width, room)
    first = np.searchsorted(other_stop, start, side="right")
    last = np.searchsorted(other_start, stop, side="left")
    times = np.maximum(last - first, 0)
    a = np.repeat(np.arange(start.size), times)
    b = np.arange(a.size) - np.repeat(np.cumsum(times) - times, times) + first[a]
    n = np.minimum(stop[a], other_stop[b]) - np.maximum(start[a], other_start[b])
    pair = own[a].astype(np.int64) * len(there.ids) + other[b]
    pairs, which = np.unique(pair, return_inverse=True)
    i, j = np.divmod(pairs, max(len(there.ids), 1))
    total = np.bincount(which, n.astype(np.float64), pairs.size)
    return i, j, total.astype(np.float64)


def _line(
    outlines: Outlines, width: int, offset: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Int32Array]:
    """Start, stop and cell of each run where all rows lie on one line, in order."""
    row = outlines.rows.astype(np.int64) * width + offset
    start, stop = row + outlines.starts, row + outlines.stops
    order = np.argsort(start, kind="stable")
    return start[order], stop[order], outlines.cells[order]
