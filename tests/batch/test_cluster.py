"""Batches on a Dask cluster: a real scheduler with two worker processes on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batch_movies import make_batch
from batch_stand_ins import no_study
from zincflux.batch import cluster, run_batch
from zincflux.batch import run as run_module
from zincflux.batch.cluster import iter_cluster
from zincflux.errors import ExperimentError
from zincflux.results import RESULT_FILES

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, Any]]]:
    """Address of a scheduler, and its two workers by name."""
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"
    common = ["--scheduler-file", str(file)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    programs = {"scheduler": ["scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1"]}
    for name in ("one", "two"):
        programs[name] = ["worker", "--nthreads", "1", "--no-nanny", "--no-dashboard",
                          "--name", name, "--host", "127.0.0.1"]  # fmt: skip
    started = {}
    for name, arguments in programs.items():
        started[name] = subprocess.Popen(
            [sys.executable, "-m", "dask", arguments[0], *common, *arguments[1:]], **quiet
        )
        until = time.monotonic() + 60
        while not file.exists() and time.monotonic() < until:
            time.sleep(0.1)
    yield json.loads(file.read_text(encoding="utf-8"))["address"], started
    for process in started.values():
        process.kill()
        process.wait()


def wait_for_workers(address: str, n: int) -> None:
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(n, timeout=120)


@pytest.mark.slow
def test_a_worker_that_dies_in_the_middle(
    scheduler: tuple[str, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "iter_study", no_study)
    address, processes = scheduler
    wait_for_workers(address, 2)
    sheet, settings = make_batch(tmp_path, 2)
    steps = run_module.iter_batch(sheet, tmp_path / "out", settings=settings, scheduler=address)
    stages: dict[str, list[str]] = {}
    outcome = None
    killed = False
    while outcome is None:
        try:
            step = next(steps)
        except StopIteration as stop:
            outcome = stop.value
            break
        stages.setdefault(step.sample, []).append(step.stage)
        if not killed and step.sample:
            # A movie is at work on one of the two: this one dies without a word.
            os.kill(processes["one"].pid, signal.SIGKILL)
            killed = True
    assert killed
    assert [one.status for one in outcome.outcomes] == ["done"] * 2
    for n in (1, 2):
        folder = tmp_path / "out" / f"dish {n}"
        assert {path.name for path in folder.iterdir()} >= set(RESULT_FILES)
        assert len(stages[f"dish {n}"]) > 1
    # Once more, to an address; the worker that is left finds out what is up to date.
    target = f"file://{(tmp_path / 'remote').as_posix()}"
    options: dict[str, Any] = {"settings": settings, "scheduler": address}
    assert run_batch(sheet, target, **options).done == 2
    assert run_batch(sheet, target, **options).skipped == 2


def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.5)
    with pytest.raises(ExperimentError, match=r"--scheduler: expected the address of a Dask sched"):
        list(iter_cluster([], "tcp://127.0.0.1:9"))


def test_dask_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExperimentError, match=r'Install it: pip install "zincflux\[cluster\]"'):
        list(iter_cluster([], "tcp://127.0.0.1:8786"))


@pytest.mark.slow
def test_jobs_that_nobody_waits_for_are_given_up(scheduler: tuple[str, dict[str, Any]]) -> None:
    from distributed import Client

    def ask() -> list[bool]:
        """Ask on a worker whether a task is wanted: this one is, one that is unknown is not."""
        from types import SimpleNamespace

        from distributed import get_worker

        from zincflux.batch.cluster import _is_wanted

        worker = get_worker()
        other = SimpleNamespace(state=worker.state, get_current_task=lambda: "forgotten")
        return [_is_wanted(worker), _is_wanted(other)]

    with Client(scheduler[0], set_as_default=False) as client:
        assert client.submit(ask, pure=False).result(timeout=60) == [True, False]


class Future:
    """A future of a stand-in for Dask."""

    def __init__(self, status: str, value: Any = None) -> None:
        self.status, self._value = status, value

    def done(self) -> bool:
        return True

    def result(self) -> Any:
        return self._value

    def exception(self) -> Any:
        return self._value

    def release(self) -> None: ...


class Client:
    """Stands in for a client whose futures end as they are told to."""

    status = "running"

    def __init__(self, futures: list[Future]) -> None:
        self.futures = futures

    def subscribe_topic(self, topic: str, handler: Any) -> None:
        handler((0.0, [0, "measure", 1, 2]))

    def nthreads(self) -> dict[str, int]:
        return {"tcp://x": 1}

    def submit(self, *_: Any, **__: Any) -> Future:
        return self.futures.pop(0)

    def close(self, timeout: float) -> None: ...


class KilledWorker(Exception):
    """Named as Dask's."""


GOOD = {"status": "done", "reason": "", "seconds": 1.0}


@pytest.mark.parametrize(
    ("futures", "status", "reason"),
    [
        ([Future("lost"), Future("cancelled"), Future("finished", GOOD)], "done", ""),
        ([Future("error", KilledWorker())], "failed", "every worker that ran it died"),
        ([Future("error", KeyError("x"))], "failed", "unexpected KeyError on the cluster: 'x'."),
    ],
)
def test_what_becomes_of_a_job(
    monkeypatch: pytest.MonkeyPatch, futures: list[Future], status: str, reason: str
) -> None:
    monkeypatch.setattr(cluster, "_connect", lambda address: Client(futures))
    *_, last = iter_cluster([{}], "tcp://x:1")
    assert last.outcome["status"] == status
    assert last.outcome["reason"].startswith(reason)


@pytest.mark.parametrize("status", ["running", "closed"])
def test_a_scheduler_that_is_lost(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    client = Client([Future("lost") for _ in range(9)])
    client.status = status
    monkeypatch.setattr(cluster, "_connect", lambda address: client)
    with pytest.raises(Exception, match=r"--scheduler: the connection to the scheduler was lost"):
        list(iter_cluster([{}], "tcp://x:1"))
    monkeypatch.setattr(Client, "nthreads", _closed)
    with pytest.raises(Exception, match=r"connection to the scheduler was lost \(gone\)"):
        list(iter_cluster([{}], "tcp://x:1"))


def _closed(_: Any) -> Any:
    raise OSError("gone")


def test_one_movie_at_a_time_on_a_worker() -> None:
    assert isinstance(cluster._ONE_AT_A_TIME, type(threading.Lock()))
