from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("dask.array", reason="comes with napari")

import zincflux
from napari_zincflux import samples


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path_factory.getbasetemp() / "samples-cache"))


@pytest.mark.slow
def test_uptake_shows_a_movie_and_its_cells():
    (image, options, _), (labels, cells, kind) = samples.uptake()
    assert options["name"] == "FluoZin-3"
    assert kind == "labels"
    assert labels.shape == image.shape
    first = np.unique(np.asarray(labels[0]))
    assert set(first) - {0} <= set(cells["features"]["index"])


@pytest.mark.slow
def test_fret_shows_two_channels_and_divisions():
    *images, _, (_, tracks, kind) = samples.fret()
    assert [options["name"] for _, options, _ in images] == ["CFP", "FRET"]
    assert kind == "tracks"
    assert tracks["graph"]


def test_samples_are_the_same_every_time():
    first, second = (np.asarray(samples.uptake()[0][0][3]) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_sample_is_a_movie_with_its_experiment_file():
    (_, options, _), *_ = samples.uptake()
    own = options["metadata"]["zincflux"]
    experiment = zincflux.load_experiment(own["experiment"])
    assert experiment.movie.path == own["movie"]
    assert [phase.role for phase in experiment.phases] == [
        "baseline",
        "response",
        "minimum",
        "maximum",
    ]


def test_a_sample_is_written_once():
    (_, options, _), *_ = samples.uptake()
    movie = Path(options["metadata"]["zincflux"]["movie"])
    before = movie.stat().st_mtime_ns
    samples.uptake()
    assert movie.stat().st_mtime_ns == before
