"""What the tables say of a cell in a frame, for all pixels of a frame at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.columns import FLAGS
from zincflux.movie import FloatArray, Labels

REASONS: tuple[str, ...] = ("", *FLAGS)
"""Why a pixel has no number, as in the column ``flag``; the empty one stands for those that do."""

_ENDS = ("below_min", "above_max")
"""Flags of a cell that say nothing about its single pixels."""


def code_of(reason: str) -> int:
    """Give the number that stands for a reason in an image; 0 is left for what is no cell."""
    return 1 + REASONS.index(reason)


@dataclass(frozen=True, eq=False)
class PixelRows:
    """What is known of each cell in each frame, the rows ordered by frame.

    The last row stands for labels without a row: nothing is known of them.

    Attributes
    ----------
    starts
        First row of each frame, and the number of rows, (T + 1,).
    cell_id
        Cell of each row, ascending within a frame, (m,).
    background
        Background under the cell, counts, (C, m + 1).
    minimum, maximum
        Ends of the cell's signal, (m + 1,).
    code
        What is against the cell as a whole, see `code_of`, uint8 (m + 1,).
    bleach_factor, noise_sd
        Brightness left and noise of a background pixel in the units of the corrected light,
        counts, (C, T).
    defocused
        Frames out of focus, (T,).
    """

    starts: NDArray[np.intp]
    cell_id: NDArray[np.int64]
    background: FloatArray
    minimum: FloatArray
    maximum: FloatArray
    code: NDArray[np.uint8]
    bleach_factor: FloatArray
    noise_sd: FloatArray
    defocused: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        traces: pd.DataFrame,
        cells: pd.DataFrame,
        frames: pd.DataFrame,
        channels: Sequence[str],
    ) -> Self:
        """Arrange the tables of one movie; of several regions the whole cell counts, or the first.

        Parameters
        ----------
        traces, cells, frames
            Tables as described in `zincflux.columns`.
        channels
            Measured channels.
        """
        traces, cells = _of_one_region(traces, cells)
        rows = traces.sort_values(["frame", "cell_id"], kind="stable")
        own = cells.set_index("cell_id").reindex(rows["cell_id"])
        flags = rows["flag"].fillna("").replace(list(_ENDS), "")
        factor = _of_frames(frames, channels, "bleach_factor")
        return cls(
            starts=np.searchsorted(rows["frame"].to_numpy(), np.arange(len(frames) + 1)),
            cell_id=rows["cell_id"].to_numpy(np.int64),
            background=np.stack([_ended(rows[f"{c}_background"], np.nan) for c in channels]),
            minimum=_ended(own["signal_min"], np.nan),
            maximum=_ended(own["signal_max"], np.nan),
            code=_ended(flags.map(code_of), code_of("lost")).astype(np.uint8),
            bleach_factor=factor,
            noise_sd=np.nan_to_num(_of_frames(frames, channels, "background_sd")) / factor,
            defocused=frames["defocused"].to_numpy(bool),
        )

    def find(self, t: int, labels: Labels) -> NDArray[np.intp]:
        """Find the row of each label of a frame; the last one for those that have none."""
        first, last = self.starts[t : t + 2].tolist()
        here = self.cell_id[first:last]
        place = np.searchsorted(here, labels)
        known = place < len(here)
        known[known] = here[place[known]] == labels[known]
        return np.where(known, first + place, len(self.cell_id))


def _of_one_region(traces: pd.DataFrame, cells: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    if "region" not in cells:
        return traces, cells
    regions = cells["region"].unique().tolist()
    region = "cell" if "cell" in regions or not regions else regions[0]
    return traces[traces["region"] == region], cells[cells["region"] == region]


def _ended(values: pd.Series, last: float) -> FloatArray:
    """Give a column with one more value at its end."""
    return np.append(values.to_numpy(np.float64), last)


def _of_frames(frames: pd.DataFrame, channels: Sequence[str], name: str) -> FloatArray:
    return np.stack([frames[f"{channel}_{name}"].to_numpy(np.float64) for channel in channels])
