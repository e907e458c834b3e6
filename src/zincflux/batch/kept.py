"""Jobs whose results are up to date: found without starting a process."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from zincflux import __version__
from zincflux.batch.processes import News
from zincflux.batch.worker import Job
from zincflux.errors import ZincfluxError
from zincflux.experiment import Experiment
from zincflux.readers.zarr_places import is_address
from zincflux.results import read_run
from zincflux.settings import dumps
from zincflux.workflow import iter_run

MOST_BYTES = 2e9
"""Inputs that are hashed here, in one thread; beyond it processes do that side by side."""

_CHECKING = "check inputs (MB)"


def iter_kept(jobs: Sequence[Job]) -> Generator[News, None, list[int]]:
    """Pass over the jobs that are up to date.

    Parameters
    ----------
    jobs
        All jobs.

    Yields
    ------
    News
        The ends of those that are.

    Returns
    -------
    list
        The numbers of the others, as the generator's return value.
    """
    left, n_bytes = [], 0.0
    for number, job in enumerate(jobs):
        may_be_kept = _may_be_kept(job)
        n_bytes += _size(job) if may_be_kept else 0
        if may_be_kept and n_bytes <= MOST_BYTES and _is_kept(job):
            end = {"status": "up to date", "reason": "", "seconds": 0.0}
            yield News(number, "", 1, 1, end)
        else:
            left.append(number)
    return left


def _experiment(job: Job) -> Experiment:
    return Experiment.parse(job["experiment"], where=job["out"], folder=Path.cwd())


def _may_be_kept(job: Job) -> bool:
    """Whether the settings are those of the results; says nothing about the inputs."""
    if is_address(job["out"]):
        return False
    folder = Path(job["out"])
    record: Any = (read_run(folder) or {}).get("identity")
    if not isinstance(record, dict) or record.get("zincflux") != __version__:
        return False
    text = dumps(_experiment(job), folder=folder.resolve(), comments=False)
    return bool(record.get("settings") == text)


def _size(job: Job) -> float:
    """Give the bytes of the movie; those of a folder count as too many."""
    path = (job["experiment"].get("movie") or job["experiment"]["table"])["path"]
    files = [Path(one) for one in ([path] if isinstance(path, str) else path)]
    return sum(file.stat().st_size if file.is_file() else MOST_BYTES for file in files)


def _is_kept(job: Job) -> bool:
    """Start the run, and give up as soon as it does more than to compare inputs."""
    steps = iter_run(
        _experiment(job), job["out"], overwrite=True, labels_format=job["labels_format"]
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            while next(steps).stage == _CHECKING:
                continue
    except StopIteration as stop:
        return bool(stop.value.up_to_date)
    except ZincfluxError:  # told by the process that runs it
        return False
    finally:
        steps.close()
    return False
