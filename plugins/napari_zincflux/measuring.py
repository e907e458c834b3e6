"""Long work on a movie, as generators that change nothing; no Qt."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from napari_zincflux.choices import Choices
from napari_zincflux.outcomes import Found, Measured, difference
from zincflux import EditLog, Experiment, Movie, Results
from zincflux.opening import open_recording
from zincflux.pipeline import Progress, iter_analyze, iter_view


def without_edits(choices: Choices) -> Experiment:
    """Make the experiment; the log is handed over by itself, whether it is saved or not.

    Raises
    ------
    zincflux.ZincfluxError
        If a setting is wrong.
    """
    data = {key: value for key, value in choices.data.items() if key != "edits"}
    return Choices(data).experiment()


def find_cells(
    made_with: dict[str, Any], experiment: Experiment
) -> Generator[Progress, None, Found]:
    """Find the cells of one view.

    Parameters
    ----------
    made_with
        The choices that the experiment was made of.
    experiment
        The settings.
    """
    view, labels, _ = yield from iter_view(experiment, _movie_of(experiment))
    return Found(made_with, view, labels)


def measure(
    made_with: dict[str, Any], experiment: Experiment, log: EditLog, earlier: Results | None = None
) -> Generator[Progress, None, Measured]:
    """Analyse a whole movie, so that it can be corrected.

    Parameters
    ----------
    made_with, experiment
        As of `find_cells`.
    log
        Corrections by hand.
    earlier
        Stored results that should come out; what returns says if they do not.
    """
    movie = _movie_of(experiment)
    analysis = yield from iter_analyze(experiment, movie=movie, edits=log, keep=True)
    note = "" if earlier is None else difference(earlier, analysis)
    return Measured(made_with, analysis, note)


def _movie_of(experiment: Experiment) -> Movie:
    recording, _ = open_recording(experiment)
    assert isinstance(recording, Movie)  # noqa: S101 - the session never makes one of a table
    return recording
