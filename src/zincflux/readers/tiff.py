"""The TIFF family: OME-TIFF, ImageJ, Micro-Manager, MetaMorph STK, plain TIFF, BigTIFF."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zincflux.errors import ReaderError
from zincflux.movie import Movie, Source
from zincflux.readers import imagej, metamorph, mm_stack, ome, ome_files
from zincflux.readers.axes import Choice
from zincflux.readers.metadata import Facts, resolution_um
from zincflux.readers.ome_files import Description
from zincflux.readers.stack import Stack, pick_scene
from zincflux.readers.tiff_open import check_chain, check_description, check_inside, opened
from zincflux.readers.tiff_pages import PagePlace, TiffPages

NAME = "OME-TIFF, ImageJ TIFF, Micro-Manager, MetaMorph STK, TIFF, BigTIFF"

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_FORMATS = {
    "ome": "OME-TIFF",
    "imagej": "ImageJ TIFF",
    "stk": "MetaMorph STK",
    "metaseries": "MetaSeries TIFF",
}
_RESOLUTION_UNITS = {2: "inch", 3: "centimeter"}


def sniff(path: Path) -> bool:
    """Tell by its first bytes whether a file is a TIFF."""
    with path.open("rb") as file:
        return file.read(4) in _MAGIC


def read(path: Path, choice: Choice) -> Movie:
    """Open a TIFF as a movie; its pages are read when they are asked for.

    Raises
    ------
    ReaderError
        If the file is damaged or truncated.
    ExperimentError
        If a key is needed to know what its axes are.
    """
    return read_stack(path, choice.scene).movie(choice)


def started(path: Path) -> datetime | None:
    """Return when the recording was started, if the file says so."""
    with opened(path) as tif:
        if tif.is_metaseries:
            return metamorph.started(tif.metaseries_metadata)
        if (index := mm_stack.index_of(tif)) is not None:
            return mm_stack.started(tif, index)
        root = ome_files.of_tiff(tif, path).root
        return None if root is None else ome.started(root)


def read_stack(path: Path, scene: int | None = None) -> Stack:
    """Open a TIFF without giving its axes a meaning.

    Raises
    ------
    ReaderError
        If the file is damaged or truncated.
    ExperimentError
        If there is no such scene.
    """
    with opened(path) as tif:
        check_description(tif, path)
        if (index := mm_stack.index_of(tif)) is not None:
            return mm_stack.read_stack(tif, path, index, scene)
        description = ome_files.of_tiff(tif, path)
        if description.path == path:
            return _stack(tif, description, scene)
    return read_described(description, scene)


def read_described(description: Description, scene: int | None = None) -> Stack:
    """Open a TIFF that another file describes, without giving its axes a meaning.

    Raises
    ------
    ReaderError
        If a file is damaged or truncated.
    ExperimentError
        If there is no such scene.
    """
    with opened(description.tiff, description.xml) as tif:
        check_description(tif, description.tiff)
        return _stack(tif, description, scene)


def _stack(tif: Any, description: Description, scene: int | None) -> Stack:
    path = description.path
    scenes = _scenes(tif, path)
    is_whole = len(scenes) == description.n_images and scenes[0].series.kind == "ome"
    if description.xml and not is_whole:
        raise ReaderError(
            f"{path}: the planes of its TIFF files do not fit this description. Copy all files of "
            "the recording again, or export it again."
        )
    if scene is None and is_whole and len(own := description.scenes_of_part()) == 1:
        scene = own[0]
    chosen = scenes[pick_scene([item.name for item in scenes], scene, str(path))]
    axes, shape, pages = _pages(tif, path, chosen)
    outer = [n for n, letter in enumerate(axes) if letter not in "YX"]
    expected = int(np.prod([shape[n] for n in outer]))
    if expected != len(pages.pages) * pages.planes_per_page:
        raise ReaderError(
            f"{path}: expected {expected} planes ({axes}: {' × '.join(map(str, shape))}), "
            f"found {len(pages.pages)} pages. The file is truncated or its description wrong: "
            "copy or export it again."
        )
    check_inside(pages.paths, path.parent)
    pages.check_extent()
    paths = pages.paths if path == description.tiff else (path, *pages.paths)
    return Stack(
        planes=pages,
        source=_source(tif, paths, axes, shape, scenes),
        facts=_facts(tif, path, description.root, chosen),
        absent=_absent(pages),
    )


class _Scene(NamedTuple):
    """One image of a file: a series of pages, or one region of a series."""

    name: str
    number: int
    series: Any
    region: int | None = None


def _scenes(tif: Any, path: Path) -> list[_Scene]:
    every = _all_series(tif)
    check_chain(tif, path)
    described = [kind for kind in ("imagej", "shaped") if getattr(tif, f"is_{kind}")]
    if not every or (described and every[0].kind in ("generic", "uniform")):
        raise ReaderError(
            f"{path}: the pages of this TIFF do not fit its description. It is truncated or "
            "damaged: copy or export it again."
        )
    scenes = []
    for number, series in enumerate(every):
        name = series.name or f"scene {number}"
        sizes = dict(zip(*_axes(series), strict=True))
        if sizes.get("R", 1) == 1:
            scenes.append(_Scene(name, number, series))
        else:
            scenes += [_Scene(f"{name} {r}", number, series, r) for r in range(sizes["R"])]
    return scenes


def _all_series(tif: Any) -> list[Any]:
    """List the series with all their axes; since tifffile 2026.5.2 this has to be asked for."""
    return list(tif.series(squeeze=False) if callable(tif.series) else tif.series)


def _axes(series: Any) -> tuple[str, tuple[int, ...]]:
    """Return the axes of a series and their lengths, with those of length 1."""
    if hasattr(series, "get_axes"):  # until tifffile 2026.5.2
        return series.get_axes(False), series.get_shape(False)
    return series.axes, series.shape


def _pages(tif: Any, path: Path, scene: _Scene) -> tuple[str, tuple[int, ...], TiffPages]:
    """Find the pages of a scene; its axes are those longer than 1, and Y and X."""
    series = scene.series
    axes, shape = _axes(series)
    paths: list[Path] = []
    places = _places(series, int(np.prod(shape)), paths)
    if scene.region is not None:
        where = axes.index("R")
        n_outer = min(axes.index("Y"), axes.index("X"))
        numbers = np.arange(len(places)).reshape(shape[:n_outer])
        places = [places[n] for n in numbers.take(scene.region, axis=where).ravel()]
        axes, shape = axes.replace("R", ""), shape[:where] + shape[where + 1 :]
    kept = [n for n, letter in enumerate(axes) if letter in "YX" or shape[n] > 1]
    axes = _name_samples(tif, "".join(axes[n] for n in kept), [shape[n] for n in kept])
    keyframe = series.keyframe
    if series.transform is not None or keyframe.dtype is None or keyframe.dtype.kind not in "biuf":
        raise ReaderError(
            f"{path}: expected pixels that are real numbers, found {keyframe.dtype} "
            f"({series.kind}). Export the file as OME-TIFF."
        )
    pages = TiffPages(
        paths=tuple(paths),
        pages=tuple(places),
        page_shape=keyframe.shaped,
        stored=keyframe.dtype.newbyteorder(tif.byteorder),
    )
    return axes, tuple(shape[n] for n in kept), pages


def _name_samples(tif: Any, axes: str, shape: Sequence[int]) -> str:
    """Name the samples of an ImageJ composite: ImageJ stores three 16-bit channels as RGB."""
    if not tif.is_imagej or "S" not in axes or "C" in axes:
        return axes
    meta = tif.imagej_metadata or {}
    is_composite = meta.get("channels") == shape[axes.index("S")]
    return axes.replace("S", "C") if is_composite else axes


def _places(series: Any, n_pixels: int, paths: list[Path]) -> list[PagePlace | None]:
    """Find where each page lies; the files that they lie in are added to ``paths``."""
    keyframe = series.keyframe
    offset = series.dataoffset
    if offset is not None and not series.is_multifile:
        # One page may describe many that follow it without a description of their own.
        paths.append(Path(keyframe.parent.filehandle.path))
        size = int(np.prod(keyframe.shaped))
        n_bytes = size * keyframe.dtype.itemsize
        return [PagePlace(0, (offset + n * n_bytes,), (n_bytes,)) for n in range(n_pixels // size)]
    return [None if page is None else _place(page, keyframe, paths) for page in series]


def _place(page: Any, first: Any, paths: list[Path]) -> PagePlace:
    path = Path(page.parent.filehandle.path)
    if path not in paths:
        if _kind(page) != _kind(first):
            raise ReaderError(
                f"{path}: expected images like those in {first.parent.filename}, of the same shape "
                "and type, found others. Only like files are one recording: export it again."
            )
        paths.append(path)
    file = paths.index(path)
    offsets, counts = tuple(page.dataoffsets), tuple(page.databytecounts)
    ends = [start + n for start, n in zip(offsets, counts, strict=False)]
    if page.keyframe.is_final and all(
        end == start for end, start in zip(ends, offsets[1:], strict=False)
    ):
        return PagePlace(file, offsets[:1], counts[:1])
    # tifffile makes its decoder on first use, which must not happen in two threads at once.
    _ = page.keyframe.decode
    return PagePlace(file, offsets, counts, page.keyframe)


def _kind(page: Any) -> tuple[Any, ...]:
    """Tell what must be the same in all files of a recording."""
    return page.keyframe.shaped, page.keyframe.dtype, page.parent.byteorder


def _absent(pages: TiffPages) -> frozenset[int]:
    n = pages.planes_per_page
    return frozenset(
        number * n + plane
        for number, place in enumerate(pages.pages)
        if place is None
        for plane in range(n)
    )


def _source(
    tif: Any, paths: tuple[Path, ...], axes: str, shape: tuple[int, ...], scenes: list[_Scene]
) -> Source:
    kind = next((kind for kind in ("ome", "metaseries") if getattr(tif, f"is_{kind}")), None)
    kind = kind or scenes[0].series.kind
    return Source(
        paths=paths,
        format=_FORMATS.get(kind, "BigTIFF" if tif.is_bigtiff else "TIFF"),
        axes=axes,
        shape=shape,
        scenes=tuple(scene.name for scene in scenes) if len(scenes) > 1 else (),
    )


def _facts(tif: Any, path: Path, root: ome.Element | None, scene: _Scene) -> Facts:
    """Ask whoever wrote the file for its metadata; the tags of plain TIFF come last."""
    tags = tif.pages.first.tags
    x, y = (_ratio(tags.valueof(f"{axis}Resolution")) for axis in "XY")
    unit = _RESOLUTION_UNITS.get(int(tags.valueof("ResolutionUnit", default=0) or 0), "")
    if root is not None:
        sizes = zip(*_axes(scene.series), strict=True)
        outer = [(axis, n) for axis, n in sizes if axis not in "YXR" and (axis != "S" or n > 1)]
        return ome.facts(
            root,
            scene.number if scene.region is None else scene.region,
            scene.series.name if scene.region is None else "",
            "".join(axis for axis, _ in outer),
            [n for _, n in outer],
        )
    if tif.is_imagej:
        return imagej.facts(tif.imagej_metadata, (x, y), unit, str(path))
    if tif.is_stk:
        return metamorph.facts(tif.stk_metadata, str(path))
    if tif.is_metaseries:
        return metamorph.series_facts(tif.metaseries_metadata, str(path))
    bits = int(scene.series.keyframe.bitspersample)
    return Facts(
        pixel_size_um=resolution_um(x, y, unit, str(path)),
        bits=bits if bits not in (1, 8, 16, 32, 64) else None,
    )


def _ratio(value: Any) -> float:
    """Turn the two integers of a TIFF fraction into a number; 0 where there is none."""
    try:
        numerator, denominator = value
        return float(numerator) / float(denominator)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
