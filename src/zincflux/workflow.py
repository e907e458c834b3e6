"""One experiment from its settings to a finished folder of results."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import zincflux
from zincflux.errors import ExperimentError, ReaderError, ZincfluxWarning
from zincflux.experiment import Experiment, load_experiment
from zincflux.movie import Movie
from zincflux.pipeline import Analysis, Progress, iter_analyze
from zincflux.report import render_report
from zincflux.results import hash_inputs, read_run, staging, versions, write_results
from zincflux.settings import dumps


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes
    ----------
    out
        Folder of the results.
    up_to_date
        Whether the folder already held these results, so that nothing was done.
    record
        Content of ``run.json``.
    """

    out: Path
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
    experiment: Experiment | str | Path,
    out: str | Path | None = None,
    *,
    overwrite: bool = False,
    jobs: int | None = None,
) -> Outcome:
    """Run one experiment and write its results.

    Parameters
    ----------
    experiment
        The experiment, or the path of its file.
    out
        Folder for the results; by default the experiment's name, beside its file.
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
    """
    if not isinstance(experiment, Experiment):
        out = out or default_out(Path(experiment))
        experiment = load_experiment(experiment)
    steps = iter_run(experiment, Path(out or experiment.name), overwrite=overwrite, jobs=jobs)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: Outcome = stop.value
            return result


def default_out(path: Path) -> Path:
    """Name the results folder of an experiment file or movie: its own name, beside it."""
    return path.parent / (path.name.partition(".")[0])


def iter_run(
    experiment: Experiment, out: Path, *, overwrite: bool = False, jobs: int | None = None
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
    movie, opened = _open(experiment)
    inputs = _hash_inputs(experiment, movie.source.paths)
    identity = {
        "zincflux": zincflux.__version__,
        "settings": dumps(experiment, folder=out.resolve(), comments=False),
        # Not the paths: moved together, movie and results stay up to date.
        "inputs": sorted(inputs.values()),
    }
    earlier = _earlier_run(out, identity, overwrite=overwrite)
    if earlier is not None:
        return Outcome(out, True, earlier)
    with staging(out) as aside:
        analysis = yield from iter_analyze(experiment, movie=movie, jobs=jobs)
        analysis = replace(
            analysis,
            warnings=(*opened, *analysis.warnings),
            provenance={"versions": versions(), "inputs": inputs},
        )
        record = _record(analysis, identity)
        yield Progress("report", 0, 1)
        write_results(analysis, aside, out, report=render_report(analysis), record=record)
        yield Progress("report", 1, 1)
    return Outcome(out, False, record)


def _open(experiment: Experiment) -> tuple[Movie, tuple[str, ...]]:
    """Open the movie, and keep what was doubtful about it for the record."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ZincfluxWarning)
        movie = experiment.movie.open()
    for item in caught:
        warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
    own = (item for item in caught if issubclass(item.category, ZincfluxWarning))
    return movie, tuple(dict.fromkeys(str(item.message) for item in own))


def _hash_inputs(experiment: Experiment, paths: tuple[Path, ...]) -> dict[str, str]:
    """Hash the movie and every other file that the settings name."""
    named = [
        experiment.camera.dark,
        experiment.flat_field.image,
        experiment.flat_field.dark,
        experiment.segment.labels,
        experiment.calibration.file,
        experiment.indicator if experiment.indicator.endswith(".toml") else None,
    ]
    files = [*paths, *(Path(path) for path in named if path is not None)]
    try:
        return hash_inputs({path.as_posix(): path for path in files})
    except OSError as error:
        raise ReaderError(
            f"{error.filename}: expected a file that can be read, found: {error.strerror}. "
            "Check the path."
        ) from error


def _earlier_run(out: Path, identity: dict[str, Any], *, overwrite: bool) -> dict[str, Any] | None:
    """Give the record of results that are up to date; refuse to replace others unasked."""
    if out.exists() and not out.is_dir():
        raise ExperimentError(f"{out}: expected a folder, found a file. Choose another --out.")
    earlier = read_run(out)
    if earlier is not None and earlier.get("identity") == identity:
        return earlier
    if out.is_dir() and any(out.iterdir()) and not overwrite:
        found = "results made with other settings or inputs" if earlier else "other files"
        raise ExperimentError(
            f"{out}: this folder already holds {found}. Add --overwrite to replace the results in "
            "it, or choose another folder with --out."
        )
    return None


def _record(analysis: Analysis, identity: dict[str, Any]) -> dict[str, Any]:
    return {
        "identity": identity,
        "versions": analysis.provenance["versions"],
        "inputs": analysis.provenance["inputs"],
        "warnings": list(analysis.warnings),
        "counts": analysis.counts,
        "timings_s": analysis.timings_s,
        "peak_memory_mb": _peak_memory_mb(),
    }


def _peak_memory_mb() -> float | None:
    """Give the most memory that the process held, in MB; None on Windows, which does not tell."""
    try:
        import resource
    except ModuleNotFoundError:
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)
