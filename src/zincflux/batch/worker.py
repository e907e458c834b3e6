"""The process that runs movies for a batch: jobs come in as lines of JSON, news goes out so."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any, TextIO

from zincflux.batch.remote import iter_remote_run
from zincflux.errors import ZincfluxError
from zincflux.experiment import Experiment
from zincflux.pipeline import Progress
from zincflux.readers.zarr_places import is_address
from zincflux.workflow import iter_run

Job = dict[str, Any]
"""What `make_job` makes: plain data, for any process or computer."""

STOP = "stop"
GONE = 1


def make_job(
    experiment: Experiment,
    out: str,
    *,
    threads: int,
    max_memory_mb: float | None = None,
    labels_format: str = "tiff",
) -> Job:
    """Write one run as plain data.

    Parameters
    ----------
    experiment
        The settings; all paths are absolute.
    out
        Folder of the results.
    threads
        Threads of the run.
    max_memory_mb
        Memory that the run should stay within, MB.
    labels_format
        As for `zincflux.run`.
    """
    is_table = experiment.movie is None
    return {
        "experiment": experiment.model_dump(mode="json", exclude_none=True),
        "out": out,
        "threads": threads,
        "max_memory": None if max_memory_mb is None or is_table else f"{max_memory_mb:.6f} MB",
        "labels_format": "tiff" if is_table else labels_format,
    }


def iter_job(job: Job) -> Generator[Progress, None, dict[str, Any]]:
    """Run one movie; whatever goes wrong with it becomes its outcome.

    Yields
    ------
    Progress
        After each piece of work.

    Returns
    -------
    dict
        ``status``, ``reason`` and ``seconds``, as the generator's return value.
    """
    start = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # doubts stand in run.json
            is_up_to_date = yield from _run(job)
    except ZincfluxError as error:
        return failure(str(error))
    except MemoryError:
        return failure("memory ran out. Use fewer --jobs, or bound them with --max-memory.")
    except Exception as error:  # noqa: BLE001 - one movie never stops the others
        return failure(
            f"unexpected {type(error).__name__}: {error}. Run this movie by itself with --debug, "
            "and report what it shows."
        )
    if is_up_to_date:
        return {"status": "up to date", "reason": "", "seconds": 0.0}
    return {"status": "done", "reason": "", "seconds": round(time.monotonic() - start, 3)}


def _run(job: Job) -> Generator[Progress, None, bool]:
    """Run one movie into its folder or address; tell whether that was up to date."""
    experiment = Experiment.parse(job["experiment"], where=job["out"], folder=Path.cwd())
    options = {
        "jobs": job["threads"],
        "max_memory": job["max_memory"],
        "labels_format": job["labels_format"],
    }
    if is_address(job["out"]):
        return (yield from iter_remote_run(experiment, job["out"], **options))
    outcome = yield from iter_run(experiment, job["out"], overwrite=True, **options)
    return outcome.up_to_date


def failure(reason: str) -> dict[str, Any]:
    """Give the outcome of a movie that failed."""
    return {"status": "failed", "reason": reason, "seconds": 0.0}


def main() -> None:
    """Serve jobs from the standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the batch decides when to stop
    with _own_output() as news:
        jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        stopping = threading.Event()
        threading.Thread(target=_listen, args=(jobs, stopping), daemon=True).start()
        _tell(news, ["ready"])
        while (job := jobs.get()) is not None:
            _serve(job, news, stopping)


@contextlib.contextmanager
def _own_output() -> Generator[TextIO, None, None]:
    """Keep the standard output for news: what libraries print goes to the standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n") as news:
        os.dup2(2, 1)
        yield news


def _listen(jobs: queue.SimpleQueue[Job | None], stopping: threading.Event) -> None:
    """Take jobs in. Where the batch is gone, so is this process, whatever it is doing."""
    try:
        for line in sys.stdin:
            message = json.loads(line)
            if message == STOP:
                stopping.set()
                jobs.put(None)
            else:
                jobs.put(message)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        if not stopping.is_set():
            os._exit(GONE)


def _serve(job: Job, news: TextIO, stopping: threading.Event) -> None:
    """Run one movie and tell about it; stop between two steps when asked to."""
    steps = iter_job(job)
    told = 0.0
    while True:
        try:
            step = next(steps)
        except StopIteration as stop:
            _tell(news, ["end", stop.value])
            return
        if stopping.is_set():
            steps.close()
            return
        if step.done == step.total or time.monotonic() > told + 0.1:
            told = time.monotonic()
            _tell(news, ["step", step.stage, step.done, step.total])


def _tell(news: TextIO, message: list[Any]) -> None:
    news.write(json.dumps(message) + "\n")
    news.flush()
