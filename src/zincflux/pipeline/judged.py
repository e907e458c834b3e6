"""What is judged of cells by hand: which are left out, and which suspects are accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from zincflux.edits import Accept, Exclude, NotApplicable, Schedule, Skipped
from zincflux.edits.kinds import Point

Accepted = tuple[int, int | None, str]
"""Cell (0: all cells of the frame), frame (None: any, of a static cell) and kind of a suspect."""


@dataclass(frozen=True)
class Judged:
    """What is judged of cells.

    Attributes
    ----------
    left_out
        Why cells are left out, by their number.
    accepted
        Suspects that were found to be right.
    """

    left_out: Mapping[int, str] = field(default_factory=dict)
    accepted: frozenset[Accepted] = frozenset()

    def accepts(self, cell: int, frame: int, kind: str) -> bool:
        """Tell whether a suspect was found to be right."""
        return bool({(cell, frame, kind), (cell, None, kind)} & self.accepted)


CellAt = Callable[[int, Point], int]
"""Gives the cell under a pixel of a frame; raises `NotApplicable` where there is none."""


def judge(edits: Schedule, cell_at: CellAt) -> tuple[Judged, tuple[Skipped, ...]]:
    """Find the cells that judgements name, after all other corrections.

    Parameters
    ----------
    edits
        Corrections by hand.
    cell_at
        Gives the cell under a pixel.

    Returns
    -------
    judged, skipped
        What is judged; and the judgements that do not apply. A suspect that is no longer listed
        may have been accepted all the same.
    """
    reasons: dict[int, list[str]] = {}
    accepted: set[Accepted] = set()
    skipped = []
    for item in edits.judgements:
        edit = item.edit
        assert isinstance(edit, Exclude | Accept)  # noqa: S101 (sorted so)
        cell, t = 0, edit.frame or 0
        if edit.point is not None:
            try:
                cell = cell_at(t, edit.point)
            except NotApplicable as error:
                skipped.append(Skipped(item, str(error)))
                continue
        if isinstance(edit, Exclude):
            reasons.setdefault(cell, []).append(edit.reason)
        else:
            accepted.add((cell, edit.frame, edit.suspect))
    left_out = {cell: "; ".join(dict.fromkeys(said)) for cell, said in reasons.items()}
    return Judged(left_out, frozenset(accepted)), tuple(skipped)
