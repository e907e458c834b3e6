"""What is written as OME-Zarr, read by the programs of others."""

import hashlib
import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from runs import Shell, copy_dish, finished, names_in, run_quietly
from zincflux.errors import ExperimentError, ResultsError
from zincflux.export import export_results
from zincflux.export import write as export_module
from zincflux.readers import open_labels, open_movie
from zincflux.results import LABELS_ZARR, read_results
from zincflux.results.zarr_images import ImageFacts, write_zarr_labels, write_zarr_movie

zarr = pytest.importorskip("zarr", reason="needs zincflux[formats]")

TIME_S = np.arange(3) * 2.0
FACTS = ImageFacts("dish", 0.65, TIME_S, ("a", "b"))


@pytest.fixture
def zf(monkeypatch, capsys):
    """Call the command line: exit status, stdout, stderr."""
    return Shell(monkeypatch, capsys)


@pytest.fixture
def done(tmp_path_factory):
    """Folder of results, to be read only."""
    return finished(tmp_path_factory)[0].parent / "experiment"


@pytest.fixture
def dish(tmp_path_factory, tmp_path):
    """Experiment file of a dish of its own."""
    return copy_dish(finished(tmp_path_factory)[0], tmp_path / "own")


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def as_ome_zarr_reads(path):
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    return list(Reader(parse_url(path))())


def as_napari_reads(path):
    reader = pytest.importorskip("napari_ome_zarr._reader", reason="needs napari-ome-zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return reader.napari_get_reader(str(path))(str(path))


# Images


@pytest.fixture
def movie():
    rng = np.random.default_rng(3)
    data = rng.normal(500, 100, (3, 2, 301, 522)).astype(np.float32)
    data[1, :, :40] = np.nan
    return data


@pytest.fixture
def written(tmp_path, movie):
    write_zarr_movie(tmp_path / "a.zarr", iter(movie), movie.shape, FACTS)
    return tmp_path / "a.zarr"


def test_movie_read_by_ome_zarr(written, movie):
    pytest.importorskip("ome_zarr")
    (node,) = as_ome_zarr_reads(written)
    assert [level.shape[-2:] for level in node.data] == [(301, 522), (151, 261), (76, 131)]
    np.testing.assert_array_equal(np.asarray(node.data[0]), movie)
    assert node.metadata["channel_names"] == ["a", "b"]
    expected = movie[0, 0, :300].reshape(150, 2, 261, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(np.asarray(node.data[1])[0, 0, :150], expected, rtol=1e-5)
    # The last row has no partner.
    last = movie[0, 0, 300].reshape(261, 2).mean(axis=1)
    np.testing.assert_allclose(np.asarray(node.data[1])[0, 0, 150], last, rtol=1e-5)
    steps = node.metadata["coordinateTransformations"]
    assert steps[0] == [{"type": "scale", "scale": [2.0, 1.0, 0.65, 0.65]}]
    assert steps[2][0]["scale"] == [2.0, 1.0, 2.6, 2.6]
    assert steps[2][1]["translation"] == pytest.approx([0, 0, 0.975, 0.975])


def test_movie_read_by_napari_ome_zarr(written, movie):
    data, told, kind = as_napari_reads(written)[0]
    assert kind == "image"
    np.testing.assert_array_equal(np.asarray(data[0]), movie)
    assert told["scale"] == [2.0, 0.65, 0.65]
    assert told["units"] == ("second", "micrometer", "micrometer")
    assert [name.endswith(end) for name, end in zip(told["name"], "ab", strict=True)] == [True] * 2


def test_movie_fits_the_model_of_the_format(written):
    models = pytest.importorskip("ome_zarr_models")
    found = models.open_ome_zarr(zarr.open_group(written, mode="r"))
    assert type(found).__module__ == "ome_zarr_models.v05.image"


def test_movie_read_back(written, movie):
    found = open_movie(written)
    assert (found.channels, found.pixel_size_um) == (("a", "b"), 0.65)
    np.testing.assert_array_equal(found.time_s, TIME_S)
    np.testing.assert_array_equal(found.frame(1), movie[1])
    assert found.saturation_level is None


def test_brightness_leaves_out_what_was_not_seen(written, movie):
    document = json.loads((written / "zarr.json").read_text(encoding="utf-8"))
    window = document["attributes"]["ome"]["omero"]["channels"][1]["window"]
    assert window["min"] == np.nanmin(movie[:, 1])
    assert window["max"] == np.nanmax(movie[:, 1])


def test_frames_that_are_nowhere_seen(tmp_path):
    """NaN is no number in JSON."""
    movie = np.full((2, 1, 8, 8), np.nan, np.float32)
    facts = replace(FACTS, channels=("a",), time_s=TIME_S[:2])
    write_zarr_movie(tmp_path / "a.zarr", iter(movie), movie.shape, facts)
    text = (tmp_path / "a.zarr/zarr.json").read_text(encoding="utf-8")
    json.loads(text, parse_constant=pytest.fail)
    assert np.isnan(open_movie(tmp_path / "a.zarr").frame(1)).all()


@pytest.mark.parametrize("time_s", [[0.0, 2.0, 7.0], [0.0, 1.0, 3.5]])
def test_times_that_are_not_evenly_apart(tmp_path, movie, time_s):
    facts = replace(FACTS, time_s=np.array(time_s))
    write_zarr_movie(tmp_path / "a.zarr", iter(movie), movie.shape, facts)
    np.testing.assert_array_equal(open_movie(tmp_path / "a.zarr").time_s, time_s)


def test_frames_are_taken_one_at_a_time(tmp_path):
    """Each is written before the next one is asked for."""

    def frames():
        for t in range(3):
            assert len(list((tmp_path / "a.zarr/0").glob("c/*"))) == t
            yield np.full((1, 8, 8), t, np.float32)

    facts = replace(FACTS, channels=("a",))
    write_zarr_movie(tmp_path / "a.zarr", frames(), (3, 1, 8, 8), facts)
    # A frame of nothing but 0 is there as well.
    assert len(list((tmp_path / "a.zarr/0/c").iterdir())) == 3


# Labels


@pytest.mark.parametrize("n_images", [1, 3])
def test_labels_read_by_others(tmp_path, n_images):
    pytest.importorskip("ome_zarr")
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2**20, (n_images, 300, 280)).astype(np.int32)
    labels[-1] = 0
    path = tmp_path / "labels.zarr"
    write_zarr_labels(path, list(labels), ImageFacts("labels", 0.65, TIME_S[:n_images]))
    expected = labels if n_images > 1 else labels[0]
    (node,) = as_ome_zarr_reads(path)
    np.testing.assert_array_equal(np.asarray(node.data[0]), expected)
    np.testing.assert_array_equal(np.asarray(node.data[1]), expected[..., ::2, ::2])
    data, _, kind = as_napari_reads(path)[0]
    assert kind == "labels"
    np.testing.assert_array_equal(np.asarray(data[0]), expected)
    found = open_labels(path, labels.shape)
    for t in range(n_images):
        np.testing.assert_array_equal(found[t], labels[t])
    assert open_movie(path).n_frames == n_images


# Runs


@pytest.mark.slow
def test_labels_of_a_run(zf, dish, done):
    assert zf("run", dish, "--labels-format", "zarr", "--overwrite")[0] == 0
    out = dish.parent / "experiment"
    assert (out / LABELS_ZARR).is_dir()
    assert not (out / "labels.ome.tif").exists()
    stored = read_results(out)
    assert stored.labels_file == out / LABELS_ZARR
    np.testing.assert_array_equal(stored.labels, read_results(done).labels)
    assert stored.labels.dtype == np.int32
    for name in ("traces.csv", "cells.csv"):
        assert (out / name).read_bytes() == (done / name).read_bytes()
    status, text, _ = zf("run", dish, "--labels-format", "zarr")
    assert (status, text[:10]) == (0, "up to date")


@pytest.mark.slow
def test_another_format_is_another_result(zf, dish):
    assert zf("run", dish, "--labels-format", "zarr", "--overwrite")[0] == 0
    status, _, err = zf("run", dish)
    assert status == 2
    assert "results made with other format of the labels. Add --overwrite" in err
    assert zf("run", dish, "--overwrite")[0] == 0
    out = dish.parent / "experiment"
    assert not (out / LABELS_ZARR).exists()
    assert (out / "labels.ome.tif").is_file()


@pytest.mark.slow
def test_lost_labels_are_made_again(zf, dish):
    assert zf("run", dish, "--labels-format", "zarr", "--overwrite")[0] == 0
    labels = dish.parent / "experiment" / LABELS_ZARR
    labels.rename(dish.parent / "gone.zarr")
    assert "incomplete results" in zf("run", dish, "--labels-format", "zarr")[2]


@pytest.mark.slow
def test_same_bytes_for_any_number_of_jobs(dish, tmp_path):
    outs = []
    for jobs in (1, 2):
        outs.append(tmp_path / f"jobs{jobs}")
        run_quietly(
            dish, outs[-1], labels_format="zarr", jobs=jobs, assignments=["track.mode=follow"]
        )
        export_results(outs[-1], "ome-zarr", tmp_path / f"movie{jobs}.zarr")
    first, second = (hashes(out / LABELS_ZARR) for out in outs)
    assert first == second
    assert hashes(tmp_path / "movie1.zarr") == hashes(tmp_path / "movie2.zarr")
    labels = read_results(outs[0]).labels
    assert labels.shape == (40, 64, 64)


@pytest.mark.slow
def test_labels_of_one_run_for_another(zf, dish, tmp_path):
    first = tmp_path / "first"
    run_quietly(dish, first, labels_format="zarr")
    given = ("--set", "segment.method=labels", "--set", f"segment.labels={first / LABELS_ZARR}")
    assert zf("run", dish, "--out", tmp_path / "again", *given)[0] == 0
    np.testing.assert_array_equal(
        read_results(tmp_path / "again").labels, read_results(first).labels
    )
    run = json.loads((tmp_path / "again/run.json").read_text(encoding="utf-8"))
    assert [name for name in run["inputs"] if name.endswith(f"{LABELS_ZARR}/0")]
    status, _, err = zf("run", dish, "--out", first, "--overwrite", *given)
    assert status == 2
    assert f"the results would replace {LABELS_ZARR}, which they are made from" in err


def test_a_movie_of_zarr_is_an_input(zf, dish, done, tmp_path):
    """The corrected movie, analysed again, is up to date until a chunk changes."""
    path = export_results(done, "ome-zarr", tmp_path / "again.zarr")
    options = ("--out", tmp_path / "out", "--quiet")
    assert zf("run", path, *options)[0] == 0
    assert "up to date" in zf("run", path, "--out", tmp_path / "out")[1]
    chunk = path / "0/c/3/0/0/0"
    (path / "0/c/2/0/0/0").replace(chunk)
    status, _, err = zf("run", path, "--out", tmp_path / "out")
    assert status == 2
    assert "results made with other inputs" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--labels-format", "png"), "--labels-format: expected tiff or zarr, found 'png'. Choose"),
        (("--labels-format", "zarr", "--preview"), "--labels-format has no effect with --preview"),
    ],
)
def test_formats_that_make_no_sense(zf, dish, options, message):
    status, _, err = zf("run", dish, "--overwrite", *options)
    assert status == 2
    assert message in err


def test_a_table_has_no_labels(tmp_path):
    from zincflux.experiment import experiment_of_table

    table = tmp_path / "traces.csv"
    table.write_text("cell_id,time_s,signal\n1,0,1\n1,1,2\n", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"--labels-format has no effect on a table"):
        run_quietly(experiment_of_table(table), tmp_path / "out", labels_format="zarr")


def test_zarr_is_not_installed(zf, dish, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    status, _, err = zf("run", dish, "--overwrite", "--labels-format", "zarr")
    assert status == 1
    assert 'expected the package zarr, which is not installed. Install it: pip install "zinc' in err


@pytest.mark.slow
def test_damaged_labels(zf, dish):
    assert zf("run", dish, "--labels-format", "zarr", "--overwrite", "--quiet")[0] == 0
    out = dish.parent / "experiment"
    (out / LABELS_ZARR / "0/c/0/0").write_bytes(b"no labels")
    with pytest.raises(ResultsError, match=r"the results are damaged: .*labels\.ome\.zarr"):
        read_results(out)


# Corrected movies


def test_corrected_movie_for_others(zf, done, tmp_path):
    pytest.importorskip("ome_zarr")
    path = tmp_path / "a.ome.zarr"
    assert zf("export", done, "--to", "ome-zarr", "--out", path) == (0, f"{path}\n", "")
    assert names_in(path) == {"zarr.json", "0", "labels"}
    raw = read_results(done).experiment.open_movie()
    image, _, cells = as_ome_zarr_reads(path)
    assert image.data[0].dtype == np.float32
    np.testing.assert_array_equal(np.asarray(image.data[0][7]), raw.frame(7))
    labels = read_results(done).labels
    assert cells.data[0].shape == (40, 64, 64)
    np.testing.assert_array_equal(np.asarray(cells.data[0][39]), labels[0])
    layers = as_napari_reads(path)
    assert [layer[2] for layer in layers] == ["image", "labels"]
    np.testing.assert_array_equal(np.asarray(layers[1][0][0])[5], labels[0])


@pytest.fixture
def stored(monkeypatch, done):
    """Let what is exported differ from what is stored."""

    def change(**changes):
        results = replace(read_results(done), **changes)
        monkeypatch.setattr(export_module, "read_results", lambda folder, **_: results)
        return results

    return change


def test_drift_is_taken_off(done, stored, tmp_path):
    results = read_results(done)
    frames = results.frames.assign(
        drift_y_um=np.arange(40) * 2.0, drift_x_um=-2.0 * (np.arange(40) > 5)
    )
    stored(frames=frames)
    path = export_results(done, "ome-zarr", tmp_path / "a.zarr")
    movie, raw = open_movie(path), results.experiment.open_movie()
    np.testing.assert_array_equal(movie.frame(10)[:, :44, 2:], raw.frame(10)[:, 20:, :-2])
    assert np.isnan(movie.frame(10)[:, 44:]).all()
    assert np.isnan(movie.frame(10)[:, :, :2]).all()
    # Drift beyond the field leaves nothing.
    assert np.isnan(movie.frame(39)).all()
    cells = open_labels(path / "labels/cells", (40, 64, 64))
    np.testing.assert_array_equal(cells[39], results.labels[0])


def test_labels_of_moving_cells_move_with_the_frames(done, stored, tmp_path):
    results = read_results(done)
    frames = results.frames.assign(drift_y_um=3.0 * (np.arange(40) > 0), drift_x_um=0.0)
    labels = np.repeat(results.labels, 40, axis=0)
    stored(frames=frames, labels=labels)
    path = export_results(done, "ome-zarr", tmp_path / "a.zarr")
    cells = open_labels(path / "labels/cells", (40, 64, 64))
    np.testing.assert_array_equal(cells[0], labels[0])
    np.testing.assert_array_equal(cells[9][:61], labels[0][3:])
    assert not cells[9][61:].any()


@pytest.mark.slow
def test_flat_field_is_applied(dish, tmp_path):
    out, image = tmp_path / "flat", np.linspace(0.5, 1.5, 64 * 64).reshape(64, 64)
    tifffile.imwrite(tmp_path / "field.tif", image.astype(np.float32))
    given = ["flat_field.method=image", f"flat_field.image={tmp_path / 'field.tif'}"]
    run_quietly(dish, out, assignments=given)
    movie = open_movie(export_results(out, "ome-zarr", tmp_path / "a.zarr"))
    raw = read_results(out).experiment.open_movie()
    np.testing.assert_allclose(movie.frame(3) * image, raw.frame(3), rtol=1e-5)


@pytest.mark.slow
def test_flat_field_that_was_estimated(dish, tmp_path):
    out = tmp_path / "flat"
    run_quietly(dish, out, assignments=["flat_field.method=estimate"])
    movie = open_movie(export_results(out, "ome-zarr", tmp_path / "a.zarr"))
    results = read_results(out)
    cell = results.traces[(results.traces["cell_id"] == 1) & (results.traces["frame"] == 30)]
    mean = movie.frame(30)[0, results.labels[0] == 1].mean()
    # Before the background is taken off, the traces hold the mean of just these pixels.
    measured = cell["dye_corrected"].item() + cell["dye_background"].item()
    assert mean == pytest.approx(measured, rel=1e-4)
    assert mean != pytest.approx(cell["dye_raw"].item(), rel=1e-5)


def test_another_movie_in_its_place(done, stored, tmp_path):
    stored(frames=read_results(done).frames[:39])
    message = r"expected the movie that was measured, of the shape \(39, 64, 64\)"
    with pytest.raises(ResultsError, match=message):
        export_results(done, "ome-zarr", tmp_path / "a.zarr")
    assert names_in(tmp_path) == set()


def test_an_export_replaces_only_an_export(done, tmp_path):
    path = export_results(done, "ome-zarr", tmp_path / "a.zarr")
    export_results(done, "ome-zarr", path, overwrite=True)
    (path / "thesis.docx").write_text("mine", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"a folder that also holds thesis\.docx"):
        export_results(done, "ome-zarr", path, overwrite=True)


def test_export_without_zarr(done, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ResultsError, match=r"OME-Zarr: expected the package zarr"):
        export_results(done, "ome-zarr", tmp_path / "a.zarr")
