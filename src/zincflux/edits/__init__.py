"""Corrections by hand, as data: a log that is replayed on what was found automatically.

An edit names a cell by a pixel that lies in it, not by its number, so that it finds the cell again
when the numbers change. Edits of outlines are replayed first, then those of links, then judgements
(exclusions, and suspects that are accepted), each in the order of the log. An edit that no longer
applies is skipped and reported.
"""

from zincflux.edits.kinds import (
    Accept,
    Delete,
    Division,
    Edit,
    Exclude,
    LabelEdit,
    LinkEdit,
    Merge,
    Paint,
    Place,
    Relink,
    Split,
)
from zincflux.edits.labels import NotApplicable, Replay, cell_at, replay_labels
from zincflux.edits.links import keep_numbers, relinked
from zincflux.edits.log import EditLog, Edits, EditSummary, Numbered, Skipped
from zincflux.edits.pixels import anchor_of, pixels_of, runs_of
from zincflux.edits.schedule import Schedule

__all__ = [
    "Accept",
    "Delete",
    "Division",
    "Edit",
    "EditLog",
    "EditSummary",
    "Edits",
    "Exclude",
    "LabelEdit",
    "LinkEdit",
    "Merge",
    "NotApplicable",
    "Numbered",
    "Paint",
    "Place",
    "Relink",
    "Replay",
    "Schedule",
    "Skipped",
    "Split",
    "anchor_of",
    "cell_at",
    "keep_numbers",
    "pixels_of",
    "relinked",
    "replay_labels",
    "runs_of",
]
