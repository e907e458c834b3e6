"""Corrections by hand as commands on a log of edits; no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_zincflux.corrected_analysis import CorrectedAnalysis
from napari_zincflux.cuts import split_of
from napari_zincflux.errors import CorrectionError
from napari_zincflux.strokes import strokes_of
from zincflux.edits import Accept, Delete, Division, Exclude, Merge, Relink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zincflux.edits.kinds import Point, Suspect

    Labels = NDArray[np.int32]

CellAt = tuple[int, int]
"""A cell in a frame: its number, and the number of the frame."""


class Corrections(CorrectedAnalysis):
    """The corrections of one analysis: each command adds to the log, and is undone as a whole."""

    def merge(self, cells: Sequence[int], t: int = 0) -> None:
        """Make one cell of several; it keeps the number of the first.

        Raises
        ------
        CorrectionError
            If there are fewer than two, or one is not in the frame; likewise in all other commands.
        """
        if len(set(cells)) < 2:
            raise CorrectionError(
                f"merge: expected two cells or more, found {len(set(cells))}. Click the first, "
                "then the others with Shift."
            )
        labels = self.labels(t)
        points = tuple(self._point(labels, cell, t) for cell in cells)
        self._make(t, Merge(points=points, frame=self._frame(t), cell_ids=tuple(cells)))

    def split(self, cell: int, t: int = 0, line: tuple[Point, Point] | None = None) -> None:
        """Make two cells of one; the larger part keeps the number.

        Parameters
        ----------
        cell, t
            Which cell, in which frame.
        line
            Two pixels (y, x) of a straight line to cut along; at the neck if not given.
        """
        labels = self.labels(t)
        self._point(labels, cell, t)
        self._make(t, split_of(labels == cell, cell, self._frame(t), line))

    def delete(self, cells: Sequence[int], t: int = 0) -> None:
        """Remove cells."""
        labels = self.labels(t)
        found = [self._point(labels, cell, t) for cell in _some(cells, "delete")]
        self._make(
            t,
            *(
                Delete(point=point, frame=self._frame(t), cell_ids=(cell,))
                for cell, point in zip(cells, found, strict=True)
            ),
        )

    def draw(self, drawn: Labels, t: int = 0) -> None:
        """Take over what was painted: pixels given to cells, to new ones, or to the background.

        Parameters
        ----------
        drawn
            The label image (Y, X) after painting; a number that no cell has is a new cell.
        t
            Number of the frame.
        """
        before = self.labels(t)
        if drawn.shape != before.shape:
            raise CorrectionError(
                f"draw: expected an image of {before.shape}, found one of {drawn.shape}. Paint on "
                "the layer of the outlines."
            )
        self._make(t, *strokes_of(before, np.asarray(drawn), self._frame(t)))

    def relink(self, before: CellAt, after: CellAt | None = None) -> None:
        """Say that a cell goes on as another one, or that it ends.

        Parameters
        ----------
        before
            The cell, and the last frame in which it is certain.
        after
            The cell that it goes on as, and a later frame; it ends if not given.
        """
        self.check_links("relink")
        if after is not None:
            _check_later("relink", before[1], after[1])
        places = [self._place(*before), None if after is None else self._place(*after)]
        ids = (before[0],) if after is None else (before[0], after[0])
        assert places[0] is not None  # noqa: S101
        self._make(before[1], Relink(before=places[0], after=places[1], cell_ids=ids))

    def divide(self, mother: CellAt, daughters: tuple[CellAt, CellAt]) -> None:
        """Say that a cell divides into two.

        Parameters
        ----------
        mother
            The cell, and its last frame.
        daughters
            Two cells, each with its first frame.
        """
        self.check_links("divide")
        for daughter in daughters:
            _check_later("divide", mother[1], daughter[1])
        if daughters[0] == daughters[1]:
            raise CorrectionError("divide: expected two daughters, found one twice. Choose two.")
        one, two = (self._place(*daughter) for daughter in daughters)
        ids = (mother[0], daughters[0][0], daughters[1][0])
        edit = Division(mother=self._place(*mother), daughters=(one, two), cell_ids=ids)
        self._make(mother[1], edit)

    def accept_suspect(self, cell: int, t: int, kind: Suspect) -> None:
        """Say that a suspect is right as it is.

        Parameters
        ----------
        cell, t
            Cell and frame that it is listed with; cell 0 stands for all cells of the frame.
        kind
            What it is suspected of.
        """
        if cell == 0:
            self._make(t, Accept(suspect=kind, frame=t))
            return
        point = self._point(self.labels(t), cell, t)
        edit = Accept(suspect=kind, frame=self._frame(t), point=point, cell_ids=(cell,))
        self._make(t, edit)

    def first_after(self, cell: int, mother: CellAt, t: int) -> CellAt:
        """Find where a daughter begins, from a frame in which she was seen.

        Parameters
        ----------
        cell, t
            The daughter and a frame with her.
        mother
            The mother and her last frame.

        Returns
        -------
        tuple
            The daughter, with the first frame after that of the mother where she is what she was
            called before. A cell that lived beside the mother is a daughter only from `t` on.
        """
        known = self.analysis.cells
        first = known.loc[known["cell_id"] == cell, "first_frame"]
        start = int(first.iloc[0]) if len(first) else t
        if cell == mother[0]:
            later = (s for s in range(mother[1] + 1, t) if (self.labels(s) == cell).any())
            return cell, next(later, t)
        there = mother[1] < start < t and bool((self.labels(start) == cell).any())
        return cell, (start if there else t)

    def exclude(self, cells: Sequence[int], reason: str, t: int = 0) -> None:
        """Leave cells out of summaries, and say why."""
        if not reason.strip():
            raise CorrectionError("exclude: expected a reason, found none. Say why in a few words.")
        labels = self.labels(t)
        found = [self._point(labels, cell, t) for cell in _some(cells, "exclude")]
        self._make(
            t,
            *(
                Exclude(
                    point=point, frame=self._frame(t), reason=reason[:80].strip(), cell_ids=(cell,)
                )
                for cell, point in zip(cells, found, strict=True)
            ),
        )

    def check_links(self, command: str) -> None:
        """Make sure that cells are followed.

        Parameters
        ----------
        command
            What it is needed for.

        Raises
        ------
        CorrectionError
            If they are static.
        """
        if not self.follows:
            raise CorrectionError(
                f"{command}: expected cells that are followed, found static ones, which are one "
                'outline from start to end. Set track.mode = "follow" to link cells.'
            )


def _some(cells: Sequence[int], command: str) -> Sequence[int]:
    if not cells:
        raise CorrectionError(f"{command}: expected a cell, found none. Click one first.")
    return cells


def _check_later(command: str, before: int, after: int) -> None:
    if after <= before:
        raise CorrectionError(
            f"{command}: expected a frame after {before}, found {after}. Go forward in time, then "
            "click the cell."
        )
