"""One experiment from its settings to a finished folder of results."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import zincflux
from zincflux.correct.control import record_hashes
from zincflux.errors import ExperimentError
from zincflux.experiment import Experiment, experiment_of_table
from zincflux.movie import Movie
from zincflux.opening import (
    Source,
    addresses_of,
    default_out,
    files_of,
    open_recording,
    resolve_experiment,
)
from zincflux.pipeline import Analysis, Progress, iter_analyze, jobs_within, parse_memory
from zincflux.report import render_report
from zincflux.results import (
    CALIBRATION_FILE,
    LABELS_FILE,
    LABELS_FORMATS,
    OVERVIEW_FILE,
    RESULT_FILES,
    Hashing,
    need_zarr,
    peak_memory_mb,
    read_run,
    staging,
    versions,
    write_results,
)
from zincflux.settings import dumps
from zincflux.steps import complete
from zincflux.trace_tables import TraceTable


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
            **{key: self.record["counts"].get(key, 0) for key in _SUMMARY_COUNTS},
            "warnings": self.record["warnings"],
            **({"mapping": self.record["mapping"]} if self.record["mapping"] else {}),
        }


_SUMMARY_COUNTS = (
    "n_frames",
    "n_cells",
    "n_excluded",
    "n_with_zinc",
    "n_suspects",
    "n_suspects_accepted",
)


def run(  # noqa: PLR0913 - the options of the command
    source: Source,
    out: str | os.PathLike[str] | None = None,
    *,
    indicator: str | None = None,
    assignments: Sequence[str] = (),
    overwrite: bool = False,
    jobs: int | None = None,
    max_memory: str | None = None,
    labels_format: str = "tiff",
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
    max_memory
        Memory that the run should stay within, such as ``"4GB"``: fewer threads are used where it
        would take more.
    labels_format
        ``"tiff"`` for labels as OME-TIFF, ``"zarr"`` for OME-Zarr.

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
        source,
        out,
        indicator=indicator,
        assignments=assignments,
        overwrite=overwrite,
        jobs=jobs,
        max_memory=max_memory,
        labels_format=labels_format,
    )
    return complete(steps)


def iter_run(  # noqa: PLR0913 - as run
    source: Source,
    out: str | os.PathLike[str] | None = None,
    *,
    indicator: str | None = None,
    assignments: Sequence[str] = (),
    overwrite: bool = False,
    jobs: int | None = None,
    max_memory: str | None = None,
    labels_format: str = "tiff",
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
    experiment = resolve_experiment(source, indicator, assignments)
    labels_file = _labels_file(experiment, labels_format)
    folder = _folder(source, out)
    recording, opened = open_recording(experiment)
    jobs = _threads(experiment, recording, jobs, max_memory)
    files = files_of(experiment, recording)
    with Hashing([*files, *addresses_of(experiment)]) as hashing:
        if folder.exists():
            inputs = yield from hashing.wait()
            identity = _identity(experiment, folder, inputs, labels_format)
            earlier = _earlier_run(folder, identity, overwrite=overwrite, labels_file=labels_file)
            if earlier is not None:
                return Outcome(folder, experiment, True, earlier)
        _keep_inputs(folder, files, source)
        with staging(folder) as aside:
            analysis = yield from _analyze(experiment, recording, jobs)
            inputs = yield from hashing.wait()
            analysis = replace(
                analysis,
                warnings=tuple(dict.fromkeys((*opened, *analysis.warnings))),
                provenance={"versions": versions(), "inputs": inputs},
            )
            record = _record(analysis, _identity(experiment, folder, inputs, labels_format))
            yield Progress("report", 0, 1)
            write_results(
                analysis,
                aside,
                folder,
                report=render_report(analysis, folder),
                record=record,
                labels_format=labels_format,
            )
            yield Progress("report", 1, 1)
    return Outcome(folder, experiment, False, record)


def _threads(
    experiment: Experiment, recording: Movie | TraceTable, jobs: int | None, max_memory: str | None
) -> int | None:
    """Give the number of threads, fewer where memory is bounded."""
    if max_memory is None:
        return jobs
    if not isinstance(recording, Movie):
        raise ExperimentError(
            "--max-memory has no effect on a table, which is read as a whole. Leave it out."
        )
    follows = experiment.track.mode == "follow"
    network_px = experiment.segment.network_px(recording.pixel_size_um)
    most_mb = parse_memory(max_memory)
    return jobs_within(most_mb, recording, follows=follows, network_px=network_px, jobs=jobs)


def _labels_file(experiment: Experiment, labels_format: str) -> str | None:
    """Name the file of the labels; check that the format is known and can be written."""
    if labels_format not in LABELS_FORMATS:
        raise ExperimentError(
            f"--labels-format: expected {' or '.join(LABELS_FORMATS)}, found {labels_format!r}. "
            "Choose one of these."
        )
    if experiment.movie is None:
        if labels_format != "tiff":
            raise ExperimentError(
                "--labels-format has no effect on a table, which has no labels. Leave it out."
            )
        return None
    if labels_format == "zarr":
        need_zarr()
    return LABELS_FORMATS[labels_format]


def _identity(
    experiment: Experiment, folder: Path, inputs: dict[str, str], labels_format: str
) -> dict[str, Any]:
    """Give what results depend on: those with the same identity are the same."""
    # Results of earlier versions, which knew one format only, stay up to date.
    form = {} if labels_format == "tiff" else {"labels_format": labels_format}
    return form | {
        "zincflux": zincflux.__version__,
        "settings": dumps(experiment, folder=folder.resolve(), comments=False),
        # Not the paths: moved together, movie and results stay up to date.
        "inputs": [*inputs.values(), *record_hashes(experiment.bleaching)],
    }


def convert(
    table: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    indicator: str = "none",
    mapping: Sequence[str] = (),
    assignments: Sequence[str] = (),
    overwrite: bool = False,
) -> Outcome:
    """Convert traces that another program has measured to zinc and flux, and write the results.

    Parameters
    ----------
    table
        A table of traces: CSV, TSV, XLSX or Parquet.
    out
        Folder for the results; by default the name of the table, beside it.
    indicator
        Name of the indicator; without one, F/F0 only.
    mapping
        ``ROLE=COLUMN`` texts: which column plays which role, where the header does not tell.
    assignments
        ``KEY=VALUE`` texts that replace settings.
    overwrite
        Whether results that were made with other settings or inputs may be replaced.

    Returns
    -------
    Outcome
        The folder and a summary.

    Raises
    ------
    ZincfluxError
        If a setting is wrong, the table cannot be read, or its columns are ambiguous.
    """
    experiment = experiment_of_table(
        table, indicator=indicator, mapping=mapping, assignments=assignments
    )
    return run(experiment, default_out(table) if out is None else out, overwrite=overwrite)


def _folder(source: Source, out: str | os.PathLike[str] | None) -> Path:
    if out is not None:
        return Path(out)
    if isinstance(source, Experiment):
        raise ExperimentError(
            "out: expected a folder for the results; an experiment that is not a file has no "
            "place of its own. Give out."
        )
    return default_out(source)


def _analyze(
    experiment: Experiment, recording: Movie | TraceTable, jobs: int | None
) -> Generator[Progress, None, Analysis]:
    if isinstance(recording, Movie):
        return (yield from iter_analyze(experiment, movie=recording, jobs=jobs))
    return (yield from iter_analyze(experiment, table=recording))


def _earlier_run(
    out: Path, identity: dict[str, Any], *, overwrite: bool, labels_file: str | None
) -> dict[str, Any] | None:
    """Give the record of results that are up to date; refuse to replace others unasked."""
    if out.exists() and not out.is_dir():
        raise ExperimentError(f"{out}: expected a folder, found a file. Choose another --out.")
    earlier = read_run(out)
    needed = [name for name in RESULT_FILES if name not in (LABELS_FILE, OVERVIEW_FILE)]
    needed += [] if labels_file is None else [labels_file]
    is_whole = all((out / name).exists() for name in needed)
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
    names["labels_format"] = "format of the labels"
    changed = [name for key, name in names.items() if before.get(key) != identity.get(key)]
    return f"results made with other {' and '.join(changed)}" if changed else "incomplete results"


def _keep_inputs(out: Path, files: Sequence[Path], source: object) -> None:
    """Refuse to write results over a file that they are made from."""
    place = out.resolve()
    inputs = [*files]
    # The settings in a folder of results may be run again in place: they are written as they are.
    if isinstance(source, str | os.PathLike) and read_run(out) is None:
        inputs.append(Path(source))
    own = [place / name for name in (*RESULT_FILES, *LABELS_FORMATS.values(), CALIBRATION_FILE)]
    for file in inputs:
        # The labels may be a folder, whose files are the inputs.
        taken = next((name for name in own if file.resolve().is_relative_to(name)), None)
        if taken is not None:
            raise ExperimentError(
                f"{out}: the results would replace {taken.name}, which they are made from. "
                "Choose a folder of their own with --out."
            )


def _record(analysis: Analysis, identity: dict[str, Any]) -> dict[str, Any]:
    return {
        "identity": identity,
        "versions": analysis.provenance["versions"],
        "inputs": analysis.provenance["inputs"],
        "warnings": list(analysis.warnings),
        "mapping": list(analysis.mapping),
        "gate": None if analysis.gated is None else analysis.gated.summary(),
        "edits": analysis.edits.summary(),
        "counts": analysis.counts,
        "channels": list(analysis.channels),
        "pixel_size_um": analysis.pixel_size_um,
        "reach": None if analysis.reach is None else analysis.reach.summary(),
        "view": analysis.view,
        "background": analysis.corrections.get("background"),
        "bleaching": analysis.corrections.get("bleaching"),
        "timings_s": analysis.timings_s,
        "peak_memory_mb": peak_memory_mb(),
    }
