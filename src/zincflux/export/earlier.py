"""Tells an earlier export, which may be replaced, from whatever else lies in its place."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path

import openpyxl

_DAMAGED = (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile)

Judge = Callable[[Path], str]


def only_names(pattern: str) -> Judge:
    """Accept a folder that holds nothing but files of these names.

    Parameters
    ----------
    pattern
        Regular expression for the whole name.
    """
    known = re.compile(pattern)

    def judge(target: Path) -> str:
        others = sorted(path.name for path in target.iterdir() if not known.fullmatch(path.name))
        return f"a folder that also holds {others[0]}" if others else ""

    return judge


def only_entries(pattern: str) -> Judge:
    """Accept a zip that holds nothing but entries of these names."""
    known = re.compile(pattern)

    def judge(target: Path) -> str:
        try:
            with zipfile.ZipFile(target) as archive:
                names = archive.namelist()
        except _DAMAGED as error:
            return f"another file: {error}"
        others = [name for name in names if not known.fullmatch(name)]
        return f"a file that also holds {others[0]}" if others else ""

    return judge


def only_sheets(known: Collection[str]) -> Judge:
    """Accept a workbook that has no other sheets."""

    def judge(target: Path) -> str:
        try:
            book = openpyxl.load_workbook(target, read_only=True)
        except _DAMAGED as error:
            return f"another file: {error}"
        others = [name for name in book.sheetnames if name not in known]
        book.close()
        return f"a workbook that also holds the sheet {others[0]!r}" if others else ""

    return judge


def with_mark(mark: bytes, what: str, *, within: int = 2**16) -> Judge:
    """Accept a file that carries a mark of ours near its beginning or end.

    Parameters
    ----------
    mark
        Bytes that the file holds.
    what
        What was exported there, for the message.
    within
        How far from either end the mark may be.
    """

    def judge(target: Path) -> str:
        size = target.stat().st_size
        with open(target, "rb") as file:
            head = file.read(within)
            file.seek(max(size - within, 0))
            tail = file.read(within)
        return "" if mark in head or mark in tail else f"another file, not {what} of zincflux"

    return judge
