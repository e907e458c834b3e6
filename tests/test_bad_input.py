"""Bad input: one clear message, the right exit status, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import tifffile

from runs import (
    CENTRES,
    DIAMETER_UM,
    EXPERIMENT,
    Shell,
    copy_dish,
    finished,
    names_in,
    pixels,
    run_quietly,
    save_movie,
)
from zincflux.columns import OF_REGIONS, TABLES, expand
from zincflux.results import read_results

SET_SIZE = ("--set", f"segment.diameter_um={DIAMETER_UM}")


@pytest.fixture
def zf(monkeypatch, capsys):
    """Call the command line: exit status, stdout, stderr."""
    return Shell(monkeypatch, capsys)


@pytest.fixture
def dish(tmp_path_factory, tmp_path):
    """An experiment file of one's own, without results."""
    return copy_dish(finished(tmp_path_factory)[0], tmp_path / "own")


@pytest.fixture
def quick(monkeypatch):
    """Leave out the figures where they do not matter."""
    monkeypatch.setattr("zincflux.workflow.render_report", lambda *_: "<p>report</p>")


def refused(found, status, *words, folder):
    """Check that a command failed with one message and left nothing."""
    code, out, err = found
    assert (code, out) == (status, ""), err
    assert err.startswith("zincflux: ")
    assert len(err.splitlines()) == 1
    for word in words:
        assert word in err
    assert names_in(folder) == {"movie.ome.tif", "experiment.toml"}


def store(path, data):
    """Replace a movie by other pixels (T, Y, X)."""
    save_movie(path, np.asarray(data)[:, None])


# Movies without cells


@pytest.mark.parametrize(
    "data",
    [
        np.zeros((40, 64, 64), np.uint16),
        np.full((40, 64, 64), 65535, np.uint16),
        np.full((40, 64, 64), np.nan, np.float32),
        np.random.default_rng(0).normal(100, 3, (40, 64, 64)).astype(np.uint16),
    ],
    ids=["zero", "saturated", "not a number", "noise"],
)
def test_no_cells_is_said_plainly(zf, dish, quick, data):
    store(dish.parent / "movie.ome.tif", data)
    status, out, _ = zf("run", dish)
    assert status == 0
    assert out.startswith("0 cells in 40 frames: 0 with zinc, 0 excluded\nNo cells were found")
    results = read_results(dish.parent / "experiment")
    for name, columns in TABLES.items():
        table = getattr(results, name)
        expected = [
            column.name for column in expand(columns, ["dye"]) if column.name not in OF_REGIONS
        ]
        assert list(table) == expected
        assert len(table) == (40 if name == "frames" else 0)
        if name != "frames":
            assert list(pd.read_csv(results.folder / f"{name}.csv")) == expected
    assert not results.labels.any()


def test_no_cells_in_the_report_and_again(zf, dish):
    store(dish.parent / "movie.ome.tif", np.full((40, 64, 64), 100, np.uint16))
    assert zf("run", dish)[0] == 0
    page = (dish.parent / "experiment/report.html").read_text(encoding="utf-8")
    assert "No cells were found." in page
    status, out, _ = zf("run", dish)
    assert status == 0
    assert out.startswith("up to date")
    assert "No cells were found" in out


def test_no_moving_cells(zf, dish, quick):
    store(dish.parent / "movie.ome.tif", np.full((40, 64, 64), 100, np.uint16))
    status, out, _ = zf("run", dish, "--set", "track.mode=follow")
    assert status == 0
    assert "No cells were found" in out
    assert read_results(dish.parent / "experiment").labels.shape == (40, 64, 64)


# Odd pixels


def test_one_frame(zf, dish, quick):
    store(dish.parent / "movie.ome.tif", pixels(1)[:, 0])
    status, out, err = zf("run", dish.parent / "movie.ome.tif", *SET_SIZE)
    assert (status, err) == (0, "")
    assert out.startswith("4 cells in 1 frame: ")
    results = read_results(dish.parent / "movie")
    assert len(results.traces) == 4
    assert results.frames["time_s"].tolist() == [0]


def test_phases_need_more_than_one_frame(zf, dish):
    store(dish.parent / "movie.ome.tif", pixels(1)[:, 0])
    refused(zf("run", dish), 2, "phases: 'zinc'", "no frame lies there", folder=dish.parent)


def test_pixels_that_are_no_numbers(zf, dish, quick):
    """A cell that a dead patch covers in one frame has no zinc there; the others have theirs."""
    data = pixels()[:, 0].astype(np.float32)
    y, x = CENTRES[0]
    data[10, y - 6 : y + 7, x - 6 : x + 7] = np.nan
    store(dish.parent / "movie.ome.tif", data)
    status, out, _ = zf("run", dish)
    assert status == 0
    assert out.startswith("4 cells in 40 frames")
    traces = read_results(dish.parent / "experiment").traces
    hit = (np.hypot(traces["y_um"] - y, traces["x_um"] - x) < 5) & (traces["frame"] == 10)
    assert hit.sum() == 1
    assert traces.loc[hit, ["dye_raw", "signal", "zinc_nM"]].isna().all(axis=None)
    assert traces.loc[~hit & (traces["phase"] == "zinc"), "zinc_nM"].notna().all()


def test_a_frame_without_numbers(zf, dish, quick):
    data = pixels()[:, 0].astype(np.float32)
    data[12] = np.nan
    store(dish.parent / "movie.ome.tif", data)
    assert zf("run", dish)[0] == 0
    traces = read_results(dish.parent / "experiment").traces
    assert traces.loc[traces["frame"] == 12, "zinc_nM"].isna().all()
    assert traces.loc[traces["frame"] == 13, "zinc_nM"].notna().all()


def test_negative_pixels(zf, dish, quick, tmp_path_factory):
    """Pixels from which somebody has subtracted too much give the same zinc."""
    store(dish.parent / "movie.ome.tif", pixels()[:, 0].astype(np.float32) - 500)
    assert zf("run", dish)[0] == 0
    cells = read_results(dish.parent / "experiment").cells
    expected = read_results(finished(tmp_path_factory)[1].out).cells
    for name in ("baseline_zinc_nM", "dynamic_range"):
        np.testing.assert_allclose(cells[name], expected[name], rtol=0.01)


# Files that are damaged or of another kind


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.3, 0.6, 0.95])
def test_truncated_movie(zf, dish, kept):
    movie = dish.parent / "movie.ome.tif"
    content = movie.read_bytes()
    movie.write_bytes(content[: int(kept * len(content))])
    refused(zf("run", dish), 3, "movie.ome.tif", folder=dish.parent)


def test_movie_damaged_inside(zf, dish):
    """The directory of the file is whole, the pixels of a frame are not."""
    movie = dish.parent / "movie.ome.tif"
    with tifffile.TiffFile(movie) as file:
        start, length = file.pages[20].dataoffsets[0], file.pages[20].databytecounts[0]
    content = bytearray(movie.read_bytes())
    content[start : start + length] = bytes(length)
    movie.write_bytes(content)
    refused(zf("run", dish), 3, "movie.ome.tif", folder=dish.parent)


def test_no_image(zf, dish):
    (dish.parent / "movie.ome.tif").write_text("cells,zinc\n1,2\n", encoding="utf-8")
    refused(zf("run", dish), 3, "movie.ome.tif", "expected an image", folder=dish.parent)


def test_a_movie_that_goes_away(zf, dish, monkeypatch):
    """For example on a network drive that is lost."""
    from zincflux import workflow

    analyze = workflow.iter_analyze

    def lose(*settings, **movie):
        (dish.parent / "movie.ome.tif").rename(dish.parent / "gone")
        return analyze(*settings, **movie)

    monkeypatch.setattr(workflow, "iter_analyze", lose)
    found = zf("run", dish)
    (dish.parent / "gone").rename(dish.parent / "movie.ome.tif")
    refused(found, 3, "movie.ome.tif", folder=dish.parent)


def test_absent_image_of_a_setting(zf, dish):
    found = zf("run", dish, "--set", "camera.dark=dark.tif")
    refused(found, 3, "dark.tif", folder=dish.parent)


# Settings that do not fit the movie


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"k_nM = 15.0": "k_nM = 15.0\n[channels]\nsignal = 'dya'"}, ["channels.signal", "'dye'"]),
        ({"k_nM = 15.0": "k_nM = 15.0\n[channels]\nsignal = 3"}, ["channels.signal", "found 3"]),
        ({"start_s = 150.0": "start_s = 900.0"}, ["phases: 'Zn'", "from 0 s to 195 s"]),
        ({"start_s = 40.0": "start_s = 40.0\nend_s = 120.0"}, ["Phases must not overlap"]),
        ({"diameter_um": "diametre_um"}, ["segment.diametre_um", "Did you mean 'diameter_um'"]),
        ({"[segment]": "[segmentation]"}, ["segmentation: unknown key", "'segment'"]),
        ({'"FluoZin-3"': '"FluoZin-4"'}, ["indicator", "Did you mean 'FluoZin-3'"]),
        ({'"FluoZin-3"': '"ZapCY2"'}, ["ZapCY2", "channels.numerator"]),
        ({"diameter_um = 12.0": "diameter_um = 'big'"}, ["segment.diameter_um", "'big'"]),
        ({"[movie]": "[movie"}, ["expected a TOML file"]),
    ],
)
def test_wrong_settings(zf, dish, changes, words):
    copy_dish(dish, dish.parent / "wrong", changes)
    found = zf("run", dish.parent / "wrong/experiment.toml")
    refused(found, 2, *words, folder=dish.parent / "wrong")


# Output


def test_output_below_a_file(zf, dish):
    found = zf("run", dish, "--out", dish / "out")
    refused(found, 1, "experiment.toml is a file", folder=dish.parent)


def test_output_in_place_of_a_file(zf, dish):
    found = zf("run", dish, "--out", dish)
    refused(found, 2, "expected a folder, found a file", folder=dish.parent)


def test_output_that_is_there(zf, dish, quick):
    run_quietly(dish)
    before = {path.name: path.read_bytes() for path in (dish.parent / "experiment").iterdir()}
    status, out, err = zf("run", dish, "--set", "segment.diameter_um=13")
    assert (status, out) == (2, "")
    assert "--overwrite" in err
    assert before == {
        path.name: path.read_bytes() for path in (dish.parent / "experiment").iterdir()
    }


@pytest.mark.parametrize("writer", ["pyarrow.csv.write_csv", "tifffile.TiffWriter.write"])
def test_full_disk(zf, dish, quick, monkeypatch, writer):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, full)
    refused(zf("run", dish), 1, "No space left on device. Nothing was left", folder=dish.parent)


def test_full_disk_keeps_the_earlier_results(zf, dish, quick, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    run_quietly(dish)
    before = {path.name: path.read_bytes() for path in (dish.parent / "experiment").iterdir()}
    monkeypatch.setattr("pyarrow.csv.write_csv", full)
    assert zf("run", dish, "--set", "segment.diameter_um=13", "--overwrite")[0] == 1
    assert before == {
        path.name: path.read_bytes() for path in (dish.parent / "experiment").iterdir()
    }


# Ctrl-C


def wait_for(condition, timeout_s):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


@pytest.mark.skipif(os.name != "posix", reason="a console signal cannot be sent to one process")
@pytest.mark.slow
def test_ctrl_c_stops_within_two_seconds(tmp_path):
    """Sent as soon as there is a folder that must not stay, while a long movie is measured."""
    large = np.tile(pixels(), (1, 1, 8, 8))
    movie = tmp_path / "movie.ome.tif"
    save_movie(movie, large)
    # The same file again and again is a long recording.
    text = EXPERIMENT.replace('path = "movie.ome.tif"', f"path = {['movie.ome.tif'] * 20}")
    text = text.replace("[movie]", "[movie]\nframe_interval_s = 5.0")
    (tmp_path / "experiment.toml").write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "zincflux", "run", "experiment.toml", "--jobs", "2"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs, CI among them, start with Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        wait_for(lambda: len(names_in(tmp_path)) > 2 or process.poll() is not None, 60)
        time.sleep(1.0)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        out, err = process.communicate(timeout=20)
        assert time.monotonic() - start < 2
    finally:
        process.kill()
    assert (process.returncode, out) == (130, "")
    assert err == "zincflux: stopped; nothing was left half written.\n"
    assert names_in(tmp_path) == {"movie.ome.tif", "experiment.toml"}
