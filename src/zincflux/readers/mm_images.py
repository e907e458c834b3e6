"""Folders of Micro-Manager with one TIFF per image and ``metadata.txt`` beside them.

Version 2 numbers everything in the names (``img_channel000_position000_time000000000_z000.tif``),
version 1.4 names the channel (``img_000000000_CFP_000.tif``). Each position has a folder of its own
in the folder of the recording; with a single one, the images may lie in that folder itself.

References
----------
Micro-Manager, "File Formats", https://micro-manager.org/Micro-Manager_File_Formats
Micro-Manager, "Files and Metadata", https://micro-manager.org/Files_and_Metadata
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from zincflux.errors import ReaderError
from zincflux.movie import Movie
from zincflux.readers import micromanager
from zincflux.readers.axes import Choice
from zincflux.readers.image_grid import Plane, image_grid
from zincflux.readers.metadata import Facts
from zincflux.readers.micromanager import Meta
from zincflux.readers.stack import pick_scene

NAME = "Micro-Manager folder"

MOST_BYTES = 2**30
"""Bound on the size of ``metadata.txt``; an image takes some kB of it."""

_METADATA = "metadata.txt"
_NEW = re.compile(r"img((?:_(?:channel|position|time|z)\d{1,9})+)\.tiff?", re.IGNORECASE)
_AXIS = re.compile(r"_([a-z]+)(\d+)", re.IGNORECASE)
_OLD = re.compile(r"img_(?P<time>\d{1,9})_(?P<channel>.*)_(?P<z>\d{1,9})\.tiff?", re.IGNORECASE)
_FRAME = re.compile(r"FrameKey-(\d{1,9})-(\d{1,9})-(\d{1,9})")

_LOOKED_AT = 2000
"""Entries of a folder among which there must be an image, if it is one of Micro-Manager."""


Match = tuple[re.Match[str], Path]
"""A file, and what its name says."""


@dataclass(frozen=True, eq=False)
class _Images:
    """The images of one position, and what is said about them in the file ``path``."""

    path: Path
    files: Mapping[Plane, Path]
    metadata: Mapping[str, Any]
    channels: tuple[str, ...] = ()

    @property
    def summary(self) -> Meta:
        """What is said about the whole recording."""
        found = self.metadata.get("Summary")
        return found if isinstance(found, Mapping) else {}


def sniff(path: Path) -> bool:
    """Tell whether a folder, or one in it, holds images of Micro-Manager and their metadata."""
    return next(_folders(path), None) is not None


def read(path: Path, choice: Choice) -> Movie:
    """Open one position of a recording.

    Raises
    ------
    ReaderError
        If files are absent or damaged, or differ in shape.
    ExperimentError
        If a key is needed.

    Warns
    -----
    MetadataWarning
        If there are several positions and none is chosen.
    """
    positions = _positions(path)
    names = list(positions)
    found = _load(positions[names[pick_scene(names, choice.scene, str(path))]])
    numbers = [
        range(max(micromanager.count(found.summary, key), 1 + max(p[n] for p in found.files)))
        for n, key in enumerate(("Frames", "Channels", "Slices"))
    ]
    grid = image_grid(found.files, numbers, path, NAME)
    stack = grid.stack(path, NAME, names, _facts(found, grid.planes))
    paths = (*stack.source.paths, found.path)
    return replace(stack, source=replace(stack.source, paths=paths)).movie(choice)


def started(path: Path) -> datetime | None:
    """Return when the recording was started, if its metadata says so."""
    found = _load(next(iter(_positions(path).values())))
    first = _about(found, [min(found.files)])
    return micromanager.started((*first, found.summary))


def _facts(images: _Images, planes: Sequence[Plane]) -> Facts:
    told = {"ChNames": list(images.channels)} if images.channels else {}
    return micromanager.facts({**images.summary, **told}, _about(images, planes))


def _about(images: _Images, planes: Sequence[Plane]) -> list[Meta]:
    """Return what is said about each plane; nothing for those without a file."""
    about = _by_image(images)
    names = [images.files[plane].name if plane in images.files else "" for plane in planes]
    return [
        about.get(name) or about.get(plane, {}) for name, plane in zip(names, planes, strict=True)
    ]


def _by_image(images: _Images) -> dict[str | Plane, Meta]:
    """Return what is said about each image, by the name of its file or, in 1.4, its number."""
    about: dict[str | Plane, Meta] = {}
    for key, meta in images.metadata.items():
        frame = _FRAME.fullmatch(key)
        if not isinstance(meta, Mapping):
            continue
        if frame is not None:
            about[int(frame[1]), int(frame[2]), int(frame[3])] = meta
        elif key.startswith("Metadata-"):
            about[key.removeprefix("Metadata-").rpartition("/")[2]] = meta
    return about


def _folders(path: Path) -> Iterator[Path]:
    """Yield the folders that hold images: this one, else those in it."""
    if _holds_images(path):
        yield path
        return
    folders = (entry for entry in path.iterdir() if entry.is_dir())
    yield from sorted((entry for entry in folders if _holds_images(entry)), key=_natural)


def _holds_images(folder: Path) -> bool:
    if not (folder / _METADATA).is_file():
        return False
    names = (entry.name for entry in islice(folder.iterdir(), _LOOKED_AT))
    return any(_NEW.fullmatch(name) or _OLD.fullmatch(name) for name in names)


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    """Sort key in which Pos2 comes before Pos10."""
    pieces = re.split(r"(\d+)", path.name)
    return [(n % 2 == 1, int(p) if n % 2 else 0, p) for n, p in enumerate(pieces)]


def _positions(path: Path) -> dict[str, list[Match]]:
    """List the files of each position; those in one folder are told apart by their number."""
    positions: dict[str, list[Match]] = {}
    for folder in _folders(path):
        files = sorted(entry for entry in folder.iterdir() if entry.is_file())
        new = [(match, file) for file in files if (match := _NEW.fullmatch(file.name))]
        old = [(match, file) for file in files if (match := _OLD.fullmatch(file.name))]
        numbers = {_axes(match).get("position", 0) for match, _ in new}
        for number in sorted(numbers or {0}):
            own = [item for item in new if _axes(item[0]).get("position", 0) == number]
            name = folder.name if len(numbers) < 2 else f"{folder.name} {number}"
            positions[name] = own or old
    return positions


def _axes(match: re.Match[str]) -> dict[str, int]:
    return {axis.lower(): int(number) for axis, number in _AXIS.findall(match[1])}


def _load(matches: Sequence[Match]) -> _Images:
    """Read the metadata of a position, and number its images."""
    path = matches[0][1].parent / _METADATA
    metadata = _metadata(path)
    if matches[0][0].re is _OLD:
        return _load_old(_Images(path, {}, metadata), matches)
    files: dict[Plane, Path] = {}
    for match, file in matches:
        at = _axes(match)
        _add(files, (at.get("time", 0), at.get("channel", 0), at.get("z", 0)), file)
    return _Images(path, files, metadata)


def _load_old(images: _Images, matches: Sequence[Match]) -> _Images:
    present = {match["channel"] for match, _ in matches}
    named = micromanager.channel_names(images.summary)
    # The order in which they were taken, where names and files agree; else that of the alphabet.
    channels = named if present <= set(named) else tuple(sorted(present))
    files: dict[Plane, Path] = {}
    for match, file in matches:
        c = channels.index(match["channel"])
        _add(files, (int(match["time"]), c, int(match["z"])), file)
    return replace(images, files=files, channels=channels)


def _add(files: dict[Plane, Path], plane: Plane, file: Path) -> None:
    other = files.setdefault(plane, file)
    if other is not file:
        raise ReaderError(
            f"{file.parent}: expected one file for each image, found {other.name} and "
            f"{file.name}. Move the one that does not belong."
        )


def _metadata(path: Path) -> Mapping[str, Any]:
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ReaderError(
            f"{path}: expected at most {MOST_BYTES} bytes of metadata, found {size}. Name the "
            "images by a pattern in movie.path."
        )
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        found = _parse(text)
    except (ValueError, RecursionError) as error:
        raise ReaderError(
            f"{path}: expected the metadata of Micro-Manager (JSON), found a broken file "
            f"({error}). Copy it again, or name the images by a pattern in movie.path."
        ) from None
    if not isinstance(found, Mapping):
        raise ReaderError(
            f"{path}: expected the metadata of Micro-Manager, found {type(found).__name__}. Copy "
            "it again, or name the images by a pattern in movie.path."
        )
    return found


def _parse(text: str) -> Any:
    try:
        return micromanager.parse(text)
    except ValueError:
        # The last brace is written when the recording ends; one that was stopped has none.
        return micromanager.parse(text.rstrip().rstrip(",") + "}")
