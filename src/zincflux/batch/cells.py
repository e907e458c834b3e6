"""A sheet as rows of texts by column: CSV, TSV or XLSX."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from zincflux.batch.problems import Problems, column, shown
from zincflux.columns import KEYS
from zincflux.errors import ReaderError
from zincflux.experiment import Experiment
from zincflux.grid.cells import Cell
from zincflux.grid.sources import Row as GridRow
from zincflux.grid.sources import read_source
from zincflux.settings import keys

PATH = "path"
KEY_COLUMNS = tuple(key.name for key in KEYS)
SETTINGS = {key.name.split("[]")[0]: key for key in keys(Experiment)}
"""Settings that may be columns; the phases as one, in TOML."""

for _name in ("schema_version", "movie.path", "table.path"):
    del SETTINGS[_name]

_MIDNIGHT = " 00:00:00"
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")


@dataclass(frozen=True)
class Cells:
    """The filled cells of a sheet.

    Attributes
    ----------
    columns
        Known columns, in the order of the file.
    rows
        By the row's number in the spreadsheet: its filled cells by column.
    decimal_comma
        Whether a comma in a number may mark decimals.
    """

    columns: tuple[str, ...]
    rows: Mapping[int, Mapping[str, str]]
    decimal_comma: bool


def read_cells(path: Path, problems: Problems) -> Cells:
    """Read a sheet.

    Raises
    ------
    ReaderError
        If it cannot be read, or has no header with rows below.
    """
    source = read_source(path, None)
    numbered = list(_numbered(source.rows))
    if len(numbered) < 2:
        raise ReaderError(
            f"{path}: expected a header with a column 'path' and a row for every movie, found "
            f"{'an empty table' if not numbered else 'a header only'}. Write one with: zincflux "
            "batch --init FOLDER"
        )
    (top, head), *body = numbered
    names = _columns([text(cell) for cell in head], top, problems)
    rows = {}
    for line, cells in body:
        filled = {n: text(cell) for n, cell in enumerate(cells) if text(cell)}
        if any(n >= len(head) for n in filled):
            problems.add(
                line,
                "",
                f"expected {len(head)} cells, as in the header, found {max(filled) + 1}. Quote "
                "what holds a separator, and name every column",
            )
        if any(n < len(head) and not text(head[n]) for n in filled):
            problems.add(top, "", "expected a name above every column that is filled. Add it")
        rows[line] = {names[n]: value for n, value in filled.items() if n in names}
    return Cells(tuple(names.values()), rows, source.decimal_comma)


def _numbered(rows: list[GridRow]) -> Iterator[tuple[int, list[Cell]]]:
    """Give rows the numbers that a spreadsheet shows: lines within a quoted cell do not count."""
    extra = 0
    for line, cells in rows:
        yield line - extra, cells
        extra += sum(cell.count("\n") for cell in cells if isinstance(cell, str))


def text(cell: Cell) -> str:
    """Give a cell as text: whole numbers without decimals, dates without a time of 0 h."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return cell.removesuffix(_MIDNIGHT)


def _columns(head: list[str], line: int, problems: Problems) -> dict[int, str]:
    """Find what every column is, by its number."""
    known = (PATH, *KEY_COLUMNS, *SETTINGS)
    found: dict[int, str] = {}
    for number, title in enumerate(head):
        name = title if title in SETTINGS else title.lower().replace(" ", "_")
        if not title:
            continue
        if name not in known:
            near = difflib.get_close_matches(title, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else _advice(title)
            problems.add(line, column(title), f"unknown column. {hint}")
        elif name in found.values():
            problems.add(line, column(name), "this column is there twice. Remove one")
        else:
            found[number] = name
    if PATH not in found.values():
        problems.add(
            line, column(PATH), f"expected this column, found {', '.join(map(shown, head))}"
        )
    return found


def _advice(title: str) -> str:
    if title in ("movie.path", "table.path"):
        return "Name it 'path'"
    return (
        f"Known are {PATH}, {', '.join(KEY_COLUMNS)}, and the keys of the experiment file, such as "
        "segment.diameter_um"
    )


def number(value: str, *, decimal_comma: bool) -> float | None:
    """Read a number; None where it is none."""
    value = plain_number(value.replace("−", "-"), decimal_comma=decimal_comma)
    try:
        return None if "_" in value else float(value)
    except ValueError:
        return None


def plain_number(value: str, *, decimal_comma: bool) -> str:
    """Write a number with a point, where its comma may mark decimals; leave any other text."""
    if decimal_comma and _DECIMAL_COMMA.fullmatch(value):
        return value.replace(",", ".")
    return value
