"""Whole batches: kept work, what is touched by a change, failures, and full or closed disks."""

from __future__ import annotations

import errno
import json
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from batch_movies import make_batch, make_movies, write_sheet
from batch_stand_ins import in_this_process, no_study
from zincflux import workflow
from zincflux.batch import (
    BatchOutcome,
    iter_batch,
    read_sheet,
    run_batch,
)
from zincflux.batch import run as run_module
from zincflux.batch import worker as worker_module
from zincflux.batch.claims import BATCH_FILE
from zincflux.batch.lock import LOCK_FILE, locked
from zincflux.batch.places import LocalPlace
from zincflux.batch.studies import iter_study
from zincflux.errors import ExperimentError, ReaderError, ResultsError, ZincfluxWarning
from zincflux.results import RESULT_FILES

pytestmark = pytest.mark.slow
"""All start from a batch that has run."""

WITH_TIMES = {"run.json", "study.json", "report.html"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BatchOutcome]:
    """A batch of three dishes that ran in two processes; to be read or copied only."""
    folder = tmp_path_factory.mktemp("batch")
    sheet, settings = make_batch(folder, 3)
    return folder, run_batch(sheet, folder / "out", settings=settings, jobs=2)


@pytest.fixture
def copy(
    finished: tuple[Path, BatchOutcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of the finished batch, whose movies run in this process, without a study."""
    monkeypatch.setattr(run_module, "iter_processes", in_this_process)
    monkeypatch.setattr(run_module, "iter_study", no_study)
    monkeypatch.setattr(workflow, "render_report", lambda *_, **__: "the slowest part of a run")
    folder = tmp_path / "copy"
    shutil.copytree(finished[0], folder)
    return folder


def again(folder: Path, **options: Any) -> BatchOutcome:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZincfluxWarning)
        return run_batch(
            folder / "sheet.csv", folder / "out", settings=folder / "common.toml", **options
        )


def statuses(outcome: BatchOutcome) -> list[str]:
    return [one.status for one in outcome.outcomes]


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in WITH_TIMES]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def records(folder: Path) -> dict[str, int]:
    """Tell the records of the samples apart: a file that is written anew is another one."""
    return {path.parent.name: path.stat().st_mtime_ns for path in folder.glob("out/*/run.json")}


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_batch_in_processes(finished: tuple[Path, BatchOutcome]) -> None:
    folder, outcome = finished
    assert (outcome.done, outcome.failed, outcome.skipped) == (3, 0, 0)
    for number in (1, 2, 3):
        names = {path.name for path in (folder / "out" / f"dish {number}").iterdir()}
        assert names >= set(RESULT_FILES)
    summary = outcome.summary()
    assert summary["conditions"] == ["none", "zinc"]
    assert (summary["done"], summary["failures"]) == (3, [])
    assert all(isinstance(text, str) for text in summary["warnings"])
    table = pd.read_csv(folder / "out" / "experiments.csv")
    assert list(table["sample"]) == ["dish 1", "dish 2", "dish 3"]
    assert set(table["status"]) == {"done"}
    cells = pd.read_parquet(folder / "out" / "cells.parquet")
    assert set(cells["sample"]) == {"dish 1", "dish 2", "dish 3"}
    hidden = {path.name for path in (folder / "out").iterdir() if path.name.startswith(".")}
    assert hidden == {LOCK_FILE}


def test_finished_work_is_kept(copy: Path) -> None:
    before, times = contents(copy / "out"), records(copy)
    steps = iter_batch(copy / "sheet.csv", copy / "out", settings=copy / "common.toml")
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            outcome = stop.value
            break
    assert statuses(outcome) == ["up to date"] * 3
    assert (outcome.skipped, outcome.outcomes[0].seconds) == (3, 0.0)
    assert records(copy) == times
    assert contents(copy / "out") == before
    ends = [step for step in seen if step.has_ended]
    assert [(step.sample, step.finished, step.n_samples) for step in ends] == [
        (f"dish {n}", n, 3) for n in (1, 2, 3)
    ]
    assert seen[0].stage == "check"
    assert seen[-1].stage == "study"


def test_a_changed_setting_runs_one_movie_again(copy: Path) -> None:
    times = records(copy)
    lines = (copy / "sheet.csv").read_text(encoding="utf-8").splitlines()
    lines = [
        f"{line},{end}"
        for line, end in zip(lines, ("flux.responder_k", "", "2.5", ""), strict=True)
    ]
    (copy / "sheet.csv").write_text("\n".join(lines), encoding="utf-8")
    assert statuses(again(copy)) == ["up to date", "done", "up to date"]
    changed = [name for name, time in records(copy).items() if times[name] != time]
    assert changed == ["dish 2"]


def test_large_inputs_are_compared_by_processes(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zincflux.batch import kept

    monkeypatch.setattr(kept, "MOST_BYTES", 1e5)
    given: list[int] = []

    def count(jobs: Any, n: int, *, threads: int) -> Any:
        given.append(len(jobs))
        return in_this_process(jobs, n, threads=threads)

    monkeypatch.setattr(run_module, "iter_processes", count)
    assert statuses(again(copy)) == ["up to date"] * 3
    assert given == [3]


def test_a_changed_input_runs_one_movie_again(copy: Path) -> None:
    shutil.copy(copy / "dish1.ome.tif", copy / "dish3.ome.tif")
    assert statuses(again(copy)) == ["up to date", "up to date", "done"]


def test_other_keys_or_statistics_run_no_movie_again(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "iter_study", iter_study)
    change(copy / "sheet.csv", ",zinc,", ",salt,")
    change(copy / "common.toml", 'control = "none"', 'control = "salt"')
    outcome = again(copy)
    assert statuses(outcome) == ["up to date"] * 3
    assert set(outcome.summary()["conditions"]) == {"none", "salt"}
    assert set(pd.read_parquet(copy / "out" / "cells.parquet")["condition"]) == {"none", "salt"}
    file = copy / "out" / "study.json"
    time = file.stat().st_mtime_ns
    # Once more: now the study is up to date as well.
    outcome = again(copy)
    assert outcome.study.settings.control == "salt"
    assert file.stat().st_mtime_ns == time
    sheet = read_sheet(copy / "sheet.csv", copy / "common.toml")
    place = LocalPlace(copy / "out")
    assert place.earlier_study(sheet, outcome.outcomes) is not None
    (copy / "out" / "report.html").unlink()
    assert place.earlier_study(sheet, outcome.outcomes) is None
    assert "study" not in json.loads((copy / "out" / BATCH_FILE).read_text(encoding="utf-8"))


def test_a_failing_movie_stops_no_other(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = worker_module.iter_run
    shutil.rmtree(copy / "out")

    def fails(experiment: Any, out: str, **options: Any) -> Any:
        if out.endswith("dish 1"):
            raise ReaderError("broken. Copy it again.")
        if out.endswith("dish 2"):
            raise ZeroDivisionError("by nothing")
        return real(experiment, out, **options)

    monkeypatch.setattr(worker_module, "iter_run", fails)
    monkeypatch.setattr(run_module, "iter_study", iter_study)
    outcome = again(copy)
    assert statuses(outcome) == ["failed", "failed", "done"]
    reasons = [failure["reason"] for failure in outcome.summary()["failures"]]
    assert reasons[0] == "broken. Copy it again."
    assert reasons[1].startswith("unexpected ZeroDivisionError: by nothing. Run this movie by")
    table = pd.read_csv(copy / "out" / "experiments.csv").set_index("sample")
    assert list(table["status"]) == ["failed", "failed", "done"]
    assert table.loc["dish 1", "reason"] == "broken. Copy it again."
    assert not (copy / "out" / "dish 1").exists()


def test_memory_that_runs_out_is_a_reason(monkeypatch: pytest.MonkeyPatch, copy: Path) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(worker_module, "iter_run", fails)
    shutil.rmtree(copy / "out")
    outcome = again(copy)
    assert outcome.failed == 3
    assert outcome.outcomes[0].reason.startswith("memory ran out. Use fewer --jobs")


def test_a_full_disk_leaves_complete_files(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zincflux.results import folder as folder_module

    shutil.rmtree(copy / "out" / "dish 2")
    before = contents(copy / "out")
    real = folder_module._write_labels

    def full(analysis: Any, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folder_module, "_write_labels", full)
    outcome = again(copy)
    assert statuses(outcome) == ["up to date", "failed", "up to date"]
    assert "this cannot be written: No space left on device" in outcome.outcomes[1].reason
    assert not (copy / "out" / "dish 2").exists()
    assert not list((copy / "out").glob(".dish*"))
    monkeypatch.setattr(folder_module, "_write_labels", real)
    assert statuses(again(copy)) == ["up to date", "done", "up to date"]
    after = contents(copy / "out")
    assert all(after[name] == before[name] for name in before if name.startswith("dish"))


def test_a_full_disk_at_the_study_leaves_the_earlier_one(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "iter_study", iter_study)
    before = contents(copy / "out")
    real = Path.write_text

    def full(path: Path, *args: Any, **options: Any) -> int:
        if path.name == "study.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, *args, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ResultsError, match="this cannot be written: No space left on device"):
        again(copy, assignments=["study.alpha=0.1"])
    after = contents(copy / "out")
    assert before.pop(BATCH_FILE) != after.pop(BATCH_FILE)  # the study is no longer up to date
    assert after == before
    assert not list((copy / "out").glob(".study*"))


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is closed to the superuser"
)
def test_a_folder_that_is_closed(copy: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(ResultsError, match="this cannot be written"):
        run_batch(copy / "sheet.csv", closed / "out", settings=copy / "common.toml")
    assert not any(closed.iterdir())


def test_a_disk_that_cannot_be_written(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zincflux.batch import lock as lock_module

    def closed(*_: Any) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    before = contents(copy / "out")
    monkeypatch.setattr(lock_module.os, "open", closed)
    with pytest.raises(ResultsError, match="this cannot be written: Read-only file system"):
        again(copy)
    monkeypatch.undo()
    assert contents(copy / "out") == before


def test_out_below_a_file(copy: Path) -> None:
    with pytest.raises(ResultsError, match=r"a folder above it, but .*sheet\.csv is a file"):
        run_batch(copy / "sheet.csv", copy / "sheet.csv" / "out", settings=copy / "common.toml")


def test_folders_of_others_are_refused_before_anything_runs(copy: Path) -> None:
    shutil.rmtree(copy / "out")
    for name in ("dish 1", "dish 3"):
        (copy / "out" / name).mkdir(parents=True)
        (copy / "out" / name / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ExperimentError) as caught:
        again(copy)
    assert "row 2, column 'sample'" in str(caught.value)
    assert "row 4, column 'sample'" in str(caught.value)
    assert "is there already and no batch has made it. Rename the sample" in str(caught.value)
    assert {path.name for path in (copy / "out").iterdir()} == {"dish 1", "dish 3", LOCK_FILE}
    outcome = again(copy, overwrite=True)
    assert outcome.done == 3
    assert (copy / "out" / "dish 1" / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert statuses(again(copy)) == ["up to date"] * 3


@pytest.mark.parametrize("text", ["{", "[]", '{"samples": {}}', '{"zincflux_batch": 1}'])
def test_a_list_of_samples_that_is_none(copy: Path, text: str) -> None:
    (copy / "out" / BATCH_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"expected the list of samples that a batch has"):
        again(copy)


def test_half_written_folders_are_cleaned_up_and_nothing_else(copy: Path) -> None:
    out = copy / "out"
    strays = [".dish 1-abcdefgh", ".dish 2-a_000000", ".study-zzzzzzzz", f".{BATCH_FILE}-abcdefgh"]
    others = [".dish 9-abcdefgh", ".dish 1-abc", ".git", "dish 1-abcdefgh", ".dish 1-ABCDEFGH"]
    for name in (*strays, *others):
        (out / name).mkdir()
        (out / name / "traces.csv").write_text("half", encoding="utf-8")
    (out / ".dish 3-abcdefgh").write_text("a file", encoding="utf-8")
    (out / ".dish 3-hgfedcba").symlink_to(copy)
    again(copy)
    left = {path.name for path in out.iterdir()}
    assert not left & set(strays)
    assert left >= {*others, ".dish 3-abcdefgh", ".dish 3-hgfedcba"}
    assert (copy / "dish1.ome.tif").exists()


def test_a_folder_that_was_being_replaced_is_made_again(copy: Path) -> None:
    before = contents(copy / "out")
    (copy / "out" / "dish 1" / "run.json").unlink()
    (copy / "out" / "dish 2" / "traces.parquet").unlink()
    assert statuses(again(copy)) == ["done", "done", "up to date"]
    assert contents(copy / "out") == before


def test_one_batch_at_a_time(copy: Path) -> None:
    with locked(copy / "out"), pytest.raises(ExperimentError, match="another batch writes into"):
        again(copy)
    assert again(copy).skipped == 3


def test_stopping_leaves_complete_folders_only(copy: Path) -> None:
    shutil.rmtree(copy / "out")
    steps = iter_batch(copy / "sheet.csv", copy / "out", settings=copy / "common.toml")
    for step in steps:
        if step.sample == "dish 2" and step.stage == "report":
            break
    steps.close()
    names = {path.name for path in (copy / "out").iterdir()}
    assert names == {LOCK_FILE, BATCH_FILE, "dish 1"}
    assert statuses(again(copy)) == ["up to date", "done", "done"]


def test_rows_that_were_taken_out_stay_the_batch_s_own(copy: Path) -> None:
    text = (copy / "sheet.csv").read_text(encoding="utf-8")
    (copy / "sheet.csv").write_text(text[: text.rindex("dish3")], encoding="utf-8")
    outcome = again(copy)
    assert [one.row.sample for one in outcome.outcomes] == ["dish 1", "dish 2"]
    assert statuses(outcome) == ["up to date"] * 2
    (copy / "sheet.csv").write_text(text, encoding="utf-8")
    assert statuses(again(copy)) == ["up to date"] * 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels_format": "png"}, "--labels-format: expected tiff or zarr, found 'png'"),
        ({"jobs": 0}, "--jobs: expected 1 or more, found 0"),
        ({"jobs": 2, "scheduler": "tcp://x:1"}, "--jobs has no effect with --scheduler"),
        ({"max_memory": "much"}, "--max-memory: expected a number with MB"),
        ({"max_memory": "600MB"}, "--max-memory: expected at least 9.. MB, which the movie of row"),
    ],
)
def test_options_that_are_wrong(copy: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        again(copy, **options)


def test_a_sheet_that_was_read_is_complete(copy: Path) -> None:
    sheet = read_sheet(copy / "sheet.csv", copy / "common.toml")
    assert run_batch(sheet, copy / "out").skipped == 3
    with pytest.raises(ExperimentError, match="a sheet that was read is complete"):
        run_batch(sheet, copy / "out", assignments=["flux.responder_k=2"])


def test_labels_as_zarr(copy: Path) -> None:
    pytest.importorskip("zarr")
    outcome = again(copy, labels_format="zarr", max_memory="4GB")
    assert outcome.done == 3
    names = {path.name for path in (copy / "out" / "dish 1").iterdir()}
    assert "labels.ome.zarr" in names
    assert "labels.ome.tif" not in names


def test_every_movie_may_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "iter_processes", in_this_process)
    monkeypatch.setattr(worker_module, "iter_run", _refuse)
    make_movies(tmp_path, 1)
    sheet = write_sheet(tmp_path / "sheet.csv", [{"path": "dish1.ome.tif"}])
    outcome = run_batch(sheet, tmp_path / "out")
    assert (outcome.failed, outcome.done) == (1, 0)
    assert list(pd.read_csv(tmp_path / "out" / "experiments.csv")["status"]) == ["failed"]


def _refuse(*_: Any, **__: Any) -> Any:
    raise ReaderError("nothing there. Look again.")


def test_records_hold_no_times(finished: tuple[Path, BatchOutcome]) -> None:
    content = json.loads((finished[0] / "out" / BATCH_FILE).read_text(encoding="utf-8"))
    names = [f"dish {n}" for n in (1, 2, 3)]
    assert content["samples"] == dict(zip(names, names, strict=True))
    assert content["zincflux_batch"] == 1
    assert "report.html" in content["study"]["files"]
    assert np.all([one.seconds > 0 for one in finished[1].outcomes])
