"""Files → rows of cells: text with any separator, workbooks, Parquet."""

from __future__ import annotations

import csv
import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from zincflux.errors import ExperimentError, ReaderError
from zincflux.grid.cells import Cell, plain

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
# What openpyxl lets through of a damaged workbook; parse errors of XML are SyntaxErrors.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    SyntaxError,
    EOFError,
    OSError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Row(NamedTuple):
    """One row that is not empty, with its line in the file, from 1."""

    line: int
    cells: list[Cell]


class Source(NamedTuple):
    """Rows of a file.

    Attributes
    ----------
    rows
        All that are not empty.
    decimal_comma
        Whether a comma in a number marks its decimals.
    is_text
        Whether the fields were told by separators, so that a row may have lost one.
    """

    rows: list[Row]
    decimal_comma: bool
    is_text: bool = False


def read_source(path: Path, sheet: str | int | None) -> Source:
    """Read all rows of a file, of whatever kind its first bytes say it is.

    Raises
    ------
    ReaderError
        If the file cannot be read.
    ExperimentError
        If a sheet must be chosen, or the chosen one does not exist.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ReaderError(
            f"{path}: this table cannot be read: {os.strerror(error.errno or 0)}. Check its name."
        ) from None
    if data.startswith(b"PK\x03\x04"):
        return Source(_workbook(path, data, sheet), decimal_comma=True)
    if sheet is not None:
        raise ExperimentError(
            f"{path}: expected an XLSX workbook, since a sheet ({sheet!r}) is named, found another "
            "kind of file. Remove the sheet."
        )
    if data.startswith(b"PAR1"):
        return Source(_parquet(path, data), decimal_comma=True)
    if data.startswith(_OLD_EXCEL):
        raise ReaderError(
            f"{path}: expected CSV, TSV, XLSX or Parquet, found an old Excel workbook (XLS). Save "
            "it as XLSX or CSV."
        )
    return _text(path, data)


def _text(path: Path, data: bytes) -> Source:
    text = _decode(data)
    if "\0" in text:
        raise ReaderError(
            f"{path}: expected a text table, found binary data. Save the sheet as CSV."
        )
    separator = _separator(text)
    rows = list(_split(path, text, separator))
    return Source([row for row in rows if any(row.cells)], separator != ",", is_text=True)


def _decode(data: bytes) -> str:
    if data.startswith(_UTF16):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _separator(text: str) -> str:
    """Tell the separator: the first of tab, semicolon and comma that most lines have."""
    lines = [line for line in io.StringIO(text, newline=None) if line.strip()]
    for mark in "\t;":
        if 2 * sum(mark in line for line in lines) > len(lines):
            return mark
    return ","


def _split(path: Path, text: str, separator: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=separator)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ReaderError(
                f"{path}, line {line}: expected fields of a table, found: {error}. Save the sheet "
                "as CSV again."
            ) from None
        yield Row(line, [cell.strip() for cell in cells])
        line = reader.line_num + 1


def _workbook(path: Path, data: bytes, sheet: str | int | None) -> list[Row]:
    try:
        sheets = _sheets(data)
    except _DAMAGED:
        raise ReaderError(
            f"{path}: expected an XLSX workbook, found another packed file or a damaged one. Save "
            "it as XLSX or CSV."
        ) from None
    return sheets[_choose(path, sheets, sheet)]


def _sheets(data: bytes) -> dict[str, list[Row]]:
    """Read the rows of every sheet by its title."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    sheets: dict[str, list[Row]] = {}
    for one in book.worksheets:
        # The size that a writer states may be wrong; the rows themselves are not.
        one.reset_dimensions()
        rows = (
            Row(number, [plain(value) for value in values])
            for number, values in enumerate(one.iter_rows(values_only=True), start=1)
        )
        sheets[one.title] = [row for row in rows if any(cell != "" for cell in row.cells)]
    if not sheets:
        raise LookupError("no sheet is left")
    return sheets


def _choose(path: Path, sheets: dict[str, list[Row]], sheet: str | int | None) -> str:
    names = list(sheets)
    if isinstance(sheet, str) and sheet not in sheets and sheet.isdecimal():
        sheet = int(sheet)
    if isinstance(sheet, int) and 1 <= sheet <= len(names):
        return names[sheet - 1]
    if isinstance(sheet, str) and sheet in sheets:
        return sheet
    filled = [name for name in names if sheets[name]]
    listed = ", ".join(f"{names.index(name) + 1} {name!r}" for name in filled)
    if sheet is not None:
        raise ExperimentError(
            f"{path}: expected a sheet {sheet!r}, found {listed or 'empty ones'}. Correct it."
        )
    if len(filled) > 1:
        raise ExperimentError(
            f"{path}: expected one sheet with a table, found {len(filled)}: {listed}. Choose one "
            "by its name or number, from 1."
        )
    return filled[0] if filled else names[0]


def _parquet(path: Path, data: bytes) -> list[Row]:
    import pandas as pd

    try:
        frame = pd.read_parquet(io.BytesIO(data))
    except (OSError, ValueError):  # pyarrow's ArrowInvalid is a ValueError
        raise ReaderError(
            f"{path}: expected a Parquet file, found a damaged one. Write it again."
        ) from None
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    columns = [
        ["" if pd.isna(value) else plain(value) for value in frame[name].to_list()]
        if frame[name].dtype.kind != "O"
        else [plain(value) for value in frame[name].to_list()]
        for name in frame.columns
    ]
    header: list[Cell] = [str(name).strip() for name in frame.columns]
    body = (list(cells) for cells in zip(*columns, strict=True))
    return [Row(number, cells) for number, cells in enumerate([header, *body], start=1)]
