"""What the frames around say of a candidate: whether the same cell is there."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.sparse import csr_array

from zincflux.movie import FloatArray, Labels
from zincflux.segment.choice import shared_px
from zincflux.segment.hierarchy import Hierarchy

REACH = 2
"""Frames before and after that are looked at."""

LARGEST = 5.0
"""Areas of a cell from which a candidate is none, whatever lies there in other frames."""

SIGNS = ("overlap", "covered", "held", "share", "cells inside")
"""What is measured in another frame: IoU with the cell there that fits best, covered by cells,
share of the best one within the candidate and of the candidate within the best one, and cells that
lie within the candidate by more than half."""

COMPANY = (
    *(f"{sign} next to it" for sign in SIGNS),
    *(f"{sign} two frames off" for sign in SIGNS),
    "known",
)
"""Columns of `company`: means over both sides, and how many of the two next frames are known."""

OVERLAP, COVERED = 0, 1


def members(tree: Hierarchy, area_px: float) -> csr_array:
    """Tell which pieces each candidate consists of, sparse (N, n leaves).

    Parameters
    ----------
    tree
        The candidates; those of more than `LARGEST` cells are left empty.
    area_px
        Expected area of a cell, pixels.
    """
    small = tree.sums.inside[:, 0] <= LARGEST * area_px
    node, leaf = np.arange(tree.n_leaves), np.arange(tree.n_leaves)
    rows, columns = [node], [leaf]
    while node.size:
        node = tree.parent[node]
        # What is above a candidate that is too large is larger still.
        kept = (node >= 0) & small[node]
        node, leaf = node[kept], leaf[kept]
        rows.append(node)
        columns.append(leaf)
    row, column = np.concatenate(rows), np.concatenate(columns)
    return csr_array((np.ones(row.size), (row, column)), shape=(small.size, tree.n_leaves))


def company(of_leaves: csr_array, pieces: Labels, around: Mapping[int, Labels]) -> FloatArray:
    """Compare every candidate with the cells of the frames around.

    Parameters
    ----------
    of_leaves
        `members` of the candidates, (N, n).
    pieces
        Label image (y, x) of the leaves.
    around
        Label images (y, x) of the cells of other frames, moved to where they would be now, by
        how many frames they are off (−2, −1, 1, 2). What is not known is absent.

    Returns
    -------
    numpy.ndarray
        Shape (N, len(COMPANY)).
    """
    result = np.zeros((of_leaves.shape[0], len(COMPANY)))
    for group, distance in enumerate(range(1, REACH + 1)):
        known = [around[d] for d in (-distance, distance) if d in around]
        first = group * len(SIGNS)
        for cells in known:
            seen = _compare(of_leaves, pieces, cells)
            result[:, first : first + len(SIGNS)] += seen / len(known)
        if distance == 1:
            result[:, -1] = len(known) / 2
    return result


def _compare(of_leaves: csr_array, pieces: Labels, cells: Labels) -> FloatArray:
    """Measure the `SIGNS` in one other frame, (N, 5)."""
    n = int(cells.max(initial=0)) + 1
    size = np.bincount(cells.ravel(), minlength=n).astype(np.float64)
    leaf, cell, count = shared_px(pieces, cells)
    shape = (of_leaves.shape[1], n)
    both = csr_array(of_leaves @ csr_array((count, (leaf - 1, cell)), shape=shape))
    node = np.repeat(np.arange(both.shape[0]), np.diff(both.indptr))
    area = of_leaves @ np.bincount(pieces.ravel(), minlength=shape[0] + 1)[1:].astype(np.float64)
    shared, other = both.data, size[both.indices]
    overlap = shared / (area[node] + other - shared)
    result = np.zeros((both.shape[0], len(SIGNS)))
    # The last of each candidate's entries is the one that fits it best.
    order = np.lexsort((shared, overlap, node))
    best = order[np.flatnonzero(np.diff(node[order], append=-1))]
    mine = node[best]
    total = np.maximum(area, 1)
    result[mine, OVERLAP] = overlap[best]
    result[:, COVERED] = np.bincount(node, shared, result.shape[0]) / total
    result[mine, 2] = shared[best] / other[best]
    result[mine, 3] = shared[best] / total[mine]
    result[:, 4] = np.bincount(node[shared > 0.5 * other], minlength=result.shape[0])
    return result
