"""The background of each cell from a ring around it."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
from numpy.typing import ArrayLike, NDArray

from zincflux.movie import FloatArray, Image, Labels

_MIN_PIXELS = 20


def ring_labels(labels: Labels, inner_px: float, outer_px: float) -> Labels:
    """Draw a ring around every cell that no cell and no halo reaches into.

    Parameters
    ----------
    labels
        Label image (Y, X).
    inner_px, outer_px
        Distance from the nearest cell, px: a pixel belongs to a ring if inner < distance <= outer.

    Returns
    -------
    numpy.ndarray
        Label image (Y, X), int32, with the id of the nearest cell; rings of neighbours meet half
        way and do not overlap.

    Raises
    ------
    ValueError
        If the distances are not 0 <= inner < outer.

    Examples
    --------
    >>> ring_labels(np.array([[7, 0, 0, 0, 0]], dtype=np.int32), inner_px=1, outer_px=3)
    array([[0, 0, 7, 7, 0]], dtype=int32)
    """
    if not 0 <= inner_px < outer_px:
        raise ValueError(
            f"expected distances with 0 <= inner_px < outer_px, found {inner_px}, {outer_px}."
        )
    if not labels.any():
        return np.zeros(labels.shape, dtype=np.int32)
    distance, nearest = scipy.ndimage.distance_transform_edt(labels == 0, return_indices=True)
    inside = (distance > inner_px) & (distance <= outer_px)
    return np.where(inside, labels[tuple(nearest)], 0).astype(np.int32)


def ring_background(
    frame: Image,
    rings: Labels,
    ids: NDArray[np.integer],
    *,
    fallback: ArrayLike = np.nan,
    min_pixels: int = _MIN_PIXELS,
) -> FloatArray:
    """Take the median of the ring around each cell.

    Whole numbers are taken for the middle of their bins, so that the median of many whole counts
    is finer than a count.

    Parameters
    ----------
    frame
        Pixels (C, Y, X); those that are not finite are left out.
    rings
        Rings (Y, X) from `ring_labels`.
    ids
        Ids of the cells, shape (n,).
    fallback
        Level in counts, one or shape (C,), of a cell whose ring is too small.
    min_pixels
        Smallest number of pixels of a ring that is used.

    Returns
    -------
    numpy.ndarray
        Background in counts, shape (C, n).
    """
    where = np.flatnonzero(rings)
    order = np.argsort(rings.ravel()[where], kind="stable")
    where = where[order]
    owner = rings.ravel()[where]
    default = np.broadcast_to(np.asarray(fallback, dtype=np.float64), (len(frame),))
    result = np.repeat(default[:, None], len(ids), axis=1)
    for channel, row in zip(frame.reshape(len(frame), -1), result, strict=True):
        median, count = _medians(channel[where], owner, np.asarray(ids))
        enough = count >= min_pixels
        row[enough] = median[enough]
    return result


def _medians(
    values: Image, owner: NDArray[np.int32], ids: NDArray[np.integer]
) -> tuple[FloatArray, NDArray[np.intp]]:
    """Median and number of the finite values of each owner; ``owner`` is sorted."""
    finite = np.isfinite(values)
    values, owner = values[finite], owner[finite]
    values = values[np.lexsort((values, owner))]
    first = np.searchsorted(owner, ids, side="left")
    count = np.searchsorted(owner, ids, side="right") - first
    median = np.full(len(ids), np.nan)
    some = count > 0
    low = values[first[some] + (count[some] - 1) // 2].astype(np.float64)
    high = values[first[some] + count[some] // 2].astype(np.float64)
    median[some] = (low + high) / 2
    if np.issubdtype(values.dtype, np.integer):
        median[some] = _within_bin(values, first[some], count[some], np.floor(median[some]))
    return median, count


def _within_bin(
    values: Image, first: NDArray[np.intp], count: NDArray[np.intp], middle: FloatArray
) -> FloatArray:
    """Place the median of whole numbers within the bin of one count that it falls in."""
    group = np.repeat(np.arange(len(first)), count)
    inside = np.repeat(first - np.concatenate(([0], np.cumsum(count)[:-1])), count)
    own = values[np.arange(group.size) + inside].astype(np.float64)
    below = np.bincount(group[own < middle[group]], minlength=len(first))
    equal = np.bincount(group[own == middle[group]], minlength=len(first))
    offset = np.divide(count / 2 - below, equal, out=np.full(len(first), 0.5), where=equal > 0)
    return np.asarray(middle - 0.5 + np.clip(offset, 0, 1))
