"""Jobs in processes of this computer, some at a time; one that dies takes only its movie along."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Generator, Sequence
from typing import IO, Any, NamedTuple

from zincflux.batch.worker import STOP, Job, failure
from zincflux.errors import ResultsError

_PROGRAM = "from zincflux.batch.worker import main; main()"
_PATIENCE_S = 0.8
"""Time that processes have to stop by themselves."""

_LOOK_S = 0.2
_MISFIRES = 3
"""Processes that may end before they are ready, as they do when memory is short."""


class News(NamedTuple):
    """What a job tells.

    Attributes
    ----------
    job
        Its number.
    stage, done, total
        How far it is; the stage is empty at its end.
    outcome
        ``status``, ``reason``, ``seconds`` at its end, else None.
    """

    job: int
    stage: str
    done: int
    total: int
    outcome: dict[str, Any] | None = None


class _Worker:
    """A process, and the thread that hears it."""

    def __init__(self, heard: queue.SimpleQueue[tuple[_Worker, list[Any] | None]], threads: int):
        self.job: int | None = None
        self.last: News | None = None
        self.is_ready = False
        limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        environment = {**dict.fromkeys((*limits, "NUMBA_NUM_THREADS"), str(threads)), **os.environ}
        with contextlib.ExitStack() as undo:
            try:
                self._complaints: IO[bytes] = undo.enter_context(tempfile.TemporaryFile())
                self._process = subprocess.Popen(  # noqa: S603 - this program and nothing else
                    [sys.executable, "-P", "-c", _PROGRAM],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._complaints,
                    env=environment | {"PYTHONIOENCODING": "utf-8"},
                )
            except OSError as error:
                raise ResultsError(
                    f"batch: expected processes that start, found: {error}. Close other programs, "
                    "use fewer --jobs, or run one movie by itself with: zincflux run"
                ) from error
            undo.pop_all()
        threading.Thread(target=self._hear, args=(heard,), daemon=True).start()

    def _hear(self, heard: queue.SimpleQueue[tuple[_Worker, list[Any] | None]]) -> None:
        stdout = self._process.stdout
        for line in stdout or ():
            try:
                heard.put((self, json.loads(line)))
            except ValueError:  # killed in the middle of a line
                break
        if stdout is not None:
            stdout.close()
        self._process.wait()
        heard.put((self, None))

    def send(self, message: object) -> None:
        """Hand over a message; one that is dead is heard of elsewhere."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                self._process.stdin.write(json.dumps(message).encode() + b"\n")
                self._process.stdin.flush()

    def why_it_died(self) -> str:
        """Say what is known about a process that has ended by itself."""
        code = self._process.returncode
        if code is not None and code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"signal {-code}"
            return (
                f"its process was killed ({name}), as systems do when memory runs out. Use fewer "
                "--jobs, or bound them with --max-memory."
            )
        last = self.last_complaint()
        return f"its process ended with status {code}{f': {last}' if last else ''}."

    def last_complaint(self) -> str:
        """Give the last line that the process wrote to its standard error."""
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def wait(self, seconds: float) -> None:
        """Give the process time to end, and end it if it does not."""
        try:
            self._process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # what it was still to be told
                self._process.stdin.close()
        self._complaints.close()


def iter_processes(jobs: Sequence[Job], n: int, *, threads: int = 1) -> Generator[News, None, None]:
    """Run jobs in processes of their own.

    Parameters
    ----------
    jobs
        What is run, in this order.
    n
        Processes at a time.
    threads
        Threads of each.

    Yields
    ------
    News
        Steps and ends. Nothing is left running when the generator ends or is closed, at the latest
        after two seconds.

    Raises
    ------
    ResultsError
        If processes cannot be started.
    """
    pool = _Pool(deque(range(len(jobs))), threads)
    n_open = len(jobs)
    try:
        for _ in range(min(n, n_open)):
            pool.start()
        while n_open:
            try:
                worker, message = pool.heard.get(timeout=_LOOK_S)
            except queue.Empty:
                yield from pool.repeat()  # so that the caller may stop
                continue
            news = pool.bury(worker) if message is None else _read(worker, message)
            if news is not None:
                n_open -= news.outcome is not None
                yield news
            if message is not None and worker.job is None and pool.waiting:
                worker.job = pool.waiting.popleft()
                worker.send(jobs[worker.job])
    finally:
        pool.stop()


class _Pool:
    """Processes, and the jobs that none of them has begun."""

    def __init__(self, waiting: deque[int], threads: int):
        self.waiting = waiting
        self.heard: queue.SimpleQueue[tuple[_Worker, list[Any] | None]] = queue.SimpleQueue()
        self._threads = threads
        self._workers: list[_Worker] = []
        self._misfires = 0

    def start(self) -> None:
        """Add a process."""
        self._workers.append(_Worker(self.heard, self._threads))

    def bury(self, worker: _Worker) -> News | None:
        """Put another in the place of a process that has died; tell what died with it."""
        self._workers.remove(worker)
        reason = worker.why_it_died()
        worker.wait(0)
        if not worker.is_ready:
            self._misfires += 1
            if self._misfires > _MISFIRES:
                raise ResultsError(
                    "batch: expected processes that start, found that they end at once "
                    f"({reason}) Run one movie by itself with: zincflux run"
                )
        if self.waiting or worker.job is None:
            self.start()
        if worker.job is None:
            return None
        return News(worker.job, "", 1, 1, failure(reason))

    def repeat(self) -> Generator[News, None, None]:
        """Tell once more what a job has told last, if any is under way."""
        for worker in self._workers:
            if worker.last is not None and worker.last.job == worker.job:
                yield worker.last
                return

    def stop(self) -> None:
        """End all processes, within two seconds."""
        for worker in self._workers:
            worker.send(STOP)
        until = time.monotonic() + _PATIENCE_S
        for worker in self._workers:
            worker.wait(until - time.monotonic())


def _read(worker: _Worker, message: list[Any]) -> News | None:
    worker.is_ready = True
    job = worker.job
    if job is None:
        return None
    if message[0] == "end":
        worker.job = None
        return News(job, "", 1, 1, message[1])
    _, stage, done, total = message
    worker.last = News(job, stage, done, total)
    return worker.last
