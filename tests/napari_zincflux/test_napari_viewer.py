"""napari itself opens what the plugin offers."""

import warnings

import numpy as np
import pytest

import zincflux

pytestmark = [
    pytest.mark.gui,
    # A movie as small as this one is doubtful in many ways.
    pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning"),
]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Folder of a small simulated movie of moving cells, with its experiment file."""
    from zincflux.results import write_simulation

    folder = tmp_path_factory.mktemp("simulated")
    settings = zincflux.Simulation(
        kind="fret", moving=True, n_cells=8, n_frames=24, shape_px=(128, 128), seed=3
    )
    for _ in write_simulation(zincflux.simulate(settings), folder):
        pass
    return folder


@pytest.fixture(scope="module")
def finished(simulated):
    """Results folder of that movie."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zincflux.ZincfluxWarning)
        return zincflux.run(simulated / "experiment.toml").out


@pytest.mark.parametrize("key", ["uptake", "fret"])
def test_sample_opens(make_napari_viewer, monkeypatch, tmp_path, key):
    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path))
    viewer = make_napari_viewer(show=True)
    viewer.open_sample("zincflux", key)
    assert "true cells" in viewer.layers
    assert viewer.dims.ndim == 3
    viewer.dims.set_current_step(0, 5)
    shot = viewer.screenshot(canvas_only=True, flash=False)
    assert len(np.unique(shot[..., :3].reshape(-1, 3), axis=0)) > 50


def test_results_open_with_movie_table_and_tracks(make_napari_viewer, finished):
    viewer = make_napari_viewer(show=True)
    viewer.open(str(finished), plugin="zincflux")
    assert [layer.name for layer in viewer.layers] == ["CFP", "FRET", "cells", "tracks"]
    cells, tracks = viewer.layers["cells"], viewer.layers["tracks"]
    table = zincflux.read_results(finished).cells
    assert list(cells.features["index"]) == list(table["cell_id"])
    assert set(np.unique(cells.data)) - {0} <= set(table["cell_id"])
    np.testing.assert_allclose(cells.extent.world, viewer.layers["CFP"].extent.world)
    tracks.color_by = "zinc_nM"
    viewer.dims.set_current_step(0, 10)
    shot = viewer.screenshot(canvas_only=True, flash=False)
    assert len(np.unique(shot[..., :3].reshape(-1, 3), axis=0)) > 50


def test_results_open_without_their_movie(make_napari_viewer, finished, simulated):
    movie = next(simulated.glob("*.ome.tif"))
    moved = movie.rename(movie.with_suffix(".moved"))
    try:
        viewer = make_napari_viewer(show=True)
        with pytest.warns(UserWarning, match="The movie is not shown"):
            viewer.open(str(finished), plugin="zincflux")
    finally:
        moved.rename(movie)
    assert [layer.name for layer in viewer.layers] == ["cells", "tracks"]
    assert viewer.layers["cells"].scale[1] == pytest.approx(0.65)
