"""Session: one movie, what was chosen for it and what came of it. No Qt, no napari.

Long work is given as a generator, to be driven by whoever has a thread for it; it is made from the
settings as they are when it is asked for, and changes nothing until its outcome is taken in.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from napari_zincflux.choices import STEPS, Choices
from napari_zincflux.log_file import LogFile
from napari_zincflux.measuring import find_cells, measure, without_edits
from napari_zincflux.movie_facts import gaps_of, times_s
from napari_zincflux.opened import Opened, log_of_results, obstacle_to_correcting, stored_log
from napari_zincflux.outcomes import Found, Measured, State, fits
from napari_zincflux.places import autosave_file, can_write
from napari_zincflux.saving import says_the_same, toml_path, write_experiment
from zincflux import EditLog, Movie, Results
from zincflux.movie import FloatArray
from zincflux.phases import names_of_frames
from zincflux.pipeline import Progress
from zincflux.workflow import Outcome, iter_run


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
        self._results_made_with: dict[str, Any] = {}
        self._results_log: EditLog | None = None
        self._log_file: LogFile | None = None

    def take_opened(self, opened: Opened) -> None:
        """Begin anew with what was opened.

        Corrections that were not saved when the movie was last worked on come back.
        """
        self.__init__()  # type: ignore[misc]
        self.place, self.choices = opened.place, opened.choices
        self.movie, self.results = opened.movie, opened.results
        if opened.place.suffix.lower() == ".toml":
            self.file = opened.place
        named = self.choices.get("edits.path")
        places = [self.autosave, self._own_autosave, Path(named) if named else None]
        self.log, self.note = stored_log(places, named)
        self._log_file = None if self.autosave is None else LogFile(self.autosave)
        self._results_made_with = self.choices.part(*STEPS)
        if self.results is not None:
            self._results_log = log_of_results(self.results)

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
    def log_file(self) -> LogFile | None:
        """The file of `autosave`, known as it was when it was last read or written here."""
        place = self.autosave
        if place is None:
            return None
        if self._log_file is None or self._log_file.path != place:
            self._log_file = LogFile(place)
        return self._log_file

    @property
    def _own_autosave(self) -> Path | None:
        """The file for corrections in the folder of the user."""
        place = self.file or self.place
        return None if place is None else autosave_file(place)

    @property
    def time_s(self) -> FloatArray | None:
        """Time of each frame in s, as the movie or the settings say; None where neither does."""
        return times_s(self.movie, self.choices)

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
        return gaps_of(self.movie, self.choices)

    @property
    def can_run(self) -> bool:
        """Whether there is a movie, and settings for it that are whole and right."""
        return self.movie is not None and not self.gaps and self.choices.problem() is None

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
        return "fresh" if any(fits(one, self.choices, step) for one in made) else "stale"

    def _made_with(self, step: str) -> list[dict[str, Any]]:
        """List the choices that the outcomes of a step were made with."""
        outcomes: list[Found | Measured | None] = [self.measured]
        if step == "cells":
            outcomes.append(self.found)
        made = [one.made_with for one in outcomes if one is not None]
        if self.results is not None:
            made.append(self._results_made_with)
        return made

    @property
    def _lags_behind_log(self) -> bool:
        """Whether there are corrections that the run, or the results, do not know of."""
        known: EditLog | None
        if self.measured is not None:
            kept = self.measured.analysis.kept
            known = EditLog() if kept is None else kept.found.plan.edits.log
        elif self.results is not None:
            known = self._results_log
        else:
            return False
        return known is None or bool(known.edits != self.log.edits)

    def preview(self) -> Generator[Progress, None, Found]:
        """Find the cells of one view.

        Raises
        ------
        zincflux.ZincfluxError
            From the generator, if a setting is wrong or the movie cannot be read.
        """
        return find_cells(self.choices.part(*STEPS), without_edits(self.choices))

    def run(self) -> Generator[Progress, None, Measured]:
        """Analyse the whole movie, with the corrections by hand.

        Raises
        ------
        zincflux.ZincfluxError
            From the generator, if a setting is wrong or the movie cannot be read.
        """
        return measure(self.choices.part(*STEPS), without_edits(self.choices), self.log)

    @property
    def obstacle(self) -> str:
        """What stands against correcting results that were opened; empty where nothing does."""
        return "" if self.results is None else obstacle_to_correcting(self.results, self.movie)

    def remake(self) -> Generator[Progress, None, Measured]:
        """Measure the movie of opened results with their settings, so that they can be corrected.

        The corrections by hand are those of the session, whether the results know them or not.
        What returns says so where the numbers are not those that were stored.

        Raises
        ------
        ValueError
            If no results are open that can be corrected.
        zincflux.ZincfluxError
            From the generator, if the movie cannot be read any more.
        """
        results = self.results
        if results is None or self.obstacle:
            raise ValueError("remake: expected opened results with their movie, found none.")
        experiment = without_edits(Choices.of_experiment(results.experiment))
        same = self._results_log is not None and self._results_log.edits == self.log.edits
        return measure(
            self._results_made_with, experiment, self.log, earlier=results if same else None
        )

    def take_found(self, found: Found) -> None:
        """Take in the outcome of `preview`."""
        self.found = found

    def take_measured(self, measured: Measured) -> None:
        """Take in the outcome of `run`."""
        self.measured, self.results = measured, None

    @property
    def finished(self) -> Any:
        """The analysis, or the results that were opened; None where there is neither."""
        return self.results if self.measured is None else self.measured.analysis

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
        path = toml_path(file)
        self.choices = write_experiment(self.choices, self.log, path)
        self.file, self._log_file = path, None
        return path

    @property
    def is_saved(self) -> bool:
        """Whether the experiment file says just what was chosen and corrected."""
        return says_the_same(self.file, self.choices, self.log)

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
            write_experiment(self.choices, self.log, file)
        return iter_run(file, folder, overwrite=True)
