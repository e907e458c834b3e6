"""Draft: the sheet that ``zincflux batch --init`` writes for movies that are there."""

from __future__ import annotations

import csv
import io
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zincflux.batch.cells import KEY_COLUMNS, PATH
from zincflux.batch.layout import Layout, is_layout, read_layout, well_name
from zincflux.errors import ExperimentError, ZincfluxError, ZincfluxWarning
from zincflux.experiment import title
from zincflux.readers import READERS, describe
from zincflux.readers.formats import FOLDER_READERS
from zincflux.readers.zarr_places import is_address

_SCENE = "movie.scene"
_FORMULA = ("=", "+", "-", "@", "\t")
"""What spreadsheets take for the start of a formula."""


@dataclass
class _Found:
    """One movie."""

    path: str
    scenes: tuple[str, ...] = ()
    files: frozenset[str] = field(default_factory=frozenset)


def draft_sheet(source: str | os.PathLike[str], table: str | os.PathLike[str]) -> str:
    """Write the text of a sheet for movies, to be filled in.

    What was done to the cells is never guessed: the columns for it stay empty, unless a layout of
    the plate names it.

    Parameters
    ----------
    source
        A folder of movies, with those in the folders below; one movie of several positions; or the
        layout of a plate, a CSV with the columns 1, 2, … and the rows A, B, …, beside movies whose
        names or positions hold the well.
    table
        File that the text will be stored in: paths are written relative to its folder.

    Returns
    -------
    str
        CSV with one row per movie and position, in natural order.

    Raises
    ------
    ExperimentError
        If no movie is found, or movies and layout do not fit.
    ReaderError
        If the movie or layout cannot be read.
    """
    layout: Layout | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZincfluxWarning)
        if not is_address(source) and is_layout(Path(source)):
            layout = read_layout(Path(source))
            movies = _movies_below(Path(source).parent)
        elif is_address(source) or not _is_collection(Path(source)):
            movies = [_look(os.fspath(source), strict=True)]
        else:
            movies = _movies_below(Path(source))
    if not movies:
        raise ExperimentError(
            f"{source}: expected a folder with movies, found none that zincflux reads in it or "
            "below. Choose another folder, or a movie."
        )
    rows = [row for movie in movies for row in _rows(movie, Path(table))]
    _name_wells(rows)
    if layout is not None:
        rows = layout.fill(rows)
    return _as_csv(rows)


def _is_collection(path: Path) -> bool:
    """Whether a path is a folder that is not itself a movie."""
    return path.is_dir() and not any(reader.sniff(path) for reader in FOLDER_READERS)


def _movies_below(folder: Path) -> list[_Found]:
    """Find movies in a folder and below; files that belong to a movie of several are not listed."""
    found = [_look(str(path), strict=False) for path in sorted(_walk(folder), key=_natural)]
    sets = [movie.files for movie in found]
    return [
        movie
        for n, movie in enumerate(found)
        if not any(
            movie.files < other or (movie.files == other and m < n) for m, other in enumerate(sets)
        )
    ]


def _walk(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if any(reader.sniff(entry) for reader in FOLDER_READERS):
                yield entry
            elif not (entry / "run.json").exists() and not entry.is_symlink():
                yield from _walk(entry)
        elif entry.is_file() and _is_movie(entry):
            yield entry


def _is_movie(file: Path) -> bool:
    try:
        return any(reader.sniff(file) for reader in READERS)
    except OSError:  # forbidden
        return False


def _look(path: str, *, strict: bool) -> _Found:
    """Ask a movie for its positions and files; what is damaged is listed all the same."""
    try:
        about: dict[str, Any] = describe(path)
    except ZincfluxError:
        if strict:
            raise
        return _Found(path, files=frozenset([path]))
    scenes = about["scenes"]
    return _Found(path, tuple(scenes) if len(scenes) > 1 else (), frozenset(about["files"]))


def _rows(movie: _Found, table: Path) -> Iterator[dict[str, str]]:
    path = movie.path
    if not is_address(path):
        relative = os.path.relpath(path, table.resolve().parent)
        path = Path(relative).as_posix()
    path = f"./{path}" if path.startswith(_FORMULA) else path
    name = title(movie.path.rstrip("/"))
    if not movie.scenes:
        yield _row(path, name)
    for number, scene in enumerate(movie.scenes):
        yield _row(path, f"{name} {scene}") | {_SCENE: str(number), "well": well_name(scene)}


def _row(path: str, sample: str) -> dict[str, str]:
    sample = f"_{sample}" if sample.startswith(_FORMULA) else sample
    return {PATH: path, **dict.fromkeys(KEY_COLUMNS, ""), "sample": sample}


def _name_wells(rows: Sequence[dict[str, str]]) -> None:
    """Fill in wells where every movie tells its own: several fields of a well are one dish."""
    wells = [row["well"] or well_name(Path(row[PATH]).name) for row in rows]
    for row, well in zip(rows, wells, strict=True):
        row["well"] = well if all(wells) else ""
        row["replicate"] = row["well"]
    _tell_apart(rows)


def _tell_apart(rows: Sequence[dict[str, str]]) -> None:
    """Name samples after their folders, too, where files of several folders share a name."""
    names = [row["sample"] for row in rows]
    for row in rows:
        if names.count(row["sample"]) > 1:
            above = [part for part in Path(row[PATH]).parent.parts if part not in ("..", ".")]
            row["sample"] = " ".join([*above, row["sample"]])
    seen: dict[str, int] = {}
    for row in rows:
        seen[row["sample"]] = seen.get(row["sample"], 0) + 1
        if seen[row["sample"]] > 1:
            row["sample"] += f" ({seen[row['sample']]})"


def _natural(path: Path) -> list[tuple[int, int | str]]:
    """Sort key that puts dish2 before dish10."""
    parts = re.split(r"(\d+)", path.as_posix().casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]


def _as_csv(rows: Sequence[dict[str, str]]) -> str:
    columns = [PATH, *KEY_COLUMNS]
    columns += [_SCENE] if any(_SCENE in row for row in rows) else []
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
