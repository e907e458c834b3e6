"""Which reader reads a file: the file is asked, not its name."""

from __future__ import annotations

import difflib
from datetime import datetime
from pathlib import Path
from typing import Protocol

from zincflux.errors import ReaderError
from zincflux.movie import Movie
from zincflux.readers import (
    companion,
    czi,
    lif,
    metaseries,
    mm_images,
    nd2,
    oib,
    oif,
    ome_zarr,
    tiff,
)
from zincflux.readers.axes import Choice
from zincflux.readers.zarr_places import is_address


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


READERS: tuple[Reader, ...] = (tiff, nd2, czi, lif, oif, oib, companion)
"""The readers of files, in the order in which they are asked."""

FOLDER_READERS: tuple[Reader, ...] = (ome_zarr, metaseries, mm_images)
"""The readers of folders."""

_ELSEWHERE = {
    b"\x00\x00\x00\x0cjP": "JPEG 2000, which was Nikon ND2 until 2009",
    b"\xd0\xcf\x11\xe0": "Olympus OIB, if its name ended in .oib, or an old Office file",
    b"\x89HDF": "HDF5",
    b"\x89PNG": "PNG picture",
    b"\xff\xd8\xff": "JPEG picture",
    b"RIFF": "AVI film",
}


def open_file(path: Path | str, choice: Choice) -> Movie:
    """Open one file, a folder, or an address such as ``s3://bucket/movie.zarr``.

    Raises
    ------
    ReaderError
        If there is no such file, or none of the readers reads it.
    """
    if is_address(path):
        return ome_zarr.read(path, choice)
    return reader_of(Path(path)).read(Path(path), choice)


def started(name: str) -> datetime | None:
    """Return when a recording was started, by the name of its source, if it says so."""
    return None if is_address(name) else reader_of(Path(name)).started(Path(name))


def reader_of(path: Path) -> Reader:
    """Find the reader for a file or folder.

    Raises
    ------
    ReaderError
        If there is no such file, or none of the readers reads it.
    """
    _check_there(path)
    is_folder = path.is_dir()
    try:
        for reader in FOLDER_READERS if is_folder else READERS:
            if reader.sniff(path):
                return reader
        if is_folder:
            raise _no_movie(path)
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise ReaderError(
            f"{path}: the file cannot be read ({error.strerror}). Check its permissions."
        ) from None
    raise ReaderError(f"{path}: {_not_readable(start)}")


def _not_readable(start: bytes) -> str:
    known = ", ".join(reader.NAME for reader in (*READERS, *FOLDER_READERS))
    if not start:
        return f"expected an image ({known}), found an empty file. Copy or export it again."
    name = next((f" ({name})" for magic, name in _ELSEWHERE.items() if start.startswith(magic)), "")
    return (
        f"expected an image of a format that zincflux reads ({known}), found the first bytes "
        f"{start!r}{name}. Export it as OME-TIFF."
    )


def _no_movie(folder: Path) -> ReaderError:
    known = ", ".join(reader.NAME for reader in FOLDER_READERS)
    return ReaderError(
        f"{folder}: expected a file, found a folder that is none of {known}. Give a file, a list "
        "of files, or a pattern such as image_t{t}_{c}.tif in movie.path."
    )


def _check_there(path: Path) -> None:
    if not path.is_file() and not path.is_dir():
        raise ReaderError(f"{path}: no such file.{_near(path)} Check movie.path.")


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return f" There is no folder {path.parent} either."
    names = [other.name for other in path.parent.iterdir()]
    near = difflib.get_close_matches(path.name, names, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
