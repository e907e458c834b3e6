"""Results at addresses, cores and memory, and batches that are killed without warning."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from batch_movies import make_batch
from batch_stand_ins import in_this_process, no_study
from zincflux import workflow
from zincflux.batch import read_sheet, run_batch
from zincflux.batch import resources as resources_module
from zincflux.batch import run as run_module
from zincflux.batch.claims import BATCH_FILE
from zincflux.batch.remote import RemoteFolder, files_in
from zincflux.batch.resources import BATCH_MB, share
from zincflux.errors import ExperimentError, ResultsError

pytest.importorskip("fsspec")


@pytest.fixture
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Movies run in this process, and are not compared."""
    monkeypatch.setattr(run_module, "iter_processes", in_this_process)
    monkeypatch.setattr(run_module, "iter_study", no_study)
    monkeypatch.setattr(workflow, "render_report", lambda *_, **__: "the slowest part of a run")


@pytest.mark.slow
@pytest.mark.usefixtures("_fast")
def test_results_at_an_address(tmp_path: Path) -> None:
    sheet, settings = make_batch(tmp_path / "movies", 2)
    out = tmp_path / "remote"
    address = f"file://{out.as_posix()}"
    options: dict[str, Any] = {"settings": settings}
    outcome = run_batch(sheet, address, **options)
    assert (outcome.done, outcome.out) == (2, address)
    record = json.loads((out / "dish 1" / "run.json").read_text(encoding="utf-8"))
    assert set(record["files"]) == {path.name for path in (out / "dish 1").iterdir()}
    text = (out / "dish 1" / "experiment.toml").read_text(encoding="utf-8")
    assert f'path = "{(tmp_path / "movies" / "dish1.ome.tif").as_posix()}"' in text
    assert run_batch(sheet, address, **options).skipped == 2
    # What is incomplete, damaged or was made otherwise is made again.
    (out / "dish 1" / "cells.csv").unlink()
    (out / "dish 2" / "run.json").write_text("{", encoding="utf-8")
    assert run_batch(sheet, address, **options).done == 2
    outcome = run_batch(sheet, address, **options, assignments=["flux.responder_k=4"])
    assert outcome.done == 2


@pytest.mark.usefixtures("_fast")
def test_addresses_with_files_of_others(tmp_path: Path) -> None:
    sheet, settings = make_batch(tmp_path / "movies", 1)
    (tmp_path / "remote" / "dish 1").mkdir(parents=True)
    (tmp_path / "remote" / "dish 1" / "mine.txt").write_text("mine", encoding="utf-8")
    address = f"file://{(tmp_path / 'remote').as_posix()}/"
    with pytest.raises(ExperimentError, match=r"row 2, .*dish 1 is there already and no batch"):
        run_batch(sheet, address, settings=settings)
    assert run_batch(sheet, address, settings=settings, overwrite=True).done == 1
    assert (tmp_path / "remote" / BATCH_FILE).exists()


def test_a_study_at_an_address(tmp_path: Path) -> None:
    from zincflux.batch.places import RemotePlace

    (tmp_path / "study" / "dish 1").mkdir(parents=True)
    (tmp_path / "study" / "dish 1" / "run.json").write_text("{}", encoding="utf-8")
    (tmp_path / "study" / "wide").mkdir()
    earlier = ("study.json", "wide/old.csv", "figures/old.svg", "tests.csv", "batch.json", "my.csv")
    for name in (*earlier, "dish 1/run.json", "notes/wide/old.csv"):
        (tmp_path / "remote" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "remote" / name).write_text("earlier", encoding="utf-8")
    for name in ("study.json", "wide/rate.csv", "cells.parquet"):
        (tmp_path / "study" / name).write_text(name, encoding="utf-8")
    place = RemotePlace(f"file://{(tmp_path / 'remote').as_posix()}")
    steps = list(place.keep(tmp_path / "study", None, ()))
    assert [(step.stage, step.done, step.total) for step in steps] == [
        ("put", n, 3) for n in (1, 2, 3)
    ]
    new = {"study.json", "wide/rate.csv", "cells.parquet"}
    kept = {"batch.json", "my.csv", "dish 1/run.json", "notes/wide/old.csv"}
    assert set(files_in(tmp_path / "remote")) == new | kept
    assert (tmp_path / "remote" / "study.json").read_text(encoding="utf-8") == "study.json"
    assert place.earlier_study(None, ()) is None


def test_files_of_an_earlier_run_do_not_stay_at_an_address(tmp_path: Path) -> None:
    from zincflux.batch import remote

    made, there = tmp_path / "made", tmp_path / "remote"
    for folder, names in (
        (made, ("run.json", "cells.csv", "labels.ome.tif")),
        (there, ("run.json", "calibration.toml", "labels.ome.zarr/0/c/0", "cells.csv", "my.txt")),
    ):
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(folder.name, encoding="utf-8")
    steps = RemoteFolder.of(f"file://{there.as_posix()}").put(
        made, last="run.json", own=remote._OF_A_RUN
    )
    next(steps)
    assert files_in(there) == ["cells.csv", "my.txt"]  # no mixture looks complete
    list(steps)
    assert files_in(there) == ["cells.csv", "labels.ome.tif", "my.txt", "run.json"]
    assert not (there / "labels.ome.zarr").exists()
    assert (there / "cells.csv").read_text(encoding="utf-8") == "made"


def test_an_address_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "run.json").write_text("{}", encoding="utf-8")
    folder = RemoteFolder.of(f"file://{(tmp_path / 'remote').as_posix()}")
    assert len(list(folder.put(tmp_path / "made", last="run.json", own=("run.json",)))) == 1
    assert files_in(tmp_path / "remote") == ["run.json"]


def test_addresses_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    folder = RemoteFolder.of(f"file://{(tmp_path / 'file').as_posix()}/out")
    with pytest.raises(ResultsError, match="expected an address whose files can be read and writ"):
        folder.write("x", "text")


def test_cores_and_memory_are_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = read_sheet(make_batch(tmp_path, 3)[0])
    needed = sheet.rows[0].needed_mb
    monkeypatch.setattr(resources_module, "count_cores", lambda: 8)
    assert share(sheet, None, None, is_remote=False)[:2] == (3, 2)
    assert share(sheet, 1, None, is_remote=False) == (1, 8, None)
    bound = f"{BATCH_MB + 2.5 * needed:.0f}MB"
    jobs, threads, memory_mb = share(sheet, None, bound, is_remote=False)
    assert (jobs, threads) == (2, 4)
    assert memory_mb == pytest.approx(1.25 * needed, abs=1)
    assert share(sheet, None, f"{needed + 1:.0f}MB", is_remote=True).threads == 1
    assert share(sheet, None, None, is_remote=True).memory_mb is None
    monkeypatch.setattr(resources_module, "_memory_of_computer_mb", lambda: 2 * needed)
    assert share(sheet, None, None, is_remote=False).jobs == 1
    assert share(sheet, 2, None, is_remote=False).jobs == 2


def test_computers_that_do_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resources_module.count_cores() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert resources_module.count_cores() >= 1
    monkeypatch.setattr(os, "sysconf", _refuse, raising=False)
    assert resources_module._memory_of_computer_mb() is None
    monkeypatch.delattr(os, "sysconf")
    assert resources_module._memory_of_computer_mb() is None


def _refuse(_: str) -> int:
    raise ValueError("unknown")


KILLED = """
import os, signal, sys
from zincflux.batch import iter_batch
sheet, settings, out, sample, stage = sys.argv[1:]
for step in iter_batch(sheet, out, settings=settings, jobs=1):
    if (step.sample, step.stage) == (sample, stage):
        os.killpg(0, signal.SIGKILL)
"""
WITH_TIMES = {"run.json", "study.json", "report.html"}


def contents(out: Path) -> dict[str, bytes]:
    files = [path for path in out.rglob("*") if path.is_file() and path.name not in WITH_TIMES]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no signals")
def test_kills_leave_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet, settings = make_batch(tmp_path / "movies", 1)
    out = tmp_path / "killed"
    for sample, stage in (("dish 1", "report"), ("", "study")):
        arguments = [sys.executable, "-c", KILLED, str(sheet), str(settings), str(out)]
        ended = subprocess.run([*arguments, sample, stage], start_new_session=True, check=False)
        assert ended.returncode == -signal.SIGKILL
        for record in out.glob("*/run.json"):
            json.loads(record.read_text(encoding="utf-8"))
    monkeypatch.setattr(run_module, "iter_processes", in_this_process)
    assert run_batch(sheet, out, settings=settings).skipped == 1
    assert run_batch(sheet, tmp_path / "calm", settings=settings).done == 1
    assert contents(out) == contents(tmp_path / "calm")
    assert not list(out.glob(".dish*")) + list(out.glob(".study*"))


def test_finished_results_are_fetched_for_the_study(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from zincflux.batch.places import RemotePlace

    (tmp_path / "remote" / "a" / "labels.ome.zarr").mkdir(parents=True)
    for name in ("run.json", "labels.ome.zarr/.zattrs"):
        (tmp_path / "remote" / "a" / name).write_text(name, encoding="utf-8")
    address = f"file://{(tmp_path / 'remote').as_posix()}"
    outcomes = [
        SimpleNamespace(status=status, folder=f"{address}/{name}", row=SimpleNamespace(folder=name))
        for name, status in (("a", "done"), ("b", "failed"))
    ]
    steps = RemotePlace(address).near(outcomes)
    assert next(steps)[1:] == (1, 1)
    with pytest.raises(StopIteration) as stop:
        next(steps)
    folder, cleaning = stop.value.value
    with cleaning:
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
        assert found == {"a", "a/run.json", "a/labels.ome.zarr", "a/labels.ome.zarr/.zattrs"}
    assert not folder.exists()


class Windows:
    """Stands in for the module of Windows that locks files."""

    LK_NBLCK = 2

    def __init__(self, *, is_taken: bool) -> None:
        self.is_taken = is_taken

    def locking(self, handle: int, mode: int, n_bytes: int) -> None:
        if self.is_taken:
            raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize("is_taken", [False, True])
def test_locks_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_taken: bool) -> None:
    from zincflux.batch.lock import locked

    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", Windows(is_taken=is_taken))
    if not is_taken:
        with locked(tmp_path):
            return
    with (
        pytest.raises(ExperimentError, match="another batch writes into this folder"),
        locked(tmp_path),
    ):
        pass


def test_drives_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zincflux.batch.lock import locked

    fcntl = pytest.importorskip("fcntl")

    def flock(*_: int) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(tmp_path):
        assert any(tmp_path.iterdir())


def test_claims_that_cannot_be_read(tmp_path: Path) -> None:
    from zincflux.batch.claims import Claims, read_claims

    assert read_claims(tmp_path) == Claims()
    (tmp_path / BATCH_FILE).mkdir()
    with pytest.raises(ExperimentError, match="expected the list of samples that a batch has"):
        read_claims(tmp_path)
    with pytest.raises(ExperimentError, match="found other content"):
        Claims.of('{"zincflux_batch": 2, "samples": {}}', "batch.json")
    claims = Claims({"b": "B", "a": "A"}, "abc", ("report.html",))
    assert Claims.of(claims.as_text(), "batch.json") == claims


def test_files_of_others_are_no_part_of_the_study(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from zincflux.batch.claims import read_claims
    from zincflux.batch.places import LocalPlace
    from zincflux.statistics.settings import StudySettings

    (tmp_path / "wide").mkdir()
    for name in ("study.json", "report.html", "notes.txt", "mine.csv"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    sheet = SimpleNamespace(name="study", study=StudySettings())
    assert list(LocalPlace(tmp_path).keep(tmp_path, sheet, ())) == []
    assert read_claims(tmp_path).files == ("report.html", "study.json", "wide")


def test_settings_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from zincflux.batch import kept

    asked: list[Any] = []
    monkeypatch.setattr(kept, "_may_be_kept", lambda job: bool(asked.append(job)))
    list(kept.iter_kept([{}, {}]))
    assert len(asked) == 2
    monkeypatch.setattr(kept, "_may_be_kept", lambda job: not asked.append(job))
    monkeypatch.setattr(kept, "_size", lambda job: 0)
    monkeypatch.setattr(kept, "_is_kept", lambda job: True)
    assert len(list(kept.iter_kept([{}, {}]))) == 2
    assert len(asked) == 4


def test_what_cannot_be_compared_is_left_to_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zincflux.batch import kept
    from zincflux.batch.worker import make_job
    from zincflux.errors import ReaderError

    def fails(*_: Any, **__: Any) -> Any:
        raise ReaderError("gone. Look for it.")
        yield

    row = read_sheet(make_batch(tmp_path, 1)[0]).rows[0]
    job = make_job(row.settings, str(tmp_path / "out"), threads=1)
    monkeypatch.setattr(kept, "iter_run", fails)
    assert not kept._is_kept(job)
    monkeypatch.setattr(kept, "_may_be_kept", lambda job: True)
    steps = kept.iter_kept([job])
    with pytest.raises(StopIteration) as stop:
        next(steps)
    assert stop.value.value == [0]
