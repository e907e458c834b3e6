"""Which cell every label of every frame is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.edits import Skipped
from zincflux.measure import LabelRuns
from zincflux.pipeline.edited import corrected_tracks
from zincflux.pipeline.frame_labels import FrameLabels
from zincflux.pipeline.frames import FrameRows
from zincflux.pipeline.given_tracks import match_tracks
from zincflux.pipeline.judged import CellAt, Judged, judge
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
    judged
        What is judged of cells by hand.
    skipped
        Edits of links and judgements that do not apply.
    """

    cell_id: NDArray[np.int64]
    parent_id: NDArray[np.int64]
    of_frame: tuple[NDArray[np.int64], ...]
    judged: Judged = field(default_factory=Judged)
    skipped: tuple[Skipped, ...] = ()


def identify(found: Survey, frames: Sequence[FrameRows]) -> Identities:
    """Give every label of every frame its cell: its own number, or the track it was linked to."""
    edits = found.plan.edits
    if not found.plan.follows:
        ids = [rows.runs["cell"].ids.astype(np.int64) for rows in frames]
        judged, skipped = judge(edits, _cell_at([found.regions["cell"]], ids))
        return Identities(ids[0], np.zeros_like(ids[0]), tuple(ids), judged, skipped)
    linked, misfits = corrected_tracks(edits, frames, partial(_link, found))
    by_label = linked.sort_values(["frame", "label"])
    groups = dict(iter(by_label.groupby("frame")["cell_id"]))
    of_frame = tuple(
        groups[rows.t].to_numpy(np.int64) if rows.t in groups else np.zeros(0, np.int64)
        for rows in frames
    )
    parents = linked.groupby("cell_id")["parent_id"].first().sort_index()
    judged, skipped = judge(edits, _cell_at([rows.runs["cell"] for rows in frames], of_frame))
    return Identities(
        parents.index.to_numpy(np.int64),
        parents.to_numpy(np.int64),
        of_frame,
        judged,
        (*misfits, *skipped),
    )


def _cell_at(runs: Sequence[LabelRuns], cells: Sequence[NDArray[np.int64]]) -> CellAt:
    """Give what tells the cell under a pixel of a frame, or of the one outline of static cells."""
    labels = FrameLabels(lambda t: runs[t].to_labels())
    return lambda t, point: int(cells[t][np.searchsorted(runs[t].ids, labels.label(t, point))])


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
