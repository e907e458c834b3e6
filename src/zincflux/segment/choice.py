"""Choosing, among all the cells there might be, those that explain the picture best."""

from __future__ import annotations

import numpy as np

from zincflux.movie import FloatArray, Labels
from zincflux.segment.candidates import Candidates
from zincflux.segment.hierarchy import Hierarchy
from zincflux.segment.sums import IntArray

LEAST_LIKENESS = 0.25
"""Probability from which a candidate is called a cell. Scores hardly change from 0.25 to 0.35; the
lower end keeps more of the dim neighbours of bright cells."""


def choose(tree: Hierarchy, likeness: FloatArray) -> IntArray:
    """Choose candidates that do not overlap, so that the sum of their gains is the largest.

    The gain of a candidate is how far its log-odds lie above those of `LEAST_LIKENESS`, so that one
    sure cell outweighs two doubtful halves. The best choice below a node is the node itself, or
    the best choices below its two parts together.

    Parameters
    ----------
    tree
        The candidates.
    likeness
        Probability that each one is a cell, shape (N,).

    Returns
    -------
    numpy.ndarray
        The chosen candidate that each leaf belongs to, −1 for none; shape (n leaves,).

    References
    ----------
    .. [1] C. Arteta, V. Lempitsky, J. A. Noble, A. Zisserman, "Learning to detect cells using
       non-overlapping extremal regions", MICCAI 2012, LNCS 7510, 348–356.
    """
    sure = np.clip(likeness, 1e-3, 1 - 1e-3)
    gain = np.log(sure / (1 - sure) / (LEAST_LIKENESS / (1 - LEAST_LIKENESS)))
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
    """Draw the chosen candidates.

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
    nodes, number = np.unique(np.append(choose(found.tree, likeness), -1), return_inverse=True)
    # The last one stands for the background, so that index 0 of the pieces finds it.
    of_piece = np.roll(number.ravel(), 1)
    return of_piece[found.pieces].astype(np.int32), nodes[1:]
