"""Processes of a batch: what one that dies takes along, and how all are stopped."""

from __future__ import annotations

import errno
import io
import json
import signal
import sys
import threading
import time
from collections.abc import Generator
from typing import Any

import pytest

from zincflux.batch import processes, worker
from zincflux.batch.processes import News, iter_processes
from zincflux.errors import ResultsError
from zincflux.pipeline import Progress

STAND_IN = """
import json, os, signal, sys, time
def tell(*news):
    print(json.dumps(news), flush=True)
tell("ready")
for line in sys.stdin:
    job = json.loads(line)
    if job == "stop":
        sys.exit()
    tell("step", "measure", 1, 2)
    if job.get("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if job.get("leave"):
        print("out of luck", file=sys.stderr)
        sys.exit(3)
    if job.get("half"):
        print('["end", {"sta', end="", flush=True)
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(job.get("sleep", 0))
    tell("end", {"status": "done", "reason": str(os.getpid()), "seconds": 0.0})
"""
"""Serves jobs as a worker does, without importing anything."""


@pytest.fixture
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_PROGRAM", STAND_IN)


def ends(news: list[News]) -> dict[int, dict[str, Any]]:
    return {one.job: one.outcome for one in news if one.outcome is not None}


@pytest.mark.usefixtures("_stand_in")
def test_every_job_ends_once() -> None:
    news = list(iter_processes([{} for _ in range(7)], 2))
    assert sorted(one.job for one in news if one.outcome is not None) == list(range(7))
    assert next(one for one in news if one.stage == "measure")[1:4] == ("measure", 1, 2)
    assert len({end["reason"] for end in ends(news).values()}) <= 2


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no signals")
def test_a_process_that_dies_takes_only_its_movie_along() -> None:
    jobs = [{}, {"kill": True}, {"leave": True}, {"half": True}, {}, {}]
    found = ends(list(iter_processes(jobs, 2)))
    assert [found[n]["status"] for n in range(6)] == [
        "done",
        "failed",
        "failed",
        "failed",
        "done",
        "done",
    ]
    assert found[1]["reason"].startswith("its process was killed (SIGKILL), as systems do when")
    assert found[2]["reason"] == "its process ended with status 3: out of luck."
    assert "SIGTERM" in found[3]["reason"]


def test_processes_that_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_PROGRAM", "raise SystemExit('no zincflux here')")
    with pytest.raises(ResultsError, match=r"they end at once .*status 1: no zincflux here"):
        list(iter_processes([{}], 1))


def test_processes_that_the_system_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    files: list[Any] = []
    real = processes.tempfile.TemporaryFile

    def make() -> Any:
        files.append(real())
        return files[-1]

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(processes.tempfile, "TemporaryFile", make)
    monkeypatch.setattr(processes.subprocess, "Popen", refuse)
    with pytest.raises(ResultsError, match=r"expected processes that start, found: .*temporarily"):
        list(iter_processes([{}], 1))
    assert [file.closed for file in files] == [True]


@pytest.mark.slow
@pytest.mark.usefixtures("_stand_in")
def test_stopping_takes_less_than_two_seconds() -> None:
    steps = iter_processes([{"sleep": 60}, {"sleep": 60}], 2)
    assert {next(steps).stage for _ in range(4)} == {"measure"}  # told again while it goes on
    start = time.monotonic()
    steps.close()
    assert time.monotonic() - start < 2


def test_no_jobs() -> None:
    assert list(iter_processes([], 2)) == []


def test_signals_without_a_name() -> None:
    class Dead(processes._Worker):
        def __init__(self) -> None:
            self._process = type("Process", (), {"returncode": -99})()

    assert "killed (signal 99)" in Dead().why_it_died()


@pytest.fixture
def three_steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    closed: list[str] = []

    def steps(job: dict[str, Any]) -> Generator[Progress, None, dict[str, Any]]:
        try:
            for n in (1, 2, 3):
                yield Progress("measure", n, 3)
        finally:
            closed.append(job["out"])
        return {"status": "done", "reason": "", "seconds": 1.0}

    monkeypatch.setattr(worker, "iter_job", steps)
    return closed


def test_a_worker_tells_the_steps_of_a_job(three_steps: list[str]) -> None:
    news = io.StringIO()
    worker._serve({"out": "a"}, news, threading.Event())
    told = [json.loads(line) for line in news.getvalue().splitlines()]
    assert told[0] == ["step", "measure", 1, 3]
    assert told[-2:] == [
        ["step", "measure", 3, 3],
        ["end", {"status": "done", "reason": "", "seconds": 1.0}],
    ]


def test_a_worker_stops_between_two_steps(three_steps: list[str]) -> None:
    news, stopping = io.StringIO(), threading.Event()
    stopping.set()
    worker._serve({"out": "b"}, news, stopping)
    assert news.getvalue() == ""
    assert three_steps == ["b"]


class Left(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize(("lines", "is_left"), [(['{"out": "a"}', '"stop"'], False), ([], True)])
def test_a_worker_ends_with_its_batch(
    monkeypatch: pytest.MonkeyPatch, lines: list[str], is_left: bool
) -> None:
    import queue

    monkeypatch.setattr(worker.sys, "stdin", io.StringIO("\n".join(lines)))
    left: list[int] = []
    monkeypatch.setattr(worker.os, "_exit", left.append)
    jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stopping = threading.Event()
    worker._listen(jobs, stopping)
    assert bool(left) is is_left
    if not is_left:
        assert (jobs.get(), jobs.get(), stopping.is_set()) == ({"out": "a"}, None, True)


def test_the_program_of_a_worker(monkeypatch: pytest.MonkeyPatch, three_steps: list[str]) -> None:
    handler = signal.getsignal(signal.SIGINT)
    news = io.StringIO()

    class Output:
        def __enter__(self) -> io.StringIO:
            return news

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(worker, "_own_output", Output)
    monkeypatch.setattr(worker.sys, "stdin", io.StringIO('{"out": "a"}\n"stop"\n'))
    try:
        worker.main()
    finally:
        signal.signal(signal.SIGINT, handler)
    assert json.loads(news.getvalue().splitlines()[0]) == ["ready"]
