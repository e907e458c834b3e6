"""Folders of MetaXpress (ImageXpress): one MetaSeries TIFF per time point, site and wavelength.

Time points are folders (``TimePoint_1``…), planes in z folders in these (``ZStep_1``…); well, site
and wavelength stand in the names, such as ``plate_C07_s1_w2….tif``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from zincflux.errors import ReaderError
from zincflux.movie import FloatArray, Movie, Source
from zincflux.readers import tiff
from zincflux.readers.axes import Choice
from zincflux.readers.metadata import Facts
from zincflux.readers.planes import FilePlanes, check_same_shape
from zincflux.readers.stack import Stack, pick_scene

NAME = "MetaSeries folder"

_TIME = re.compile(r"TimePoint_(\d+)", re.IGNORECASE)
_STEP = re.compile(r"ZStep_(\d+)", re.IGNORECASE)
_ID = r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}"
_FILE = re.compile(
    rf".+?_(?P<well>[A-Z]{{1,2}}\d\d)(?:_s(?P<s>\d+))?(?:_w(?P<c>\d+))?(?P<id>{_ID})?\.tiff?",
    re.IGNORECASE,
)

_LEVELS = 3
"""Folders above those of the time points: plate, date, number."""

Plane = tuple[int, int, int]
"""Number of the time point, the wavelength and the step in z, as the names say."""


def sniff(path: Path) -> bool:
    """Tell whether a folder is an acquisition of MetaXpress, or holds one and nothing else."""
    return _acquisition(path) is not None


def started(path: Path) -> datetime | None:
    """Return when the first file was recorded."""
    scenes = _scenes(path)
    first = next(iter(scenes.values()), {})
    return tiff.started(first[min(first)]) if first else None


def read(path: Path, choice: Choice) -> Movie:
    """Open one site of an acquisition.

    Raises
    ------
    ReaderError
        If files are absent or damaged, or differ in shape.
    ExperimentError
        If a key is needed.

    Warns
    -----
    MetadataWarning
        If there are several sites and none is chosen.
    """
    scenes = _scenes(path)
    if not scenes:
        raise ReaderError(
            f"{path}: expected images such as plate_C07_s1_w1.tif in the folders of the time "
            "points, found none. Copy the folder completely."
        )
    names = list(scenes)
    found = scenes[names[pick_scene(names, choice.scene, str(path))]]
    numbers = [sorted({plane[axis] for plane in found}) for axis in range(3)]
    # A time point without any file is a gap, and not left out.
    numbers[0] = list(range(numbers[0][0], numbers[0][-1] + 1))
    return _stack(path, found, numbers, names).movie(choice)


def _stack(
    path: Path, found: Mapping[Plane, Path], numbers: Sequence[Sequence[int]], names: list[str]
) -> Stack:
    planes = [(t, c, z) for t in numbers[0] for c in numbers[1] for z in numbers[2]]
    stand_in = found[min(found)]
    files = [found.get(plane, stand_in) for plane in planes]
    movies = _open(files)
    kept = [(axis, len(n)) for axis, n in zip("TCZ", numbers, strict=True) if len(n) > 1]
    return Stack(
        planes=FilePlanes(movies),
        source=Source(
            paths=tuple(dict.fromkeys(files)),
            place=str(path),
            format=NAME,
            axes="".join(axis for axis, _ in kept) + "YX",
            shape=(*(n for _, n in kept), *movies[0].frame_shape),
            scenes=tuple(names) if len(names) > 1 else (),
        ),
        facts=_facts(movies, planes, found, len(numbers[1]), len(numbers[2])),
        absent=_absent(planes, found, len(numbers[1]) * len(numbers[2])),
    )


def _absent(planes: Sequence[Plane], found: Mapping[Plane, Path], per_frame: int) -> frozenset[int]:
    """List the planes without a file; a time point at the end goes whole if one is missing."""
    absent = [n for n, plane in enumerate(planes) if plane not in found]
    first = len(planes)
    while first > per_frame and any(first - per_frame <= n < first for n in absent):
        first -= per_frame
    return frozenset([*absent, *range(first, len(planes))])


def _open(files: Sequence[Path]) -> tuple[Movie, ...]:
    movies = tuple(tiff.read(file, Choice(scene=0)) for file in files)
    check_same_shape(movies)
    if movies[0].data.shape[:2] != (1, 1):
        raise ReaderError(
            f"{files[0]}: expected one image in each file of a MetaSeries folder, found shape "
            f"{movies[0].data.shape}. Name the files by a pattern in movie.path."
        )
    return movies


def _facts(
    movies: Sequence[Movie],
    planes: Sequence[Plane],
    found: Mapping[Plane, Path],
    n_channels: int,
    n_z: int,
) -> Facts:
    exposures = [np.nan if movie.exposure_s is None else movie.exposure_s[0, 0] for movie in movies]
    return Facts(
        channels=tuple(movie.channels[0] for movie in movies[: n_channels * n_z : n_z]),
        pixel_size_um=movies[0].pixel_size_um,
        plane_time_s=_stamps(planes, found, n_channels * n_z),
        plane_exposure_s=np.array(exposures, dtype=np.float64),
        bits=movies[0].bit_depth,
    )


def _stamps(
    planes: Sequence[Plane], found: Mapping[Plane, Path], per_frame: int
) -> FloatArray | None:
    """Read when the first plane of each frame was recorded, s after the first; NaN for others."""
    times = np.full(len(planes), np.nan)
    first: datetime | None = None
    for n in range(0, len(planes), per_frame):
        if planes[n] not in found:
            continue
        when = tiff.started(found[planes[n]])
        if when is None:
            return None
        first = first or when
        times[n] = (when - first).total_seconds()
    return times


def _acquisition(path: Path) -> Path | None:
    """Find the folder with the time points: this one, or down a line of only folders."""
    for _ in range(_LEVELS + 1):
        entries = list(path.iterdir())
        folders = [entry for entry in entries if entry.is_dir()]
        files = [entry for entry in entries if not entry.is_dir()]
        if any(_TIME.fullmatch(folder.name) for folder in folders):
            return path
        if any((match := _FILE.fullmatch(file.name)) and match["id"] for file in files):
            return path
        if len(folders) != 1:
            return None
        path = folders[0]
    return None


def _scenes(path: Path) -> dict[str, dict[Plane, Path]]:
    """List the files of each well and site, by its name."""
    scenes: dict[tuple[str, int], dict[Plane, Path]] = {}
    folder = _acquisition(path)
    for t, z, file in _files(folder) if folder else ():
        match = _FILE.fullmatch(file.name)
        if match is None:
            continue
        key, plane = (match["well"].upper(), int(match["s"] or 0)), (t, int(match["c"] or 1), z)
        other = scenes.setdefault(key, {}).setdefault(plane, file)
        if other is not file:
            raise ReaderError(
                f"{folder}: expected one file for each time point, site and wavelength, found "
                f"{other.name} and {file.name}. Move the one that does not belong."
            )
    named = {f"{well} site {s}" if s else well: scenes[well, s] for well, s in sorted(scenes)}
    return {name: _without_projections(found) for name, found in named.items()}


def _files(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """Yield time point, step in z (0: none) and path of every file."""
    times = [(m, sub) for sub in folder.iterdir() if (m := _TIME.fullmatch(sub.name))]
    for t, place in [(int(m[1]), sub) for m, sub in times] or [(1, folder)]:
        for entry in sorted(place.iterdir()):
            step = _STEP.fullmatch(entry.name)
            if step is None:
                yield t, 0, entry
            elif entry.is_dir():
                yield from ((t, int(step[1]), file) for file in sorted(entry.iterdir()))


def _without_projections(found: dict[Plane, Path]) -> dict[Plane, Path]:
    """Leave out what lies beside the steps in z of the same wavelength: their projection."""
    in_steps = {c for _, c, z in found if z}
    return {plane: file for plane, file in found.items() if plane[2] or plane[1] not in in_steps}
