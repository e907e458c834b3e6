"""Track: give every cell one identity over time, from the table of what was measured per frame.

Two steps after Jaqaman et al. First, cells of successive frames are joined by a global assignment
into segments. Then the segments are joined over gaps, and where a segment starts beside a cell
that halves, the cell is taken to have divided. Both are solved for the least total cost, in which
a distance of one `max_step_um` costs 1.

References
----------
Jaqaman K. et al. (2008) Robust single-particle tracking in live-cell time-lapse sequences.
Nature Methods 5:695-702. doi:10.1038/nmeth.1237
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from zincflux.movie import FloatArray
from zincflux.settings import Settings
from zincflux.track.assignment import Cells, IndexArray, link_frames
from zincflux.track.segments import chains, close_gaps_and_divide

COLUMNS = ("frame", "label", "cell_id", "parent_id")


class Track(Settings):
    """How cells keep their identity over time."""

    mode: Literal["static", "follow"] = Field(
        default="static",
        description="static: cells stay in place, one label image serves the whole movie; "
        "follow: cells move, are outlined in every frame and linked",
    )
    max_step_um: float | None = Field(
        default=None,
        gt=0,
        description="Farthest that a cell moves between two frames, µm; the median diameter of "
        "the cells if not given",
    )
    max_gap_frames: int = Field(
        default=2,
        ge=0,
        le=100,
        description="Frames in a row in which a cell may be missed; 0 for none",
    )
    divisions: bool = Field(
        default=True, description="Whether a cell may divide: its two daughters become new cells"
    )

    @model_validator(mode="after")
    def _every_key_counts(self) -> Self:
        fields = type(self).model_fields
        unused = [
            key
            for key in ("max_step_um", "max_gap_frames", "divisions")
            if getattr(self, key) != fields[key].default
        ]
        if self.mode == "static" and unused:
            raise ValueError(
                f'{unused[0]} has no effect with mode = "static". Leave it out, or set '
                'track.mode = "follow".'
            )
        return self


def link(objects: pd.DataFrame, settings: Track | None = None) -> pd.DataFrame:
    """Link the cells found in each frame to tracks.

    Parameters
    ----------
    objects
        One row per cell and frame: ``frame``, ``label`` (unique in its frame), ``y_um``, ``x_um``,
        ``area_um2``, and ``intensity`` if it is to count. In the order and with the labels that
        come; neither matters. A frame may be absent.
    settings
        How to link; following moving cells by default. In the mode ``static`` the label is the
        identity.

    Returns
    -------
    pandas.DataFrame
        ``frame``, ``label``, ``cell_id``, ``parent_id`` (0: none known), int64, by frame and label.
        Cells are numbered from 1 by first frame, then label; a number is never used again, and a
        cell that divides ends, its daughters being new cells.

    Raises
    ------
    ValueError
        If a column is missing, a label occurs twice in a frame, or a place or area is no number.

    Examples
    --------
    >>> cells = pd.DataFrame({"frame": [0, 1, 1], "label": [1, 2, 1], "y_um": [5.0, 5.5, 40.0],
    ...     "x_um": [5.0, 6.0, 40.0], "area_um2": [100.0, 104.0, 98.0]})
    >>> link(cells).to_numpy().tolist()
    [[0, 1, 1, 0], [1, 1, 2, 0], [1, 2, 1, 0]]
    """
    settings = settings or Track(mode="follow")
    _check(objects)
    rows = objects.sort_values(["frame", "label"], kind="stable", ignore_index=True)
    cell_id = rows["label"].to_numpy(np.int64)
    parent_id = np.zeros(len(rows), dtype=np.int64)
    if settings.mode == "follow" and len(rows):
        cell_id, parent_id = _follow(rows, settings)
    values = (rows["frame"], rows["label"], cell_id, parent_id)
    return pd.DataFrame({n: np.asarray(v, np.int64) for n, v in zip(COLUMNS, values, strict=True)})


def step_um(area_um2: FloatArray) -> float:
    """Return the farthest step that is assumed where none is given: the median cell diameter.

    Cells do not overlap, so a cell that moved farther than its diameter lies where a neighbour
    could have been: only a shorter frame interval, or the user, can then tell the two apart.
    """
    return 2 * float(np.sqrt(np.median(area_um2) / np.pi))


def _check(objects: pd.DataFrame) -> None:
    needed = {"frame", "label", "y_um", "x_um", "area_um2"}
    if missing := sorted(needed - set(objects.columns)):
        raise ValueError(f"expected the columns {sorted(needed)}, found none named {missing}.")
    if objects.duplicated(["frame", "label"]).any():
        raise ValueError("expected each label once in a frame, found one twice. Merge its rows.")
    values = objects[["y_um", "x_um", "area_um2"]].to_numpy(np.float64)
    if not np.all(np.isfinite(values)) or np.any(values[:, 2] <= 0):
        raise ValueError("expected a place and an area above 0 for each cell, found NaN or 0.")


def _follow(rows: pd.DataFrame, settings: Track) -> tuple[IndexArray, IndexArray]:
    """Link the rows, which are sorted by frame and label; the result is in their order."""
    order = np.lexsort([rows[name] for name in ("area_um2", "x_um", "y_um", "frame")])
    cells = _cells(rows.iloc[order], settings)
    after = link_frames(cells)
    after, births = close_gaps_and_divide(
        cells, after, max_gap_frames=settings.max_gap_frames, divisions=settings.divisions
    )
    chain = np.empty(len(rows), dtype=np.intp)
    chain[order] = chains(after)
    _, first, cell = np.unique(chain, return_index=True, return_inverse=True)
    # The rows are in the order of frame and label, so that of the first rows numbers the cells.
    number = np.argsort(np.argsort(first)) + 1
    parent = np.zeros(number.size, dtype=np.intp)
    mothers, daughters = order[births[:, 0]], order[births[:, 1]]
    parent[cell[daughters]] = number[cell[mothers]]
    return number[cell], parent[cell]


def _cells(rows: pd.DataFrame, settings: Track) -> Cells:
    area = rows["area_um2"].to_numpy(np.float64)
    unknown = np.full(len(rows), np.nan)
    return Cells(
        frame=rows["frame"].to_numpy(np.intp),
        place=rows[["y_um", "x_um"]].to_numpy(np.float64),
        area=area,
        intensity=rows["intensity"].to_numpy(np.float64) if "intensity" in rows else unknown,
        step=settings.max_step_um or step_um(area),
    )
