"""Layouts of plates: grids whose columns are called 1, 2, … and whose rows A, B, … are wells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zincflux.batch.cells import KEY_COLUMNS, text
from zincflux.batch.problems import Problems, shown
from zincflux.errors import ExperimentError, ReaderError
from zincflux.grid.sources import Row, read_source

_WELL = re.compile(r"(?<![A-Za-z0-9])([A-Pa-p])[/ ]?0?([1-9]\d?)(?![A-Za-z0-9])")
_ROW = re.compile(r"[A-Pa-p]")
_TABLES = (".csv", ".tsv", ".txt", ".xlsx")
_BY_LAYOUT = tuple(name for name in KEY_COLUMNS if name not in ("sample", "well"))
_COLUMNS = 48
"""Most columns of a plate; 1536 wells."""


def well_name(name: str) -> str:
    """Find the well that a name tells, with two digits; nothing where it tells none or several.

    Examples
    --------
    >>> well_name("plate1_b3_s1.tif"), well_name("C/07/0"), well_name("dish 1")
    ('B03', 'C07', '')
    """
    found = {_numbered(row, number) for row, number in _WELL.findall(name.replace("_", " "))}
    return found.pop() if len(found) == 1 else ""


def _numbered(row: str, number: str | int) -> str:
    return f"{row.upper()}{int(number):02d}"


def is_layout(path: Path) -> bool:
    """Whether a path names a table, as a layout is one."""
    return path.suffix.lower() in _TABLES


@dataclass(frozen=True)
class Layout:
    """What every well of a plate holds.

    Attributes
    ----------
    where
        The file.
    grids
        By key, such as ``condition``: the text of every well that has one.
    """

    where: str
    grids: Mapping[str, Mapping[str, str]]

    def fill(self, rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
        """Fill in what the layout says about the well of each row.

        Raises
        ------
        ExperimentError
            If a movie tells no well, or a well of the layout has no movie.
        """
        problems = Problems(self.where)
        there = {row["well"] for row in rows}
        for well in sorted({well for grid in self.grids.values() for well in grid} - there - {""}):
            if there != {""}:
                problems.add(None, f"well {well}", "no movie has this well in its name")
        if "" in there:
            problems.add(
                None,
                "the movies beside it",
                "expected a well, such as B03, in the name of every movie, or none that is not of "
                "the plate. Move or rename them",
            )
        problems.settle()
        return [
            row | {key: grid.get(row["well"], row[key]) for key, grid in self.grids.items()}
            for row in rows
        ]


def read_layout(path: Path) -> Layout:
    """Read a layout: one grid, or several below one another, each with its key in the corner.

    Raises
    ------
    ReaderError
        If the file cannot be read, or holds no grid.
    """
    rows = read_source(path, None).rows
    grids: dict[str, dict[str, str]] = {}
    for head, body in _blocks(rows):
        corner = text(head.cells[0]) if head.cells else ""
        key = corner.lower().replace(" ", "_") or "condition"
        if key not in _BY_LAYOUT or key in grids:
            raise ExperimentError(
                f"{path}, line {head.line}: expected in the corner of a grid one of "
                f"{', '.join(_BY_LAYOUT)}, or nothing for the condition, each once; found "
                f"{shown(corner)}. Correct it."
            )
        columns = [text(cell) for cell in head.cells]
        grids[key] = {
            _numbered(text(row.cells[0]), columns[n]): text(cell)
            for row in body
            for n, cell in enumerate(row.cells[: len(columns)])
            if n and columns[n] and text(cell)
        }
    if not grids:
        raise ReaderError(
            f"{path}: expected the layout of a plate, whose first row names the columns 1, 2, … "
            "and whose first column the rows A, B, …, found none. Correct it, or give a folder of "
            "movies."
        )
    return Layout(str(path), grids)


def _blocks(rows: Sequence[Row]) -> Iterator[tuple[Row, list[Row]]]:
    """Split rows into grids: a header with the numbers of the columns, then rows with letters."""
    head: Row | None = None
    body: list[Row] = []
    for row in rows:
        if _is_head(row):
            if head is not None:
                yield head, body
            head, body = row, []
        elif head is not None and _ROW.fullmatch(text(row.cells[0])):
            body.append(row)
    if head is not None:
        yield head, body


def _is_head(row: Row) -> bool:
    numbers = [text(cell) for cell in row.cells[1:] if text(cell)]
    return (
        bool(numbers)
        and all(n.isdecimal() and 1 <= int(n) <= _COLUMNS for n in numbers)
        and (not _ROW.fullmatch(text(row.cells[0])))
    )
