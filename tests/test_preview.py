"""The preview shows the cells that a run would find, and leaves nothing else behind."""

import json

import numpy as np
import pytest
import tifffile

from runs import Shell, copy_dish, finished, names_in, pixels, save_movie
from zincflux.errors import ExperimentError
from zincflux.experiment import experiment_of_table
from zincflux.preview import iter_preview
from zincflux.results import read_results


@pytest.fixture
def zf(monkeypatch, capsys):
    """Call the command line: exit status, stdout, stderr."""
    return Shell(monkeypatch, capsys)


@pytest.fixture
def dish(tmp_path_factory, tmp_path):
    """An experiment file of one's own, without results."""
    return copy_dish(finished(tmp_path_factory)[0], tmp_path / "own")


def preview(*args, **keys):
    steps = iter_preview(*args, **keys)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def test_cells_are_those_of_the_run(tmp_path_factory, dish):
    found = preview(dish)
    results = read_results(finished(tmp_path_factory)[1].out)
    np.testing.assert_array_equal(found.labels, results.labels[0])
    assert found.out == dish.parent / "experiment_preview.png"
    assert found.out.read_bytes().startswith(b"\x89PNG")
    assert names_in(dish.parent) == {dish.name, "movie.ome.tif", found.out.name}


def test_moving_cells_are_shown_in_the_first_frame(dish):
    found = preview(dish, assignments=["track.mode=follow"])
    np.testing.assert_allclose(found.view, pixels()[0, 0])
    assert found.labels.max() == 4


@pytest.mark.slow
def test_command(dish, zf):
    status, out, err = zf("run", dish, "--preview", "--json", "--set", "segment.diameter_um=11")
    assert (status, err) == (0, "")
    assert json.loads(out) == {
        "out": str(dish.parent / "experiment_preview.png"),
        "n_cells": 4,
        "diameter_um": 11.0,
        "warnings": [],
    }
    status, _, err = zf("run", dish, "--preview")
    assert status == 2
    assert "this file exists. Add --overwrite" in err
    status, out, _ = zf("run", dish, "--preview", "--overwrite")
    assert status == 0
    assert out.startswith("4 cells found with a diameter of 12 µm")


def test_movie_without_a_file_of_settings(tmp_path, zf):
    movie = save_movie(tmp_path / "dish.ome.tif", pixels(4))
    status, out, _ = zf("run", movie, "--preview", "--set", "segment.diameter_um=12")
    assert status == 0
    assert str(tmp_path / "dish_preview.png") in out


def test_empty_field(tmp_path):
    movie = save_movie(tmp_path / "empty.ome.tif", np.full((3, 1, 32, 32), 100, np.uint16))
    assert preview(movie).summary()["n_cells"] == 0


@pytest.mark.parametrize(
    "option", [("--jobs", 2), ("--max-memory", "4GB"), ("--labels-format", "zarr")]
)
def test_options_of_a_run_are_refused(dish, zf, option):
    status, _, err = zf("run", dish, "--preview", *option)
    assert status == 2
    assert f"{option[0]} has no effect with --preview" in err


def test_wrong_name(dish):
    with pytest.raises(ExperimentError, match=r"picture\.tif: expected the name .* ends in \.png"):
        preview(dish, dish.parent / "picture.tif")


def test_table_has_no_picture(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("t (s),Mean1\n0,1\n5,2\n")
    with pytest.raises(ExperimentError, match="--preview: expected a movie, found a table"):
        preview(experiment_of_table(path), tmp_path / "p.png")


def test_experiment_needs_a_name():
    with pytest.raises(ExperimentError, match="out: expected the name of a PNG file"):
        preview(experiment_of_table("cells.csv"))


def test_gaps_in_the_numbers_are_no_cells(dish, tmp_path):
    labels = 10 * preview(dish).labels
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    text = dish.read_text().replace(
        "diameter_um = 12.0", 'method = "labels"\nlabels = "labels.tif"'
    )
    dish.with_name("given.toml").write_text(text)
    (tmp_path / "labels.tif").rename(dish.parent / "labels.tif")
    assert preview(dish.with_name("given.toml")).summary()["n_cells"] == 4
