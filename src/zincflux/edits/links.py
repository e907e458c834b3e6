"""Edits of links over time, and numbers that stay when tracks are made anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.edits.kinds import Division, Place, Relink
from zincflux.edits.labels import NotApplicable
from zincflux.edits.log import Numbered, Skipped

IntArray = NDArray[np.int64]

LabelAt = Callable[[Place], int]
"""Gives the label under a place; raises `NotApplicable` where there is none."""


def relinked(
    tracks: pd.DataFrame, edits: Iterable[Numbered], label_at: LabelAt
) -> tuple[pd.DataFrame, tuple[Skipped, ...]]:
    """Replay edits of links on a table of tracks, one after the other.

    Where a cell goes on as another one, both keep what came before, the first keeps its number, and
    what followed the first until then becomes a new cell. A mother ends where she divides, and her
    daughters begin: a cell that is cut for it goes on under a new number. A cell that goes on after
    another was born of it is no mother. New cells are numbered above all others, in the order of
    the edits, and no number is used twice.

    Parameters
    ----------
    tracks
        ``frame``, ``label``, ``cell_id``, ``parent_id``, as `zincflux.track.link` gives them.
    edits
        Edits of the kinds ``relink`` and ``division`` with their numbers.
    label_at
        Gives the label under a place.

    Returns
    -------
    tracks, skipped
        The corrected table, with the same rows in the same order, and the edits that do not apply.
    """
    table = _Tracks(tracks)
    skipped = []
    for item in edits:
        before = table.state()
        try:
            table.apply(item.edit, label_at)
        except NotApplicable as error:
            table.restore(before)
            skipped.append(Skipped(item, str(error)))
    return table.to_frame(tracks), tuple(skipped)


_State = tuple[IntArray, dict[int, int], int]


class _Tracks:
    """Tracks that edits are made on, in place."""

    def __init__(self, tracks: pd.DataFrame) -> None:
        self.frame = tracks["frame"].to_numpy(np.int64)
        self.cell = tracks["cell_id"].to_numpy(np.int64).copy()
        parents = tracks["parent_id"].to_numpy(np.int64)
        self.parent = dict(zip(self.cell.tolist(), parents.tolist(), strict=True))
        self.last = int(self.cell.max(initial=0))
        keys = zip(self.frame.tolist(), tracks["label"].tolist(), strict=True)
        self.row = {key: row for row, key in enumerate(keys)}

    def state(self) -> _State:
        return self.cell.copy(), dict(self.parent), self.last

    def restore(self, state: _State) -> None:
        self.cell, self.parent, self.last = state

    def to_frame(self, tracks: pd.DataFrame) -> pd.DataFrame:
        parents = np.array([self.parent[cell] for cell in self.cell.tolist()], dtype=np.int64)
        return tracks.assign(cell_id=self.cell, parent_id=parents)

    def apply(self, edit: object, label_at: LabelAt) -> None:
        if isinstance(edit, Relink):
            self._relink(edit, label_at)
        elif isinstance(edit, Division):
            self._divide(edit, label_at)
        else:
            raise TypeError(f"expected an edit of links, found {edit!r}.")

    def _cell_at(self, place: Place, label_at: LabelAt) -> int:
        return int(self.cell[self.row[place.frame, label_at(place)]])

    def _relink(self, edit: Relink, label_at: LabelAt) -> None:
        cell = self._cell_at(edit.before, label_at)
        if edit.after is None:
            if not self._cut(cell, edit.before.frame + 1):
                raise NotApplicable(f"cell {cell} ends there already")
            return
        other = self._cell_at(edit.after, label_at)
        if other == cell:
            raise NotApplicable(f"both are cell {cell} already")
        self._cut(cell, edit.before.frame + 1)
        # What the other cell was before stays; what follows is joined.
        other = self._cut(other, edit.after.frame) or other
        self.cell[self.cell == other] = cell
        self._move_children(other, cell)
        self.parent.pop(other, None)
        self._forget_children_of_the_living()

    def _divide(self, edit: Division, label_at: LabelAt) -> None:
        mother = self._cell_at(edit.mother, label_at)
        daughters = [self._cell_at(place, label_at) for place in edit.daughters]
        if daughters[0] == daughters[1]:
            raise NotApplicable(f"both daughters are one cell, {daughters[0]}")
        daughters = [
            self._cut(daughter, place.frame) or daughter
            for daughter, place in zip(daughters, edit.daughters, strict=True)
        ]
        self._cut(mother, edit.mother.frame + 1)
        for daughter in daughters:
            self.parent[daughter] = mother
        self._forget_children_of_the_living()

    def _cut(self, cell: int, frame: int) -> int:
        """Make a new cell of what a cell is from a frame on; 0 if there is nothing to cut."""
        own = self.cell == cell
        tail = own & (self.frame >= frame)
        if not tail.any() or (tail == own).all():
            return 0
        self.last += 1
        self.cell[tail] = self.last
        self.parent[self.last] = 0
        self._move_children(cell, self.last)
        return self.last

    def _move_children(self, mother: int, to: int) -> None:
        for child, parent in self.parent.items():
            if parent == mother:
                self.parent[child] = to

    def _forget_children_of_the_living(self) -> None:
        """Forget the mother of a cell that is born while she goes on."""
        born = {cell: mother for cell, mother in self.parent.items() if mother}
        for cell, mother in born.items():
            start = self.frame[self.cell == cell].min()
            if not (self.frame[self.cell == mother].max() < start):
                self.parent[cell] = 0


def keep_numbers(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Give tracks that were linked anew the numbers of the tracks that they come from.

    A track takes the number of the earlier track with which it shares the most rows (the same label
    in the same frame), the lower number among equals; each number is given once. The others are
    numbered above all earlier ones, in their order.

    Parameters
    ----------
    before, after
        ``frame``, ``label``, ``cell_id``, ``parent_id`` of all rows before and after an edit.

    Returns
    -------
    pandas.DataFrame
        `after` with other numbers.

    Examples
    --------
    >>> columns = ["frame", "label", "cell_id", "parent_id"]
    >>> before = pd.DataFrame([[0, 1, 4, 0], [1, 1, 4, 0], [1, 2, 7, 0]], columns=columns)
    >>> after = pd.DataFrame([[0, 1, 1, 0], [1, 2, 2, 1], [1, 3, 3, 1]], columns=columns)
    >>> keep_numbers(before, after)["cell_id"].tolist()
    [4, 7, 8]
    """
    shared = before.merge(after, on=["frame", "label"], suffixes=("_before", "_after"))
    pairs = shared.groupby(["cell_id_before", "cell_id_after"]).size().reset_index(name="n")
    pairs = pairs.sort_values(
        ["n", "cell_id_before", "cell_id_after"], ascending=[False, True, True]
    )
    number: dict[int, int] = {0: 0}
    taken: set[int] = set()
    for old, new in zip(
        pairs["cell_id_before"].tolist(), pairs["cell_id_after"].tolist(), strict=True
    ):
        if old not in taken and new not in number:
            number[new] = old
            taken.add(old)
    last = int(before["cell_id"].max()) if len(before) else 0
    for new in sorted(set(after["cell_id"].tolist()) - set(number)):
        last += 1
        number[new] = last
    renamed = {name: after[name].map(number).astype(np.int64) for name in ("cell_id", "parent_id")}
    return after.assign(**renamed)
