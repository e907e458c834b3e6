"""Tables as the sheets of a workbook, the same bytes for the same tables."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

MAX_ROWS = 20_000
"""Rows of a sheet of a study; longer tables are in Parquet only."""

_ROWS_AT_ONCE = 500

_MAX_TEXT = 32_000
"""A cell of a workbook holds no more than 32 767 characters."""

_MOMENT = (1980, 1, 1, 0, 0, 0)
_DATES = re.compile(rb"(<dcterms:\w+ [^>]*>)[^<]*")


def write_workbook(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write tables as the sheets of a workbook, as `iter_workbook` does.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    for _ in iter_workbook(tables, path, max_rows=MAX_ROWS, elsewhere="{name}.parquet"):
        pass


def iter_workbook(
    tables: Mapping[str, pd.DataFrame],
    path: Path,
    *,
    max_rows: int,
    elsewhere: str,
) -> Iterator[int]:
    """Write tables as the sheets of a workbook, piece by piece.

    Texts are stored as texts, whatever they begin with: none can act as a formula. Of a table that
    is too long, its sheet says where it is.

    Parameters
    ----------
    tables
        By the name of their sheet.
    path
        Where to.
    max_rows
        Rows of the longest table that is written.
    elsewhere
        Where longer ones are; ``{name}`` stands for the name of the table.

    Yields
    ------
    int
        How many rows were written so far.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    book = openpyxl.Workbook(write_only=True)
    n_rows = 0
    for name, table in tables.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for number, width in enumerate(_widths(table), start=1):
            sheet.column_dimensions[get_column_letter(number)].width = width
        if len(table) > max_rows:
            place = elsewhere.format(name=name)
            sheet.append([_text(sheet, f"{len(table)} rows: see {place}")])
            continue
        for row in _rows(sheet, table):
            sheet.append(row)
            n_rows += 1
            if n_rows % _ROWS_AT_ONCE == 0:
                yield n_rows
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(_undated(buffer))


def _widths(table: pd.DataFrame) -> Iterator[float]:
    for name in table:
        longest = max((len(str(value)) for value in table[name].head(50)), default=0)
        yield float(min(max(longest, len(str(name))), 40) + 2)


def _rows(sheet: Any, table: pd.DataFrame) -> Iterator[Iterable[Any]]:
    heads = [_text(sheet, str(column)) for column in table]
    for head in heads:
        head.font = Font(bold=True)
    yield heads
    for row in table.itertuples(index=False, name=None):
        yield [_cell(sheet, value) for value in row]


def _cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, str):
        return _text(sheet, value) if value else None
    if value is None or value is pd.NA:
        return None
    plain = value.item() if hasattr(value, "item") else value
    # Neither NaN nor infinity exists in a workbook.
    is_number = isinstance(plain, bool | int) or abs(plain) < float("inf")
    return plain if is_number else None


def _text(sheet: Any, text: str) -> Any:
    legal = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", text)
    cell = WriteOnlyCell(sheet, legal if len(legal) <= _MAX_TEXT else f"{legal[:_MAX_TEXT]}…")
    cell.data_type = "s"
    return cell


def _undated(written: io.BytesIO) -> bytes:
    """Pack the workbook again without dates."""
    packed = io.BytesIO()
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(packed, "w") as new:
        for name in sorted(old.namelist(), key=lambda n: (n != "[Content_Types].xml", n)):
            content = old.read(name)
            if name == "docProps/core.xml":
                content = _DATES.sub(rb"\g<1>1980-01-01T00:00:00Z", content)
            info = zipfile.ZipInfo(name, _MOMENT)
            info.external_attr = 0o644 << 16
            new.writestr(info, content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
