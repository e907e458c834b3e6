"""Links over time that are told in two steps: where they begin, then where they lead; no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from napari_zincflux.corrections import CellAt, Corrections
from napari_zincflux.errors import CorrectionError


class Told(NamedTuple):
    """What came of a step.

    Attributes
    ----------
    text
        What was done, or what comes next.
    select
        Cells to select once it is done; None while more has to be told.
    """

    text: str
    select: tuple[int, ...] | None = None


class LinkTelling:
    """Remembers the cell that a link begins with until it is told where the link leads.

    To tell another kind of link forgets what was begun.

    Parameters
    ----------
    corrections
        What takes the commands.
    """

    def __init__(self, corrections: Corrections) -> None:
        self.corrections = corrections
        self._begun: tuple[str, CellAt] | None = None

    def relink(self, cells: Sequence[int], frame: int) -> Told:
        """Take the cell that goes on, then the cell that it goes on as in a later frame.

        Parameters
        ----------
        cells, frame
            What is selected, and in which frame; likewise in the other commands.

        Raises
        ------
        CorrectionError
            If another number of cells is expected, or the link cannot be; likewise in the others.
        """
        before = self._take("relink")
        if before is None:
            cell = self._begin("relink", cells, frame)
            return Told(f"Cell {cell} goes on as … Go to a later frame, select it, press Shift-R.")
        cell = one_of(cells, "relink")
        self.corrections.relink(before, (cell, frame))
        return Told(f"Cell {before[0]} goes on as cell {cell} from frame {frame}.", (before[0],))

    def divide(self, cells: Sequence[int], frame: int) -> Told:
        """Take the mother in her last frame, then her two daughters in a later one."""
        mother = self._take("divide")
        if mother is None:
            cell = self._begin("divide", cells, frame)
            return Told(
                f"Cell {cell} divides after frame {frame}. Go to a later frame, select both "
                "daughters (the second with Shift), press Shift-B."
            )
        if len(cells) != 2:
            self._begun = ("divide", mother)
            raise CorrectionError(
                f"divide: expected two selected daughters of cell {mother[0]}, found "
                f"{len(cells)}. Click one, the other with Shift, then press Shift-B."
            )
        one, two = (self.corrections.first_after(cell, mother, frame) for cell in cells)
        self.corrections.divide(mother, (one, two))
        names = f"{cells[0]} and {cells[1]}"
        return Told(f"Cell {mother[0]} divides into {names} after frame {mother[1]}.", (mother[0],))

    def end(self, cells: Sequence[int], frame: int) -> Told:
        """Take the cell that ends."""
        self._begun = None
        cell = one_of(cells, "end")
        self.corrections.relink((cell, frame))
        return Told(f"Cell {cell} ends in frame {frame}.", tuple(cells))

    def _begin(self, command: str, cells: Sequence[int], frame: int) -> int:
        cell = one_of(cells, command)
        self.corrections.check_links(command)
        self._begun = (command, (cell, frame))
        return cell

    def _take(self, command: str) -> CellAt | None:
        """Give the cell that a command began with, and forget it."""
        begun, self._begun = self._begun, None
        return begun[1] if begun is not None and begun[0] == command else None


def one_of(cells: Sequence[int], command: str) -> int:
    """Give the only selected cell.

    Parameters
    ----------
    cells
        What is selected.
    command
        What it is needed for.

    Raises
    ------
    CorrectionError
        If there is none, or more than one.
    """
    if len(cells) != 1:
        raise CorrectionError(
            f"{command}: expected one selected cell, found {len(cells)}. Click a cell."
        )
    return int(cells[0])
