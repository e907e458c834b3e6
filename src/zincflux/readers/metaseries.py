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
from zincflux.movie import FloatArray, Movie
from zincflux.readers import tiff
from zincflux.readers.axes import Choice
from zincflux.readers.image_grid import Plane, image_grid
from zincflux.readers.metadata import Facts
from zincflux.readers.stack import pick_scene
from zincflux.readers.stored import check_announced

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
    numbers: list[Sequence[int]] = [sorted({plane[axis] for plane in found}) for axis in range(3)]
    # A time point without any file is a gap, and not left out.
    first, last = numbers[0][0], numbers[0][-1]
    check_announced(path, last - first + 1, len(found))
    numbers[0] = range(first, last + 1)
    grid = image_grid(found, numbers, path, NAME)
    facts = _facts(grid.movies, grid.planes, found, *grid.shape[1:])
    return grid.stack(path, NAME, names, facts).movie(choice)


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
