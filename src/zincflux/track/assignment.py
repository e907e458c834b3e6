"""Link the cells of successive frames by a global assignment."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

from zincflux.movie import FloatArray

IndexArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

NO_LINK_COST = 1.5
"""Cost above which two cells are left apart: a step of the farthest, and a change besides."""

CHANGE_WEIGHT = 0.25
"""Cost of an e-fold change of area or of intensity: 0.12 for a doubling; at most 1 is charged."""

COMMON_MOTION = 0.1
"""Share of the farthest step from which the motion that all cells share is taken off."""


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of all frames (N), sorted by frame and then place: labels play no part.

    Attributes
    ----------
    frame
        Frame of each cell, increasing.
    place
        Centroid (N, 2) in µm.
    area
        Area in µm².
    intensity
        Brightness in any unit, NaN where not known.
    step
        Farthest step from frame to frame in µm.
    """

    frame: IndexArray
    place: FloatArray
    area: FloatArray
    intensity: FloatArray
    step: float

    def change(self, i: IndexArray, j: IndexArray) -> FloatArray:
        """Return the cost of the change of area and intensity from cells ``i`` to cells ``j``."""
        with np.errstate(divide="ignore", invalid="ignore"):
            intensity = np.log(self.intensity[j] / self.intensity[i])
        # A response brightens all cells at once: only the difference to the others tells.
        frame = self.frame[j]
        finite = np.where(np.isfinite(intensity), intensity, np.nan)
        common = pd.Series(finite).groupby(frame).transform("median").to_numpy()
        squares = np.log(self.area[j] / self.area[i]) ** 2 + np.nan_to_num(finite - common) ** 2
        return np.asarray(np.minimum(CHANGE_WEIGHT * squares, 1.0))


def near(
    place: FloatArray, frame: IndexArray, other: FloatArray, other_frame: IndexArray, radius: float
) -> tuple[IndexArray, IndexArray]:
    """Find the pairs of cells of the same frame that lie within a radius.

    One tree holds all frames: the frame is a third coordinate with steps longer than the radius.

    Returns
    -------
    tuple
        Indices into the first and into the other cells, sorted.
    """
    here, there = (
        cKDTree(np.column_stack([p, 4.0 * radius * f]))
        for p, f in ((place, frame), (other, other_frame))
    )
    pairs = here.sparse_distance_matrix(there, radius, output_type="ndarray")
    order = np.lexsort([pairs["j"], pairs["i"]])
    return pairs["i"][order], pairs["j"][order]


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
    i, j = near(cells.place, cells.frame + 1, cells.place, cells.frame, cells.step)
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
    moved = cells.place[j] - cells.place[i]
    chosen = assign(i, j, (moved**2).sum(axis=1) / cells.step**2 + change)
    common = np.median(moved[chosen], axis=0) if chosen.any() else np.zeros(2)
    if np.hypot(*common) < COMMON_MOTION * cells.step:
        return chosen
    return assign(i, j, ((moved - common) ** 2).sum(axis=1) / cells.step**2 + change)
