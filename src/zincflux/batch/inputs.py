"""What the rows of a sheet name, opened to see that it is there and says all that is needed."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

from zincflux.batch.cells import PATH, SETTINGS
from zincflux.batch.problems import Problems, column
from zincflux.batch.settings import PATH_KEYS
from zincflux.errors import ZincfluxError, ZincfluxWarning
from zincflux.experiment import Experiment
from zincflux.movie import Movie
from zincflux.opening import files_of, open_recording
from zincflux.pipeline.memory import needed_mb
from zincflux.pipeline.plan import make_plan
from zincflux.readers.zarr_places import is_address

_ON_THE_COMMAND_LINE = " On the command line: --set KEY=VALUE."
_IN_A_SHEET = " Add a column of that name, or set it for all in the common settings."


def check_inputs(
    experiment: Experiment, line: int, cells: Mapping[str, str], where: str, problems: Problems
) -> float | None:
    """Open the movie of a row and look for every other file that its settings name.

    Parameters
    ----------
    experiment
        The settings of the row.
    line, cells
        The row.
    where
        What the common settings came from, as messages say it.
    problems
        Takes what is wrong.

    Returns
    -------
    float
        Memory that a run takes in one thread, MB; 0 for a table. None if anything is wrong.
    """
    absent = list(_absent(experiment))
    for key, file in absent:
        place = column(key) if key in cells else where
        problems.add(line, place, f"{key}: {file}: no such file. Check the path")
    if absent:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ZincfluxWarning)
            recording, _ = open_recording(experiment)
            files_of(experiment, recording)
            if isinstance(recording, Movie):
                make_plan(experiment, recording)
    except ZincfluxError as error:
        text = str(error).replace(_ON_THE_COMMAND_LINE, _IN_A_SHEET)
        key = text.partition(":")[0]
        other = where if key in SETTINGS else column(PATH)
        problems.add(line, column(key) if key in cells else other, text.removesuffix("."))
        return None
    if not isinstance(recording, Movie):
        return 0.0
    follows = experiment.track.mode == "follow"
    network_px = experiment.segment.network_px(recording.pixel_size_um)
    return needed_mb(recording, 1, follows=follows, network_px=network_px)


def _absent(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Find files that settings name and that are not there: key and path."""
    for key in PATH_KEYS:
        value: object = experiment
        for name in key.split("."):
            value = getattr(value, name, None)
        if key == "movie.path" or not isinstance(value, str) or is_address(value):
            continue
        if "{" not in value and not os.path.exists(Path(value)):
            yield key, value
