"""The folder of results: complete or absent, and read back as it was written."""

import dataclasses
import errno
import hashlib
import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import tifffile

import zincflux
from runs import finished, names_in
from zincflux.columns import OF_REGIONS, TABLES, expand
from zincflux.errors import ReaderError, ResultsError
from zincflux.results import (
    CALIBRATION_FILE,
    RESULT_FILES,
    Hashing,
    provenance,
    read_results,
    staging,
    versions,
    write_results,
    write_text,
)
from zincflux.results.staging import move_into


@pytest.fixture
def done(tmp_path_factory):
    """Folder of finished results, to be read only."""
    return finished(tmp_path_factory)[1].out


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    file, _ = finished(tmp_path_factory)
    return zincflux.analyze(zincflux.load_experiment(file))


@pytest.fixture
def copy(done, tmp_path):
    return shutil.copytree(done, tmp_path / "copy")


def drain(steps):
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def write(analysis, folder):
    with staging(folder) as aside:
        write_results(analysis, aside, folder, report="<p>", record={"identity": {}})


def move_new(folder, names):
    with staging(folder) as aside:
        for name in names:
            (aside / name).write_text("new", encoding="utf-8")
        move_into(aside, folder, last="last", stale=("stale",))


def test_every_file_of_the_specification_is_there(done):
    assert names_in(done) == {*RESULT_FILES, CALIBRATION_FILE}


@pytest.mark.parametrize("name", TABLES)
def test_tables_come_back_as_they_were(analysis, done, name):
    stored = getattr(read_results(done), name)
    pd.testing.assert_frame_equal(stored, getattr(analysis, name), check_dtype=False)
    expected = [c.name for c in expand(TABLES[name], ["dye"]) if c.name not in OF_REGIONS]
    assert list(stored) == expected


@pytest.mark.parametrize("name", ["traces", "cells", "responses"])
def test_csv_and_parquet_say_the_same(done, name):
    table = pd.read_parquet(done / f"{name}.parquet")
    text = pd.read_csv(done / f"{name}.csv", float_precision="round_trip")
    assert list(text) == list(table)
    for column in table.select_dtypes("number"):
        np.testing.assert_allclose(text[column], table[column], rtol=1e-14, err_msg=column)


def test_results_hold_the_rest(done):
    results = read_results(done)
    assert results.experiment.indicator == "FluoZin-3"
    assert results.calibration is not None
    assert results.calibration.binding.k_nM == 15
    assert results.run["counts"]["n_cells"] == 4
    assert results.folder == done


def test_labels_are_cell_ids(done):
    results = read_results(done)
    assert results.labels.shape == (1, 64, 64)
    assert results.labels.dtype == np.int32
    for row in results.cells.itertuples():
        assert results.labels[0, round(row.y_um), round(row.x_um)] == row.cell_id
    assert set(np.unique(results.labels)) == {0, *results.cells["cell_id"]}


def test_labels_know_their_scale(done):
    with tifffile.TiffFile(done / "labels.ome.tif") as file:
        assert 'PhysicalSizeX="1.0"' in file.ome_metadata


def test_a_column_without_rows_keeps_its_type(analysis, tmp_path):
    empty = dataclasses.replace(analysis, cells=analysis.cells[:0])
    write(empty, tmp_path / "out")
    types = {
        field.name: str(field.type) for field in pq.read_schema(tmp_path / "out/cells.parquet")
    }
    assert types["reason"] == "string"
    assert types["excluded"] == "bool"
    assert types["cell_id"] == "int64"


def test_stale_calibration_does_not_stay(analysis, tmp_path):
    write(analysis, tmp_path / "out")
    write(dataclasses.replace(analysis, calibration=None), tmp_path / "out")
    assert names_in(tmp_path / "out") == set(RESULT_FILES)
    assert read_results(tmp_path / "out").calibration is None


def test_other_files_of_the_folder_stay(analysis, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_text("mine", encoding="utf-8")
    write(analysis, tmp_path / "out")
    assert (tmp_path / "out/notes.txt").read_text(encoding="utf-8") == "mine"


def full_disk(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "writer",
    [
        "pyarrow.parquet.write_table",
        "pyarrow.csv.write_csv",
        "zincflux.results.folder.write_label_stack",
        "pathlib.Path.write_text",
    ],
)
def test_a_full_disk_leaves_nothing(analysis, tmp_path, monkeypatch, writer):
    monkeypatch.setattr(writer, full_disk)
    with pytest.raises(ResultsError, match=r"No space left on device.*Make room"):
        write(analysis, tmp_path / "new/out")
    assert names_in(tmp_path) == set()


def test_a_file_that_is_held_open_leaves_the_old_results(analysis, copy, monkeypatch):
    """On Windows a table that is open in a spreadsheet can be neither moved nor replaced."""
    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    replace = os.replace

    def refuse(source, target):
        if source == copy / "responses.csv":
            raise PermissionError(errno.EACCES, "Permission denied")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ResultsError, match=r"Permission denied.*close programs"):
        write(dataclasses.replace(analysis, calibration=None), copy)
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before
    assert names_in(copy.parent) == {"copy"}


@pytest.mark.parametrize("fails_at", range(6))
def test_moving_is_all_or_nothing(tmp_path, monkeypatch, fails_at):
    folder = tmp_path / "out"
    folder.mkdir()
    for name in ("a", "last", "stale"):
        (folder / name).write_text("old", encoding="utf-8")
    replace, calls = os.replace, []

    def refuse_one(source, target):
        calls.append(source)
        if len(calls) == fails_at + 1:
            raise PermissionError(errno.EACCES, "Permission denied")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse_one)
    with pytest.raises(PermissionError):
        move_new(folder, ("a", "b", "last"))
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == {
        "a": "old",
        "last": "old",
        "stale": "old",
    }
    assert names_in(tmp_path) == {"out"}


def test_a_new_folder_goes_again_if_the_move_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        move_new(tmp_path / "out", ("last",))
    assert names_in(tmp_path) == set()


def test_the_mark_of_complete_results_goes_first_and_comes_last(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    folder.mkdir()
    replace, moved = os.replace, []
    monkeypatch.setattr(
        os, "replace", lambda source, target: (moved.append(source.name), replace(source, target))
    )
    for _ in range(2):
        moved.clear()
        move_new(folder, ("z", "last", "a"))
    assert moved == ["last", "a", "z", "a", "z", "last"]


def test_staging_works_for_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_text(Path("x.toml"), "a")
    assert names_in(tmp_path) == {"x.toml"}


def test_staging_below_a_file(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ResultsError, match=r"expected a folder above it, but .*file is a file"):
        write_text(tmp_path / "file" / "deep" / "x.toml", "a")


def test_text_over_a_folder(tmp_path):
    (tmp_path / "x.toml").mkdir()
    with pytest.raises(ResultsError, match=r"x\.toml: this cannot be written"):
        write_text(tmp_path / "x.toml", "a")
    assert names_in(tmp_path) == {"x.toml"}


def test_a_folder_without_results(tmp_path):
    with pytest.raises(ResultsError, match=r"found no run\.json\. Give the folder"):
        read_results(tmp_path)


@pytest.mark.parametrize("content", ["[1]", "{", ""])
def test_a_damaged_record_is_no_results(tmp_path, content):
    (tmp_path / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(ResultsError, match=r"found no run\.json"):
        read_results(tmp_path)


@pytest.mark.parametrize(
    "name", ["traces.parquet", "labels.ome.tif", "experiment.toml", "calibration.toml"]
)
def test_damaged_results(copy, name):
    (copy / name).write_bytes(b"damaged")
    with pytest.raises(ResultsError, match=r"the results are damaged: .*again with --overwrite"):
        read_results(copy)


def test_absent_table(copy):
    (copy / "cells.parquet").unlink()
    with pytest.raises(ResultsError, match="the results are damaged"):
        read_results(copy)


def hashes(*files):
    with Hashing(files) as hashing:
        return drain(hashing.wait())


def test_hashes_are_those_of_the_files(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "_CHUNK_BYTES", 4)
    file = tmp_path / "a"
    file.write_bytes(b"abc" * 3)
    empty = tmp_path / "b"
    empty.touch()
    assert hashes(file, file, empty) == {
        file.as_posix(): hashlib.sha256(b"abcabcabc").hexdigest(),
        empty.as_posix(): "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }


def test_progress_of_hashes_that_are_waited_for(tmp_path, monkeypatch):
    """Hashing stands still until progress has been told once."""
    told = threading.Event()

    class Slow:
        def update(self, chunk):
            assert told.wait(60)

        def hexdigest(self):
            return "ready"

    monkeypatch.setattr(provenance.hashlib, "sha256", Slow)
    (file := tmp_path / "a").write_bytes(bytes(3_000_000))
    with Hashing([file]) as hashing:
        steps = hashing.wait()
        first = next(steps)
        told.set()
        *_, last = steps
    assert (first.stage, first.done) == ("check inputs (MB)", 0)
    assert (last.done, last.total) == (3, 3)


def test_hashing_stops_when_nobody_waits(tmp_path, monkeypatch):
    read, begun = [], threading.Event()

    class Slow:
        def update(self, chunk):
            read.append(len(chunk))
            begun.set()
            time.sleep(0.02)

        def hexdigest(self):
            return "unused"

    monkeypatch.setattr(provenance, "_CHUNK_BYTES", 10)
    monkeypatch.setattr(provenance.hashlib, "sha256", Slow)
    (file := tmp_path / "a").write_bytes(bytes(1000))
    with Hashing([file]):
        assert begun.wait(60)
    assert sum(read) < 1000


def test_an_input_that_cannot_be_read(tmp_path):
    with pytest.raises(ReaderError, match="gone: expected a file that can be read"):
        hashes(tmp_path / "gone")
    (tmp_path / "folder/gone").mkdir(parents=True)
    assert hashes(tmp_path / "folder")


def test_a_folder_is_what_lies_in_it(tmp_path):
    folder = tmp_path / "a.zarr"
    (folder / "c/0").mkdir(parents=True)
    (folder / "c/0/1").write_bytes(b"one")
    before = hashes(folder)
    (folder / "c/0/1").rename(folder / "c/0/2")
    moved = hashes(folder)
    (folder / "c/0/2").write_bytes(b"two")
    assert len({*before.values(), *moved.values(), *hashes(folder).values()}) == 3


def test_an_address_counts_by_its_fingerprint(monkeypatch):
    monkeypatch.setattr(provenance, "fingerprint", lambda address: f"<{address}>")
    assert hashes("s3://lab/a.zarr") == {"s3://lab/a.zarr": "<s3://lab/a.zarr>"}


def test_a_drive_that_drops_out_is_named(tmp_path, monkeypatch):
    (file := tmp_path / "a").write_bytes(b"abc")

    def fail(*args, **kwargs):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("builtins.open", fail)
    with pytest.raises(ReaderError, match=r"a: expected a file that can be read, found: Input/out"):
        hashes(file)


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db"])
def test_looking_at_a_folder_changes_nothing(tmp_path, name):
    (folder := tmp_path / "movie.zarr").mkdir()
    (folder / "zarr.json").write_text("{}", encoding="utf-8")
    before = hashes(folder)
    (folder / name).write_bytes(b"seen")
    assert hashes(folder) == before
    (folder / "c").write_bytes(b"pixels")
    assert hashes(folder) != before


def test_versions_name_this_package():
    assert versions()["zincflux"] == zincflux.__version__
    assert {"python", "numpy", "pandas"} <= versions().keys()


@pytest.mark.parametrize("system", ["linux", "darwin", "freebsd"])
def test_peak_memory(monkeypatch, system):
    pytest.importorskip("resource")
    monkeypatch.setattr(sys, "platform", system)
    if system != "linux" or Path("/proc/self/status").exists():
        assert provenance.peak_memory_mb() > 0


def test_peak_memory_without_a_high_water_mark(monkeypatch):
    """Some containers do not tell it."""
    pytest.importorskip("resource")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "read_text", lambda *args, **kwargs: "Name: python")
    assert provenance.peak_memory_mb() > 10


def test_peak_memory_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "resource", None)
    assert provenance.peak_memory_mb() is None


def test_record_is_json_for_any_reader(done):
    text = (done / "run.json").read_text(encoding="utf-8")
    record = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert {"versions", "inputs", "warnings", "counts", "timings_s", "peak_memory_mb"} <= {*record}
    (digest,) = record["inputs"].values()
    assert len(digest) == 64
