"""One file per time point, channel, plane or scene, named by a pattern with {t} {c} {z} {s}."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from zincflux.errors import ExperimentError, ReaderError
from zincflux.movie import FloatArray, Movie, Source
from zincflux.readers.axes import Choice, PlaneTable, choose_depth, plane_table
from zincflux.readers.formats import open_file
from zincflux.readers.planes import FilePlanes, PlaneFrames, check_same_shape
from zincflux.readers.stack import pick_scene
from zincflux.readers.zarr_places import is_address

_FIELD = re.compile(r"\{([a-zA-Z]\w*)\}")
_NAMES = {"t": "time point", "c": "channel", "z": "plane", "s": "scene"}
_TEXT = {"t": r"\d+", "c": r"[^/\\]+?", "z": r"\d+", "s": r"[^/\\]+?"}

Key = str | int
Files = dict[tuple[Key, ...], Path]


def is_pattern(path: str) -> bool:
    """Tell whether a path names many files; a file of just that name comes first."""
    return not is_address(path) and _FIELD.search(path) is not None and not Path(path).exists()


def read(path: str, choice: Choice) -> Movie:
    """Open the files that a pattern names as one movie.

    Parameters
    ----------
    path
        For example ``dish1/{c}/image_t{t}.tif``: ``{t}`` and ``{z}`` stand for digits, ``{c}`` and
        ``{s}`` for any text within one name. Files are put in natural order.
    choice
        Scene, z and axes; ``axes`` are those of each file.

    Raises
    ------
    ReaderError
        If no file fits, a combination is absent, or the files differ in shape.
    ExperimentError
        If the pattern holds an unknown field, or a key is needed.
    """
    fields = _fields(path)
    files = _choose_scene(_find(path, fields), fields, choice.scene, path)
    fields = [name for name in fields if name != "s"]
    values = [_in_order({key[n] for key in files}) for n in range(len(fields))]
    _check_complete(files, fields, values, path)
    inner_choice = Choice(
        scene=None if "s" in _fields(path) else choice.scene,
        z=None if "z" in fields else choice.z,
        axes=choice.axes,
        interval_given=choice.interval_given,
    )
    movies = tuple(open_file(files[key], inner_choice) for key in product(*values))
    check_same_shape(movies)
    return _join(movies, dict(zip(fields, values, strict=True)), choice)


def _fields(path: str) -> list[str]:
    fields = list(dict.fromkeys(_FIELD.findall(path)))
    for name in fields:
        if name not in _NAMES:
            raise ExperimentError(
                f"movie.path: expected only {{t}} {{c}} {{z}} {{s}} in a pattern, found "
                f"{{{name}}} in {path!r}. Correct movie.path."
            )
    return fields


def _find(path: str, fields: Sequence[str]) -> Files:
    """Find all files that fit, by the values of the fields."""
    pattern = Path(path)
    depth = next(n for n, part in enumerate(pattern.parts) if _FIELD.search(part))
    folder = Path(*pattern.parts[:depth])
    files: Files = {}
    for values, file in _walk(folder, pattern.parts[depth:], {}):
        key = tuple(int(values[name]) if name in "tz" else values[name] for name in fields)
        if key in files:
            raise ReaderError(
                f"{path}: expected one file for each combination, found two: {files[key].name} "
                f"and {file.name}. Make the pattern stricter."
            )
        files[key] = file
    if not files:
        raise ReaderError(f"{path}: no file fits this pattern. {_hint(folder)} Check movie.path.")
    return files


def _walk(
    folder: Path, parts: Sequence[str], known: Mapping[str, str]
) -> Iterator[tuple[dict[str, str], Path]]:
    """Follow the parts of a pattern down the folders; a field has one value along the way."""
    if not folder.is_dir():
        return
    regex = _regex(parts[0])
    for entry in sorted(folder.iterdir()):
        match = regex.fullmatch(entry.name)
        if match is None or any(known.get(k, v) != v for k, v in match.groupdict().items()):
            continue
        values = {**known, **match.groupdict()}
        if len(parts) > 1:
            yield from _walk(entry, parts[1:], values)
        elif entry.is_file():
            yield values, entry


def _regex(part: str) -> re.Pattern[str]:
    """Turn one name of a pattern into a regular expression in which nothing else is special."""
    pieces, seen = [], set()
    for n, piece in enumerate(_FIELD.split(part)):
        if n % 2 == 0:
            pieces.append(re.escape(piece))
        else:
            pieces.append(f"(?P={piece})" if piece in seen else f"(?P<{piece}>{_TEXT[piece]})")
            seen.add(piece)
    return re.compile("".join(pieces))


def _hint(folder: Path) -> str:
    if not folder.is_dir():
        return f"There is no folder {folder}."
    names = sorted((entry.name for entry in folder.iterdir()), key=_natural)
    if not names:
        return f"The folder {folder} is empty."
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"The folder {folder} holds {', '.join(names[:3])}{more}."


def _natural(value: Key) -> list[tuple[bool, Any]]:
    """Sort key in which img2 comes before img10."""
    pieces = re.split(r"(\d+)", str(value))
    return [(piece.isdigit(), int(piece) if piece.isdigit() else piece) for piece in pieces]


def _in_order(values: set[Key]) -> list[Key]:
    return sorted(values, key=_natural)


def _choose_scene(files: Files, fields: Sequence[str], scene: int | None, path: str) -> Files:
    if "s" not in fields:
        return files
    where = list(fields).index("s")
    scenes = _in_order({key[where] for key in files})
    chosen = scenes[pick_scene([str(name) for name in scenes], scene, path)]
    return {
        key[:where] + key[where + 1 :]: file for key, file in files.items() if key[where] == chosen
    }


def _check_complete(
    files: Files, fields: Sequence[str], values: Sequence[Sequence[Key]], path: str
) -> None:
    for name, present in zip(fields, values, strict=True):
        hole = _hole(present) if name == "t" else None
        if hole is not None:
            raise ReaderError(
                f"{path}: expected a file for every time point, but {hole} is absent between "
                f"{present[0]} and {present[-1]}. Copy it too, or renumber the files if the gap "
                "does not matter."
            )
    for key in product(*values):
        if key not in files:
            named = ", ".join(f"{_NAMES[f]} {v}" for f, v in zip(fields, key, strict=True))
            raise ReaderError(
                f"{path}: expected a file for every combination, but the one for {named} is "
                "absent. Copy it too, or make the pattern stricter."
            )


def _hole(numbers: Sequence[Any]) -> int | None:
    """Return the first number that is left out of a regular count."""
    steps = np.diff(np.asarray(numbers, dtype=np.int64))
    if len(steps) < 2 or np.any(steps % steps.min()):
        return None
    wide = np.flatnonzero(steps > steps.min())
    return int(numbers[wide[0]] + steps.min()) if len(wide) else None


def _join(movies: tuple[Movie, ...], values: Mapping[str, Sequence[Key]], choice: Choice) -> Movie:
    """Put files together: the fields are the outer axes, time and channels of a file the inner."""
    first = movies[0]
    lengths = [(name.upper(), len(found)) for name, found in values.items()]
    for axis, n in zip("TC", first.data.shape[:2], strict=True):
        if n > 1 and axis.lower() in values:
            raise ReaderError(
                f"{first.source.name}: expected one {_NAMES[axis.lower()]} in each file, since "
                f"the pattern holds {{{axis.lower()}}}, found {n}. Leave it out of movie.path."
            )
        if axis.lower() not in values:
            lengths.append((axis, n))
    axes = "".join(axis for axis, _ in lengths) + "YX"
    source = Source(
        paths=tuple(path for movie in movies for path in movie.source.paths),
        format=f"{first.source.format}, {len(movies)} files by pattern",
        axes=axes,
        shape=(*(n for _, n in lengths), *first.frame_shape),
        scenes=first.source.scenes,
    )
    table = choose_depth(plane_table(axes, source.shape), choice.z, source)
    frames = PlaneFrames(FilePlanes(movies), table, "mean" if choice.z == "mean" else "max")
    return Movie(
        data=frames,
        channels=tuple(map(str, values["c"])) if "c" in values else first.channels,
        pixel_size_um=first.pixel_size_um,
        time_s=None if "t" in values else first.time_s,
        saturation_level=first.saturation_level,
        bit_depth=first.bit_depth,
        exposure_s=_exposure(movies, table),
        source=source,
    )


def _exposure(movies: Sequence[Movie], table: PlaneTable) -> FloatArray | None:
    each = [movie.exposure_s for movie in movies if movie.exposure_s is not None]
    if len(each) < len(movies):
        return None
    return np.concatenate([exposure.ravel() for exposure in each])[table[:, :, 0]]
