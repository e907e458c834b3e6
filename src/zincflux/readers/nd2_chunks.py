"""ND2 from the inside: a file of named chunks, with a map of them at its end.

The library nd2 turns the chunks that hold metadata into Python; the pixels are read here, because
the library keeps its file open, and gives zeros for a frame that the file does not hold.

References
----------
The layout as the library describes it: https://github.com/tlambert03/nd2, ``_chunk_decode.py``
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from zincflux.movie import FloatArray, Image
from zincflux.readers.stored import read_exactly

MAGIC = b"\xda\xce\xbe\x0a"

_MAP_NAME = b"ND2 FILEMAP SIGNATURE NAME 0001!"
_MAP_END = b"ND2 CHUNK MAP SIGNATURE 0000001!"
_TAIL = struct.Struct("<32sQ")  # signature, where the map is
_HEADER = struct.Struct("<4sIQ")  # magic, room for the name, length of the data
_PLACE = struct.Struct("<QQ")  # where a chunk is, its length
_IMAGE = b"ImageDataSeq|%d!"
_STAMPS = b"CustomData|AcqTimesCache!"
_STAMP_BYTES = 8  # each image follows its own time stamp

Chunks = Mapping[bytes, int]
"""Where each chunk begins, by its name."""


def read_chunks(path: Path) -> Chunks:
    """Read the map of the chunks, and make sure that those with metadata lie within the file.

    Raises
    ------
    OSError, ValueError, struct.error
        If the file is truncated or damaged.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        signature, where = _TAIL.unpack(read_exactly(file, max(size - _TAIL.size, 0), _TAIL.size))
        if signature != _MAP_END:
            raise ValueError("there is no map of its chunks at its end")
        chunks = _parse_map(_read_chunk(file, where, _MAP_NAME))
        for name, offset in chunks.items():
            if not name.startswith(b"ImageDataSeq|"):
                _data_place(file, offset, name, size)
    return chunks


def frame_times_s(path: Path, chunks: Chunks) -> FloatArray:
    """Read when each frame was taken, in s; empty where the file does not say."""
    if _STAMPS not in chunks:
        return np.empty(0)
    with path.open("rb") as file:
        data = _read_chunk(file, chunks[_STAMPS], _STAMPS)
    return np.frombuffer(data[: len(data) // 8 * 8], "<f8") / 1000


def image_chunk(chunks: Chunks, frame: int) -> int | None:
    """Return where the chunk of a frame begins, or None if the file does not hold it."""
    return chunks.get(_IMAGE % frame)


def n_images(chunks: Chunks) -> int:
    """Count the frames that the file holds."""
    return sum(name.startswith(b"ImageDataSeq|") for name in chunks)


@dataclass(frozen=True, eq=False)
class Nd2Pages:
    """Frames of an ND2 file; each holds its channels interleaved.

    Attributes
    ----------
    frames, offsets
        Number of each frame in the file and where its chunk begins; None for one that is absent.
    plane_shape
        Height and width.
    stored
        Type of the pixels in the file.
    planes_per_page
        Number of channels.
    row_bytes
        Bytes from one row to the next.
    is_compressed
        Whether the frames are deflated.
    """

    frames: tuple[int, ...]
    offsets: tuple[int | None, ...]
    plane_shape: tuple[int, int]
    stored: np.dtype[Any]
    planes_per_page: int
    row_bytes: int
    is_compressed: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels in memory."""
        return self.stored.newbyteorder("=")

    def check_layout(self, n_bytes: int) -> None:
        """Make sure that a frame of the announced shape fits its rows and the file.

        Parameters
        ----------
        n_bytes
            Size of the file.

        Raises
        ------
        ValueError
            If it does not.
        """
        height, width = self.plane_shape
        row = width * self.planes_per_page * self.stored.itemsize
        # Deflate makes of a byte at most 1032.
        most = n_bytes * (1032 if self.is_compressed else 1)
        if min(height, width) < 1 or not 0 < row <= self.row_bytes or height * row > most:
            raise ValueError(
                f"images of {height} × {width} pixels with {self.planes_per_page} channels fit "
                f"neither rows of {self.row_bytes} bytes nor the file's {n_bytes} bytes"
            )

    def read_page(self, handle: BinaryIO, page: int) -> Image:
        """Read a frame as planes (channel, Y, X)."""
        offset = self.offsets[page]
        if offset is None:
            raise ValueError("the file does not hold this frame")
        height, width = self.plane_shape
        # The last row need not be filled up.
        used = width * self.planes_per_page * self.stored.itemsize
        count = (height - 1) * self.row_bytes + used
        size = handle.seek(0, 2)
        start, length = _data_place(handle, offset, _IMAGE % self.frames[page], size)
        if self.is_compressed:
            packed = read_exactly(handle, start + _STAMP_BYTES, length - _STAMP_BYTES)
            data = zlib.decompressobj().decompress(packed, height * self.row_bytes)
        else:
            data = read_exactly(handle, start + _STAMP_BYTES, min(count, length - _STAMP_BYTES))
        if len(data) < count:
            raise ValueError(f"expected {count} bytes of pixels, found {len(data)}")
        step = self.planes_per_page * self.stored.itemsize
        pixels: Image = np.ndarray(
            (height, width, self.planes_per_page),
            self.stored,
            data,
            strides=(self.row_bytes, step, self.stored.itemsize),
        )
        # The copy is one that may be written to, as those of other formats.
        return np.array(np.moveaxis(pixels, -1, 0), self.dtype, order="C")


def _parse_map(data: bytes) -> dict[bytes, int]:
    chunks: dict[bytes, int] = {}
    position = 0
    while True:
        end = data.index(b"!", position) + 1
        name = data[position:end]
        if name == _MAP_END:
            return chunks
        chunks[name], _ = _PLACE.unpack_from(data, end)
        position = end + _PLACE.size


def _data_place(file: BinaryIO, offset: int, name: bytes, size: int) -> tuple[int, int]:
    """Return where the data of a chunk begin, and their length."""
    magic, room, length = _HEADER.unpack(read_exactly(file, offset, _HEADER.size))
    start = offset + _HEADER.size + room
    found = file.read(len(name)) if room >= len(name) else b""
    if magic != MAGIC or found != name or start + length > size:
        raise ValueError(f"its chunk {name.decode(errors='replace')} is damaged")
    return start, length


def _read_chunk(file: BinaryIO, offset: int, name: bytes) -> bytes:
    size = file.seek(0, 2)
    return read_exactly(file, *_data_place(file, offset, name, size))
