"""The cells of all frames, and what tells one from another."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from zincflux.movie import FloatArray

IndexArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

CHANGE_WEIGHT = 0.5
"""Cost of an e-fold change of area or of intensity: 0.24 for a doubling."""

HIGHEST_CHANGE = 0.5
"""Most that is charged for such a change: a cell that rounds up or touches another may go on."""

OVERLAP_WEIGHT = 0.75
"""Share of the cost of a step that full overlap takes off: the middle of a long cell slides."""


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of all frames (N), sorted by frame and then place: labels play no part.

    Attributes
    ----------
    frame
        Frame of each cell, increasing.
    place
        Centroid (N, 2) in µm, less `shift`.
    area
        Area in µm².
    intensity
        Brightness in any unit, NaN where not known.
    step
        Farthest step from frame to frame in µm, beside the motion that all cells share.
    limit
        Farthest step of all, µm.
    shift
        Motion that all cells share, since the first frame, (N, 2) in µm.
    shared
        Overlap of cells ``i`` and ``j`` of successive frames, 0 to 1, sparse (N, N); None if not
        known.
    """

    frame: IndexArray
    place: FloatArray
    area: FloatArray
    intensity: FloatArray
    step: float
    limit: float = np.inf
    shift: FloatArray = field(default_factory=lambda: np.zeros((1, 2)))
    shared: csr_array | None = None

    def step_cost(self, i: IndexArray, j: IndexArray, way: FloatArray) -> FloatArray:
        """Return the cost of the way (p, 2) in µm from cells ``i`` to ``j``."""
        cost = (way**2).sum(axis=1) / self.step**2
        if self.shared is not None and i.size:
            cost = cost * (1 - OVERLAP_WEIGHT * np.asarray(self.shared[i, j]).ravel())
        return np.asarray(cost)

    def change(self, i: IndexArray, j: IndexArray) -> FloatArray:
        """Return the cost of the change of area and intensity from cells ``i`` to cells ``j``."""
        area, intensity = self.log_changes(i, j)
        return np.asarray(np.minimum(CHANGE_WEIGHT * (area**2 + intensity**2), HIGHEST_CHANGE))

    @property
    def relative_brightness(self) -> FloatArray:
        """Logarithm of the intensity over the median of its frame; NaN where not known (N,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            bright = np.log(self.intensity)
        bright = np.where(np.isfinite(bright), bright, np.nan)
        middle = pd.Series(bright).groupby(self.frame).transform("median").to_numpy(np.float64)
        return np.asarray(bright - middle)

    def log_changes(self, i: IndexArray, j: IndexArray) -> tuple[FloatArray, FloatArray]:
        """Return the logarithms of the change of area and intensity from ``i`` to ``j``."""
        with np.errstate(divide="ignore", invalid="ignore"):
            intensity = np.log(self.intensity[j] / self.intensity[i])
        # A response brightens all cells at once: only the difference to the others tells.
        finite = pd.Series(np.where(np.isfinite(intensity), intensity, np.nan))
        common = finite.groupby(self.frame[j]).transform("median")
        area = np.log(self.area[j] / self.area[i])
        return area, np.nan_to_num((finite - common).to_numpy(np.float64))


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
    key = pairs["i"].astype(np.int64) * len(other) + pairs["j"]
    key.sort()
    i, j = np.divmod(key, max(len(other), 1))
    return i.astype(np.intp), j.astype(np.intp)
