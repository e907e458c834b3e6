"""Jobs on an existing Dask cluster, one at a time on each worker."""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Generator, Sequence
from typing import Any

from zincflux.batch.processes import News
from zincflux.batch.worker import Job, failure, iter_job
from zincflux.errors import ExperimentError, ResultsError

_LOOK_S = 0.2
_CONNECT_S = 10.0
_TELL_S = 1.0
_LOSSES = 3
"""How often a movie is given out again that the cluster has lost."""

_ONE_AT_A_TIME = threading.Lock()
"""Of the threads of one worker: a movie has all of them."""


def iter_cluster(jobs: Sequence[Job], address: str) -> Generator[News, None, None]:
    """Run jobs on a Dask cluster.

    A job whose worker dies is given to another one, as often as the scheduler's setting
    ``distributed.scheduler.allowed-failures`` says (3 unless changed).

    Parameters
    ----------
    jobs
        What is run, in this order.
    address
        The scheduler, such as ``tcp://node1:8786``.

    Yields
    ------
    News
        Steps and ends. When the generator is closed, workers give up what they run between two
        steps; they leave nothing half written.

    Raises
    ------
    ExperimentError
        If Dask is not installed, or there is no such scheduler.
    ResultsError
        If the scheduler is lost.
    """
    client = _connect(address)
    run = _Run(client, jobs)
    try:
        while run.is_open:
            run.submit()
            yield from run.listen()
            yield from run.ended()
    finally:
        run.close()


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise ExperimentError(
            "--scheduler: a cluster needs the package distributed, which is not installed. "
            'Install it: pip install "zincflux[cluster]"'
        ) from None
    try:
        return Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        raise ExperimentError(
            f"--scheduler: expected the address of a Dask scheduler that can be reached, such as "
            f"tcp://node1:8786, found {address!r} ({error}). Start it, or correct the address."
        ) from None


class _Run:
    """The state of running jobs on a cluster."""

    def __init__(self, client: Any, jobs: Sequence[Job]):
        self._client = client
        self._jobs = jobs
        self._topic = f"zincflux-{uuid.uuid4().hex}"
        self._waiting = deque(range(len(jobs)))
        self._running: dict[Any, int] = {}
        self._losses = dict.fromkeys(self._waiting, 0)
        self._heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        client.subscribe_topic(self._topic, lambda event: self._heard.put(event[1]))

    @property
    def is_open(self) -> bool:
        """Whether any job has not ended."""
        return bool(self._waiting or self._running)

    def submit(self) -> None:
        """Give out as many jobs as there are workers."""
        try:
            n_workers = len(self._client.nthreads())
        except OSError as error:
            raise _lost(error) from None
        while self._waiting and len(self._running) < max(1, n_workers):
            number = self._waiting.popleft()
            job = {**self._jobs[number], "topic": self._topic, "number": number}
            key = f"{self._topic}-{number}-{self._losses[number]}"
            self._running[self._client.submit(run_on_worker, job, key=key, pure=False)] = number

    def listen(self) -> Generator[News, None, None]:
        """Pass on what the workers tell, until one has ended or a moment is over."""
        until = time.monotonic() + _LOOK_S
        while not any(future.done() for future in self._running):
            left = until - time.monotonic()
            if left <= 0:
                return
            try:
                number, stage, done, total = self._heard.get(timeout=min(left, 0.05))
            except queue.Empty:
                continue
            if number in self._running.values():
                yield News(number, stage, done, total)

    def ended(self) -> Generator[News, None, None]:
        """Tell of jobs that have ended; give out again what was lost."""
        for future in [future for future in self._running if future.done()]:
            number = self._running.pop(future)
            if future.status == "finished":
                yield News(number, "", 1, 1, future.result())
            elif future.status == "error":
                yield News(number, "", 1, 1, failure(_why(future.exception())))
            else:
                self._give_back(number)

    def _give_back(self, number: int) -> None:
        """Take back a job that the scheduler no longer knows."""
        if self._client.status != "running":
            raise _lost(self._client.status)
        self._losses[number] += 1
        if self._losses[number] > _LOSSES:
            raise _lost("it forgets its work")
        self._waiting.appendleft(number)

    def close(self) -> None:
        """Let go of what is still running, and of the cluster."""
        for future in self._running:
            future.release()
        self._client.close(timeout=1)


def _lost(found: object) -> ResultsError:
    return ResultsError(
        f"--scheduler: the connection to the scheduler was lost ({found}). Finished movies are "
        "kept: start the scheduler, and run the same command again."
    )


def _why(error: BaseException | None) -> str:
    if type(error).__name__ == "KilledWorker":
        return (
            "every worker that ran it died, as workers do when memory runs out. Give workers more "
            "memory, or bound the movie with --max-memory."
        )
    return f"unexpected {type(error).__name__} on the cluster: {error}."


def run_on_worker(job: Job) -> dict[str, Any]:
    """Run one movie on a worker of Dask; stop between two steps if nobody waits for it any more."""
    from distributed import get_worker

    worker = get_worker()
    with _ONE_AT_A_TIME:
        steps = iter_job({**job, "threads": worker.state.nthreads})
        told = 0.0
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                result: dict[str, Any] = stop.value
                return result
            if time.monotonic() < told + _TELL_S:
                continue
            told = time.monotonic()
            if not _is_wanted(worker):
                steps.close()
                return failure("stopped")
            worker.log_event(job["topic"], [job["number"], step.stage, step.done, step.total])


def _is_wanted(worker: Any) -> bool:
    """Whether the scheduler still waits for the result of the task that runs here."""
    task = worker.state.tasks.get(worker.get_current_task())
    return task is not None and task.state in ("executing", "long-running")
