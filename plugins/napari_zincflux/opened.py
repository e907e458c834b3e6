"""Opening: a movie, an experiment or results, with the corrections that belong to it; no Qt."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import zincflux
from napari_zincflux.choices import Choices
from zincflux import EditLog, Experiment, Movie, Results


@dataclass(frozen=True, eq=False)
class Opened:
    """A movie, or finished results, read from a place.

    Attributes
    ----------
    place
        What was opened.
    choices
        The settings that belong to it.
    movie
        The movie; None where it cannot be read any more, which only results survive.
    results
        The results, where a folder of them was opened.
    """

    place: Path
    choices: Choices
    movie: Movie | None
    results: Results | None = None


def open_place(place: str | os.PathLike[str]) -> Opened:
    """Open a movie, an experiment file or a folder of results.

    Raises
    ------
    zincflux.ZincfluxError
        If it cannot be read.
    """
    path = Path(place)
    if (path / "run.json").is_file():
        results = zincflux.read_results(path)
        return Opened(
            path,
            Choices.of_experiment(results.experiment),
            _movie_if_there(results.experiment),
            results,
        )
    choices = Choices.read(path)
    return Opened(path, choices, choices.experiment().open_movie())


def _movie_if_there(experiment: Experiment) -> Movie | None:
    try:
        return experiment.open_movie()
    except zincflux.ZincfluxError:
        return None


def log_of_results(results: Results) -> EditLog | None:
    """Give the corrections that results were made with; None where that is not known any more.

    The file that held them may be gone, or hold others by now: its hash was stored.
    """
    named = results.experiment.edits.path
    if named is None:
        return EditLog()
    file = Path(named)
    try:
        mark = hashlib.sha256(file.read_bytes()).hexdigest()
        log = EditLog.read(file)
    except (OSError, zincflux.ZincfluxError):
        return None
    return log if mark in results.run.get("inputs", {}).values() else None


def obstacle_to_correcting(results: Results, movie: Movie | None) -> str:
    """Say what stands against correcting stored results; empty where nothing does."""
    source = results.experiment.movie
    if source is None:
        return "These results were made from a table of traces: it has no outlines to correct."
    if movie is None:
        return (
            f"These results cannot be corrected, as their movie is not at {source.path}. Put it "
            "back there, and open the results once more."
        )
    return ""


def stored_log(places: Sequence[Path | None], named: str | None) -> tuple[EditLog, str]:
    """Read the newest of the corrections that belong to what was opened, and say what came of it.

    Parameters
    ----------
    places
        Files that may hold them.
    named
        The one that the experiment names, if it does.
    """
    there = [file for file in places if file is not None and file.is_file()]
    if not there:
        return EditLog(), f"{named}: the corrections are not there any more." if named else ""
    file = max(there, key=lambda one: one.stat().st_mtime_ns)
    try:
        log = EditLog.read(file)
    except zincflux.ZincfluxError as error:
        return EditLog(), f"The corrections cannot be read: {error} {_set_aside(file)}"
    n = len(log)
    words = f"{n} correction{'' if n == 1 else 's'} came back from {file}."
    return log, words if n else ""


def _set_aside(file: Path) -> str:
    """Rename a log that cannot be read, so that nothing is written over it; tell where it is."""
    aside = file.with_name(f"{file.name}.unreadable")
    n = 1
    while aside.exists():
        n += 1
        aside = file.with_name(f"{file.name}.unreadable{n}")
    try:
        file.rename(aside)
    except OSError as error:
        return f"Copy the file before you correct anything: it cannot be renamed ({error})."
    return f"The file is now {aside.name}."
