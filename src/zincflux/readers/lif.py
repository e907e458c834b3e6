"""Leica LIF, and the LOF, XLIF and XLEF files that LAS X writes instead.

References
----------
Leica Microsystems, Leica image file formats (LIF, XLEF, XLLF, LOF), version 3.2, 2016
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import prod
from os.path import normpath
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import unquote

from zincflux.errors import ReaderError
from zincflux.movie import Movie, Source
from zincflux.readers import tiff
from zincflux.readers.axes import Choice
from zincflux.readers.lif_layout import LifLayout, LifPages, descriptions, read_axes, stamps_s
from zincflux.readers.planes import FilePlanes, Planes, check_same_shape
from zincflux.readers.stack import Stack, pick_scene
from zincflux.readers.stored import StoredPlanes, check_announced, damage_reported

NAME = "Leica LIF, LOF, XLIF"

_MAGIC = b"\x70\0\0\0"
_TEST_BYTE = 0x2A
_XML_NAMES = (".xlif", ".xlef", ".xlcf")
_DEEPEST = 8  # levels of folders in a project
_TEXT_STARTS = (b"<", b"\xff\xfe<", b"\xef\xbb\xbf<")


def sniff(path: Path) -> bool:
    """Tell whether a file is one of Leica's: by its first bytes, or as XML also by its name."""
    with path.open("rb") as file:
        start = file.read(9)
    if path.suffix.lower() in _XML_NAMES:
        return start.startswith(_TEXT_STARTS)
    return len(start) == 9 and start.startswith(_MAGIC) and start[8] == _TEST_BYTE


def read(path: Path, choice: Choice) -> Movie:
    """Open one image of a Leica file; its planes are read when they are asked for.

    Raises
    ------
    ReaderError
        If liffile is not installed, or the file is damaged.
    ExperimentError
        If a key is needed, or does not fit.
    """
    with _opened(path) as images:
        if not images:
            raise ReaderError(f"{path}: expected images, found none. Export the recording again.")
        scenes = [scene for image in images for scene in _scenes(image)]
        chosen = scenes[pick_scene([scene.name for scene in scenes], choice.scene, str(path))]
        layout = LifLayout.of(chosen.image, path)
        stack = _stack(layout.at(chosen.position), path, chosen.image)
    names = tuple(scene.name for scene in scenes) if len(scenes) > 1 else ()
    return replace(stack, source=replace(stack.source, scenes=names)).movie(choice)


def started(path: Path) -> datetime | None:
    """Return when the image of the file was started, if the file says so and has only one."""
    with _opened(path) as images:
        is_one = sum(len(_scenes(image)) for image in images) == 1
        stamps = stamps_s(images[0]) if is_one else None
        if stamps is None or not len(stamps):
            return None
        return datetime.fromtimestamp(float(stamps[0]), UTC)


@dataclass(frozen=True)
class _Scene:
    """One image of a file, or one position of an image."""

    name: str
    image: Any
    position: int = 0


@contextmanager
def _opened(path: Path) -> Iterator[list[Any]]:
    try:
        import liffile
    except ModuleNotFoundError:
        raise ReaderError(
            f"{path}: reading Leica LIF needs the package liffile, which is not installed. "
            'Install it: pip install "zincflux[formats]"'
        ) from None
    with damage_reported(path, "a Leica image file", "liffile"):
        _check_header(path)
        with liffile.LifFile(path) as file:
            _check_references(file, path, _DEEPEST)
            yield [image for image in file.images if descriptions(image, "Dimension")]


def _check_references(file: Any, path: Path, depth: int) -> None:
    """Make sure that a project names only files of its own, before the library opens them."""
    document = Path(file.filepath)
    names = [item.get("File") for item in file.xml_element.iterfind("./Element/Children/Reference")]
    try:
        if names and depth == 0:
            raise ReaderError(
                f"{path}: expected a project of at most {_DEEPEST} levels, found one that goes on "
                f"in {document.name}. Export it again."
            )
        for name in filter(None, names):
            _of_project(path, document, unquote(name))
    except ReaderError:
        file.children = ()  # the library would open them to close them
        raise
    for child in file.children:
        _check_references(child, path, depth - 1)


def _of_project(path: Path, document: Path, name: str) -> Path:
    """Return the path of a file that a document names, within the project that was opened.

    The project is the folder of the file that was opened, or the one above its folder Metadata.

    Raises
    ------
    ReaderError
        If the name leads elsewhere.
    """
    folder = Path(path).absolute().parent
    top = folder.parent if folder.name.lower() == "metadata" else folder
    # LAS X writes on Windows, whose separators are both slashes.
    parts = PureWindowsPath(name)
    file = Path(normpath(document.absolute().parent.joinpath(*parts.parts)))
    is_absolute = bool(parts.anchor or PurePosixPath(name).anchor)
    if is_absolute or not name.isprintable() or not file.is_relative_to(normpath(top)):
        raise ReaderError(
            f"{document}: expected the name of a file within {top}, found {name!r}, which leads "
            "out of it. Copy the whole project into one folder; do not open this file unless you "
            "trust who made it."
        )
    return file


def _check_header(path: Path) -> None:
    """Make sure that the header fits the file, before the library takes memory for it."""
    with path.open("rb") as file:
        start = file.read(13)
        size = file.seek(0, 2)
    n_letters = int.from_bytes(start[9:13], "little")
    if start.startswith(_MAGIC) and 13 + 2 * n_letters > size:
        raise ValueError(f"its header announces {2 * n_letters} bytes, but it ends at byte {size}")


def _scenes(image: Any) -> list[_Scene]:
    """Return an image, or each of its positions."""
    name = str(image.path)
    n = prod(axis.length for axis in read_axes(image) if axis.letter == "P")
    if n <= 1:
        return [_Scene(name, image)]
    check_announced(Path(image.parent.filepath), n, 1)
    return [_Scene(f"{name} {position}", image, position) for position in range(n)]


def _stack(layout: LifLayout, path: Path, image: Any) -> Stack:
    """Find the planes of an image, which may lie in other files."""
    block = image.memory_block
    check_announced(path, prod(layout.shape), max(int(block.size) // layout.dtype.itemsize, 1))
    planes, files, absent = _planes(layout, path, block)
    return Stack(
        planes=planes,
        source=Source(
            paths=(path, *files),
            format=f"Leica {path.suffix[1:].upper() or 'LIF'}",
            axes="".join(axis.letter for axis in layout.axes) + "YX",
            shape=(*layout.shape, layout.y.length, layout.x.length),
        ),
        facts=layout.facts(image, path),
        absent=absent,
    )


def _planes(
    layout: LifLayout, path: Path, block: Any
) -> tuple[Planes, tuple[Path, ...], frozenset[int]]:
    """Find the planes of a block of memory, and the files that they lie in if not in this one."""
    if not block.frames:
        own = Path(block.parent.filepath)
        return _in_block(layout, own, block), () if own.samefile(path) else (own,), frozenset()
    document = Path(block.parent.filepath)
    files = {frame.offset: _of_project(path, document, frame.file) for frame in block.frames}
    kinds = {file.suffix.lower() for file in files.values()}
    if kinds == {".lof"} and len(files) == 1:
        return _in_lof(layout, path, next(iter(files.values())))
    if not kinds <= {".tif", ".tiff"} or len(files) < min(2, prod(layout.shape)):
        raise ReaderError(
            f"{path}: expected its images in one LOF file or one TIFF for each plane, found "
            f"{next(iter(files.values())).name}. Open that file instead."
        )
    return _in_tiffs(layout, path, files)


def _in_tiffs(
    layout: LifLayout, path: Path, files: Mapping[int, Path]
) -> tuple[Planes, tuple[Path, ...], frozenset[int]]:
    """Find the planes in one TIFF each, by their place in the block; an absent one is noted."""
    found = [files.get(offset) for offset in layout.offsets()]
    absent = frozenset(n for n, file in enumerate(found) if file is None or not file.is_file())
    present = [file for n, file in enumerate(found) if file is not None and n not in absent]
    if not present:
        raise ReaderError(f"{path}: its images are not beside it. Copy the whole folder.")
    stand_in = present[0]
    names = [stand_in if file is None or n in absent else file for n, file in enumerate(found)]
    movies = {name: tiff.read(name, Choice(scene=0)) for name in dict.fromkeys(names)}
    check_same_shape([*movies.values()])
    if movies[stand_in].data.shape != (1, 1, layout.y.length, layout.x.length):
        raise ReaderError(
            f"{stand_in}: expected an image of {layout.y.length} × {layout.x.length} pixels, found "
            f"the shape {movies[stand_in].data.shape} (T, C, Y, X). Copy the folder again."
        )
    return FilePlanes(tuple(movies[name] for name in names)), tuple(movies), absent


def _in_lof(
    layout: LifLayout, path: Path, lof: Path
) -> tuple[Planes, tuple[Path, ...], frozenset[int]]:
    """Find the planes in the block of memory of a LOF."""
    import liffile

    if not lof.is_file():
        raise ReaderError(f"{path}: expected its pixels in {lof}, found no such file. Copy both.")
    _check_header(lof)
    with liffile.LifFile(lof) as file:
        _check_references(file, path, _DEEPEST)
        block = next(iter(file.memory_blocks.values()))
        return _in_block(layout, lof, block), (lof,), frozenset()


def _in_block(layout: LifLayout, path: Path, block: Any) -> StoredPlanes:
    """Find the planes in a block of memory, and make sure that it holds them."""
    offsets = layout.offsets()
    pages = LifPages(
        offsets=[block.offset + offset for offset in offsets],
        plane_shape=(layout.y.length, layout.x.length),
        steps=(layout.y.step, layout.x.step),
        stored=layout.dtype,
    )
    size = path.stat().st_size
    if block.offset + block.size > size:
        raise ValueError(
            f"its pixels end at byte {block.offset + block.size}, but it ends at byte {size}"
        )
    steps_fit = layout.x.step >= layout.dtype.itemsize and layout.y.step >= layout.dtype.itemsize
    if not steps_fit or min(offsets) < 0 or max(offsets) + pages.n_bytes > block.size:
        raise ValueError(
            f"an image of {prod(layout.shape)} planes of {layout.y.length} × {layout.x.length} "
            f"pixels does not fit its {block.size} bytes"
        )
    return StoredPlanes(path, pages)
