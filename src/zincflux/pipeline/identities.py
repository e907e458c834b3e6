"""Which cell every label of every frame is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.edits import Skipped
from zincflux.pipeline.edited import corrected_tracks, excluded_cells
from zincflux.pipeline.frames import FrameRows
from zincflux.pipeline.given_tracks import match_tracks
from zincflux.pipeline.survey import Survey
from zincflux.track import common_step_um, link, overlaps


@dataclass(frozen=True, eq=False)
class Identities:
    """Which cell every label of every frame is.

    Attributes
    ----------
    cell_id, parent_id
        One entry per cell, by ascending id.
    of_frame
        For each frame the cell id of each label, in the order of the labels.
    left_out
        Why cells are left out by hand, by their number.
    skipped
        Edits of links and exclusions that do not apply.
    """

    cell_id: NDArray[np.int64]
    parent_id: NDArray[np.int64]
    of_frame: tuple[NDArray[np.int64], ...]
    left_out: Mapping[int, str] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()


def identify(found: Survey, frames: Sequence[FrameRows]) -> Identities:
    """Give every label of every frame its cell: its own number, or the track it was linked to."""
    edits = found.plan.edits
    if not found.plan.follows:
        ids = [rows.runs["cell"].ids.astype(np.int64) for rows in frames]
        left_out, skipped = excluded_cells(edits, [found.regions["cell"]], ids)
        return Identities(ids[0], np.zeros_like(ids[0]), tuple(ids), left_out, skipped)
    linked, misfits = corrected_tracks(edits, frames, partial(_link, found))
    by_label = linked.sort_values(["frame", "label"])
    groups = dict(iter(by_label.groupby("frame")["cell_id"]))
    of_frame = tuple(
        groups[rows.t].to_numpy(np.int64) if rows.t in groups else np.zeros(0, np.int64)
        for rows in frames
    )
    parents = linked.groupby("cell_id")["parent_id"].first().sort_index()
    left_out, skipped = excluded_cells(edits, [rows.runs["cell"] for rows in frames], of_frame)
    return Identities(
        parents.index.to_numpy(np.int64),
        parents.to_numpy(np.int64),
        of_frame,
        left_out,
        (*misfits, *skipped),
    )


def _link(found: Survey, frames: Sequence[FrameRows]) -> pd.DataFrame:
    """Link the cells of all frames, or take the user's tracks."""
    track = found.plan.experiment.track
    if track.file is None:
        objects = _objects(found, frames)
        return link(objects, track, overlap=_overlap(found, frames, objects))
    return match_tracks(found.plan, frames)


def _overlap(found: Survey, frames: Sequence[FrameRows], objects: pd.DataFrame) -> pd.DataFrame:
    """Compare the outlines of successive frames, with drift and common motion taken off."""
    step_px = np.diff(found.shifts_px, axis=0)
    common = common_step_um(objects, found.plan.experiment.track)[: len(step_px)]
    step_px[: len(common)] += common / found.plan.pixel_size_um
    return overlaps([rows.runs["cell"] for rows in frames], step_px)


def _objects(found: Survey, frames: Sequence[FrameRows]) -> pd.DataFrame:
    """List the cells of all frames with their positions in the first frame's coordinates."""
    plan = found.plan
    tables = []
    for rows in frames:
        cells = rows.flat["cell"]
        dy, dx = found.shifts_px[rows.t]
        tables.append(
            pd.DataFrame(
                {
                    "frame": rows.t,
                    "label": cells.ids,
                    "y_um": (cells.y_px - dy) * plan.pixel_size_um,
                    "x_um": (cells.x_px - dx) * plan.pixel_size_um,
                    "area_um2": cells.area_px * plan.pixel_size_um**2,
                    "intensity": cells.mean[list(plan.roles.segment)].sum(axis=0),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)
