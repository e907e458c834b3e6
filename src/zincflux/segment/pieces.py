"""What every segmenter does to its label image: pieces, holes, sizes, border, numbering."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label as connected

from zincflux.movie import Labels


def largest_piece(labels: Labels) -> Labels:
    """Keep the largest connected piece of each id, the first in reading order among equals.

    Parameters
    ----------
    labels
        Label image (Y, X).
    """
    pieces = connected(labels, connectivity=1)
    owner = np.zeros(int(pieces.max(initial=0)) + 1, dtype=np.int64)
    owner[pieces.ravel()] = labels.ravel()
    area = np.bincount(pieces.ravel(), minlength=owner.size)
    order = np.lexsort((-np.arange(owner.size), area))
    order = order[order > 0]
    best = np.zeros(int(owner.max(initial=0)) + 1, dtype=np.int64)
    best[owner[order]] = order
    keep = best[owner] == np.arange(owner.size)
    keep[0] = False
    return np.where(keep[pieces], labels, 0).astype(np.int32)


def fill_holes(labels: Labels, largest_px: float = np.inf) -> Labels:
    """Give a hole to the cell that surrounds it; a gap between several cells stays open.

    Parameters
    ----------
    labels
        Label image (Y, X).
    largest_px
        Holes of a larger area stay open.
    """
    gaps = connected(labels == 0, connectivity=1)
    closed = np.ones(int(gaps.max(initial=0)) + 1, dtype=bool)
    closed[0] = False
    for edge in (gaps[0], gaps[-1], gaps[:, 0], gaps[:, -1]):
        closed[edge] = False
    if not closed.any():
        return labels.astype(np.int32)
    filled = labels.astype(np.int32)
    y, x = np.nonzero(closed[gaps])
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
    keep = ~unwanted & (np.bincount(labels.ravel(), minlength=unwanted.size) > 0)
    keep[0] = False
    number = np.where(keep, np.cumsum(keep), 0)
    return number[labels].astype(np.int32)


def areas(labels: Labels) -> NDArray[np.int64]:
    """Area of each id in pixels, shape (largest id + 1,)."""
    return np.bincount(labels.ravel(), minlength=int(labels.max(initial=0)) + 1)


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
    unwanted = (area < smallest_px) | (area > largest_px)
    if exclude_border:
        unwanted |= at_border(labels)
    return drop(labels, unwanted)
