"""What is run: from a source that the user names to an experiment with its movie or table."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from zincflux.errors import ExperimentError, ReaderError, ZincfluxWarning
from zincflux.experiment import (
    Experiment,
    experiment_of_movie,
    is_toml,
    load_experiment,
    title,
)
from zincflux.movie import Movie
from zincflux.pipeline import read_table
from zincflux.pipeline.corrections import files_of_other_dishes
from zincflux.readers import MovieInput, input_files
from zincflux.readers.axes import KeyNeeded
from zincflux.readers.info import describe_input
from zincflux.readers.zarr_places import is_address
from zincflux.trace_tables import TraceTable

Source = Experiment | str | os.PathLike[str]
"""An experiment, its file, or a movie."""


def resolve_experiment(
    source: Source, indicator: str | None, assignments: Sequence[str]
) -> Experiment:
    """Make the experiment that a source stands for.

    Raises
    ------
    ExperimentError
        If a setting is wrong, or does not belong to such a source.
    """
    if isinstance(source, Experiment):
        if indicator is not None or assignments:
            raise ExperimentError(
                "run: an experiment is complete; indicator and assignments belong to a file or a "
                "movie. Change the experiment itself."
            )
        return source
    if not is_toml(source):
        return experiment_of_movie(source, indicator=indicator or "none", assignments=assignments)
    if indicator is not None:
        raise ExperimentError(
            "--indicator belongs to a movie; an experiment file names its own. "
            f"Use --set indicator={indicator}"
        )
    return load_experiment(source, assignments)


def default_out(source: str | os.PathLike[str]) -> Path:
    """Name the results folder of an experiment file or movie: its own name, beside it.

    Beside an address there is no place: the folder lies in the working folder.

    Examples
    --------
    >>> default_out("dishes/dish1.toml").as_posix()
    'dishes/dish1'
    >>> default_out("dishes/T{t}/{c}.tif").as_posix()
    'dishes/movie'
    >>> default_out("s3://lab/dish1.ome.zarr").as_posix()
    'dish1'
    """
    if is_address(source):
        return Path(title(str(source).rstrip("/")))
    path = Path(source)
    beside = next((parent for parent in path.parents if "{" not in str(parent)), Path())
    folder = beside / (path.stem if is_toml(path) else title(path))
    return beside / f"{path.name}_results" if folder == path else folder


def open_recording(experiment: Experiment) -> tuple[Movie | TraceTable, tuple[str, ...]]:
    """Open the movie or table of an experiment, and tell what is doubtful about it.

    Raises
    ------
    ExperimentError
        If the file does not say all that is needed; the message names every key that is missing.
    ReaderError
        If it cannot be read.
    """
    recording: Movie | TraceTable
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ZincfluxWarning)
        if experiment.movie is None:
            recording = read_table(experiment)
        else:
            recording = _open_movie(experiment.movie)
    own = [item for item in caught if issubclass(item.category, ZincfluxWarning)]
    for item in caught:
        warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
    return recording, tuple(dict.fromkeys(str(item.message) for item in own))


def _open_movie(source: MovieInput) -> Movie:
    try:
        movie = source.open()
    except KeyNeeded as error:
        raise ExperimentError(_name_missing(source, error)) from None
    if movie.pixel_size_um is None or (movie.time_s is None and movie.n_frames > 1):
        raise ExperimentError(_name_missing(source, None))
    return movie


def _name_missing(source: MovieInput, first: KeyNeeded | None) -> str:
    """Name at once everything that a movie does not say, and the keys that supply it."""
    found = describe_input(source)
    rest = [
        f"{item['key']} ({item['what']})"
        for item in found["missing"]
        if first is None or item["key"] != first.key
    ]
    if first is not None:
        also = f" Set as well: {', '.join(rest)}." if rest else ""
    else:
        path = found["path"] if isinstance(found["path"], str) else found["path"][0]
        also = f"{path}: the file does not say all that is needed. Set {', '.join(rest)}."
    return f"{first or ''}{also} On the command line: --set KEY=VALUE."


def addresses_of(experiment: Experiment) -> list[str]:
    """List the addresses that a movie is read from over a network: there are no files of them."""
    path = () if experiment.movie is None else experiment.movie.path
    return [one for one in ((path,) if isinstance(path, str) else path) if is_address(one)]


def files_of(experiment: Experiment, recording: Movie | TraceTable) -> list[Path]:
    """List the files of the movie or table and every other file that the settings name.

    Raises
    ------
    ReaderError
        If a path holds bytes that are no text.
    """
    named = [
        None if experiment.table is None else experiment.table.path,
        experiment.camera.dark,
        experiment.flat_field.image,
        experiment.flat_field.dark,
        experiment.calibration.file,
        experiment.edits.path,
        experiment.segment.model if experiment.segment.method == "learned" else None,
        experiment.indicator if is_toml(experiment.indicator) else None,
    ]
    own = recording.source.paths if isinstance(recording, Movie) else ()
    of_several = [experiment.segment.labels, experiment.track.file]
    files = [
        *own,
        *(Path(path) for path in named if path is not None),
        *(file for path in of_several if path is not None for file in input_files(path)),
        *files_of_other_dishes(experiment),
    ]
    for file in files:
        try:
            str(file).encode("utf-8")
        except UnicodeEncodeError:
            raise ReaderError(
                f"{file}: this path holds bytes that are no text, so that the results could not "
                "name it. Rename the file or its folder."
            ) from None
    return files
