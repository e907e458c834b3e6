"""Session: one movie, what was chosen for it and what came of it. No Qt, no napari.

Long work is given as a generator, to be driven by whoever has a thread for it; it is made from the
settings as they are when it is asked for, and changes nothing until its outcome is taken in.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pandas as pd

import zincflux
from napari_zincflux.choices import STEPS, Choices
from napari_zincflux.layers import even_step_s
from napari_zincflux.places import autosave_file, can_write
from zincflux import Analysis, EditLog, Experiment, Movie, Results
from zincflux.experiment import load_experiment
from zincflux.movie import FloatArray, Image, Labels
from zincflux.opening import open_recording
from zincflux.phases import names_of_frames
from zincflux.pipeline import Progress, iter_analyze, iter_view
from zincflux.results import write_text
from zincflux.settings import dumps
from zincflux.workflow import Outcome, iter_run

State = Literal["missing", "wrong", "stale", "fresh"]

_NEEDED = {
    "cells": ("movie", "phases", "cells"),
    "calibration": STEPS,
    "results": STEPS,
}
"""The steps whose choices the outcome of a step depends on."""


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


@dataclass(frozen=True, eq=False)
class Found:
    """The cells of one view: the view and its label image (Y, X), and what they were made with."""

    made_with: dict[str, Any]
    view: Image
    labels: Labels

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(np.count_nonzero(np.unique(self.labels)))


@dataclass(frozen=True, eq=False)
class Measured:
    """An analysis, and what it was made with."""

    made_with: dict[str, Any]
    analysis: Analysis


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


class Session:
    """What the dock shows and changes.

    Attributes
    ----------
    choices
        The settings.
    movie
        The movie, or None before one is opened.
    found, measured
        The outcome of the preview and of the run.
    results
        Finished results that were opened; a run takes their place.
    log
        Corrections by hand.
    file
        The experiment file, once it was saved or opened.
    note
        What the user should know of the corrections of what was opened; empty if nothing.
    """

    def __init__(self) -> None:
        self.place: Path | None = None
        self.choices = Choices()
        self.movie: Movie | None = None
        self.found: Found | None = None
        self.measured: Measured | None = None
        self.results: Results | None = None
        self.log = EditLog()
        self.file: Path | None = None
        self.note = ""
        self._results_made_with: tuple[dict[str, Any], EditLog] = ({}, EditLog())

    def take_opened(self, opened: Opened) -> None:
        """Begin anew with what was opened.

        Corrections that were not saved when the movie was last worked on come back.
        """
        self.__init__()  # type: ignore[misc]
        self.place, self.choices = opened.place, opened.choices
        self.movie, self.results = opened.movie, opened.results
        if opened.place.suffix.lower() == ".toml":
            self.file = opened.place
        self.log, self.note = self._stored_log()
        self._results_made_with = self.choices.part(*STEPS), self.log

    def _stored_log(self) -> tuple[EditLog, str]:
        """Read the corrections that belong to what was opened, and say what became of them."""
        named = self.choices.get("edits.path")
        places = [self.autosave, self._own_autosave, Path(named) if named else None]
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

    @property
    def autosave(self) -> Path | None:
        """The file that every correction is kept in; None before a movie is open.

        It is the log that the experiment names, or lies beside the experiment file; where neither
        can be written, it lies in the folder of the user.
        """
        if self.place is None:
            return None
        named = self.choices.get("edits.path")
        if named:
            file = Path(named)
        elif self.file is not None:
            file = self.file.with_suffix(".edits.toml")
        else:
            return self._own_autosave
        return file if can_write(file) else self._own_autosave

    @property
    def _own_autosave(self) -> Path | None:
        """The file for corrections in the folder of the user."""
        place = self.file or self.place
        return None if place is None else autosave_file(place)

    @property
    def time_s(self) -> FloatArray | None:
        """Time of each frame in s, as the movie or the settings say; None where neither does."""
        if self.movie is None:
            return None
        step = self.choices.get("movie.frame_interval_s")
        if step is not None:
            return np.arange(self.movie.n_frames, dtype=np.float64) * np.float64(step)
        return self.movie.time_s

    def phase_at(self, frame: int) -> str:
        """Name the phase of a frame; empty where there is none."""
        time_s = self.time_s
        if time_s is None or self.choices.problem() is not None:
            return ""
        names = names_of_frames(self.choices.experiment().phases, time_s)
        return names[frame] if frame < len(names) else ""

    @property
    def gaps(self) -> tuple[str, ...]:
        """The keys that have to be chosen because the movie does not tell them."""
        if self.movie is None:
            return ()
        size = self.choices.get("movie.pixel_size_um") or self.movie.pixel_size_um
        gaps = [] if size else ["movie.pixel_size_um"]
        if self.time_s is None and self.movie.n_frames > 1:
            gaps.append("movie.frame_interval_s")
        roles = ("signal", "numerator")
        if len(self.movie.channels) > 1 and not any(
            self.choices.get(f"channels.{role}") is not None for role in roles
        ):
            gaps.append("channels.signal")
        return tuple(gaps)

    @property
    def hints(self) -> dict[str, str]:
        """What the movie itself says of settings, in words."""
        movie = self.movie
        if movie is None:
            return {}
        hints = {}
        if movie.pixel_size_um is not None:
            hints["movie.pixel_size_um"] = f"{movie.pixel_size_um:.4g} (file)"
        if movie.time_s is not None and movie.n_frames > 1:
            step = even_step_s(movie.time_s)
            words = "uneven" if step is None else f"{step:.4g}"
            hints["movie.frame_interval_s"] = f"{words} (file)"
        return hints

    def state(self, step: str) -> State:
        """Tell how a step stands: nothing there, a setting wrong, to be run again, or fresh."""
        if self.movie is None and self.results is None:
            return "missing"
        if self.choices.step_of_problem() == step or (step == "movie" and self.gaps):
            return "wrong"
        if step == "movie":
            return "fresh"
        if step == "phases":
            return "fresh" if self.choices.get("phases") else "missing"
        made = self._made_with(step)
        if not made:
            return "missing"
        if self._lags_behind_log:
            return "stale"
        wanted = self.choices.part(*_NEEDED[step])
        return "fresh" if any(_fits(one, wanted, step) for one in made) else "stale"

    def _made_with(self, step: str) -> list[dict[str, Any]]:
        """List the choices that the outcomes of a step were made with."""
        outcomes: list[Found | Measured | None] = [self.measured]
        if step == "cells":
            outcomes.append(self.found)
        made = [one.made_with for one in outcomes if one is not None]
        if self.results is not None:
            made.append(self._results_made_with[0])
        return made

    @property
    def _lags_behind_log(self) -> bool:
        """Whether there are corrections that the run, or the results, do not know of."""
        if self.measured is not None:
            kept = self.measured.analysis.kept
            known = EditLog() if kept is None else kept.found.plan.edits.log
        elif self.results is not None:
            known = self._results_made_with[1]
        else:
            return False
        return bool(known.edits != self.log.edits)

    def preview(self) -> Generator[Progress, None, Found]:
        """Find the cells of one view.

        Raises
        ------
        zincflux.ZincfluxError
            From the generator, if a setting is wrong or the movie cannot be read.
        """
        made_with, experiment = self.choices.part(*STEPS), self._without_edits()

        def steps() -> Generator[Progress, None, Found]:
            movie = _movie_of(experiment)
            view, labels, _ = yield from iter_view(experiment, movie)
            return Found(made_with, view, labels)

        return steps()

    def run(self) -> Generator[Progress, None, Measured]:
        """Analyse the whole movie, with the corrections by hand.

        Raises
        ------
        zincflux.ZincfluxError
            From the generator, if a setting is wrong or the movie cannot be read.
        """
        made_with, experiment, log = self.choices.part(*STEPS), self._without_edits(), self.log

        def steps() -> Generator[Progress, None, Measured]:
            movie = _movie_of(experiment)
            analysis = yield from iter_analyze(experiment, movie=movie, edits=log, keep=True)
            return Measured(made_with, analysis)

        return steps()

    def take_found(self, found: Found) -> None:
        """Take in the outcome of `preview`."""
        self.found = found

    def take_measured(self, measured: Measured) -> None:
        """Take in the outcome of `run`."""
        self.measured, self.results = measured, None

    @property
    def outcome(self) -> Any:
        """Tables, reach and experiment of the run, or of the results that were opened; or None."""
        if self.measured is not None:
            return self.measured.analysis
        if self.results is None:
            return None
        names = ("traces", "cells", "responses", "frames", "suspects", "experiment")
        tables = {name: getattr(self.results, name) for name in names}
        return SimpleNamespace(**tables, reach=None)

    def table(self, name: str) -> pd.DataFrame | None:
        """Give a table of the results by name (traces, cells, responses, frames, suspects)."""
        return None if self.outcome is None else getattr(self.outcome, name)

    def save(self, file: str | os.PathLike[str]) -> Path:
        """Write the experiment file and, beside it, the corrections by hand, which go on there.

        Parameters
        ----------
        file
            Name of the file; ".toml" is added where it does not end with it.

        Raises
        ------
        zincflux.ZincfluxError
            If a setting is wrong or the file cannot be written.
        """
        name = os.fspath(file)
        if not name.lower().endswith(".toml"):
            name += ".toml"
        path = Path(name).resolve()
        self.choices = self._write(path)
        self.file = path
        return path

    def _write(self, path: Path) -> Choices:
        """Write the experiment file and its log; give the choices as they stand there."""
        choices = Choices(self.choices.data)
        choices.data.pop("edits", None)
        log = path.with_suffix(".edits.toml")
        # An older log would come back with the experiment.
        if len(self.log) or log.is_file():
            write_text(log, self.log.dumps())
        if len(self.log):
            choices.set("edits.path", str(log))
        write_text(path, dumps(choices.experiment(), folder=path.parent))
        return choices

    @property
    def is_saved(self) -> bool:
        """Whether the experiment file says just what was chosen and corrected."""
        if self.file is None or not self.file.is_file():
            return False
        try:
            stored = load_experiment(self.file)
            same = Choices.of_experiment(stored).part(*STEPS) == self.choices.part(*STEPS)
            return same and stored.edits.load().edits == self.log.edits
        except zincflux.ZincfluxError:
            return False

    def export(self, out: str | os.PathLike[str]) -> Generator[Progress, None, Outcome]:
        """Write the results folder, as ``zincflux run`` on the saved experiment does.

        The experiment is saved first if it was not, beside the folder and named after it: the file
        that was opened stays as it is.

        Raises
        ------
        zincflux.ZincfluxError
            If a setting is wrong, or something cannot be read or written.
        """
        folder = Path(out).resolve()
        file = self.file
        if file is None or not self.is_saved:
            file = folder.with_name(f"{folder.name}_settings.toml")
            self._write(file)
        return iter_run(file, folder, overwrite=True)

    def _without_edits(self) -> Experiment:
        """Make the experiment; the log is handed over by itself, whether it is saved or not."""
        data = {key: value for key, value in self.choices.data.items() if key != "edits"}
        return Choices(data).experiment()


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


def _movie_of(experiment: Experiment) -> Movie:
    recording, _ = open_recording(experiment)
    assert isinstance(recording, Movie)  # noqa: S101 - the session never makes one of a table
    return recording


def _fits(made_with: dict[str, Any], wanted: dict[str, Any], step: str) -> bool:
    names = set(Choices(made_with).part(*_NEEDED[step])) | set(wanted)
    return all(made_with.get(n) == wanted.get(n) for n in names - {"name", "edits"})
