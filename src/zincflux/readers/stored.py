"""Planes of a vendor's file, each read by its place in the file."""

from __future__ import annotations

import logging
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from xml.etree.ElementTree import ParseError

import numpy as np

from zincflux.errors import ReaderError
from zincflux.movie import Image
from zincflux.readers.tiff_pages import DAMAGE

FILE_DAMAGE = (*DAMAGE, EOFError, MemoryError, ParseError, zlib.error)
"""What the libraries of vendor formats raise on a file that is damaged."""

MOST_ANNOUNCED = 100_000
"""Number of planes that a file may announce however few it holds."""


class Pages(Protocol):
    """The pages of one file; a page holds planes that are stored interleaved."""

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Height and width."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels in memory."""
        ...

    @property
    def planes_per_page(self) -> int:
        """Number of planes in a page."""
        ...

    def read_page(self, handle: BinaryIO, page: int) -> Image:
        """Read a page as planes (n, Y, X)."""
        ...


@dataclass(frozen=True, eq=False)
class StoredPlanes:
    """Planes of one file; each call of :meth:`read` opens the file for itself.

    Attributes
    ----------
    path
        The file.
    pages
        Its pages.
    """

    path: Path
    pages: Pages

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.pages.plane_shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.pages.dtype

    def read(self, numbers: Sequence[int]) -> Iterator[Image]:
        """Yield planes (Y, X) in the order asked for.

        Raises
        ------
        ReaderError
            If the file is gone or a plane is damaged.
        """
        try:
            handle = self.path.open("rb")
        except OSError as error:
            raise ReaderError(
                f"{self.path}: the file can no longer be read ({error.strerror}). "
                "Was it moved, or the drive disconnected?"
            ) from None
        last_page = -1
        with handle:
            for number in numbers:
                page, plane = divmod(number, self.pages.planes_per_page)
                if page != last_page:
                    planes, last_page = self._read_page(handle, page), page
                yield planes[plane]

    def _read_page(self, handle: BinaryIO, page: int) -> Image:
        try:
            return self.pages.read_page(handle, page)
        except FILE_DAMAGE as error:
            raise ReaderError(
                f"{self.path}: image {page} cannot be read; the file is truncated or damaged "
                f"({error}). Copy or export it again."
            ) from None


@contextmanager
def damage_reported(path: Path, kind: str, logger: str) -> Iterator[None]:
    """Turn what a library raises on a damaged file into one error, with what it logs.

    Parameters
    ----------
    path, kind
        The file, and the format that it should have.
    logger
        Name of the library's logger.

    Raises
    ------
    ReaderError
        If anything in the block fails on the content of the file.
    """
    with listening(logger) as complaints:
        try:
            yield
        except FILE_DAMAGE as error:
            details = dict.fromkeys([str(error) or type(error).__name__, *complaints[:2]])
            raise ReaderError(
                f"{path}: expected {kind}, found one that is truncated or damaged "
                f"({'; '.join(details)}). Copy or export it again."
            ) from error


@contextmanager
def listening(logger_name: str) -> Iterator[list[str]]:
    """Collect what a library logs in this thread, so that it does not stand beside our error."""
    complaints: list[str] = []
    this_thread = threading.get_ident()

    def keep(record: logging.LogRecord) -> bool:
        if record.thread != this_thread:
            return True
        complaints.append(record.getMessage())
        return False

    logger = logging.getLogger(logger_name)
    logger.addFilter(keep)
    try:
        yield complaints
    finally:
        logger.removeFilter(keep)


def check_announced(path: Path, announced: int, present: int) -> None:
    """Make sure that a file announces no absurd number of planes, before any table is made.

    Raises
    ------
    ReaderError
        If it holds none, or announces far more than it holds.
    """
    if present < 1 or not 0 < announced <= max(MOST_ANNOUNCED, 100 * present):
        raise ReaderError(
            f"{path}: expected the {announced} images that the file announces, found {present}. It "
            "is truncated or damaged: copy or export it again."
        )


def read_exactly(handle: BinaryIO, offset: int, count: int) -> bytes:
    """Read bytes of a file whose size is checked before memory is taken.

    Raises
    ------
    OSError
        If the file is shorter.
    """
    size = handle.seek(0, 2)
    if not 0 <= offset <= offset + count <= size:
        raise OSError(f"expected {count} bytes at {offset}, but the file ends at {size}")
    handle.seek(offset)
    data = handle.read(count)
    if len(data) != count:
        raise OSError(f"expected {count} bytes at {offset}, found {len(data)}")
    return data
