"""Basins of an image: filling them up, and flooding them from where they are deepest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from zincflux.movie import FloatArray, Labels

IntArray = NDArray[np.intp]

_Passes = tuple[IntArray, IntArray, IntArray]
"""Both basins at pairs of neighbours, and the place of the higher of the two."""

LATER = ((0, 1), (1, -1), (1, 0), (1, 1))
"""Steps to the four of the eight neighbours that come after a pixel in reading order."""

LATER_SIDES = ((0, 1), (1, 0))
"""Those of the two that share a side with it."""

SIDES = (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1])


def fill_basins(height: FloatArray) -> FloatArray:
    """Raise each pixel to the lowest way out over its eight neighbours, as water behind a dam.

    Pixels at the edge are ways out. The result is that of reconstruction by erosion.

    Parameters
    ----------
    height
        Pixels (Y, X), finite, not empty.

    Returns
    -------
    numpy.ndarray
        Shape (Y, X); nowhere lower than `height`.

    Notes
    -----
    A way down leads from every pixel to a low point, and water leaves the pixel where it leaves
    that point. So only low points need a level: the highest pass on their way out, and that way
    is in the minimum spanning tree of low points and passes [1]_.

    References
    ----------
    .. [1] G. Cordonnier, B. Bovy, J. Braun, "A versatile, linear complexity algorithm for flow
       routing in topographies with depressions", Earth Surf. Dynam. 7 (2019) 549–562.
    """
    place = np.arange(height.size)
    low_point = _ends(_one_down(height, LATER, place), place)
    number = np.cumsum(low_point == place)
    n_basins = int(number[-1])
    basin = (number[low_point] - 1).reshape(height.shape)
    edge = [place.reshape(height.shape)[side] for side in SIDES]
    ways_out = [(basin.ravel()[here], np.full(here.size, n_basins), here) for here in edge]
    passes = zip(_passes(height, basin, LATER), *ways_out, strict=True)
    one, other, top = (np.concatenate(parts) for parts in passes)
    level = _levels(height, (one, other, top), n_basins)
    result: FloatArray = np.maximum(height, level[basin])
    return result


def flood(height: FloatArray, seeds: Labels, mask: NDArray[np.bool_]) -> Labels | None:
    """Flood from seeds, as of `skimage.segmentation.watershed`, in a fraction of its time.

    Parameters
    ----------
    height
        Pixels (Y, X).
    seeds
        Ids (Y, X) at every pixel that is lower than its eight neighbours, and perhaps elsewhere.
    mask
        Where the flood may go, (Y, X).

    Returns
    -------
    numpy.ndarray or None
        Ids (Y, X), int32; None where the order of the flood hangs on equally high neighbours.

    Notes
    -----
    A pixel belongs to the neighbour that the flood comes to first: the lowest of the four, where
    each lies at the level at which the flood comes to it. That is its own height, but for basins
    without a seed, which fill at once when the flood gets over the lowest pass.
    """
    inner = np.where(mask, height, np.inf)
    still = (seeds > 0) | ~mask
    if not still.any() or _has_ties(inner, still):
        return None
    moving = np.flatnonzero(~still)
    way = np.arange(height.size)
    way[moving] = _one_down(inner, LATER_SIDES, moving)
    end = _ends(way, moving)
    lost = moving[end[moving] == moving]
    if lost.size:
        _lead_out(inner, end, lost, moving)
    labels: Labels = seeds.ravel()[end].reshape(height.shape).astype(np.int32)
    return labels


def _lead_out(height: FloatArray, end: IntArray, lost: IntArray, moving: IntArray) -> None:
    """Correct, in place, where the pixels of basins without a seed are flooded from.

    Parameters
    ----------
    height
        Pixels (Y, X).
    end
        Low point of each pixel, (Y X,).
    lost
        The low points without a seed.
    moving
        Places of all pixels that end elsewhere.
    """
    number = np.full(height.size, lost.size)
    number[lost] = np.arange(lost.size)
    basin = number[end].reshape(height.shape)
    passes = _passes(height, basin, LATER_SIDES)
    level = np.append(_levels(height, passes, lost.size)[:-1], -np.inf)
    top = passes[2][np.argsort(height.flat[passes[2]])]
    over = top[np.searchsorted(height.flat[top], level[:-1])]
    inside = moving[basin.ravel()[moving] < lost.size]
    raised = height.copy()
    raised.flat[inside] = np.maximum(height.flat[inside], level[basin.flat[inside]])
    full = inside[raised.flat[inside] > height.flat[inside]]
    end[inside] = _one_down(raised, LATER_SIDES, inside)
    end[full] = over[basin.flat[full]]
    _ends(end, inside)


def _has_ties(height: FloatArray, still: NDArray[np.bool_]) -> bool:
    """Whether any pixel to be flooded is as high as one beside it."""
    down = (height[1:] == height[:-1]) & ~(still[1:] & still[:-1])
    right = (height[:, 1:] == height[:, :-1]) & ~(still[:, 1:] & still[:, :-1])
    return bool(down.any() or right.any())


def _one_down(height: FloatArray, later: tuple[tuple[int, int], ...], places: IntArray) -> IntArray:
    """Place (in the flat image) of the lowest neighbour of some pixels, or of themselves."""
    n_columns = height.shape[1]
    around = np.pad(height, 1, constant_values=np.inf).ravel()
    middle = places + n_columns + 3 + 2 * (places // n_columns)
    lowest, way = around[middle], places.copy()
    for sign in (-1, 1):
        for y, x in later:
            there = around.take(middle + sign * (y * (n_columns + 2) + x))
            # Among equal pixels the way leads to earlier ones only, so that it ends.
            better = there <= lowest if sign < 0 else there < lowest
            np.copyto(way, places + sign * (y * n_columns + x), where=better)
            np.minimum(lowest, there, out=lowest)
    return way


def _ends(way: IntArray, moving: IntArray) -> IntArray:
    """Follow ways, given by the next place on them, to where they end; in place.

    Parameters
    ----------
    way
        Next place of each pixel, (Y X,); its own where the way ends.
    moving
        Places whose ways are followed.
    """
    before = way[moving]
    while True:
        after = way[before]
        if np.array_equal(after, before):
            return way
        way[moving] = before = after


def _passes(height: FloatArray, basin: IntArray, later: tuple[tuple[int, int], ...]) -> _Passes:
    """Find the pairs of neighbours that lie in different basins."""
    n_columns = height.shape[1]
    column = np.arange(n_columns)
    flat_basin, flat_height = basin.ravel(), height.ravel()
    found = []
    for y, x in later:
        step = y * n_columns + x
        here = np.flatnonzero(flat_basin[: max(0, basin.size - step)] != flat_basin[step:])
        # Steps beyond a side would come out on the other one.
        here = here[((column + x >= 0) & (column + x < n_columns))[here % n_columns]]
        there = here + step
        top = np.where(flat_height[here] > flat_height[there], here, there)
        found.append((flat_basin[here], flat_basin[there], top))
    one, other, places = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return one, other, places


def _levels(height: FloatArray, passes: _Passes, outside: int) -> FloatArray:
    """Height of the highest pass on the lowest way from each basin to the basin `outside`.

    Shape (outside + 1,); the last one means nothing.
    """
    one, other, top = passes
    key = np.minimum(one, other) * (outside + 1) + np.maximum(one, other)
    order = np.argsort(key)
    start = np.flatnonzero(np.diff(key[order], prepend=-1))
    # SciPy's graphs take indices of 32 bits; older versions take no others.
    pairs = tuple(part.astype(np.int32) for part in np.divmod(key[order][start], outside + 1))
    # Ranks instead of heights, since an edge of weight 0 is none.
    lowest = np.minimum.reduceat(height.ravel()[top][order], start)
    heights, rank = np.unique(lowest, return_inverse=True)
    shape = (outside + 1, outside + 1)
    tree = minimum_spanning_tree(coo_array((rank + 1.0, pairs), shape=shape).tocsr())
    before = breadth_first_order(tree, outside, directed=False)[1]
    edge = tree.tocoo()
    inner = np.where(before[edge.row] == edge.col, edge.row, edge.col)
    highest = np.zeros(outside + 1, dtype=np.intp)
    highest[inner] = edge.data.astype(np.intp) - 1
    before[outside] = outside
    while np.any(before != outside):
        highest = np.maximum(highest, highest[before])
        before = before[before]
    return heights[highest]
