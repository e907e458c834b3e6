"""Movies, labels and simulations as files."""

import numpy as np
import pytest
import tifffile

import zincflux
from runs import names_in, pixels, save_movie
from zincflux.errors import ExperimentError, ResultsError
from zincflux.movie import Movie
from zincflux.results import images, write_label_stack, write_movie, write_simulation
from zincflux.results.simulation import SIMULATION_FILES

SMALL = {"n_cells": 3, "n_frames": 6, "shape_px": (48, 48), "seed": 5}


def simulate_into(folder, **options):
    made = zincflux.simulate(zincflux.Simulation(**SMALL))
    return list(write_simulation(made, folder, **options))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_movie_comes_back(tmp_path, dtype):
    rng = np.random.default_rng(0)
    data = rng.integers(0, 100, (4, 2, 20, 30)).astype(dtype)
    times = np.array([0, 1, 2.5, 10])
    movie = Movie(data, ("CFP", "YFP µ"), pixel_size_um=0.5, time_s=times, bit_depth=12)
    write_movie(movie, tmp_path / "a.ome.tif")
    back = zincflux.open_movie(tmp_path / "a.ome.tif")
    assert back.channels == movie.channels
    assert back.pixel_size_um == 0.5
    assert back.data.dtype == dtype
    np.testing.assert_allclose(back.time_s, times)
    np.testing.assert_array_equal([back.frame(t) for t in range(4)], data)
    assert names_in(tmp_path) == {"a.ome.tif"}


def test_bare_movie_comes_back(tmp_path):
    write_movie(Movie(np.ones((1, 1, 20, 30), np.uint8), ("C0",)), tmp_path / "a.ome.tif")
    back = zincflux.open_movie(tmp_path / "a.ome.tif")
    assert back.pixel_size_um is None
    assert back.frame(0).sum() == 600


def test_same_pixels_give_the_same_bytes(tmp_path):
    first = save_movie(tmp_path / "a.ome.tif", pixels(4))
    second = save_movie(tmp_path / "b.ome.tif", pixels(4))
    assert first.read_bytes() == second.read_bytes()


def test_large_files_have_room_for_their_offsets(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "_CLASSIC_BYTES", 100)
    save_movie(tmp_path / "a.ome.tif", pixels(2))
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert file.is_bigtiff


def test_labels_come_back(tmp_path):
    labels = np.arange(2 * 10 * 12, dtype=np.int32).reshape(2, 10, 12)
    write_label_stack(tmp_path / "l.ome.tif", labels, labels.shape, 0.5, np.array([0.0, 3.0]))
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "l.ome.tif"), labels)


def test_movie_below_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ResultsError, match="is a file"):
        save_movie(tmp_path / "file/a.ome.tif", pixels(2))


def test_simulation_files_belong_together(tmp_path):
    steps = simulate_into(tmp_path / "out")
    assert names_in(tmp_path / "out") == {*SIMULATION_FILES}
    assert steps[-1].done == steps[-1].total == 6
    assert {step.stage for step in steps} == {"render", "truth"}
    experiment = zincflux.load_experiment(tmp_path / "out/experiment.toml")
    movie = experiment.movie.open()
    made = zincflux.simulate(zincflux.Simulation(**SMALL))
    np.testing.assert_array_equal(movie.frame(3), made.movie.frame(3))
    truth = tifffile.imread(tmp_path / "out/truth_labels.ome.tif")
    np.testing.assert_array_equal(truth[3], made.labels(3))


def test_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        simulate_into(tmp_path / name)
    for name in SIMULATION_FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_simulation_replaces_nothing_unasked(tmp_path):
    (tmp_path / "truth.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"truth\.csv is already there. Add --overwrite"):
        simulate_into(tmp_path)
    simulate_into(tmp_path, overwrite=True)
    assert names_in(tmp_path) == {*SIMULATION_FILES}


def test_simulation_into_a_file(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(ExperimentError, match="expected a folder, found a file"):
        simulate_into(tmp_path / "out")


@pytest.mark.parametrize("after", [1, 2])
def test_stopped_simulation_leaves_nothing(tmp_path, after):
    steps = write_simulation(
        zincflux.simulate(zincflux.Simulation(**{**SMALL, "n_frames": 60})), tmp_path / "out"
    )
    for _ in range(after):
        next(steps)
    steps.close()
    assert names_in(tmp_path) == set()


def test_simulation_on_a_full_disk(tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zincflux.results.simulation.write_label_stack", full)
    with pytest.raises(ResultsError, match="No space left on device"):
        simulate_into(tmp_path / "out")
    assert names_in(tmp_path) == set()
