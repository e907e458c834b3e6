"""Cells from what the network says: each pixel climbs to a summit; shallow saddles are bridged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import Labels
from zincflux.segment.learned.scaling import FloatImage

Mask = NDArray[np.bool_]

_STEPS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]


def basins(depth: FloatImage, inside: Mask, saddle: float) -> Labels:
    """Part what is inside into cells.

    Every pixel goes to its deepest neighbour, and so on to a summit. Two summits belong to one
    cell when the way between them never falls below a share of the lower one; the highest passes
    are judged first.

    Parameters
    ----------
    depth
        Depth in the cell, (Y, X).
    inside
        Where there are cells, (Y, X).
    saddle
        Share of the lower summit above which a pass is bridged.

    Returns
    -------
    numpy.ndarray
        Label image with ids from 1, in the order of their first pixel.
    """
    height = height_of(depth, inside)
    summit = _summits(height)
    tops = np.flatnonzero((summit == np.arange(summit.size)) & inside.ravel())
    number = np.full(height.size, -1, dtype=np.int32)
    number[tops] = np.arange(tops.size)
    piece = np.where(inside, number[summit].reshape(height.shape), -1)
    if not tops.size:
        return np.zeros(height.shape, dtype=np.int32)
    cell = _bridged(piece, height, height.ravel()[tops], saddle)
    return renumbered(np.where(inside, cell[piece] + 1, 0))


def height_of(depth: FloatImage, inside: Mask) -> FloatImage:
    """Depth (Y, X), above 0 wherever there are cells and below elsewhere."""
    return np.where(inside, np.maximum(depth, 1e-6), -1).astype(np.float32)


def _summits(height: FloatImage) -> NDArray[np.int32]:
    """Index of the summit that each pixel climbs to, flat."""
    padded = np.pad(height, 1, constant_values=-1)
    rows, columns = height.shape
    best = height.copy()
    target = np.arange(height.size, dtype=np.int32).reshape(height.shape)
    index = np.pad(target, 1)
    for dy, dx in _STEPS:
        part = slice(1 + dy, 1 + dy + rows), slice(1 + dx, 1 + dx + columns)
        higher = padded[part] > best
        np.copyto(best, padded[part], where=higher)
        np.copyto(target, index[part], where=higher)
    flat = target.ravel()
    while True:
        further = flat[flat]
        if np.array_equal(further, flat):
            return flat
        flat = further


def _bridged(
    piece: NDArray[np.int32], height: FloatImage, top: FloatImage, saddle: float
) -> NDArray[np.int32]:
    """Cell of each piece, after bridging the passes that are high enough."""
    one, other, pass_height = passes(piece, height, top.size)
    owner = list(range(top.size))
    high_enough = pass_height >= saddle * np.minimum(top[one], top[other])

    def root(n: int) -> int:
        while owner[n] != n:
            owner[n] = owner[owner[n]]
            n = owner[n]
        return n

    # Summits of what is joined only grow, so that a pass that is too low once stays so.
    one, other, pass_height = one[high_enough], other[high_enough], pass_height[high_enough]
    for k in np.lexsort((other, one, -pass_height)):
        a, b = root(int(one[k])), root(int(other[k]))
        if a != b and pass_height[k] >= saddle * min(top[a], top[b]):
            low, high = (a, b) if top[a] < top[b] else (b, a)
            owner[low] = high
    return np.array([root(n) for n in range(top.size)], dtype=np.int32)


def passes(
    piece: NDArray[np.int32], height: FloatImage, n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatImage]:
    """Find the highest pass between any two pieces that touch.

    Parameters
    ----------
    piece
        Pieces (Y, X), 0…n − 1; −1 where there is none.
    height
        Depth in the cell, (Y, X).
    n
        Number of pieces.

    Returns
    -------
    tuple
        The one piece, the other one, and the height of the pass; each pair once, shape (m,).
    """
    pairs, heights = [], []
    for low, high in _neighbours():
        apart = (piece[low] != piece[high]) & (piece[low] >= 0) & (piece[high] >= 0)
        a, b = (piece[side][apart].astype(np.int64) for side in (low, high))
        pairs.append(np.minimum(a, b) * n + np.maximum(a, b))
        heights.append(np.minimum(height[low][apart], height[high][apart]))
    pair, value = np.concatenate(pairs), np.concatenate(heights)
    order = np.lexsort((value, pair))
    pair, value = pair[order], value[order]
    last = np.append(pair[1:] != pair[:-1], True)[: pair.size]
    pair, value = pair[last], value[last]
    return pair // n, pair % n, value


def _neighbours() -> list[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Give views of the pixels and of their neighbours in four of the eight directions."""
    every, first, last = slice(None), slice(None, -1), slice(1, None)
    return [
        ((every, first), (every, last)),
        ((first, every), (last, every)),
        ((first, first), (last, last)),
        ((first, last), (last, first)),
    ]


def renumbered(labels: NDArray[np.integer]) -> Labels:
    """Give the ids of a label image (Y, X) the numbers 1…n, in the order of their first pixel."""
    flat = labels.ravel()
    first = np.full(int(flat.max(initial=0)) + 1, flat.size, dtype=np.intp)
    # Going backwards, the first pixel of each id is written last.
    places = np.flatnonzero(flat)[::-1]
    first[flat[places]] = places
    found = np.flatnonzero(first < flat.size)
    rank = np.zeros(first.size, dtype=np.int32)
    rank[found[np.argsort(first[found])]] = np.arange(1, found.size + 1)
    return np.asarray(rank[flat].reshape(labels.shape))


def doubtful(
    labels: Labels, inside: FloatImage, depth: FloatImage, least_sure: float, least_top: float
) -> Mask:
    """Tell which objects the network is not sure of, shape (largest id + 1,).

    Parameters
    ----------
    labels
        Label image (Y, X).
    inside, depth
        What the network said, (Y, X).
    least_sure, least_top
        Least mean probability, and least summit, of a cell.
    """
    n = int(labels.max(initial=0)) + 1
    flat = labels.ravel()
    area = np.bincount(flat, minlength=n)
    sure = np.bincount(flat, inside.ravel(), minlength=n) / np.maximum(area, 1)
    return np.asarray((sure < least_sure) | (summits_of(labels, depth) < least_top))


def summits_of(labels: Labels, depth: FloatImage) -> FloatImage:
    """Greatest depth within each id, shape (largest id + 1,)."""
    top = np.zeros(int(labels.max(initial=0)) + 1, dtype=np.float32)
    np.maximum.at(top, labels.ravel(), depth.ravel())
    return top
