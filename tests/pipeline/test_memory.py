"""Memory is bounded by the number of threads."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zincflux.errors import ExperimentError
from zincflux.pipeline.memory import jobs_within, needed_mb, parse_memory
from zincflux.readers import movie_from_array, open_movie
from zincflux.results import write_movie
from zincflux.segment import Segment


def movie(side_px=2048, n_channels=2):
    # A view of one pixel: nothing of its size is held.
    pixels = np.broadcast_to(np.uint16(7), (5, n_channels, side_px, side_px))
    return movie_from_array(pixels, "TCYX", pixel_size_um=0.5, frame_interval_s=1.0)


@pytest.mark.parametrize(
    ("text", "mb"),
    [("700MB", 700), ("4GB", 4000), (" 1.5 gb ", 1500), ("1GiB", 1073.741824), ("2TB", 2e6)],
)
def test_amounts_of_memory(text, mb):
    assert parse_memory(text) == pytest.approx(mb)


@pytest.mark.parametrize("text", ["4", "GB", "-1GB", "4 apples", "1e3MB", "nanGB", ""])
def test_no_amount_of_memory(text):
    with pytest.raises(ExperimentError, match=r"--max-memory: expected a number with MB, GB"):
        parse_memory(text)


def test_without_a_bound_all_threads_work():
    assert jobs_within(None, movie(), follows=True, jobs=7) == 7
    assert jobs_within(None, movie(), follows=True) >= 1


@given(
    limit=st.floats(1, 1e5),
    most=st.integers(1, 64),
    follows=st.booleans(),
    side=st.integers(8, 9000),
)
def test_the_most_threads_that_fit(limit, most, follows, side):
    large = movie(side)
    try:
        jobs = jobs_within(limit, large, follows=follows, jobs=most)
    except ExperimentError:
        assert needed_mb(large, 1, follows=follows) > limit
        return
    assert 1 <= jobs <= most
    assert needed_mb(large, jobs, follows=follows) <= limit
    assert jobs == most or needed_mb(large, jobs + 1, follows=follows) > limit


def test_a_bound_that_one_thread_exceeds():
    least = round(needed_mb(movie(), 1, follows=False))
    message = rf"--max-memory: expected at least {least} MB, .* found 100 MB\. Give more, or bin"
    with pytest.raises(ExperimentError, match=message):
        jobs_within(100.0, movie(), follows=False)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell the peak of a process")
@pytest.mark.parametrize(
    ("mode", "method"), [("static", "watershed"), ("follow", "watershed"), ("follow", "learned")]
)
def test_a_run_needs_no_more_than_estimated(tmp_path, mode, method):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:1024, :1024] % 64 - 32
    cells = np.where(np.hypot(y, x) < 12, 800.0, 100.0)
    frame = rng.poisson(cells, (2, 1024, 1024)).astype(np.uint16)
    pixels = np.stack([frame] * 12)
    movie = movie_from_array(pixels, "TCYX", pixel_size_um=0.65, frame_interval_s=5.0)
    write_movie(movie, tmp_path / "movie.ome.tif")
    if method == "learned":
        pytest.importorskip("onnxruntime")
    segment = Segment(method=method)
    options = ["--jobs", "2", "--set", f"track.mode={mode}", "--set", "channels.signal=0"]
    options += ["--set", f"segment.method={method}"]
    command = [sys.executable, "-m", "zincflux", "run", str(tmp_path / "movie.ome.tif"), *options]
    subprocess.run([*command, "--out", str(tmp_path / "out")], check=True, capture_output=True)
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    movie = open_movie(tmp_path / "movie.ome.tif")
    network_px = segment.network_px(0.65)
    needed = needed_mb(movie, 2, follows=mode == "follow", network_px=network_px)
    assert record["peak_memory_mb"] < needed


def test_a_network_that_enlarges_the_frame_needs_more():
    assert Segment(method="watershed").network_px(0.5) == 0
    learned = Segment(method="learned", diameter_um=5.0)
    assert learned.network_px(0.5) == pytest.approx(4)
    assert learned.network_px(None) == 1
    assert Segment(method="learned", diameter_um="auto").network_px(0.5) == 1
    needed = [needed_mb(movie(), 2, follows=True, network_px=px) for px in (0.0, 1.0, 4.0)]
    assert needed[2] - needed[0] == pytest.approx(4 * (needed[1] - needed[0]))
    assert needed[0] < needed[1]
    still = [needed_mb(movie(), 2, follows=False, network_px=px) for px in (0.0, 4.0)]
    assert still[0] == still[1]
