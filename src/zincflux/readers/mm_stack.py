"""Image stacks of Micro-Manager: TIFFs with an index of their planes by channel, z, time, position.

A recording is one file or several: one per position (``x_MMStack_Pos0.ome.tif``), each cut at 4 GB
(``x_MMStack_Pos0_1.ome.tif``). The OME-XML in them is not used: where a plane was never recorded,
Micro-Manager makes it point to another one.

References
----------
Micro-Manager, "Image File Stacks", https://micro-manager.org/Micro-Manager_Image_File_Stacks
Gohlke, tifffile, ``read_micromanager_metadata`` (layout of header, summary and index).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zincflux.errors import ReaderError
from zincflux.movie import Source
from zincflux.readers import micromanager
from zincflux.readers.metadata import Facts
from zincflux.readers.micromanager import Meta
from zincflux.readers.stack import Stack, pick_scene
from zincflux.readers.stored import check_announced
from zincflux.readers.tiff_open import opened
from zincflux.readers.tiff_pages import PagePlace, TiffPages

_MARK = "_MMStack"
_TAGS = {"width": 256, "height": 257, "bits": 258, "compression": 259, "samples": 277}
_TAG = (("code", "u2"), ("type", "u2"), ("count", "u4"), ("value", "u4"))
_SHORT, _LONG = 3, 4  # types of tags
_STRIP_OFFSETS, _STRIP_COUNTS, _METADATA = 273, 279, 51123

Plane = tuple[int, int, int]
"""Number of the time point, the channel and the step in z."""


class _Image(NamedTuple):
    """A page, and what Micro-Manager says about it."""

    place: PagePlace
    meta: Meta


class _Entry(NamedTuple):
    """Where the directory of a page lies."""

    file: int
    offset: int


@dataclass
class _Index:
    """The planes of all files of a recording."""

    summary: Meta
    paths: list[Path] = field(default_factory=list)
    positions: dict[int, dict[Plane, _Entry]] = field(default_factory=dict)

    def add(self, path: Path, rows: Any) -> set[int]:
        """Add the planes of one file; return the positions that it holds."""
        self.paths.append(path)
        for c, z, t, p, offset in rows[rows[:, 4] > 0].tolist():
            found = self.positions.setdefault(p, {})
            entry = _Entry(len(self.paths) - 1, offset)
            other = found.setdefault((t, c, z), entry)
            if other != entry:
                raise ReaderError(
                    f"{path}: expected each image once, but that of position {p}, frame {t}, "
                    f"channel {c}, z {z} is also in {self.paths[other.file].name}. Move the file "
                    "that does not belong to the recording."
                )
        return set(rows[rows[:, 4] > 0][:, 3].tolist())


def index_of(tif: Any) -> Meta | None:
    """Return the summary and index of a TIFF; None if it is no stack of Micro-Manager."""
    if not tif.is_micromanager or tif.is_bigtiff:
        return None
    meta = tif.micromanager_metadata or {}
    index, page = meta.get("IndexMap"), tif.pages.first
    is_usable = (
        isinstance(meta.get("Summary"), Mapping)
        and index is not None
        and bool(np.any(index[:, 4]))
        and meta.get("MajorVersion", 1) == 0
        and page.is_final
        and page.samplesperpixel == 1
    )
    return meta if is_usable else None


def read_stack(tif: Any, path: Path, meta: Meta, scene: int | None) -> Stack:
    """Open a recording by any of its files, at the position that the file holds.

    Parameters
    ----------
    tif, path
        The open file.
    meta
        Its summary and index.
    scene
        Number of the position; None if the user chose none.

    Raises
    ------
    ReaderError
        If a file is damaged or truncated, or an image is there twice.
    ExperimentError
        If there is no such position.
    """
    index = _Index(meta["Summary"])
    own = index.add(path, meta["IndexMap"])
    for sibling in _siblings(path):
        with opened(sibling) as other:
            others = index_of(other)
        if others is not None:
            index.add(sibling, others["IndexMap"])
    numbers = sorted(index.positions)
    names = [_name(index, number, tif.byteorder) for number in numbers]
    chosen = numbers.index(own.pop()) if scene is None and len(own) == 1 else scene
    number = numbers[pick_scene(names, chosen, str(path))]
    return _stack(tif, index, index.positions[number], names)


def started(tif: Any, meta: Meta) -> datetime | None:
    """Return when the recording was started, if the file says so."""
    first = tif.pages.first.tags.valueof(_METADATA)
    return micromanager.started(
        found for found in (first, meta["Summary"]) if isinstance(found, Mapping)
    )


def _siblings(path: Path) -> list[Path]:
    """List the other files of a recording by their names."""
    prefix, mark, _ = path.name.partition(_MARK)
    if not mark:
        return []
    start = prefix + mark
    names = (entry for entry in path.parent.iterdir() if entry.name.startswith(start))
    tiffs = (entry for entry in names if entry.suffix.lower() in (".tif", ".tiff"))
    return sorted(entry for entry in tiffs if entry.name != path.name and entry.is_file())


def _name(index: _Index, position: int, order: str) -> str:
    planes = index.positions[position]
    entry = planes[min(planes)]
    with index.paths[entry.file].open("rb") as handle:
        image = _read_image(handle, entry, order, {})
    return micromanager.text(image.meta, "PositionName") or f"Pos{position}"


def _stack(tif: Any, index: _Index, planes: Mapping[Plane, _Entry], names: list[str]) -> Stack:
    keys = ("Frames", "Channels", "Slices")
    shape = tuple(
        max(micromanager.count(index.summary, key), 1 + max(plane[n] for plane in planes))
        for n, key in enumerate(keys)
    )
    check_announced(index.paths[0], int(np.prod(shape, dtype=object)), len(planes))
    keyframe = tif.pages.first
    images = _read_images(tif, index, planes)
    every = [images.get(plane) for plane in np.ndindex(*shape)]
    files = list(dict.fromkeys(images[plane].place.file for plane in sorted(images)))
    pages = TiffPages(
        paths=tuple(index.paths[file] for file in files),
        pages=tuple(
            image and image.place._replace(file=files.index(image.place.file)) for image in every
        ),
        page_shape=keyframe.shaped,
        stored=keyframe.dtype.newbyteorder(tif.byteorder),
    )
    pages.check_extent()
    kept = [n for n in range(3) if shape[n] > 1]
    return Stack(
        planes=pages,
        source=Source(
            paths=pages.paths,
            format="Micro-Manager stack",
            axes="".join("TCZ"[n] for n in kept) + "YX",
            shape=(*(shape[n] for n in kept), *pages.plane_shape),
            scenes=tuple(names) if len(names) > 1 else (),
        ),
        facts=_facts(index.summary, every),
        absent=frozenset(n for n, image in enumerate(every) if image is None),
    )


def _facts(summary: Meta, images: Sequence[_Image | None]) -> Facts:
    return micromanager.facts(summary, [{} if image is None else image.meta for image in images])


def _read_images(tif: Any, index: _Index, planes: Mapping[Plane, _Entry]) -> dict[Plane, _Image]:
    """Read the directory of every page, file by file, in the order in which they lie there."""
    first = tif.pages.first
    expected = {
        "width": first.imagewidth,
        "height": first.imagelength,
        "bits": first.bitspersample,
        "compression": int(first.compression),
        "samples": first.samplesperpixel,
    }
    images = {}
    for file, path in enumerate(index.paths):
        own = sorted((entry.offset, plane) for plane, entry in planes.items() if entry.file == file)
        if not own:
            continue
        with path.open("rb") as handle:
            for offset, plane in own:
                entry = _Entry(file, offset)
                try:
                    images[plane] = _read_image(handle, entry, tif.byteorder, expected)
                except (OSError, ValueError, LookupError, RecursionError) as error:
                    raise ReaderError(
                        f"{path}: the image of frame {plane[0]}, channel {plane[1]}, z {plane[2]} "
                        f"cannot be found; the file is truncated or damaged ({error}). Copy or "
                        "export it again."
                    ) from None
    return images


def _read_image(handle: Any, entry: _Entry, order: str, expected: Mapping[str, int]) -> _Image:
    """Read the directory of a page: where its pixels lie, and its metadata."""
    layout = np.dtype([(name, order + kind) for name, kind in _TAG])
    handle.seek(entry.offset)
    n_tags = int(np.frombuffer(handle.read(2), f"{order}u2")[0])
    tags = np.frombuffer(handle.read(n_tags * layout.itemsize), layout)
    found = {int(tag["code"]): tag for tag in tags}
    for name, wanted in expected.items():
        value = _short_or_long(found[_TAGS[name]], order)
        if value != wanted:
            raise ValueError(f"expected the {name} {wanted} of the first image, found {value}")
    offset, size = (_short_or_long(found[code], order) for code in (_STRIP_OFFSETS, _STRIP_COUNTS))
    meta: Meta = {}
    if _METADATA in found:
        handle.seek(int(found[_METADATA]["value"]))
        text = handle.read(int(found[_METADATA]["count"])).rstrip(b"\0 ")
        parsed = micromanager.parse(text) if text else {}
        meta = parsed if isinstance(parsed, Mapping) else {}
    return _Image(PagePlace(entry.file, (offset,), (size,)), meta)


def _short_or_long(tag: Any, order: str) -> int:
    """Return the single number that a tag holds."""
    if tag["count"] != 1 or tag["type"] not in (_SHORT, _LONG):
        raise ValueError(f"expected one number in tag {tag['code']}, found {tag['count']}")
    value = int(tag["value"])
    if tag["type"] == _LONG:
        return value
    return value >> 16 if order == ">" else value & 0xFFFF
