"""Zeiss CZI, as ZEN writes it."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import prod
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from zincflux.errors import MetadataWarning, ReaderError
from zincflux.movie import FloatArray, Movie, Source
from zincflux.readers.axes import Choice
from zincflux.readers.czi_blocks import (
    DECODERS,
    MAGIC,
    PIXELS,
    CziContent,
    CziPages,
    Tile,
    read_block_metadata,
    read_content,
)
from zincflux.readers.metadata import Facts, length_um, square_pixel
from zincflux.readers.stack import Stack, pick_scene
from zincflux.readers.stored import StoredPlanes, check_announced, damage_reported

NAME = "Zeiss CZI"

_OUTER = "VHIRTZC"  # outermost first; scene (S), tile (M) and acquisition block (B) are no axes
_IMAGE = "Metadata/Information/Image"
_MOST_SPARSE = 100
"""How many times larger than its tiles a scene may be, before memory is taken for it."""
_MOST_CELLS = 2**24
"""Pieces that the edges of tiles may cut a scene into, where it is searched for gaps."""


def sniff(path: Path) -> bool:
    """Tell by its first bytes whether a file is a CZI."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read(path: Path, choice: Choice) -> Movie:
    """Open a CZI file; its planes are read when they are asked for.

    Raises
    ------
    ReaderError
        If the file is damaged, or of a kind that is not read.
    ExperimentError
        If a key is needed, or does not fit.
    """
    with damage_reported(path, "a Zeiss CZI file", "imagecodecs"):
        content = read_content(path)
        root = _document(content)
        tiles = [tile for tile in content.tiles if not tile.is_reduced]
        _check_tiles(path, tiles)
        by_scene = defaultdict(list)
        for tile in tiles:
            by_scene[tile.place.get("S", 0)].append(tile)
        names = _scene_names(root, sorted(by_scene))
        chosen = sorted(by_scene)[pick_scene(names, choice.scene, str(path))]
        scene = _Scene(path, content, root, by_scene[chosen], is_only=len(by_scene) == 1)
        return scene.stack(names).movie(choice)


def started(path: Path) -> datetime | None:
    """Return when the recording was started, if the file says so."""
    with damage_reported(path, "a Zeiss CZI file", "imagecodecs"):
        root = _document(read_content(path))
    date = root.findtext(f"{_IMAGE}/AcquisitionDateAndTime") or root.findtext(
        "Metadata/Information/Document/CreationDate"
    )
    return _date(date or "")


@dataclass(frozen=True, eq=False)
class _Scene:
    """The tiles of one scene and the metadata of the file.

    Attributes
    ----------
    path, content, root
        The file, what it lists, and its metadata.
    tiles
        The tiles of the scene.
    is_only
        Whether there is no other scene, so that the time stamps are those of this one.
    """

    path: Path
    content: CziContent
    root: ElementTree.Element
    tiles: Sequence[Tile]
    is_only: bool

    def stack(self, names: Sequence[str]) -> Stack:
        """Arrange the tiles as planes."""
        first, lengths = self._range()
        axes = "".join(letter for letter in _OUTER if lengths[letter] > 1)
        shape = tuple(lengths[letter] for letter in axes)
        check_announced(self.path, prod(shape), len(self.tiles))
        _check_places(self.path, self.tiles)
        planes: dict[int, list[Tile]] = defaultdict(list)
        for tile in sorted(self.tiles, key=lambda tile: tile.place.get("M", 0)):
            place = [tile.place.get(letter, 0) - first[letter] for letter in axes]
            planes[int(np.ravel_multi_index(place, shape)) if axes else 0].append(tile)
        n_planes = prod(shape)
        pages = self._pages([tuple(planes.get(number, ())) for number in range(n_planes)])
        return Stack(
            planes=StoredPlanes(self.path, pages),
            source=Source(
                paths=(self.path,),
                format=NAME,
                axes=axes + "YX",
                shape=(*shape, *pages.plane_shape),
                scenes=tuple(names) if len(names) > 1 else (),
            ),
            facts=self._facts(pages, axes, shape, first),
            absent=frozenset(set(range(n_planes)) - set(planes)),
        )

    def _range(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """Return the first position and the length of each axis."""
        seen = {letter: [tile.place.get(letter, 0) for tile in self.tiles] for letter in _OUTER}
        first = {letter: min(positions) for letter, positions in seen.items()}
        return first, {letter: max(seen[letter]) - first[letter] + 1 for letter in _OUTER}

    def _pages(self, planes: Sequence[tuple[Tile, ...]]) -> CziPages:
        top, left = min(t.y for t in self.tiles), min(t.x for t in self.tiles)
        bottom = max(t.y + t.height for t in self.tiles)
        right = max(t.x + t.width for t in self.tiles)
        covered = sum(t.height * t.width for t in self.tiles)
        n_planes = sum(bool(plane) for plane in planes)
        if (bottom - top) * (right - left) * n_planes > _MOST_SPARSE * covered:
            raise ReaderError(
                f"{self.path}: expected tiles that fill the scene, found {len(self.tiles)} within "
                f"{n_planes} images of {bottom - top} × {right - left} pixels. Export the part to "
                "be measured."
            )
        layouts = {tuple((t.y, t.x, t.height, t.width) for t in plane) for plane in planes if plane}
        if any(not _covers(layout, (bottom - top) * (right - left)) for layout in layouts):
            warnings.warn(
                f"{self.path}: the tiles do not cover the scene of {bottom - top} × "
                f"{right - left} pixels; pixels that no tile covers read as 0. Keep cells out of "
                "there",
                MetadataWarning,
                stacklevel=3,
            )
        return CziPages(tuple(planes), (top, left), (bottom - top, right - left))

    def _facts(
        self, pages: CziPages, axes: str, shape: Sequence[int], first: Mapping[str, int]
    ) -> Facts:
        channels = self.root.findall(f"{_IMAGE}/Dimensions/Channels/Channel")
        n_channels = dict(zip(axes, shape, strict=True)).get("C", 1)
        channels = channels[first["C"] : first["C"] + n_channels]
        bits = self.root.findtext(f"{_IMAGE}/ComponentBitCount") or ""
        sizes = [self._size_um(axis) for axis in "XY"]
        return Facts(
            channels=tuple(channel.get("Name", "") for channel in channels),
            pixel_size_um=square_pixel(sizes[0], sizes[1], str(self.path)),
            interval_s=_number(self.root, f"{_IMAGE}/Dimensions/T/Positions/Interval/Increment"),
            plane_time_s=self._times(pages, axes, shape, first["T"]),
            plane_exposure_s=_exposures(channels, axes, shape),
            bits=int(bits) if bits.isdecimal() and 0 < int(bits) <= 64 else None,
        )

    def _size_um(self, axis: str) -> float | None:
        value = _number(self.root, f"Metadata/Scaling/Items/Distance[@Id='{axis}']/Value")
        return None if value is None else length_um(value, "m")

    def _times(
        self, pages: CziPages, axes: str, shape: Sequence[int], first: int
    ) -> FloatArray | None:
        """Return the time of each plane in s: of its frame, as listed, or as its tile says."""
        t = np.zeros(len(pages.tiles), np.intp)
        if "T" in axes:
            t = np.indices(shape)[axes.index("T")].ravel()
        n_frames = int(t.max()) + 1
        if self.is_only and len(self.content.stamps_s) == n_frames and first == 0:
            return np.asarray(self.content.stamps_s[t], dtype=np.float64)
        stamps = np.full(n_frames, np.nan)
        # The first plane of a frame tells the time of the frame: one short read each.
        _, numbers = np.unique(t, return_index=True)
        with self.path.open("rb") as handle:
            for frame, number in enumerate(numbers):
                if pages.tiles[number]:
                    text = read_block_metadata(handle, pages.tiles[number][0])
                    stamps[frame] = _acquired_s(text)
        return None if np.all(np.isnan(stamps)) else stamps[t]


def _document(content: CziContent) -> ElementTree.Element:
    if not content.xml.strip(b"\0 \r\n"):
        return ElementTree.Element("ImageDocument")
    # Python ≥ 3.11 comes with an expat that bounds the expansion of entities.
    return ElementTree.fromstring(content.xml.rstrip(b"\0"))  # noqa: S314


def _check_tiles(path: Path, tiles: Sequence[Tile]) -> None:
    """Make sure that there are tiles, and that they are of a kind that is read."""
    size = path.stat().st_size
    if not tiles:
        raise ReaderError(f"{path}: expected images, found none. Export the recording again.")
    for tile in tiles:
        if tile.file_part != 0:
            raise ReaderError(
                f"{path}: expected all images in one file, found a part of a recording that ZEN "
                "split into several. Save it as one file."
            )
        if tile.pixel_type not in PIXELS:
            raise ReaderError(
                f"{path}: expected one value per pixel and channel, found pixels of type "
                f"{tile.pixel_type} (colour or complex numbers). Export the channels from ZEN."
            )
        if tile.compression not in DECODERS:
            raise ReaderError(
                f"{path}: expected pixels that are uncompressed or compressed with Zstd or JPEG "
                f"XR, found compression {tile.compression}. Save the file with Zstd from ZEN."
            )
        if min(tile.height, tile.width) < 1 or not 0 < tile.offset < size:
            raise ValueError(f"an image of {tile.height} × {tile.width} pixels at {tile.offset}")


def _covers(layout: Sequence[tuple[int, int, int, int]], n_pixels: int) -> bool:
    """Tell whether tiles (y, x, height, width) leave no gap in a scene of so many pixels."""
    y, x, height, width = np.array(layout, dtype=np.int64).T
    if np.sum(height * width) < n_pixels:
        return False
    rows, columns = np.unique([y, y + height]), np.unique([x, x + width])
    if len(layout) == 1 or rows.size * columns.size > _MOST_CELLS:
        return True
    # How many tiles begin less how many end, summed up along both edges, is how many overlap.
    overlap = np.zeros((rows.size, columns.size), np.int32)
    for row, row_sign in ((y, 1), (y + height, -1)):
        for column, sign in ((x, row_sign), (x + width, -row_sign)):
            place = np.searchsorted(rows, row), np.searchsorted(columns, column)
            np.add.at(overlap, place, sign)
    overlap = overlap.cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
    areas = np.outer(np.diff(rows), np.diff(columns))
    return int(areas[overlap > 0].sum()) == n_pixels


def _check_places(path: Path, tiles: Sequence[Tile]) -> None:
    """Make sure that nothing but the axes that are read tells images of one place apart."""
    for letter in sorted({letter for tile in tiles for letter in tile.place}):
        positions = {tile.place.get(letter, 0) for tile in tiles}
        if letter not in _OUTER + "SM" and len(positions) > 1:
            raise ReaderError(
                f"{path}: expected images along the axes {', '.join(_OUTER)}, found "
                f"{len(positions)} positions of the dimension {letter}"
                f"{' (acquisition blocks)' if letter == 'B' else ''}. Split the file in ZEN, so "
                "that each part has one."
            )


def _scene_names(root: ElementTree.Element, numbers: Sequence[int]) -> list[str]:
    described = {
        scene.get("Index"): scene.get("Name")
        for scene in root.iterfind(f"{_IMAGE}/Dimensions/S/Scenes/Scene")
    }
    return [described.get(str(number)) or f"scene {number}" for number in numbers]


def _exposures(
    channels: Sequence[ElementTree.Element], axes: str, shape: Sequence[int]
) -> FloatArray | None:
    """Return the exposure of each plane in s."""
    if not channels or len(channels) != dict(zip(axes, shape, strict=True)).get("C", 1):
        return None
    each = [_number(channel, "ExposureTime") for channel in channels]
    known = np.array([np.nan if value is None else value * 1e-9 for value in each])
    # The channel is the axis that runs fastest.
    return np.tile(known, prod(shape) // len(channels))


def _number(element: ElementTree.Element, path: str) -> float | None:
    try:
        return float(element.findtext(path, ""))
    except ValueError:
        return None


def _acquired_s(text: bytes) -> float:
    """Return when a tile was taken, in s since 1970; NaN if it does not say."""
    found = re.search(rb"<AcquisitionTime>([^<]{10,40})</AcquisitionTime>", text)
    date = _date(found.group(1).decode("ascii", "replace")) if found else None
    return np.nan if date is None else date.timestamp()


def _date(text: str) -> datetime | None:
    """Parse a date; ZEN writes seven digits of a second, of which six are kept."""
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.strip()))
    except ValueError:
        return None
