"""What tests of corrections and of plots share: two small analyses, and a window that shows one."""

import importlib.util
import warnings

import numpy as np
import pytest

import zincflux
from runs import make_dish

# Without napari there is no Qt either, which these files import.
collect_ignore = (
    []
    if importlib.util.find_spec("napari")
    else [
        "test_exporting.py",
        "test_learn_box.py",
        "test_nothing_is_lost.py",
        "test_work.py",
        "test_zinc_in_dock.py",
    ]
)


def quiet(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


@pytest.fixture(scope="session")
def static(tmp_path_factory):
    """Four cells that stay in place."""
    experiment = zincflux.load_experiment(make_dish(tmp_path_factory.mktemp("dish")))
    return quiet(lambda: zincflux.analyze(experiment, keep=True, jobs=1))


@pytest.fixture(scope="session")
def movie_of_moving():
    """Six cells that move, for 16 frames."""
    settings = zincflux.Simulation(
        kind="fret", moving=True, n_cells=6, n_frames=16, shape_px=(96, 96), seed=3
    )
    return zincflux.simulate(settings)


@pytest.fixture(scope="session")
def moving(movie_of_moving):
    """The analysis of cells that move."""
    made = movie_of_moving
    experiment = zincflux.Experiment.parse(
        {**made.experiment, "bleaching": {"method": "none"}, "movie": {"path": "none.tif"}},
        where="test",
    )
    return quiet(lambda: zincflux.analyze(experiment, movie=made.movie, keep=True, jobs=1))


@pytest.fixture
def show(make_napari_viewer):
    """Give a viewer with a movie, its cells, and all plots; and what ties them."""
    from napari_zincflux.heat_map import HeatMapWidget
    from napari_zincflux.layers import Axes, labels_layer, movie_layers
    from napari_zincflux.linked import LinkedViews
    from napari_zincflux.traces import TracesWidget

    made = []

    def give(analysis, movie):
        viewer = make_napari_viewer(show=True)
        for data, options, _ in movie_layers(movie):
            viewer.add_image(data, **options)
        axes = Axes.of(analysis.pixel_size_um, analysis.frames["time_s"].to_numpy())
        data, options, _ = labels_layer(np.stack(list(analysis.label_images)), analysis.cells, axes)
        layer = viewer.add_labels(data, **options)
        traces, heat_map = TracesWidget(), HeatMapWidget()
        for widget in (traces, heat_map):
            viewer.window.add_dock_widget(widget, area="bottom", name=type(widget).__name__)
        views = LinkedViews(viewer, traces, heat_map)
        made.append(views)
        views.show(analysis, layer)
        return viewer, views, layer

    yield give
    for views in made:
        views.disconnect()


@pytest.fixture
def window(show, static):
    """A window with cells that stay in place."""
    return show(static, static.experiment.open_movie())


@pytest.fixture
def window_of_moving(show, moving, movie_of_moving):
    """A window with cells that move."""
    return show(moving, movie_of_moving.movie)


@pytest.fixture
def equip(qtbot):
    """Give a window the tools of correction, and their panel."""
    from napari_zincflux.corrections import Corrections
    from napari_zincflux.corrections_panel import CorrectionsPanel
    from napari_zincflux.edit_tools import EditTools

    made = []

    def give(window, analysis, autosave=None):
        viewer, views, layer = window
        tools = EditTools(viewer, views, Corrections(analysis, autosave=autosave))
        tools.bind(layer)
        panel = CorrectionsPanel()
        qtbot.addWidget(panel)
        panel.set_tools(tools)
        made.append(tools)
        return tools, panel

    yield give
    for tools in made:
        tools.disconnect()


@pytest.fixture
def tools(window, equip, static):
    """The tools of correction and their panel, for cells that stay in place."""
    return equip(window, static)
