"""Tracks as arrays: what changed of each cell from one frame to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from zincflux.movie import FloatArray
from zincflux.track.cells import BoolArray, IndexArray

NEEDED = ("cell_id", "frame", "area_um2", "y_um", "x_um", "parent_id")

NORMAL = 1.4826
"""Standard deviation over median absolute deviation of normal numbers."""

SMALLEST_SPREAD = 0.02
"""Least spread, of a logarithm or in µm: outlines are no more exact."""


@dataclass(frozen=True, eq=False)
class History:
    """The rows of all cells (N), by cell and frame, and their steps to the frame after (k).

    Attributes
    ----------
    rows
        The table, with ``intensity`` (NaN where not known).
    start, stop
        Rows before and after each step.
    first, last
        Whether a row is the first or the last of its cell (N,).
    signal
        Place y and x, and logarithms of area and intensity, each over the robust spread of its
        changes from frame to frame, (N, 4).
    shared
        Median change of all cells of the frame, for each step (k, 4); 0 for the area.
    diameter_um
        Median diameter of all cells.
    """

    rows: pd.DataFrame
    start: IndexArray
    stop: IndexArray
    first: BoolArray
    last: BoolArray
    signal: FloatArray
    shared: FloatArray
    diameter_um: float

    @property
    def frame(self) -> IndexArray:
        """Frame of each row (N,)."""
        return self.rows["frame"].to_numpy(np.intp)

    @property
    def cell(self) -> IndexArray:
        """Cell of each row (N,)."""
        return self.rows["cell_id"].to_numpy(np.intp)

    @property
    def place(self) -> FloatArray:
        """Centroid of each row (N, 2), µm."""
        return self.rows[["y_um", "x_um"]].to_numpy(np.float64)

    @property
    def change(self) -> FloatArray:
        """Change in each step beside the shared one, in spreads (k, 4); 0 where not known."""
        return np.nan_to_num(self.signal[self.stop] - self.signal[self.start] - self.shared)

    @property
    def at_edge(self) -> BoolArray:
        """Whether each row lies within a diameter of the outermost places of all cells (N,)."""
        place = self.place
        inner = (place >= place.min(axis=0) + self.diameter_um) & (
            place <= place.max(axis=0) - self.diameter_um
        )
        return np.asarray(~inner.all(axis=1))


def history(tracks: pd.DataFrame) -> History:
    """Take the changes of all cells from their table.

    Raises
    ------
    ValueError
        If a column is missing, or a cell occurs twice in a frame.
    """
    if missing := sorted(set(NEEDED) - set(tracks.columns)):
        raise ValueError(f"expected the columns {sorted(NEEDED)}, found none named {missing}.")
    if tracks.duplicated(["cell_id", "frame"]).any():
        raise ValueError("expected each cell once in a frame, found one twice. Give one region.")
    seen = tracks[tracks["area_um2"] > 0]
    rows = seen.sort_values(["cell_id", "frame"], ignore_index=True)
    if "intensity" not in rows:
        rows["intensity"] = np.nan
    cell, frame = (rows[name].to_numpy(np.int64) for name in ("cell_id", "frame"))
    same = cell[1:] == cell[:-1]
    start = np.flatnonzero(same & (frame[1:] == frame[:-1] + 1))
    stop = start + 1
    signal, shared = _signals(rows, start, stop)
    return History(
        rows=rows,
        start=start,
        stop=stop,
        first=np.append(True, ~same)[: cell.size],
        last=np.append(~same, True)[: cell.size],
        signal=signal,
        shared=shared,
        diameter_um=2 * float(np.sqrt(rows["area_um2"].median() / np.pi)),
    )


def spread(value: FloatArray) -> float:
    """Return the standard deviation of the middle of a distribution about 0, without NaN."""
    known = np.abs(value[np.isfinite(value)])
    return NORMAL * float(np.median(known)) if known.size else 0.0


def _signals(
    rows: pd.DataFrame, start: IndexArray, stop: IndexArray
) -> tuple[FloatArray, FloatArray]:
    signal = np.array(rows[["y_um", "x_um", "area_um2", "intensity"]], dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        signal[:, 2:] = np.log(signal[:, 2:])
    signal[~np.isfinite(signal)] = np.nan
    change = signal[stop] - signal[start]
    frames = pd.DataFrame(change).groupby(rows["frame"].to_numpy()[start])
    shared = np.nan_to_num(frames.transform("median").to_numpy(np.float64))
    # All cells drift, and a response brightens all; but they do not grow together.
    shared[:, 2] = 0.0
    beside = change - shared
    step = spread(beside[:, :2])
    scale = np.array([step, step, spread(beside[:, 2]), spread(beside[:, 3])])
    scale = np.maximum(scale, SMALLEST_SPREAD)
    return signal / scale, shared / scale
