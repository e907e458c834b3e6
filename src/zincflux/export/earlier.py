"""Tells an earlier export, which may be replaced, from whatever else lies in its place."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path

import openpyxl

_DAMAGED = (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile)

_NEAR_THE_ENDS = 2**22
"""Bytes at either end of a file in which a mark is looked for: the list of the frames, behind which
it stands in a film, is about 20 bytes per frame."""

Judge = Callable[[Path], str]


def only_names(pattern: str, *, always: str = "", mark: bytes = b"") -> Judge:
    """Accept a folder that holds nothing but files of these names; an empty one too.

    Parameters
    ----------
    pattern
        Regular expression for the whole name.
    always
        The same for a file that every export has; empty where there is none.
    mark
        Bytes by which the first of these is known to be ours.
    """
    known, needed = re.compile(pattern), re.compile(always)

    def judge(target: Path) -> str:
        names = sorted(path.name for path in target.iterdir())
        others = [name for name in names if not known.fullmatch(name)]
        if others:
            return f"a folder that also holds {others[0]}"
        if not (always and names):
            return ""
        ours = next((name for name in names if needed.fullmatch(name)), None)
        if ours is None or not _carries(target / ours, mark):
            return "a folder that zincflux has not written"
        return ""

    return judge


def only_entries(pattern: str, mark: bytes) -> Judge:
    """Accept a zip with a mark of ours that holds nothing but entries of these names."""
    known = re.compile(pattern)

    def judge(target: Path) -> str:
        try:
            with zipfile.ZipFile(target) as archive:
                names, is_ours = archive.namelist(), archive.comment == mark
        except _DAMAGED as error:
            return f"another file: {error}"
        others = [name for name in names if not known.fullmatch(name)]
        if others:
            return f"a file that also holds {others[0]}"
        return "" if is_ours else "a file that zincflux has not written"

    return judge


def only_sheets(known: Collection[str]) -> Judge:
    """Accept a workbook that has these sheets and no others."""

    def judge(target: Path) -> str:
        try:
            book = openpyxl.load_workbook(target, read_only=True)
        except _DAMAGED as error:
            return f"another file: {error}"
        names = book.sheetnames
        book.close()
        others = [name for name in names if name not in known]
        if others:
            return f"a workbook that also holds the sheet {others[0]!r}"
        return "" if set(known) == set(names) else "a workbook that zincflux has not written"

    return judge


def with_mark(mark: bytes, what: str) -> Judge:
    """Accept a file that carries a mark of ours near its beginning or end.

    Parameters
    ----------
    mark
        Bytes that the file holds.
    what
        What was exported there, for the message.
    """

    def judge(target: Path) -> str:
        return "" if _carries(target, mark) else f"another file, not {what} of zincflux"

    return judge


def _carries(path: Path, mark: bytes) -> bool:
    if not mark:
        return True
    if not path.is_file():
        return False
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(_NEAR_THE_ENDS)
        file.seek(max(size - _NEAR_THE_ENDS, 0))
        tail = file.read(_NEAR_THE_ENDS)
    return mark in head or mark in tail
