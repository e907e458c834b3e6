"""What every reader must do, whatever the format."""

import gc
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from mm_files import FOLDERS, STACKS
from recordings import EVERY, Recording
from vendor_files import VENDOR

from zincflux.movie import Movie
from zincflux.readers import READERS, describe, open_movie
from zincflux.readers.formats import FOLDER_READERS

NAMES = [write.__name__ for write in EVERY]


@pytest.fixture(params=(*EVERY, *STACKS, *FOLDERS, *VENDOR), ids=lambda write: write.__name__)
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> Recording:
    needs = {"oif": "oiffile"} | {name: "zarr" for name in NAMES if "zarr" in name}
    needs |= {write.__name__: package for write, package in VENDOR.items()}
    if request.param.__name__ in needs:
        pytest.importorskip(needs[request.param.__name__], reason="needs zincflux[formats]")
    return request.param(tmp_path)


@pytest.fixture
def movie(recording: Recording) -> Movie:
    return open_movie(recording.path, **recording.keys)


def test_pixels_are_those_of_the_file(recording: Recording, movie: Movie) -> None:
    assert movie.data.shape == recording.data.shape
    assert movie.data.dtype == recording.data.dtype
    for t, expected in enumerate(recording.data):
        frame = movie.data[t]
        assert frame.dtype == recording.data.dtype
        np.testing.assert_array_equal(frame, expected)


def test_size_is_in_um_and_time_in_s(recording: Recording, movie: Movie) -> None:
    assert movie.pixel_size_um == pytest.approx(recording.pixel_size_um, rel=1e-5)
    assert movie.time_s is not None
    np.testing.assert_allclose(movie.time_s, recording.time_s, rtol=1e-12)


def test_channels_and_saturation_are_known(movie: Movie) -> None:
    assert len(set(movie.channels)) == movie.data.shape[1]
    assert movie.saturation_level in (4095.0, 65535.0)


@pytest.mark.slow
def test_no_file_stays_open(recording: Recording, tmp_path: Path) -> None:
    def open_files() -> list[str]:
        return [f.path for f in psutil.Process().open_files() if f.path.startswith(str(tmp_path))]

    movie = open_movie(recording.path, **recording.keys)
    assert open_files() == []
    for t in range(movie.n_frames):
        movie.frame(t)
    assert open_files() == []
    del movie
    gc.collect()
    assert open_files() == []


def test_threads_may_read_at_the_same_time(recording: Recording, movie: Movie) -> None:
    order = list(range(movie.n_frames)) * 8
    with ThreadPoolExecutor(8) as pool:
        frames = list(pool.map(movie.frame, order))
    for t, frame in zip(order, frames, strict=True):
        np.testing.assert_array_equal(frame, recording.data[t])


def test_frames_count_like_a_sequence(recording: Recording, movie: Movie) -> None:
    np.testing.assert_array_equal(movie.data[-1], recording.data[-1])
    with pytest.raises(IndexError):
        movie.data[movie.n_frames]


def test_source_names_every_file(recording: Recording, movie: Movie, tmp_path: Path) -> None:
    assert movie.source.paths
    assert all(path.exists() and path.is_relative_to(tmp_path) for path in movie.source.paths)
    assert len(movie.source.axes) == len(movie.source.shape)


def test_description_is_json_with_the_promised_keys(recording: Recording) -> None:
    found = json.loads(json.dumps(describe(recording.path, **recording.keys)))
    assert found["missing"] == []
    assert found["n_frames"] == len(recording.data)
    np.testing.assert_allclose(found["time_s"], recording.time_s)
    promised = "path format axes shape channels pixel_size_um frame_interval_s time_s bit_depth"
    assert {*promised.split(), "scenes", "missing"} <= set(found)


def test_frames_are_read_again_after_the_working_folder_changed(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    is_list = isinstance(recording.path, list)
    paths = [
        Path(p).relative_to(tmp_path) for p in (recording.path if is_list else [recording.path])
    ]
    movie = open_movie(paths if is_list else paths[0], **recording.keys)
    monkeypatch.chdir("/")
    np.testing.assert_array_equal(movie.frame(0), recording.data[0])


def test_every_reader_has_a_name_and_refuses_text(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no image", encoding="utf-8")
    for reader in READERS:
        assert reader.NAME
        assert reader.sniff(path) is False
    for reader in FOLDER_READERS:
        assert reader.NAME
        assert reader.sniff(tmp_path) is False
