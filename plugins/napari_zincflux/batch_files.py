"""Settings of one movie handed to all movies of its folder: the files of a batch; no Qt."""

from __future__ import annotations

import csv
import io
import os
import shlex
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from napari_zincflux.choices import Choices
from napari_zincflux.measuring import without_edits
from zincflux import EditLog, ZincfluxError
from zincflux.batch import draft_settings, draft_sheet, places_in
from zincflux.pipeline import Progress
from zincflux.readers.zarr_places import is_address
from zincflux.results import write_text

IS_WINDOWS = os.name == "nt"

SHEET, SETTINGS, OUT = "sheet.csv", "common.toml", "study"


@dataclass(frozen=True)
class BatchFiles:
    """What is ready for ``zincflux batch``.

    Attributes
    ----------
    sheet, settings
        The two files.
    command
        What is typed to run it.
    words
        What was written, and what is left to do.
    """

    sheet: Path
    settings: Path
    command: str
    words: str


def write_batch(choices: Choices, log: EditLog) -> Generator[Progress, None, BatchFiles]:
    """Write the table of the movies beside the one that is open, and the settings for all of them.

    A table that is there already stays as it is, and no other file is replaced: the next free name
    is taken.

    Parameters
    ----------
    choices
        The settings.
    log
        Corrections by hand; they belong to this movie and are not handed over.

    Raises
    ------
    zincflux.ZincfluxError
        From the generator, if a setting is wrong, the movie does not lie in a folder, or a file
        cannot be written.
    """
    yield Progress("listing the movies", 0, 1)
    experiment, folder = without_edits(choices), folder_of(choices)
    text = draft_settings(experiment, folder / SETTINGS)
    sheet, is_old = _place_of_sheet(folder)
    if not is_old:
        write_text(sheet, draft_sheet(folder, sheet))
    settings = _free(folder / SETTINGS, text)
    if not settings.exists():
        write_text(settings, text)
    n_movies = len(_rows(sheet))
    parts = [
        f"{sheet} was there already and stays as it is ({_movies(n_movies)})."
        if is_old
        else f"{sheet} lists {_movies(n_movies)}.",
        f"The settings for all are in {settings}.",
        "Take out what is no dish, and fill in condition, experiment and what else applies with "
        "any spreadsheet program. Then run:",
    ]
    parts[2:2] = _cautions(places_in(experiment), log)
    return BatchFiles(sheet, settings, command_of(sheet, settings), " ".join(parts))


def folder_of(choices: Choices) -> Path:
    """Give the folder that the movie lies in.

    Raises
    ------
    zincflux.ZincfluxError
        If there is none.
    """
    path = choices.get("movie.path")
    path = path[0] if isinstance(path, list) and path else path
    if not path or is_address(path):
        raise ZincfluxError(
            f"batch: expected a movie in a folder, found {path or 'no movie'}. Write the table "
            "with zincflux batch --init."
        )
    folder = Path(path).absolute().parent
    return next(one for one in (folder, *folder.parents) if "{" not in one.name)


def command_of(sheet: Path, settings: Path) -> str:
    """Give the command that runs the batch, to be pasted into a terminal."""
    parts = ["zincflux", "batch", str(sheet), "--settings", str(settings)]
    parts += ["--out", str(sheet.with_name(OUT))]
    return subprocess.list2cmdline(parts) if IS_WINDOWS else shlex.join(parts)


def _cautions(places: tuple[str, ...], log: EditLog) -> list[str]:
    cautions = []
    if places:
        names = " and ".join(places)
        cautions.append(f"Look whether {names} suits every movie: it was drawn on this one.")
    if len(log):
        cautions.append("Corrections by hand belong to this movie and are not handed over.")
    return cautions


def _place_of_sheet(folder: Path) -> tuple[Path, bool]:
    """Give the place of the table, and whether one is there already; other files are passed by."""
    number = 1
    while True:
        place = _numbered(folder / SHEET, number)
        if not place.exists():
            return place, False
        if _rows(place):
            return place, True
        number += 1


def _free(file: Path, text: str) -> Path:
    """Give the first name that is free, or that of a file with just this text."""
    number = 1
    while True:
        place = _numbered(file, number)
        try:
            if place.read_text(encoding="utf-8") == text:
                return place
        except FileNotFoundError:
            return place
        except (OSError, UnicodeDecodeError):
            pass
        number += 1


def _numbered(file: Path, number: int) -> Path:
    return file if number == 1 else file.with_name(f"{file.stem}_{number}{file.suffix}")


def _rows(sheet: Path) -> list[dict[str, str]]:
    """Read the rows of a table of movies; none where it is something else."""
    try:
        text = sheet.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return []
    mark = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    rows = list(csv.DictReader(io.StringIO(text), delimiter=mark))
    return [row for row in rows if row.get("path")]


def _movies(n: int) -> str:
    return f"{n} movie{'' if n == 1 else 's'}"
