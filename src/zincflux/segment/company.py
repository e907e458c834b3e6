"""What the frames around say of a candidate: whether the same cell is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import csr_array

from zincflux.movie import FloatArray, Labels
from zincflux.segment.choice import areas, shared_px
from zincflux.segment.hierarchy import Tree
from zincflux.segment.sums import IntArray

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


def members(tree: Tree, area_px: float) -> csr_array:
    """Tell which pieces each candidate consists of, sparse (N, n leaves).

    Parameters
    ----------
    tree
        The candidates; those of more than `LARGEST` cells are left empty.
    area_px
        Expected area of a cell, pixels.
    """
    small = tree.area <= LARGEST * area_px
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


def company(
    of_leaves: csr_array,
    pieces: Labels,
    around: Mapping[int, Labels],
    sizes: Mapping[int, IntArray] | None = None,
) -> FloatArray:
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
    sizes
        Pixels of each id of the images around. With these, all images may be given by some of
        their pixels only, (m,): at least those of the pieces.

    Returns
    -------
    numpy.ndarray
        Shape (N, len(COMPANY)).
    """
    result = np.zeros((of_leaves.shape[0], len(COMPANY)))
    known = sorted(around)
    if not known:
        return result
    if sizes is None:
        sizes = {d: areas(around[d], int(around[d].max(initial=0))) for d in known}
    seen = _compare(of_leaves, pieces, [around[d] for d in known], [sizes[d] for d in known])
    for group, distance in enumerate(range(1, REACH + 1)):
        beside = [k for k, d in enumerate(known) if abs(d) == distance]
        first = group * len(SIGNS)
        for k in beside:
            result[:, first : first + len(SIGNS)] += seen[k] / len(beside)
        if distance == 1:
            result[:, -1] = len(beside) / 2
    return result


def _compare(
    of_leaves: csr_array, pieces: Labels, frames: Sequence[Labels], sizes: Sequence[IntArray]
) -> FloatArray:
    """Measure the `SIGNS` of candidates in K other frames, (K, N, 5)."""
    n, n_leaves = of_leaves.shape
    area = of_leaves @ areas(pieces, n_leaves)[1:].astype(np.float64)
    # All frames at once, their cells numbered on: many small products take far longer.
    shared_by = [shared_px(pieces, cells) for cells in frames]
    ends = np.cumsum([size.size for size in sizes])
    leaf, _, count = (np.concatenate(parts) for parts in zip(*shared_by, strict=True))
    firsts = ends - [size.size for size in sizes]
    cell = np.concatenate([part[1] + k for part, k in zip(shared_by, firsts, strict=True)])
    both = of_leaves @ csr_array((count, (leaf - 1, cell)), shape=(n_leaves, ends[-1]))
    node = np.repeat(np.arange(n), np.diff(both.indptr))
    mine = np.searchsorted(ends, both.indices, side="right") * n + node
    shared, other = both.data, np.concatenate(sizes)[both.indices].astype(np.float64)
    overlap = shared / (area[node] + other - shared)
    total = np.tile(np.maximum(area, 1), len(frames))
    result = np.zeros((total.size, len(SIGNS)))
    # The last of each candidate's entries is the one that fits it best.
    order = np.lexsort((shared, overlap, mine))
    best = order[np.flatnonzero(np.diff(mine[order], append=-1))]
    which = mine[best]
    result[which, OVERLAP] = overlap[best]
    result[:, COVERED] = np.bincount(mine, shared, total.size) / total
    result[which, 2] = shared[best] / other[best]
    result[which, 3] = shared[best] / total[which]
    result[:, 4] = np.bincount(mine[shared > 0.5 * other], minlength=total.size)
    return result.reshape(len(frames), n, len(SIGNS))
