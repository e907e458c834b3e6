"""Which reader reads a file: the file is asked, not its name."""

from __future__ import annotations

import difflib
from datetime import datetime
from pathlib import Path
from typing import Protocol

from zincflux.errors import ReaderError
from zincflux.movie import Movie
from zincflux.readers import oif, tiff
from zincflux.readers.axes import Choice


class Reader(Protocol):
    """What the module of a format offers."""

    NAME: str

    def sniff(self, path: Path) -> bool:
        """Tell whether the file is of this format."""
        ...

    def read(self, path: Path, choice: Choice) -> Movie:
        """Open the file as a movie that is read lazily and keeps no file open."""
        ...

    def started(self, path: Path) -> datetime | None:
        """Return when the recording was started, if the file says so."""
        ...


READERS: tuple[Reader, ...] = (tiff, oif)
"""The readers, in the order in which they are asked."""

_ELSEWHERE = {
    b"ZISRAWFILE": "Zeiss CZI",
    b"\xda\xce\xbe\x0a": "Nikon ND2",
    b"\x70\x00\x00\x00": "Leica LIF",
    b"\xd0\xcf\x11\xe0": "Olympus OIB or an old Office file",
    b"\x89HDF": "HDF5",
    b"\x89PNG": "PNG picture",
    b"\xff\xd8\xff": "JPEG picture",
    b"RIFF": "AVI film",
}


def open_file(path: Path, choice: Choice) -> Movie:
    """Open one file.

    Raises
    ------
    ReaderError
        If there is no such file, or none of the readers reads it.
    """
    return reader_of(path).read(path, choice)


def reader_of(path: Path) -> Reader:
    """Find the reader for a file.

    Raises
    ------
    ReaderError
        If there is no such file, or none of the readers reads it.
    """
    _check_file(path)
    try:
        for reader in READERS:
            if reader.sniff(path):
                return reader
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise ReaderError(
            f"{path}: the file cannot be read ({error.strerror}). Check its permissions."
        ) from None
    raise ReaderError(f"{path}: {_not_readable(start)}")


def _not_readable(start: bytes) -> str:
    known = ", ".join(reader.NAME for reader in READERS)
    if not start:
        return f"expected an image ({known}), found an empty file. Copy or export it again."
    name = next((f" ({name})" for magic, name in _ELSEWHERE.items() if start.startswith(magic)), "")
    return (
        f"expected an image of a format that zincflux reads ({known}), found the first bytes "
        f"{start!r}{name}. Export it as OME-TIFF."
    )


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise ReaderError(
            f"{path}: expected a file, found a folder. Give a file, a list of files, or a pattern "
            "such as image_t{t}_{c}.tif in movie.path."
        )
    if not path.is_file():
        raise ReaderError(f"{path}: no such file.{_near(path)} Check movie.path.")


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return f" There is no folder {path.parent} either."
    names = [other.name for other in path.parent.iterdir()]
    near = difflib.get_close_matches(path.name, names, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
