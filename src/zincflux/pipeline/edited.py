"""Corrections by hand within the chain: links, and what does not apply."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd

from zincflux.edits import EditSummary, Schedule, Skipped, keep_numbers, relinked
from zincflux.errors import EditWarning
from zincflux.pipeline.frame_labels import FrameLabels
from zincflux.pipeline.frames import FrameRows
from zincflux.pipeline.survey import Survey

MOST_SHOWN = 5
"""Edits that do not apply which the warning spells out; ``run.json`` holds all."""

LinkRows = Callable[[Sequence[FrameRows]], pd.DataFrame]
"""Gives the cells of every frame their tracks."""


def corrected_tracks(
    edits: Schedule, frames: Sequence[FrameRows], link_rows: LinkRows
) -> tuple[pd.DataFrame, tuple[Skipped, ...]]:
    """Link the cells of every frame, and replay the edits of links.

    Where outlines were corrected, both the automatic and the corrected ones are linked: a track
    keeps the number that it has without corrections.

    Parameters
    ----------
    edits
        Corrections by hand.
    frames
        The rows of every frame, in order.
    link_rows
        How cells are linked.

    Returns
    -------
    tracks, skipped
        ``frame``, ``label``, ``cell_id``, ``parent_id``; and the edits that do not apply.
    """
    tracks = link_rows(frames)
    if any(rows.automatic is not None for rows in frames):
        with warnings.catch_warnings():
            # Doubts about what was corrected are none about the result.
            warnings.simplefilter("ignore")
            before = link_rows([_as_found(rows) for rows in frames])
        tracks = keep_numbers(before, tracks)
    if not edits.links:
        return tracks, ()
    lookup = FrameLabels(lambda t: frames[t].runs["cell"].to_labels())
    return relinked(tracks, edits.links, lambda place: lookup.label(place.frame, place.point))


def _as_found(rows: FrameRows) -> FrameRows:
    if rows.automatic is None:
        return rows
    runs, flat = {"cell": rows.automatic.runs}, {"cell": rows.automatic.flat}
    return replace(rows, runs=runs, flat=flat, raw=flat)


def sum_up(found: Survey, frames: Sequence[FrameRows], later: Sequence[Skipped]) -> EditSummary:
    """Collect what became of every edit.

    Parameters
    ----------
    found
        The survey.
    frames
        The rows of every frame.
    later
        Edits of links and judgements that do not apply.

    Warns
    -----
    EditWarning
        If an edit does not apply.
    """
    edits = found.plan.edits
    in_frames = (item for rows in frames for item in rows.skipped)
    skipped = sorted((*edits.skipped, *found.skipped, *in_frames, *later), key=_number)
    if skipped:
        shown = "; ".join(str(item) for item in skipped[:MOST_SHOWN])
        rest = f"; and {len(skipped) - MOST_SHOWN} more" if len(skipped) > MOST_SHOWN else ""
        warnings.warn(
            f"edits: {len(skipped)} of {len(edits.log)} corrections by hand no longer apply and "
            f"are left out: {shown}{rest}. Make them again, or remove them from edits.path.",
            EditWarning,
            stacklevel=2,
        )
    return EditSummary(len(edits.log) - len(skipped), tuple(skipped))


def _number(item: Skipped) -> int:
    return item.item.number
