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

from dataclasses import replace
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator
from scipy.sparse import csr_array

from zincflux.movie import FloatArray
from zincflux.settings import InputPath, Settings
from zincflux.track.assignment import link_frames
from zincflux.track.cells import Cells, IndexArray
from zincflux.track.motion import REACH, common_motion, diameter_um, moving_along, step_um
from zincflux.track.overlap import overlaps
from zincflux.track.segments import chains, close_gaps_and_divide
from zincflux.track.suspects import suspects

__all__ = ["COLUMNS", "Track", "common_step_um", "link", "overlaps", "suspects"]

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
        description="Farthest that a cell moves between two frames, µm; if not given, found from "
        "the movie: 0.75 to 1.5 median diameters, beside the motion that all cells share",
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
    file: InputPath | None = Field(
        default=None,
        description="Tracks made elsewhere, instead of linking: a folder of the Cell Tracking "
        "Challenge, TrackMate's XML file, or its spots.csv with edges.csv beside it",
    )

    @model_validator(mode="after")
    def _every_key_counts(self) -> Self:
        fields = type(self).model_fields
        unused = [
            key
            for key in ("max_step_um", "max_gap_frames", "divisions")
            if getattr(self, key) != fields[key].default
        ]
        if self.file is not None and unused:
            raise ValueError(
                f"{unused[0]} has no effect on tracks that are given. Leave it out, or leave out "
                "track.file."
            )
        unused += ["file"] * (self.file is not None)
        if self.mode == "static" and unused:
            raise ValueError(
                f'{unused[0]} has no effect with mode = "static". Leave it out, or set '
                'track.mode = "follow".'
            )
        return self


def link(
    objects: pd.DataFrame,
    settings: Track | None = None,
    *,
    overlap: pd.DataFrame | None = None,
) -> pd.DataFrame:
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
    overlap
        What the outlines of successive frames share, as of `overlaps`: ``frame``, ``label``,
        ``next_label``, ``overlap`` (0 to 1). Steps between cells that overlap cost less.

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
        cell_id, parent_id = _follow(rows, settings, overlap)
    values = (rows["frame"], rows["label"], cell_id, parent_id)
    return pd.DataFrame({n: np.asarray(v, np.int64) for n, v in zip(COLUMNS, values, strict=True)})


def _check(objects: pd.DataFrame) -> None:
    needed = {"frame", "label", "y_um", "x_um", "area_um2"}
    if missing := sorted(needed - set(objects.columns)):
        raise ValueError(f"expected the columns {sorted(needed)}, found none named {missing}.")
    if objects.duplicated(["frame", "label"]).any():
        raise ValueError("expected each label once in a frame, found one twice. Merge its rows.")
    values = objects[["y_um", "x_um", "area_um2"]].to_numpy(np.float64)
    if not np.all(np.isfinite(values)) or np.any(values[:, 2] <= 0):
        raise ValueError("expected a place and an area above 0 for each cell, found NaN or 0.")


def common_step_um(objects: pd.DataFrame, settings: Track | None = None) -> FloatArray:
    """Find the motion that all cells of a frame share, from each frame to the next.

    Parameters
    ----------
    objects, settings
        As for `link`.

    Returns
    -------
    numpy.ndarray
        Step from each frame to the next, y and x in µm, (last frame + 1, 2); 0 where there is no
        clear motion.
    """
    _check(objects)
    if objects.empty:
        return np.zeros((0, 2))
    rows = objects.sort_values(["frame", "label"], kind="stable", ignore_index=True)
    return common_motion(_cells(rows, settings or Track(mode="follow")))


def _follow(
    rows: pd.DataFrame, settings: Track, overlap: pd.DataFrame | None
) -> tuple[IndexArray, IndexArray]:
    """Link the rows, which are sorted by frame and label; the result is in their order."""
    order = np.lexsort([rows[name] for name in ("area_um2", "x_um", "y_um", "frame")])
    cells = _cells(rows.iloc[order], settings)
    if overlap is not None:
        cells = replace(cells, shared=_shared(rows.iloc[order], overlap))
    cells = moving_along(cells)
    if settings.max_step_um is None:
        cells = replace(cells, step=step_um(cells))
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
        step=settings.max_step_um or REACH * diameter_um(area),
        limit=settings.max_step_um or np.inf,
    )


def _shared(rows: pd.DataFrame, overlap: pd.DataFrame) -> csr_array:
    """Overlap of the cells of successive frames, sparse (N, N), in the order of the rows."""
    index = pd.Series(np.arange(len(rows)), pd.MultiIndex.from_frame(rows[["frame", "label"]]))
    here = index.reindex(pd.MultiIndex.from_frame(overlap[["frame", "label"]]))
    after = overlap[["frame", "next_label"]].assign(frame=overlap["frame"] + 1)
    there = index.reindex(pd.MultiIndex.from_frame(after))
    known = here.notna().to_numpy() & there.notna().to_numpy()
    i, j = (side.to_numpy()[known].astype(np.intp) for side in (here, there))
    return csr_array((overlap["overlap"].to_numpy()[known], (i, j)), shape=(len(rows), len(rows)))
