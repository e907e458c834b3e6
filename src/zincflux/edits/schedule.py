"""Which edits are replayed where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from zincflux.edits.kinds import Accept, Division, Edit, Exclude, Relink
from zincflux.edits.log import EditLog, Numbered, Skipped


@dataclass(frozen=True)
class Schedule:
    """The edits of a log, by where they belong in the analysis of a movie.

    Attributes
    ----------
    log
        The log.
    outlines
        Edits of outlines by frame, each in the order of the log; those of static cells under 0.
    links
        Edits of links, in the order of the log.
    judgements
        Exclusions and accepted suspects, in the order of the log.
    skipped
        Edits that belong nowhere, and why.
    """

    log: EditLog = field(default_factory=EditLog)
    outlines: Mapping[int, tuple[Numbered, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    links: tuple[Numbered, ...] = ()
    judgements: tuple[Numbered, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    @classmethod
    def of(cls, log: EditLog, *, n_frames: int, follows: bool) -> Schedule:
        """Sort the edits of a log.

        Parameters
        ----------
        log
            The log.
        n_frames
            Frames of the movie.
        follows
            Whether cells are outlined in every frame and linked, or static.
        """
        outlines: dict[int, list[Numbered]] = defaultdict(list)
        links, judgements, skipped = [], [], []
        for item in log.numbered():
            reason = _misfit(item.edit, n_frames, follows=follows)
            if reason:
                skipped.append(Skipped(item, reason))
            elif isinstance(item.edit, Relink | Division):
                links.append(item)
            elif isinstance(item.edit, Exclude | Accept):
                judgements.append(item)
            else:
                outlines[item.edit.frame or 0].append(item)
        return cls(
            log=log,
            outlines=MappingProxyType({t: tuple(items) for t, items in outlines.items()}),
            links=tuple(links),
            judgements=tuple(judgements),
            skipped=tuple(skipped),
        )

    def outlines_of(self, t: int) -> tuple[Numbered, ...]:
        """Give the edits of outlines of a frame."""
        return self.outlines.get(t, ())


def _misfit(edit: Edit, n_frames: int, *, follows: bool) -> str:
    """Say why an edit belongs nowhere in a movie; nothing if it does."""
    if isinstance(edit, Relink | Division):
        if not follows:
            return 'cells are not linked over time with track.mode = "static"'
        places = (
            (edit.mother, *edit.daughters)
            if isinstance(edit, Division)
            else (
                edit.before,
                edit.after or edit.before,
            )
        )
        last = max(place.frame for place in places)
    else:
        if follows and edit.frame is None:
            return 'it names no frame, which edits need with track.mode = "follow"'
        if not follows and edit.frame is not None:
            return (
                f"it belongs to frame {edit.frame}, but there is one outline for all frames with "
                'track.mode = "static"'
            )
        last = edit.frame or 0
    return f"the movie has no frame {last}: its last is {n_frames - 1}" if last >= n_frames else ""
