"""A whole batch: from a sheet to one folder per movie and the tables of the study."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Sequence
from pathlib import Path

from zincflux.batch.cluster import iter_cluster
from zincflux.batch.kept import iter_kept
from zincflux.batch.places import LocalPlace, Place, RemotePlace
from zincflux.batch.plan import BatchOutcome, BatchProgress, MovieOutcome, Sheet
from zincflux.batch.processes import News, iter_processes
from zincflux.batch.resources import Share, share
from zincflux.batch.sheet import iter_sheet
from zincflux.batch.studies import iter_study
from zincflux.batch.worker import Job, make_job
from zincflux.errors import ExperimentError
from zincflux.readers.zarr_places import is_address
from zincflux.results import LABELS_FORMATS, need_zarr
from zincflux.steps import complete

Path_ = str | os.PathLike[str]


def run_batch(  # noqa: PLR0913 - the options of the command
    sheet: Path_ | Sheet,
    out: Path_,
    *,
    settings: Path_ | None = None,
    assignments: Sequence[str] = (),
    jobs: int | None = None,
    max_memory: str | None = None,
    labels_format: str = "tiff",
    scheduler: str | None = None,
    overwrite: bool = False,
) -> BatchOutcome:
    """Run all movies of a sheet, each into a folder of its own, and compare them.

    Movies whose results are up to date are left as they are, so that a batch that was stopped at
    any moment goes on where it was. A movie that fails does not stop the others.

    Parameters
    ----------
    sheet
        CSV, TSV or XLSX with one row per movie, or what `read_sheet` has made of it.
    out
        Folder of the results, or an address that fsspec opens.
    settings
        An experiment file without ``movie.path``: what all movies have in common. It may hold
        ``[study]``.
    assignments
        ``KEY=VALUE`` texts that replace keys of it.
    jobs
        Movies at a time, each in a process of its own; as many as there are cores, and as memory
        allows, if not given. The results do not depend on it.
    max_memory
        Memory that all processes together should stay within, such as ``"16GB"``; of a cluster,
        each worker.
    labels_format
        ``"tiff"`` for labels as OME-TIFF, ``"zarr"`` for OME-Zarr.
    scheduler
        Address of the scheduler of a Dask cluster that runs the movies.
    overwrite
        Whether results in ``out`` that no batch has made may be replaced.

    Returns
    -------
    BatchOutcome
        What became of every movie, and what they give together.

    Raises
    ------
    ExperimentError
        If anything about the sheet or the options is wrong; then nothing was run.
    ResultsError
        If the files of the study cannot be written.
    """
    steps = iter_batch(
        sheet,
        out,
        settings=settings,
        assignments=assignments,
        jobs=jobs,
        max_memory=max_memory,
        labels_format=labels_format,
        scheduler=scheduler,
        overwrite=overwrite,
    )
    return complete(steps)


def iter_batch(  # noqa: PLR0913 - as run_batch
    sheet: Path_ | Sheet,
    out: Path_,
    *,
    settings: Path_ | None = None,
    assignments: Sequence[str] = (),
    jobs: int | None = None,
    max_memory: str | None = None,
    labels_format: str = "tiff",
    scheduler: str | None = None,
    overwrite: bool = False,
) -> Generator[BatchProgress, None, BatchOutcome]:
    """Do what `run_batch` does, step by step, so that the caller can show progress or stop.

    Yields
    ------
    BatchProgress
        After each piece of work. When the generator is closed, all processes end within two
        seconds, and what is there is complete.

    Returns
    -------
    BatchOutcome
        As the generator's return value.
    """
    _check_options(labels_format, jobs, scheduler)
    if not isinstance(sheet, Sheet):
        sheet = yield from iter_sheet(sheet, settings, assignments)
    elif settings is not None or assignments:
        raise ExperimentError(
            "batch: a sheet that was read is complete; settings and assignments belong to its "
            "reading. Give them to read_sheet."
        )
    resources = share(sheet, jobs, max_memory, is_remote=scheduler is not None)
    if is_address(out):
        place: Place = RemotePlace(str(out))
    else:
        place = LocalPlace(Path(out).absolute())
    with place.open(sheet, overwrite=overwrite):
        todo = [
            make_job(
                row.settings,
                place.of(row),
                threads=resources.threads,
                max_memory_mb=resources.memory_mb,
                labels_format=labels_format,
            )
            for row in sheet.rows
        ]
        news = _news(todo, resources, scheduler)
        outcomes = yield from _follow(sheet, place, news)
        study = yield from iter_study(sheet, place, outcomes)
    return BatchOutcome(str(out), outcomes, study)


def _check_options(labels_format: str, jobs: int | None, scheduler: str | None) -> None:
    if labels_format not in LABELS_FORMATS:
        raise ExperimentError(
            f"--labels-format: expected {' or '.join(LABELS_FORMATS)}, found {labels_format!r}. "
            "Choose one of these."
        )
    if labels_format == "zarr":
        need_zarr()
    if jobs is not None and jobs < 1:
        raise ExperimentError(f"--jobs: expected 1 or more, found {jobs}. Correct it.")
    if jobs is not None and scheduler is not None:
        raise ExperimentError(
            "--jobs has no effect with --scheduler: every worker of the cluster runs one movie at "
            "a time. Leave it out."
        )


def _news(
    todo: Sequence[Job], resources: Share, scheduler: str | None
) -> Generator[News, None, None]:
    """Run jobs where they are to run; what is up to date needs no process."""
    if scheduler is not None:
        yield from iter_cluster(todo, scheduler)
        return
    left = yield from iter_kept(todo)
    rest = iter_processes(
        [todo[number] for number in left], resources.jobs, threads=resources.threads
    )
    with contextlib.closing(rest):
        for one in rest:
            yield one._replace(job=left[one.job])


def _follow(
    sheet: Sheet, place: Place, news: Generator[News, None, None]
) -> Generator[BatchProgress, None, tuple[MovieOutcome, ...]]:
    """Pass on what the jobs tell; give what became of each, in the order of the sheet."""
    ends: dict[int, MovieOutcome] = {}
    n = len(sheet.rows)
    with contextlib.closing(news):
        for one in news:
            row = sheet.rows[one.job]
            stage = one.stage
            if one.outcome is not None:
                stage = one.outcome["status"]
                ends[one.job] = MovieOutcome(row=row, folder=place.of(row), **one.outcome)
            yield BatchProgress(row.sample, stage, one.done, one.total, len(ends), n)
    return tuple(ends[job] for job in range(n))
