"""Grid: header, rows and their lines; read from a file of any spreadsheet program."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import ExperimentError, ReaderError
from zincflux.grid.cells import (
    Cell,
    as_text,
    clock_s,
    is_clock,
    is_missing,
    is_number,
    looks_grouped,
    plain_numbers,
    to_number,
)
from zincflux.grid.sources import Row, read_source

_HEAD = 500
"""Rows that the header is looked for in."""


@dataclass(frozen=True, eq=False)
class Grid:
    """A table whose columns are not yet understood.

    Attributes
    ----------
    header
        Name of each column, empty where it has none.
    rows
        Cells of each row that is not empty, as many as the header has.
    lines
        Line of each row in the file, from 1.
    decimal_comma
        Whether a comma in a number marks its decimals.
    where
        The file, as error messages name it.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    lines: tuple[int, ...]
    decimal_comma: bool
    where: str
    _read: dict[int, NDArray[np.float64] | None] = field(default_factory=dict, repr=False)

    def cells(self, column: int) -> list[Cell]:
        """Cells of a column as they stand in the file."""
        return [row[column] for row in self.rows]

    def distinct(self, column: int) -> set[Cell]:
        """All different cells of a column but the missing ones."""
        return {cell for cell in set(self.cells(column)) if not is_missing(cell)}

    def texts(self, column: int) -> list[str]:
        """Cells of a column as text, empty where missing."""
        return [as_text(cell) for cell in self.cells(column)]

    def share_of_numbers(self, column: int) -> float:
        """Share of the cells that hold a number among those that hold anything; 0 if none does."""
        quick = self._quick(column)
        if quick is not None:
            return float(np.isfinite(quick).any())
        filled = [cell for cell in self.cells(column) if not is_missing(cell)]
        return sum(map(is_number, filled)) / len(filled) if filled else 0.0

    def numbers(self, column: int) -> NDArray[np.float64]:
        """Numbers of a column, shape (rows,); NaN where missing.

        Raises
        ------
        ReaderError
            If a cell is no number, or may be read in two ways.
        """
        cells = self.cells(column)
        quick = self._quick(column)
        if quick is not None:
            return quick.copy()
        grouped = looks_grouped(cells) if self.decimal_comma else None
        if grouped is not None:
            raise self.refuse(
                column,
                cells.index(grouped),
                "a number that can be read in one way",
                "whose comma may mark decimals or group thousands. Write the column without "
                "grouped thousands",
            )
        values = np.full(len(cells), np.nan)
        for row, cell in enumerate(cells):
            number = to_number(cell, decimal_comma=self.decimal_comma)
            if number is None:
                raise self.refuse(column, row, "a number", "Correct it, or leave the cell empty")
            values[row] = number
        return values

    def _quick(self, column: int) -> NDArray[np.float64] | None:
        """Numbers of a column that has nothing else, read once; None for any other."""
        if column not in self._read:
            numbers = plain_numbers(self.cells(column))
            self._read[column] = None if numbers is None else np.array(numbers)
        return self._read[column]

    def clock_s(self, column: int) -> NDArray[np.float64] | None:
        """Seconds of a column of times such as 0:01:05.2 or dates with times, shape (rows,).

        Returns
        -------
        None where the column is not of that kind; NaN where a cell is missing.

        Raises
        ------
        ReaderError
            If only some of the cells are times, or a time may be h:mm or mm:ss.
        """
        cells = self.cells(column)
        if not any(is_clock(cell) for cell in cells):
            return None
        values = np.full(len(cells), np.nan)
        for row, cell in enumerate(cells):
            if is_missing(cell):
                continue
            seconds = clock_s(cell) if isinstance(cell, str) else None
            if seconds is None:
                raise self.refuse(column, row, "a time as h:mm:ss", "Write all times so")
            values[row] = seconds
        return values

    def refuse(self, column: int, row: int, expected: str, advice: str) -> ReaderError:
        """Make the error of one cell: what was expected of it, and what to do."""
        found = as_text(self.rows[row][column])
        mark = "." if advice[0].isupper() else ","
        return ReaderError(
            f"{self.where}, line {self.lines[row]}, column {self.header[column]!r}: expected "
            f"{expected}, found {found!r}{mark} {advice}."
        )

    def column(self, name: str, correct: str) -> int:
        """Find a column by its exact name.

        Parameters
        ----------
        name
            Name of the column.
        correct
            What of the command or file to correct, as the error message says it.

        Raises
        ------
        ExperimentError
            If no column or more than one has this name.
        """
        count = self.header.count(name)
        if count == 1:
            return self.header.index(name)
        if count:
            raise ExperimentError(
                f"{self.where}: expected one column {name!r}, found {count}. Rename all but one."
            )
        near = difflib.get_close_matches(name, self.header, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ExperimentError(
            f"{self.where}: expected a column {name!r}, found "
            f"{', '.join(filter(None, self.header))}.{hint} Correct {correct}."
        )


def read_grid(path: str | os.PathLike[str], *, sheet: str | int | None = None) -> Grid:
    """Read a table from CSV, TSV, XLSX or Parquet.

    Fields of text files are separated by tab, semicolon or comma; the text is UTF-8, UTF-16 with
    a mark, or Windows-1252. Lines above the header are skipped where the header can be told: the
    first line with as many fields as what follows, and numbers in the next line.

    Parameters
    ----------
    path
        The file; its kind is told by its first bytes.
    sheet
        Name of a workbook's sheet, or its number from 1; needed only where several are filled.

    Raises
    ------
    ReaderError
        If the file cannot be read, or holds no header with rows below.
    ExperimentError
        If a sheet must be chosen, or the chosen one does not exist.
    """
    file = Path(path)
    source = read_source(file, sheet)
    rows = source.rows
    start = _header_row(rows)
    width = _extent(rows[start]) if rows else 0
    body = rows[start + 1 :]
    if not body or width < 2:
        raise ReaderError(
            f"{file}: expected a header and rows of at least two columns, separated by tab, "
            "semicolon or comma. Found fewer."
        )
    header = rows[start].cells[:width]
    if all(cell == "" or is_number(cell) for cell in header):
        raise ReaderError(
            f"{file}: expected a header in the first line, found numbers. Add one that names the "
            "columns with their units, for example: Time (s),cell 1,cell 2"
        )
    _check_widths(file, rows[start], body, is_text=source.is_text)
    padded = [
        row.cells if len(row.cells) == width else (row.cells + [""] * width)[:width] for row in body
    ]
    return Grid(
        tuple(as_text(cell) if not isinstance(cell, str) else cell for cell in header),
        tuple(tuple(cells) for cells in padded),
        tuple(row.line for row in body),
        source.decimal_comma,
        str(file),
    )


def _check_widths(file: Path, header: Row, body: Sequence[Row], *, is_text: bool) -> None:
    """Refuse rows that have more fields than the header, and text that has fewer in every row."""
    width = _extent(header)
    wrong = [row for row in body if _extent(row) > width]
    found = [_extent(row) for row in wrong]
    if is_text and all(len(row.cells) < width for row in body):
        wrong, found = list(body), [len(row.cells) for row in body]
    if wrong:
        raise ReaderError(
            f"{file}, line {wrong[0].line}: expected {width} fields, as in the header in line "
            f"{header.line}, found {found[0]}. Name every column, and quote what holds a "
            "separator."
        )


def _extent(row: Row) -> int:
    """Count the fields up to the last that is filled."""
    cells = row.cells
    length = len(cells)
    while length and cells[length - 1] == "":
        length -= 1
    return length


def _header_row(rows: Sequence[Row]) -> int:
    """Find the row that is the header: the first if none can be told."""
    if len(rows) < 2:
        return 0
    extents = [_extent(row) for row in rows]
    head = rows[:_HEAD]
    counts = [sum(cell != "" and _is_data(cell) for cell in row.cells) for row in head]
    widest_below = np.maximum.accumulate(extents[::-1])[::-1]
    typical = float(np.median(counts[len(head) // 2 :]))
    for number, row in enumerate(head[:-1]):
        names = any(cell != "" and not _is_data(cell) for cell in row.cells)
        is_wide = extents[number] >= widest_below[number + 1]
        if names and is_wide and counts[number + 1] >= max(1.0, 0.75 * typical):
            return number
    return 0


def _is_data(cell: Cell) -> bool:
    return is_missing(cell) or is_number(cell) or is_clock(cell)
