"""CZI from the inside: segments, of which a directory lists the tiles of every image.

Read here rather than by a library: Zeiss's own needs compiled parts that are not made for every
system, and the pure Python one reads Zstd only in releases that leave out Python 3.11.

References
----------
Zeiss, CZI file format: https://zeiss.github.io/libczi/
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from zincflux.movie import FloatArray, Image
from zincflux.readers.stored import read_exactly

MAGIC = b"ZISRAWFILE"

_SEGMENT = struct.Struct("<16sqq")  # name, room, length
_FILE = struct.Struct("<iiii16s16siqqiq")
_COUNT = struct.Struct("<i")
_ENTRY = struct.Struct("<2siqiiBB4si")
_DIMENSION = struct.Struct("<4siifi")
_BLOCK = struct.Struct("<iiq")  # lengths of metadata, attachment, pixels
_ATTACHMENT = struct.Struct("<2s10sqi16s8s80s")
_TABLE_AT = 128  # where the entries of the directory begin
_PART_AT = 256  # where the content of other segments begins

_MOST_PER_BYTE = 32_768
"""Zstd makes of a byte at most this many: 128 KiB from the 4 bytes of a block."""

PIXELS = {code: np.dtype(name) for code, name in {0: "u1", 1: "<u2", 2: "<f4", 12: "<u4"}.items()}
"""Type of the pixels by its code in the file; the other codes are colours or complex numbers."""


class Tile(NamedTuple):
    """One stored image.

    Attributes
    ----------
    offset
        Where its segment begins.
    pixel_type, compression
        Codes.
    y, x, height, width
        Place in the scene and size in pixels.
    place
        Position along each other dimension, by its letter.
    is_reduced
        Whether it is a smaller copy, for display.
    file_part
        Number of the file it lies in.
    """

    offset: int
    pixel_type: int
    compression: int
    y: int
    x: int
    height: int
    width: int
    place: Mapping[str, int]
    is_reduced: bool
    file_part: int


@dataclass(frozen=True, eq=False)
class CziContent:
    """What a CZI file lists: its tiles, its metadata (XML), and its time stamps in s."""

    tiles: list[Tile]
    xml: bytes
    stamps_s: FloatArray


def read_content(path: Path) -> CziContent:
    """Read what a CZI file lists.

    Raises
    ------
    OSError, ValueError, struct.error
        If the file is truncated or damaged.
    """
    with path.open("rb") as file:
        header = _FILE.unpack(read_exactly(file, _SEGMENT.size, _FILE.size))
        directory, metadata, attachments = header[7], header[8], header[10]
        return CziContent(
            tiles=_read_directory(_read_segment(file, directory, b"ZISRAWDIRECTORY")),
            xml=_read_xml(_read_segment(file, metadata, b"ZISRAWMETADATA")) if metadata else b"",
            stamps_s=_read_stamps(file, attachments) if attachments else np.empty(0),
        )


def read_block_metadata(handle: BinaryIO, tile: Tile) -> bytes:
    """Read the metadata (XML) that stands beside the pixels of a tile; empty if there is none."""
    start, lengths = _block(handle, tile)
    return read_exactly(handle, start, lengths[0])


@dataclass(frozen=True, eq=False)
class CziPages:
    """Planes of one scene, each put together from its tiles.

    Attributes
    ----------
    tiles
        Tiles of each plane, the topmost last.
    origin
        Place (y, x) of the scene's corner.
    plane_shape
        Height and width of the scene.
    """

    tiles: tuple[tuple[Tile, ...], ...]
    origin: tuple[int, int]
    plane_shape: tuple[int, int]

    planes_per_page = 1

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels that holds those of every tile."""
        codes = {tile.pixel_type for plane in self.tiles for tile in plane}
        return np.result_type(*(PIXELS[code] for code in codes)).newbyteorder("=")

    def read_page(self, handle: BinaryIO, page: int) -> Image:
        """Read a plane (1, Y, X); where the scene has no tile it is 0."""
        tiles = self.tiles[page]
        if len(tiles) == 1 and (tiles[0].height, tiles[0].width) == self.plane_shape:
            return _read_tile(handle, tiles[0]).astype(self.dtype)[np.newaxis]
        images = [(tile, _read_tile(handle, tile)) for tile in tiles]
        plane = np.zeros((1, *self.plane_shape), self.dtype)
        for tile, image in images:
            y, x = tile.y - self.origin[0], tile.x - self.origin[1]
            plane[0, y : y + tile.height, x : x + tile.width] = image
        return plane


def _read_segment(file: BinaryIO, offset: int, name: bytes) -> bytes:
    found, room, length = _SEGMENT.unpack(read_exactly(file, offset, _SEGMENT.size))
    if found.rstrip(b"\0") != name:
        raise ValueError(f"expected its part {name.decode()}, found {found!r}")
    # Early writers left the length 0, which means all the room.
    return read_exactly(file, offset + _SEGMENT.size, length or room)


def _read_directory(data: bytes) -> list[Tile]:
    (count,) = _COUNT.unpack_from(data)
    # Checked before the loop: an absurd number must not keep it busy.
    if not 0 <= count <= (len(data) - _TABLE_AT) // _ENTRY.size:
        raise ValueError(f"its directory announces {count} images")
    tiles = []
    position = _TABLE_AT
    for _ in range(count):
        tile, position = _read_entry(data, position)
        tiles.append(tile)
    return tiles


def _read_entry(data: bytes, position: int) -> tuple[Tile, int]:
    schema, pixel_type, offset, part, compression, _, _, _, n = _ENTRY.unpack_from(data, position)
    if schema != b"DV" or not 2 <= n <= 32:
        raise ValueError(f"its directory holds an entry {schema!r} of {n} dimensions")
    start = position + _ENTRY.size
    end = start + n * _DIMENSION.size
    sizes = {
        letter.rstrip(b"\0").decode("latin-1"): (first, size, stored)
        for letter, first, size, _, stored in _DIMENSION.iter_unpack(data[start:end])
    }
    (x, width, stored_width), (y, height, stored_height) = sizes.pop("X"), sizes.pop("Y")
    tile = Tile(
        offset=offset,
        pixel_type=pixel_type,
        compression=compression,
        y=y,
        x=x,
        height=height,
        width=width,
        place={letter: first for letter, (first, _, _) in sizes.items()},
        is_reduced=(stored_height, stored_width) != (height, width),
        file_part=part,
    )
    return tile, end


def _read_xml(data: bytes) -> bytes:
    (length,) = _COUNT.unpack_from(data)
    if not 0 <= length <= len(data) - _PART_AT:
        raise ValueError(f"its metadata announces {length} bytes")
    return data[_PART_AT : _PART_AT + length]


def _read_stamps(file: BinaryIO, offset: int) -> FloatArray:
    data = _read_segment(file, offset, b"ZISRAWATTDIR")
    (count,) = _COUNT.unpack_from(data)
    entries = data[_PART_AT : _PART_AT + max(count, 0) * _ATTACHMENT.size]
    whole = entries[: len(entries) // _ATTACHMENT.size * _ATTACHMENT.size]
    for _, _, where, _, _, kind, _ in _ATTACHMENT.iter_unpack(whole):
        if kind.rstrip(b"\0") == b"CZTIMS":
            return _parse_stamps(_read_segment(file, where, b"ZISRAWATTACH")[_PART_AT:])
    return np.empty(0)


def _parse_stamps(data: bytes) -> FloatArray:
    _, count = struct.unpack_from("<ii", data)
    return np.frombuffer(data, "<f8", count=count, offset=8) if count > 0 else np.empty(0)


def _block(handle: BinaryIO, tile: Tile) -> tuple[int, tuple[int, int, int]]:
    """Return where the metadata of a tile begin, and how long they, the rest and the pixels are."""
    room = _SEGMENT.size + _BLOCK.size + _ENTRY.size
    head = read_exactly(handle, tile.offset, room)
    if not head.startswith(b"ZISRAWSUBBLOCK"):
        raise ValueError("its part ZISRAWSUBBLOCK is absent")
    lengths = _BLOCK.unpack_from(head, _SEGMENT.size)
    if min(lengths) < 0:
        raise ValueError(f"its part ZISRAWSUBBLOCK announces {lengths} bytes")
    n = _ENTRY.unpack_from(head, _SEGMENT.size + _BLOCK.size)[-1]
    used = _BLOCK.size + _ENTRY.size + n * _DIMENSION.size
    return tile.offset + _SEGMENT.size + max(used, _PART_AT), lengths


def _read_tile(handle: BinaryIO, tile: Tile) -> Image:
    start, (n_metadata, _, n_pixels) = _block(handle, tile)
    dtype = PIXELS[tile.pixel_type]
    n_bytes = tile.height * tile.width * dtype.itemsize
    data = read_exactly(handle, start + n_metadata, n_pixels)
    if n_bytes > _MOST_PER_BYTE * len(data):
        raise ValueError(f"{len(data)} bytes cannot hold {tile.height} × {tile.width} pixels")
    return DECODERS[tile.compression](data, (tile.height, tile.width), dtype)


def _stored(data: bytes, shape: tuple[int, int], dtype: np.dtype[Any]) -> Image:
    n_bytes = shape[0] * shape[1] * dtype.itemsize
    # Some writers fill up the end.
    if len(data) < n_bytes:
        raise ValueError(f"expected {n_bytes} bytes of pixels, found {len(data)}")
    return np.frombuffer(data[:n_bytes], dtype).reshape(shape)


def _jpeg_xr(data: bytes, shape: tuple[int, int], dtype: np.dtype[Any]) -> Image:
    import imagecodecs

    # The decoder takes memory for whatever size is announced, and prints what it does not know.
    if _jpeg_xr_shape(data) != shape:
        raise ValueError(f"its JPEG XR does not announce {shape[0]} × {shape[1]} pixels")
    image: Image = imagecodecs.jpegxr_decode(data)
    if image.shape != shape or image.dtype != dtype:
        raise ValueError(f"expected {shape} pixels {dtype}, found {image.shape} {image.dtype}")
    return image


def _jpeg_xr_shape(data: bytes) -> tuple[int | None, int | None]:
    """Read height and width from the tags of a JPEG XR, which are those of a TIFF."""
    magic, start = struct.unpack_from("<4sI", data)
    (count,) = struct.unpack_from("<H", data, start)
    tags = struct.iter_unpack("<HHII", data[start + 2 : start + 2 + 12 * count])
    values = {tag: value & 0xFFFF if kind == 3 else value for tag, kind, _, value in tags}
    if not magic.startswith(b"II\xbc") or len(values) != count:
        raise ValueError("its JPEG XR has no header")
    return values.get(0xBC81), values.get(0xBC80)


def _zstd(data: bytes, shape: tuple[int, int], dtype: np.dtype[Any]) -> Image:
    import imagecodecs

    unpacked = imagecodecs.zstd_decode(data, out=shape[0] * shape[1] * dtype.itemsize)
    return _stored(bytes(unpacked), shape, dtype)


def _zstd_with_header(data: bytes, shape: tuple[int, int], dtype: np.dtype[Any]) -> Image:
    """Decode Zstd after its header, which says whether high and low bytes are stored apart."""
    length = data[0]
    apart = length >= 3 and data[1] == 1 and bool(data[2] & 1)
    if not apart:
        return _zstd(data[length:], shape, dtype)
    if dtype.itemsize != 2:
        raise ValueError(f"expected pixels of 2 bytes, found {dtype}")
    halves = _zstd(data[length:], (2, shape[0] * shape[1]), np.dtype("u1"))
    return np.ascontiguousarray(halves.T).view(dtype).reshape(shape)


DECODERS: Mapping[int, Callable[[bytes, tuple[int, int], np.dtype[Any]], Image]] = {
    0: _stored,
    4: _jpeg_xr,
    5: _zstd,
    6: _zstd_with_header,
}
"""By the code of the compression in the file."""
