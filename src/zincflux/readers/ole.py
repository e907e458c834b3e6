"""Compound files (OLE): streams of bytes in one file, as Olympus OIB uses them.

Read here because a file whose chain of sectors runs in a circle keeps oiffile busy for ever.

References
----------
Microsoft, [MS-CFB]: Compound File Binary File Format
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zincflux.readers.stored import read_exactly

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_HEADER = struct.Struct("<8s16xHHHHH6xIIIIIIIIII")
_ENTRY = struct.Struct("<64sHB49xIQ")  # name, its length, kind, …, first sector, size
_ENTRY_BYTES = 128
_LAST = 0xFFFFFFFA  # larger numbers of sectors mean: end, free, or a table
_MINI_BYTES = 64
_STREAM, _ROOT = 2, 5


class Piece(NamedTuple):
    """Bytes of a file that belong together."""

    offset: int
    length: int


Stream = tuple[Piece, ...]


def read_stream(handle: BinaryIO, stream: Stream) -> bytes:
    """Read a stream.

    Raises
    ------
    OSError
        If the file is shorter.
    """
    return b"".join(read_exactly(handle, piece.offset, piece.length) for piece in stream)


def find_streams(path: Path) -> Mapping[str, Stream]:
    """Find every stream of a compound file, by its name without the folder.

    Raises
    ------
    OSError, ValueError, struct.error
        If the file is truncated or damaged.
    """
    with path.open("rb") as file:
        compound = _Compound.of(file)
        data = read_stream(file, compound.pieces(compound.directory, None))
    root: Stream = ()  # the first entry: the stream of small streams
    streams = {}
    for name, kind, start, size in _entries(data, compound.major):
        if kind == _ROOT:
            root = compound.pieces(start, size) if size else ()
        elif kind == _STREAM:
            is_mini = size < compound.cutoff
            streams[name] = (
                compound.mini_pieces(root, start, size) if is_mini else compound.pieces(start, size)
            )
    return streams


@dataclass(frozen=True, eq=False)
class _Compound:
    """The tables of a compound file.

    Attributes
    ----------
    major
        Version.
    sector
        Bytes of a sector.
    cutoff
        Size from which a stream has sectors of its own.
    directory
        First sector of the directory.
    fat, mini_fat
        The sector that follows each sector, of the file and of the stream of small streams.
    """

    major: int
    sector: int
    cutoff: int
    directory: int
    fat: NDArray[np.uint32]
    mini_fat: NDArray[np.uint32]

    @classmethod
    def of(cls, file: BinaryIO) -> _Compound:
        """Read the tables."""
        header = read_exactly(file, 0, 512)
        magic, _, major, order, shift, mini_shift, *numbers = _HEADER.unpack_from(header)
        n_fat, directory, _, cutoff, mini, n_mini, more, n_more = numbers[1:9]
        is_known = (major, shift) in ((3, 9), (4, 12)) and (order, mini_shift) == (0xFFFE, 6)
        if magic != MAGIC or not is_known:
            raise ValueError(f"a header of version {major} with sectors of 2^{shift} bytes")
        sector = 2**shift
        places = [np.frombuffer(header, "<u4", 109, 76)]
        for _ in range(min(n_more, file.seek(0, 2) // sector)):
            table = np.frombuffer(read_exactly(file, (more + 1) * sector, sector), "<u4")
            places.append(table[:-1])
            more = int(table[-1])
        used = np.concatenate(places)[:n_fat]
        tables = [read_exactly(file, (int(n) + 1) * sector, sector) for n in used]
        fat = np.frombuffer(b"".join(tables), "<u4")
        bare = cls(major, sector, cutoff, directory, fat, np.empty(0, np.uint32))
        if n_mini == 0:
            return bare
        mini_fat = np.frombuffer(read_stream(file, bare.pieces(mini, None)), "<u4")
        return cls(major, sector, cutoff, directory, fat, mini_fat)

    def pieces(self, start: int, size: int | None) -> Stream:
        """Return where a stream lies that begins at a sector; to its end if no size is given."""
        numbers = _chain(self.fat, start)
        whole = len(numbers) * self.sector
        return _runs((numbers + 1) * self.sector, self.sector, whole if size is None else size)

    def mini_pieces(self, root: Stream, start: int, size: int) -> Stream:
        """Return where a small stream lies within the stream of small streams."""
        if size == 0:
            return ()
        numbers = _chain(self.mini_fat, start)
        # Where each small sector of the stream of small streams lies in the file.
        places = np.concatenate(
            [np.arange(p.offset, p.offset + p.length - _MINI_BYTES + 1, _MINI_BYTES) for p in root]
            or [np.empty(0, np.int64)]
        )
        return _runs(places[numbers], _MINI_BYTES, size)


def _chain(table: NDArray[np.uint32], start: int) -> NDArray[np.int64]:
    """Follow the sectors of a stream.

    Raises
    ------
    ValueError
        If they run in a circle, or out of the table.
    """
    numbers: list[int] = []
    while start < _LAST:
        if start >= len(table) or len(numbers) > len(table):
            raise ValueError(f"its chain of sectors is broken after {len(numbers)}")
        numbers.append(start)
        start = int(table[start])
    return np.array(numbers, np.int64)


def _runs(offsets: NDArray[np.int64], step: int, size: int) -> Stream:
    """Join sectors that follow one another, and cut the last to the size of the stream."""
    if size > len(offsets) * step:
        raise ValueError(f"a stream of {size} bytes has {len(offsets)} sectors")
    offsets = offsets[: -(-size // step)]
    starts = np.flatnonzero(np.diff(offsets, prepend=-1) != step)
    ends = np.append(starts[1:], len(offsets))
    pieces = [
        Piece(int(offsets[first]), int((end - first) * step))
        for first, end in zip(starts, ends, strict=False)
    ]
    if pieces:
        left_over = len(offsets) * step - size
        pieces[-1] = pieces[-1]._replace(length=pieces[-1].length - left_over)
    return tuple(pieces)


def _entries(data: bytes, major: int) -> Iterator[tuple[str, int, int, int]]:
    """Yield name, kind, first sector and size of each entry of the directory."""
    for at in range(0, len(data) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        raw, length, kind, start, size = _ENTRY.unpack_from(data, at)
        if kind in (_STREAM, _ROOT):
            name = raw[: max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
            # Version 3 leaves the upper half of the size undefined.
            yield name, kind, start, size & 0xFFFFFFFF if major == 3 else size
