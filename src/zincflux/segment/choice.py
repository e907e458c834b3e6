"""Choosing, among all the cells there might be, those that explain the picture best."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from zincflux.movie import FloatArray, Labels
from zincflux.segment.candidates import Candidates
from zincflux.segment.hierarchy import Hierarchy
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


def choose(tree: Hierarchy, gain: FloatArray) -> IntArray:
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
        As of `drawn`.
    """
    return drawn(found, choose(found.tree, gains(likeness)))


def drawn(found: Candidates, owner: IntArray) -> tuple[Labels, IntArray]:
    """Draw the chosen candidates.

    Parameters
    ----------
    found
        The candidates.
    owner
        The chosen candidate that each leaf belongs to, −1 for none; shape (n leaves,).

    Returns
    -------
    tuple
        Label image (y, x) of the binned image, int32, ids 1…n; and the nodes of the ids, (n,).
    """
    nodes, number = np.unique(np.append(owner, -1), return_inverse=True)
    # The last one stands for the background, so that index 0 of the pieces finds it.
    of_piece = np.roll(number.ravel(), 1)
    return of_piece[found.pieces].astype(np.int32), nodes[1:]


def better_of(
    first: Labels, gain: FloatArray, second: Labels, other_gain: FloatArray
) -> tuple[Labels, FloatArray]:
    """Join two choices for one image: of cells that exclude each other, the side that gains more.

    Parameters
    ----------
    first, second
        Label images (y, x), ids 1…n and 1…m.
    gain, other_gain
        What each of their cells is worth, shapes (n,) and (m,).

    Returns
    -------
    tuple
        Label image (y, x), int32, ids 1…k; and what each of its cells is worth, (k,).
    """
    n, m = gain.size, other_gain.size
    areas = [np.bincount(x.ravel(), minlength=k + 1) for x, k in ((first, n), (second, m))]
    i, j, shared = shared_px(first, second)
    rivals = shared > RIVALS * np.minimum(areas[0][i], areas[1][j])
    pairs = (np.ones(np.count_nonzero(rivals)), (i[rivals] - 1, n + j[rivals] - 1))
    _, block = connected_components(csr_array(pairs, shape=(n + m, n + m)), directed=False)
    worth = np.concatenate([-gain, other_gain])
    # A rounding error must not decide between two equal choices.
    wins = np.bincount(block, worth, minlength=1) > 1e-9
    kept = np.where(np.arange(n + m) < n, ~wins[block], wins[block])
    cells = np.where(np.append(False, kept[:n])[first], first, 0)
    cells = np.where(np.append(False, kept[n:])[second], n + second, cells)
    # What is painted over altogether is no cell any more.
    labels, ids = renumbered(cells)
    return labels, np.concatenate([gain, other_gain])[ids - 1]


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
    occurs = np.bincount(labels.ravel()) > 0
    occurs[:1] = False
    return np.cumsum(occurs, dtype=np.int32)[labels], np.flatnonzero(occurs)


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
    both = (first > 0) & (second > 0)
    width = int(second.max(initial=0)) + 1
    key, count = np.unique(first[both].astype(np.int64) * width + second[both], return_counts=True)
    i, j = np.divmod(key, width)
    return i.astype(np.intp), j.astype(np.intp), count.astype(np.float64)


def same_cells(first: Labels, second: Labels) -> bool:
    """Tell whether two label images (y, x) show the same cells, however they are numbered."""
    n = int(first.max(initial=0))
    if n != second.max(initial=0) or not np.array_equal(first > 0, second > 0):
        return False
    return shared_px(first, second)[0].size == n
