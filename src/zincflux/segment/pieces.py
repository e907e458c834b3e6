"""What every segmenter does to its label image: pieces, holes, sizes, border, numbering."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label as connected

from zincflux.movie import Labels

AT_EDGE = 0.5
"""Smallest area of a cell that the edge of the frame cuts, relative to that of others."""


def largest_piece(labels: Labels) -> Labels:
    """Keep the largest connected piece of each id, the first in reading order among equals.

    Parameters
    ----------
    labels
        Label image (Y, X).
    """
    runs = _Runs.of(labels)
    piece = connected(labels, connectivity=1).take(runs.start)
    owner = np.zeros(int(piece.max(initial=0)) + 1, dtype=np.int64)
    owner[piece] = labels.take(runs.start)
    area = np.bincount(piece, runs.length, minlength=owner.size)
    order = np.lexsort((-np.arange(owner.size), area))
    order = order[order > 0]
    best = np.zeros(int(owner.max(initial=0)) + 1, dtype=np.int64)
    best[owner[order]] = order
    smaller = best[owner] != np.arange(owner.size)
    kept = labels.astype(np.int32)
    kept.flat[runs.pixels(smaller[piece] & (piece > 0))] = 0
    return kept


@dataclass(frozen=True, eq=False)
class _Runs:
    """Runs of equal pixels along the rows: far fewer than pixels.

    Attributes
    ----------
    start
        Place of the first pixel of each run in the flat image, shape (k,).
    length
        Number of pixels, shape (k,).
    """

    start: NDArray[np.intp]
    length: NDArray[np.intp]

    @classmethod
    def of(cls, labels: Labels) -> _Runs:
        flat = labels.ravel()
        fresh = np.ones(flat.size, dtype=bool)
        np.not_equal(flat[1:], flat[:-1], out=fresh[1:])
        fresh[:: max(1, labels.shape[1])] = True
        start = np.flatnonzero(fresh)
        return cls(start, np.diff(start, append=flat.size))

    def pixels(self, chosen: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Places of the pixels of some runs, in the flat image."""
        start, length = self.start[chosen], self.length[chosen]
        before = np.cumsum(length) - length
        return np.repeat(start - before, length) + np.arange(int(length.sum()))


def fill_holes(labels: Labels, largest_px: float = np.inf) -> Labels:
    """Give a hole to the cell that surrounds it; a gap between several cells stays open.

    Parameters
    ----------
    labels
        Label image (Y, X).
    largest_px
        Holes of a larger area stay open.
    """
    background = labels == 0
    gaps = connected(background, connectivity=1)
    closed = np.ones(int(gaps.max(initial=0)) + 1, dtype=bool)
    closed[0] = False
    for edge in (gaps[0], gaps[-1], gaps[:, 0], gaps[:, -1]):
        closed[edge] = False
    filled = labels.astype(np.int32)
    if not closed.any():
        return filled
    runs = _Runs.of(background)
    places = runs.pixels(closed[gaps.take(runs.start)])
    y, x = np.divmod(places, labels.shape[1])
    around = np.stack([filled[y - 1, x], filled[y + 1, x], filled[y, x - 1], filled[y, x + 1]])
    outside = np.iinfo(np.int32).max
    high, low = np.zeros(closed.size, dtype=np.int64), np.full(closed.size, outside)
    hole = gaps[y, x]
    np.maximum.at(high, hole, around.max(axis=0))
    np.minimum.at(low, hole, np.where(around > 0, around, outside).min(axis=0))
    owned = (high == low) & (np.bincount(hole, minlength=closed.size) <= largest_px)
    filled[y, x] = np.where(owned[hole], high[hole], 0)
    return filled


def drop(labels: Labels, unwanted: NDArray[np.bool_]) -> Labels:
    """Remove ids and number the others 1…n in their old order.

    Parameters
    ----------
    labels
        Label image (Y, X).
    unwanted
        Whether each id goes, shape (largest id + 1,).
    """
    runs = _Runs.of(labels)
    of_run = labels.take(runs.start)
    keep = np.zeros(unwanted.size, dtype=bool)
    keep[of_run] = True
    keep &= ~unwanted
    keep[0] = False
    number = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return np.repeat(number[of_run], runs.length).reshape(labels.shape)


def areas(labels: Labels) -> NDArray[np.int64]:
    """Area of each id in pixels, shape (largest id + 1,)."""
    runs = _Runs.of(labels)
    of_run = labels.take(runs.start)
    count = np.bincount(of_run, runs.length, minlength=int(of_run.max(initial=0)) + 1)
    return count.astype(np.int64)


def at_border(labels: Labels) -> NDArray[np.bool_]:
    """Tell which ids touch the edge of the frame, shape (largest id + 1,)."""
    touching = np.zeros(int(labels.max(initial=0)) + 1, dtype=bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        touching[edge] = True
    touching[0] = False
    return touching


def select(
    labels: Labels, smallest_px: float, largest_px: float, *, exclude_border: bool
) -> Labels:
    """Remove specks, clumps and, where asked, cells cut by the edge; number the others 1…n.

    Of a cell that the edge of the frame cuts only a part is seen: half the smallest area is enough.

    Parameters
    ----------
    labels
        Label image (Y, X).
    smallest_px, largest_px
        Smallest and largest area of a cell, pixels.
    exclude_border
        Whether cells that touch the edge of the frame go.
    """
    area = areas(labels)
    is_cut = at_border(labels)
    unwanted = (area < np.where(is_cut, AT_EDGE, 1) * smallest_px) | (area > largest_px)
    if exclude_border:
        unwanted |= is_cut
    return drop(labels, unwanted)
