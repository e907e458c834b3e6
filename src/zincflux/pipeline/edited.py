"""Corrections by hand within the chain: links, exclusions, and what does not apply."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.edits import (
    EditSummary,
    Exclude,
    NotApplicable,
    Schedule,
    Skipped,
    cell_at,
    keep_numbers,
    relinked,
)
from zincflux.edits.kinds import Point
from zincflux.errors import EditWarning
from zincflux.measure import LabelRuns
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
    lookup = _Lookup([rows.runs["cell"] for rows in frames])
    return relinked(tracks, edits.links, lambda place: lookup.label(place.frame, place.point))


def _as_found(rows: FrameRows) -> FrameRows:
    if rows.automatic is None:
        return rows
    runs, flat = {"cell": rows.automatic.runs}, {"cell": rows.automatic.flat}
    return replace(rows, runs=runs, flat=flat, raw=flat)


def excluded_cells(
    edits: Schedule, runs: Sequence[LabelRuns], cells: Sequence[NDArray[np.int64]]
) -> tuple[dict[int, str], tuple[Skipped, ...]]:
    """Find the cells that are left out by hand, after all other corrections.

    Parameters
    ----------
    edits
        Corrections by hand.
    runs
        Runs of the cells of every frame, or of the one outline of static cells.
    cells
        Number of each of these cells.

    Returns
    -------
    reasons, skipped
        Why, by cell; and the exclusions that do not apply.
    """
    lookup = _Lookup(runs)
    reasons: dict[int, list[str]] = {}
    skipped = []
    for item in edits.exclusions:
        assert isinstance(item.edit, Exclude)  # noqa: S101 (sorted so)
        t = item.edit.frame or 0
        try:
            label = lookup.label(t, item.edit.point)
        except NotApplicable as error:
            skipped.append(Skipped(item, str(error)))
            continue
        cell = int(cells[t][np.searchsorted(runs[t].ids, label)])
        reasons.setdefault(cell, []).append(item.edit.reason)
    return {cell: "; ".join(dict.fromkeys(said)) for cell, said in reasons.items()}, tuple(skipped)


class _Lookup:
    """Label images of frames, each drawn once."""

    def __init__(self, runs: Sequence[LabelRuns]) -> None:
        self._runs = runs
        self._last: tuple[int, Any] = (-1, None)

    def label(self, t: int, point: Point) -> int:
        if self._last[0] != t:
            self._last = (t, self._runs[t].to_labels())
        return cell_at(self._last[1], point)


def sum_up(found: Survey, frames: Sequence[FrameRows], later: Sequence[Skipped]) -> EditSummary:
    """Collect what became of every edit.

    Parameters
    ----------
    found
        The survey.
    frames
        The rows of every frame.
    later
        Edits of links and exclusions that do not apply.

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
