"""Link the cells of successive frames by a global assignment."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from zincflux.movie import FloatArray
from zincflux.track.cells import BoolArray, Cells, IndexArray
from zincflux.track.motion import possible_steps

NO_LINK_COST = 1.5
"""Cost above which two cells are left apart: a step of the farthest, and a change besides."""

SHARED = 0.1
"""Share of the farthest step from which the motion that linked cells share is taken off."""


def assign(i: IndexArray, j: IndexArray, cost: FloatArray) -> BoolArray:
    """Choose pairs so that the total cost is least; each index is used once at most.

    Parameters
    ----------
    i, j
        The candidates (p), each pair once.
    cost
        Their costs (p), at least 0. What is left without a partner costs `NO_LINK_COST`, for both.

    Returns
    -------
    numpy.ndarray
        Whether each candidate is chosen, bool (p,).
    """
    chosen = np.zeros(i.size, dtype=bool)
    worth = np.flatnonzero(cost < NO_LINK_COST)
    rows, row = np.unique(i[worth], return_inverse=True)
    columns, column = np.unique(j[worth], return_inverse=True)
    if not rows.size:
        return chosen
    # Each row may also take a column of its own that stands for no partner. A cost of 0 would
    # count as no entry, hence 1 is added to all; every row is matched, so no choice changes.
    alone = np.arange(rows.size)
    weight = np.concatenate([cost[worth], np.full(rows.size, NO_LINK_COST)]) + 1.0
    # SciPy before 1.12 matches 32 bit indices only.
    down = np.concatenate([row, alone]).astype(np.int32)
    across = np.concatenate([column, columns.size + alone]).astype(np.int32)
    graph = csr_array((weight, (down, across)), shape=(rows.size, columns.size + rows.size))
    partner = np.full(rows.size, -1)
    taken, by = min_weight_full_bipartite_matching(graph)
    partner[taken] = by
    chosen[worth] = partner[row] == column
    return chosen


def link_frames(cells: Cells) -> IndexArray:
    """Link each cell to one of the next frame.

    Returns
    -------
    numpy.ndarray
        Index of the next cell, -1 where there is none, (N,).
    """
    i, j = possible_steps(cells)
    change = cells.change(i, j)
    bounds = np.flatnonzero(np.diff(cells.frame[i], prepend=-1, append=-1))
    after = np.full(cells.frame.size, -1, dtype=np.intp)
    for first, stop in pairwise(bounds):
        pairs = slice(first, stop)
        chosen = _link_pair(cells, i[pairs], j[pairs], change[pairs])
        after[i[pairs][chosen]] = j[pairs][chosen]
    return after


def _link_pair(cells: Cells, i: IndexArray, j: IndexArray, change: FloatArray) -> BoolArray:
    """Link two frames; where all cells moved alike, link again with that motion taken off."""
    way = cells.place[j] - cells.place[i]
    chosen = assign(i, j, cells.step_cost(i, j, way) + change)
    shared = np.median(way[chosen], axis=0) if chosen.any() else np.zeros(2)
    if np.hypot(*shared) < SHARED * cells.step:
        return chosen
    return assign(i, j, cells.step_cost(i, j, way - shared) + change)
