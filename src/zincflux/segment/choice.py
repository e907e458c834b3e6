"""Choosing, among all the cells there might be, those that explain the picture best."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from zincflux.movie import FloatArray, Labels
from zincflux.segment.candidates import Candidates
from zincflux.segment.hierarchy import Tree
from zincflux.segment.sums import IntArray

LEAST_LIKENESS = 0.25
"""Probability from which a candidate is called a cell. Scores hardly change from 0.25 to 0.35; the
lower end keeps more of the dim neighbours of bright cells."""

RIVALS = 0.15
"""Share of the smaller of two cells that the other covers, from which only one of them can be."""


def gains(likeness: FloatArray) -> FloatArray:
    """How far the log-odds of each candidate lie above those of `LEAST_LIKENESS`.

    Parameters
    ----------
    likeness
        Probability that each one is a cell, shape (N,).
    """
    sure = np.clip(likeness, 1e-3, 1 - 1e-3)
    result: FloatArray = np.log(sure / (1 - sure) / (LEAST_LIKENESS / (1 - LEAST_LIKENESS)))
    return result


def choose(tree: Tree, gain: FloatArray) -> IntArray:
    """Choose candidates that do not overlap, so that the sum of their gains is the largest.

    With `gains` one sure cell outweighs two doubtful halves. The best choice below a node is the
    node itself, or the best choices below its two parts together.

    Parameters
    ----------
    tree
        The candidates.
    gain
        What each one is worth, shape (N,); one that is worth nothing is never chosen.

    Returns
    -------
    numpy.ndarray
        The chosen candidate that each leaf belongs to, −1 for none; shape (n leaves,).

    References
    ----------
    .. [1] C. Arteta, V. Lempitsky, J. A. Noble, A. Zisserman, "Learning to detect cells using
       non-overlapping extremal regions", MICCAI 2012, LNCS 7510, 348–356.
    """
    best, whole = np.maximum(gain, 0), gain > 0
    for start, stop in tree.rounds:
        parts = best[tree.children[start:stop]].sum(axis=1)
        whole[start:stop] = gain[start:stop] > parts
        best[start:stop] = np.maximum(gain[start:stop], parts)
    owner = np.where(whole, np.arange(whole.size), -1)
    for start, stop in reversed(tree.rounds):
        above = np.repeat(owner[start:stop, None], 2, axis=1)
        children = tree.children[start:stop]
        owner[children] = np.where(above >= 0, above, owner[children])
    return owner[: tree.n_leaves]


def chosen_cells(found: Candidates, likeness: FloatArray) -> tuple[Labels, IntArray]:
    """Choose cells by how likely each candidate is one, and draw them.

    Parameters
    ----------
    found
        The candidates.
    likeness
        Probability that each one is a cell, shape (N,).

    Returns
    -------
    tuple
        Label image (y, x) of the binned image, int32, ids 1…n; and the nodes of the ids, (n,).
    """
    return painted(found.pieces, choose(found.tree, gains(likeness)))


def painted(pieces: Labels, owner: IntArray) -> tuple[Labels, IntArray]:
    """Paint pieces by what they belong to.

    Parameters
    ----------
    pieces
        Ids 1…n of pixels, any shape.
    owner
        What each piece belongs to, −1 for nothing; shape (n,).

    Returns
    -------
    tuple
        Ids 1…k of the pixels, int32; and what the ids stand for, (k,).
    """
    nodes, number = np.unique(np.append(owner, -1), return_inverse=True)
    inside = np.flatnonzero(pieces > 0)
    cells = np.zeros(pieces.shape, dtype=np.int32)
    cells.flat[inside] = number.ravel()[pieces.take(inside) - 1]
    return cells, nodes[1:]


def better_of(
    first: Labels, gain: FloatArray, second: Labels, other_gain: FloatArray
) -> tuple[Labels, FloatArray]:
    """Join two choices for one image: of cells that exclude each other, the side that gains more.

    Parameters
    ----------
    first, second
        Label images (y, x) or their pixels (m,), ids 1…n and 1…m.
    gain, other_gain
        What each of their cells is worth, shapes (n,) and (m,).

    Returns
    -------
    tuple
        Label image (y, x), int32, ids 1…k; and what each of its cells is worth, (k,).
    """
    n, m = gain.size, other_gain.size
    area, other_area = areas(first, n), areas(second, m)
    i, j, shared = shared_px(first, second)
    rivals = shared > RIVALS * np.minimum(area[i], other_area[j])
    pairs = (np.ones(np.count_nonzero(rivals)), (i[rivals] - 1, n + j[rivals] - 1))
    _, block = connected_components(csr_array(pairs, shape=(n + m, n + m)), directed=False)
    worth = np.concatenate([-gain, other_gain])
    # A rounding error must not decide between two equal choices.
    wins = np.bincount(block, worth, minlength=1) > 1e-9
    kept = np.where(np.arange(n + m) < n, ~wins[block], wins[block])
    number = np.where(kept, np.arange(1, n + m + 1), 0).astype(np.int32)
    cells = np.zeros(first.shape, dtype=np.int32)
    for labels, ids in ((first, number[:n]), (second, number[n:])):
        there = np.flatnonzero(labels > 0)
        new = ids[labels.take(there) - 1]
        cells.flat[there[new > 0]] = new[new > 0]
    # What is painted over altogether is no cell any more.
    result, former = renumbered(cells)
    return result, np.concatenate([gain, other_gain])[former - 1]


def renumbered(labels: NDArray[Any]) -> tuple[Labels, IntArray]:
    """Give the ids that occur the numbers 1…n, in their order.

    Parameters
    ----------
    labels
        Label image (y, x), ids from 0.

    Returns
    -------
    tuple
        Label image (y, x), int32; and the former ids, (n,).
    """
    inside = np.flatnonzero(labels > 0)
    former = labels.take(inside)
    occurs = np.zeros(int(labels.max(initial=0)) + 1, dtype=bool)
    occurs[former] = True
    result = np.zeros(labels.shape, dtype=np.int32)
    result.flat[inside] = np.cumsum(occurs, dtype=np.int32)[former]
    return result, np.flatnonzero(occurs)


def shared_px(first: Labels, second: Labels) -> tuple[IntArray, IntArray, FloatArray]:
    """Count the pixels that each cell of one label image shares with each cell of another.

    Parameters
    ----------
    first, second
        Label images (y, x).

    Returns
    -------
    tuple
        Ids in both, and the number of pixels; each pair that shares any once, sorted.
    """
    one, other = first.ravel(), second.ravel()
    fresh = np.ones(one.size, dtype=bool)
    fresh[1:] = (one[1:] != one[:-1]) | (other[1:] != other[:-1])
    # Runs of equal pixels are far fewer than pixels, and sorting is what takes long.
    start = np.flatnonzero(fresh)
    length = np.diff(start, append=one.size)
    one, other = one[start], other[start]
    both = (one > 0) & (other > 0)
    width = int(other.max(initial=0)) + 1
    key, group = np.unique(one[both].astype(np.int64) * width + other[both], return_inverse=True)
    i, j = np.divmod(key, width)
    count = np.bincount(group.ravel(), length[both], minlength=key.size)
    return i.astype(np.intp), j.astype(np.intp), count.astype(np.float64)


def areas(labels: NDArray[Any], n: int) -> IntArray:
    """Count the pixels of each id from 0 to n of a label image (y, x), but none of id 0."""
    return np.bincount(labels.take(np.flatnonzero(labels > 0)), minlength=n + 1)


def found_again(first: Labels, second: Labels) -> NDArray[np.bool_]:
    """Tell which cells of one label image (y, x) are cells of another one, to the pixel.

    Parameters
    ----------
    first, second
        Label images (y, x).

    Returns
    -------
    numpy.ndarray
        Shape (largest id of the first + 1,); True for id 0.
    """
    n, m = int(first.max(initial=0)), int(second.max(initial=0))
    area, other = areas(first, n), areas(second, m)
    i, j, shared = shared_px(first, second)
    same = np.zeros(n + 1, dtype=bool)
    same[i[(shared == area[i]) & (shared == other[j])]] = True
    same[0] = True
    return same
