"""Pages of TIFF files, each read by its place in the file, so that nothing is parsed twice."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import tifffile

from zincflux.errors import ReaderError
from zincflux.movie import Image

# tifffile and its decoders raise any of these on a file that is damaged.
DAMAGE = (
    tifffile.TiffFileError,
    OSError,
    ValueError,
    RuntimeError,  # every error of imagecodecs
    struct.error,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
)

MOST_BYTES = 2**33
"""Bound on the size of a page: beyond it a shape is absurd, and no memory is taken for it."""


class PagePlace(NamedTuple):
    """Where the pixels of a page lie.

    Attributes
    ----------
    file
        Number of the file.
    offsets, counts
        Start and length in bytes of each of its pieces.
    decoder
        The page of the file whose encoding it shares; None if the pixels are stored as they are.
    """

    file: int
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    decoder: Any = None


@dataclass(frozen=True, eq=False)
class TiffPages:
    """Planes of one or several TIFF files.

    Attributes
    ----------
    paths
        The files.
    pages
        Where each page lies; None for one that is announced but absent.
    page_shape
        Shape of a page as TIFF stores it: (separate samples, depth, Y, X, interleaved samples).
    stored
        Type of the pixels in the file, with its byte order.
    """

    paths: tuple[Path, ...]
    pages: tuple[PagePlace | None, ...]
    page_shape: tuple[int, int, int, int, int]
    stored: np.dtype[Any]

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.page_shape[2], self.page_shape[3]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels in memory."""
        return self.stored.newbyteorder("=")

    @property
    def planes_per_page(self) -> int:
        """Planes of a page: its samples, or its depth."""
        separate, depth, _, _, interleaved = self.page_shape
        return separate * depth * interleaved

    def read(self, numbers: Sequence[int]) -> Iterator[Image]:
        """Yield planes (Y, X) in the order asked for; each run of one file opens it once."""
        last_page = last_file = -1
        handle: BinaryIO | None = None
        try:
            for number in numbers:
                page, plane = divmod(number, self.planes_per_page)
                place = self.pages[page]
                if place is None:
                    raise ReaderError(f"{self.paths[0]}: page {page} is absent.")
                if place.file != last_file:
                    if handle is not None:
                        handle.close()
                    handle, last_file = self._open(place.file), place.file
                if page != last_page:
                    planes, last_page = self._read_page(handle, page, place), page  # type: ignore[arg-type]
                yield planes[plane]
        finally:
            if handle is not None:
                handle.close()

    def _open(self, file: int) -> BinaryIO:
        try:
            return self.paths[file].open("rb")
        except OSError as error:
            raise ReaderError(
                f"{self.paths[file]}: the file can no longer be read ({error.strerror}). "
                "Was it moved, or the drive disconnected?"
            ) from None

    def _read_page(self, handle: BinaryIO, page: int, place: PagePlace) -> Image:
        """Read a page as planes (n, Y, X)."""
        try:
            if place.decoder is None:
                stored = np.empty(self.page_shape, self.stored)
                _read_into(handle, place.offsets[0], stored)
                pixels = stored.astype(self.dtype, copy=False)
            else:
                pixels = _decode(handle, place, self.page_shape, self.dtype)
        except DAMAGE as error:
            raise ReaderError(
                f"{self.paths[place.file]}: page {page} of {len(self.pages)} cannot be read; the "
                f"file is truncated or damaged ({error}). Copy or export it again."
            ) from None
        if self.planes_per_page == 1:
            return pixels.reshape(1, *self.plane_shape)
        return np.ascontiguousarray(np.moveaxis(pixels, -1, -3)).reshape(-1, *self.plane_shape)

    def check_extent(self) -> None:
        """Make sure that the files are long enough for all their pages.

        Raises
        ------
        ReaderError
            If a page is absurdly large or reaches beyond the end of its file.
        """
        sizes = [path.stat().st_size for path in self.paths]
        whole = math.prod(self.page_shape) * self.stored.itemsize
        if whole > MOST_BYTES:
            raise ReaderError(
                f"{self.paths[0]}: expected pages of at most {MOST_BYTES} bytes, found "
                f"{self.plane_shape[0]} × {self.plane_shape[1]} pixels. The file is damaged: copy "
                "or export it again."
            )
        for number, place in enumerate(self.pages):
            if place is None:
                continue
            counts = place.counts if place.decoder is not None else (whole,)
            end = max(start + n for start, n in zip(place.offsets, counts, strict=False))
            if end > sizes[place.file]:
                raise ReaderError(
                    f"{self.paths[place.file]}: page {number} of {len(self.pages)} ends at byte "
                    f"{end}, but the file ends at byte {sizes[place.file]}: it is truncated. Copy "
                    "or export it again."
                )


def _read_into(handle: BinaryIO, offset: int, out: Image) -> None:
    handle.seek(offset)
    n_read = handle.readinto(out)  # type: ignore[attr-defined]
    if n_read != out.nbytes:
        raise OSError(f"expected {out.nbytes} bytes at {offset}, found {n_read}")


def _decode(
    handle: BinaryIO, place: PagePlace, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Image:
    """Put a page (S, Z, Y, X, s) together from its strips or tiles."""
    result = np.zeros(shape, dtype)
    _, depth, height, width, _ = shape
    for index, (offset, count) in enumerate(zip(place.offsets, place.counts, strict=True)):
        # Writers leave out tiles that hold nothing.
        data = _read_bytes(handle, offset, count) if count else None
        piece, (s, z, y, x, _), _ = place.decoder.decode(
            data, index, jpegtables=place.decoder.jpegtables
        )
        if piece is not None:
            piece = piece[: depth - z, : height - y, : width - x]
            n_z, n_y, n_x = piece.shape[:3]
            result[s, z : z + n_z, y : y + n_y, x : x + n_x] = piece
    return result


def _read_bytes(handle: BinaryIO, offset: int, count: int) -> bytes:
    handle.seek(offset)
    data = handle.read(count)
    if len(data) != count:
        raise OSError(f"expected {count} bytes at {offset}, found {len(data)}")
    return data
