"""What every segmenter does to its label image: pieces, holes, sizes, border, numbering."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
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
    holes = connected(ndimage.binary_fill_holes(labels > 0) & (labels == 0), connectivity=1)
    n = int(holes.max(initial=0)) + 1
    if n == 1:
        return labels.astype(np.int32)
    outside = np.iinfo(np.int32).max
    cross = ndimage.generate_binary_structure(2, 1)
    above = ndimage.maximum_filter(labels, footprint=cross, mode="nearest")
    below = ndimage.minimum_filter(
        np.where(labels > 0, labels, outside), footprint=cross, mode="nearest"
    )
    inside = holes > 0
    high, low = np.zeros(n, dtype=np.int64), np.full(n, outside)
    np.maximum.at(high, holes[inside], above[inside])
    np.minimum.at(low, holes[inside], below[inside])
    owned = (high == low) & (np.bincount(holes.ravel(), minlength=n) <= largest_px)
    owned[0] = False
    return np.where(owned[holes], high[holes], labels).astype(np.int32)


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
