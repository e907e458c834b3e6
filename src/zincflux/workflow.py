"""One experiment from its settings to a finished folder of results."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import zincflux
from zincflux.errors import ExperimentError, ReaderError, ZincfluxWarning
from zincflux.experiment import (
    Experiment,
    experiment_of_movie,
    is_toml,
    load_experiment,
    title,
)
from zincflux.movie import Movie
from zincflux.pipeline import Analysis, Progress, iter_analyze
from zincflux.readers.axes import KeyNeeded
from zincflux.readers.info import describe_input
from zincflux.report import render_report
from zincflux.results import (
    CALIBRATION_FILE,
    RESULT_FILES,
    iter_hashes,
    peak_memory_mb,
    read_run,
    staging,
    versions,
    write_results,
)
from zincflux.settings import dumps


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes
    ----------
    out
        Folder of the results.
    experiment
        The settings.
    up_to_date
        Whether the folder already held these results, so that nothing was done.
    record
        Content of ``run.json``.
    """

    out: Path
    experiment: Experiment
    up_to_date: bool
    record: dict[str, Any]

    def summary(self) -> dict[str, Any]:
        """Give the keys that scripts rely on."""
        return {
            "out": str(self.out),
            **{key: self.record["counts"][key] for key in _SUMMARY_COUNTS},
            "warnings": self.record["warnings"],
        }


_SUMMARY_COUNTS = ("n_frames", "n_cells", "n_excluded", "n_with_zinc")


def run(
    source: Experiment | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    indicator: str | None = None,
    assignments: Sequence[str] = (),
    overwrite: bool = False,
    jobs: int | None = None,
) -> Outcome:
    """Run one experiment and write its results.

    Parameters
    ----------
    source
        An experiment file, a movie (a file, or a pattern with ``{t}`` and so on), or an experiment.
    out
        Folder for the results; by default the name of the file or movie, beside it.
    indicator
        Name of the indicator, for a movie without an experiment file.
    assignments
        ``KEY=VALUE`` texts that replace settings.
    overwrite
        Whether results that were made with other settings or inputs may be replaced.
    jobs
        Threads; the number of cores if not given. The results do not depend on it.

    Returns
    -------
    Outcome
        The folder and a summary.

    Raises
    ------
    ZincfluxError
        If a setting is wrong, an input cannot be read or the results cannot be written.

    Warns
    -----
    ZincfluxWarning
        For every doubt about the results; they are also kept in ``run.json``.
    """
    steps = iter_run(
        source, out, indicator=indicator, assignments=assignments, overwrite=overwrite, jobs=jobs
    )
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: Outcome = stop.value
            return result


def iter_run(
    source: Experiment | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    indicator: str | None = None,
    assignments: Sequence[str] = (),
    overwrite: bool = False,
    jobs: int | None = None,
) -> Generator[Progress, None, Outcome]:
    """Do what `run` does, step by step, so that the caller can show progress or stop.

    Yields
    ------
    Progress
        After each piece of work.

    Returns
    -------
    Outcome
        As the generator's return value.
    """
    experiment = _experiment(source, indicator, assignments)
    folder = _folder(source, out)
    movie, opened = _open(experiment)
    files = _input_files(experiment, movie)
    inputs = yield from iter_hashes(files)
    identity = {
        "zincflux": zincflux.__version__,
        "settings": dumps(experiment, folder=folder.resolve(), comments=False),
        # Not the paths: moved together, movie and results stay up to date.
        "inputs": sorted(inputs.values()),
    }
    earlier = _earlier_run(folder, identity, overwrite=overwrite)
    if earlier is not None:
        return Outcome(folder, experiment, True, earlier)
    _keep_inputs(folder, files, source)
    with staging(folder) as aside:
        analysis = yield from iter_analyze(experiment, movie=movie, jobs=jobs)
        analysis = replace(
            analysis,
            warnings=tuple(dict.fromkeys((*opened, *analysis.warnings))),
            provenance={"versions": versions(), "inputs": inputs},
        )
        record = _record(analysis, identity)
        yield Progress("report", 0, 1)
        write_results(analysis, aside, folder, report=render_report(analysis), record=record)
        yield Progress("report", 1, 1)
    return Outcome(folder, experiment, False, record)


def _experiment(
    source: Experiment | str | os.PathLike[str],
    indicator: str | None,
    assignments: Sequence[str],
) -> Experiment:
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


def _folder(
    source: Experiment | str | os.PathLike[str], out: str | os.PathLike[str] | None
) -> Path:
    if out is not None:
        return Path(out)
    if isinstance(source, Experiment):
        raise ExperimentError(
            "out: expected a folder for the results; an experiment that is not a file has no "
            "place of its own. Give out."
        )
    return default_out(source)


def default_out(source: str | os.PathLike[str]) -> Path:
    """Name the results folder of an experiment file or movie: its own name, beside it.

    Examples
    --------
    >>> default_out("dishes/dish1.toml").as_posix()
    'dishes/dish1'
    >>> default_out("dishes/T{t}/{c}.tif").as_posix()
    'dishes/movie'
    """
    path = Path(source)
    beside = next((parent for parent in path.parents if "{" not in str(parent)), Path())
    folder = beside / (path.stem if is_toml(path) else title(path))
    return beside / f"{path.name}_results" if folder == path else folder


def _open(experiment: Experiment) -> tuple[Movie, tuple[str, ...]]:
    """Open the movie, and keep what was doubtful about it for the record."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ZincfluxWarning)
        try:
            movie = experiment.movie.open()
        except KeyNeeded as error:
            raise ExperimentError(_name_missing(experiment, error)) from None
        if movie.pixel_size_um is None or (movie.time_s is None and movie.n_frames > 1):
            raise ExperimentError(_name_missing(experiment, None))
    own = [item for item in caught if issubclass(item.category, ZincfluxWarning)]
    for item in caught:
        warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
    return movie, tuple(dict.fromkeys(str(item.message) for item in own))


def _name_missing(experiment: Experiment, first: KeyNeeded | None) -> str:
    """Name at once everything that a movie does not say, and the keys that supply it."""
    found = describe_input(experiment.movie)
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


def _input_files(experiment: Experiment, movie: Movie) -> list[Path]:
    """List the movie's files and every other file that the settings name."""
    named = [
        experiment.camera.dark,
        experiment.flat_field.image,
        experiment.flat_field.dark,
        experiment.segment.labels,
        experiment.calibration.file,
        experiment.indicator if is_toml(experiment.indicator) else None,
    ]
    files = [*movie.source.paths, *(Path(path) for path in named if path is not None)]
    for file in files:
        try:
            str(file).encode("utf-8")
        except UnicodeEncodeError:
            raise ReaderError(
                f"{file}: this path holds bytes that are no text, so that the results could not "
                "name it. Rename the file or its folder."
            ) from None
    return files


def _earlier_run(out: Path, identity: dict[str, Any], *, overwrite: bool) -> dict[str, Any] | None:
    """Give the record of results that are up to date; refuse to replace others unasked."""
    if out.exists() and not out.is_dir():
        raise ExperimentError(f"{out}: expected a folder, found a file. Choose another --out.")
    earlier = read_run(out)
    is_whole = all((out / name).exists() for name in RESULT_FILES)
    if earlier is not None and earlier.get("identity") == identity and is_whole:
        return earlier
    if out.is_dir() and any(out.iterdir()) and not overwrite:
        raise ExperimentError(
            f"{out}: this folder already holds {_what_is_there(earlier, identity)}. Add "
            "--overwrite to replace the results in it, or choose another folder with --out."
        )
    return None


def _what_is_there(earlier: dict[str, Any] | None, identity: dict[str, Any]) -> str:
    if earlier is None:
        return "other files"
    before = earlier.get("identity", {})
    names = {"zincflux": "version of zincflux", "settings": "settings", "inputs": "inputs"}
    changed = [name for key, name in names.items() if before.get(key) != identity[key]]
    return f"results made with other {' and '.join(changed)}" if changed else "incomplete results"


def _keep_inputs(out: Path, files: Sequence[Path], source: object) -> None:
    """Refuse to write results over a file that they are made from."""
    place = out.resolve()
    inputs = [*files]
    # The settings in a folder of results may be run again in place: they are written as they are.
    if isinstance(source, str | os.PathLike) and read_run(out) is None:
        inputs.append(Path(source))
    for file in inputs:
        if file.resolve().parent == place and file.name in (*RESULT_FILES, CALIBRATION_FILE):
            raise ExperimentError(
                f"{out}: the results would replace {file.name}, which they are made from. "
                "Choose a folder of their own with --out."
            )


def _record(analysis: Analysis, identity: dict[str, Any]) -> dict[str, Any]:
    return {
        "identity": identity,
        "versions": analysis.provenance["versions"],
        "inputs": analysis.provenance["inputs"],
        "warnings": list(analysis.warnings),
        "counts": analysis.counts,
        "reach": None if analysis.reach is None else analysis.reach.summary(),
        "timings_s": analysis.timings_s,
        "peak_memory_mb": peak_memory_mb(),
    }
