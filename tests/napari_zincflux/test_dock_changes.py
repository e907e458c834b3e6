"""The dock when things change: another movie, other layers, settings wrong at the wrong moment."""

import contextlib
import shutil
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import zincflux
from napari_zincflux import summaries
from napari_zincflux.choices import Choices
from napari_zincflux.form import entries
from napari_zincflux.outcomes import Measured
from napari_zincflux.session import Session
from runs import make_dish

pytestmark = [
    pytest.mark.gui,
    pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

LONG_MS = 120_000


@pytest.fixture(scope="module")
def dish(tmp_path_factory):
    return make_dish(tmp_path_factory.mktemp("dish"))


@pytest.fixture(scope="module")
def measured(dish):
    experiment = zincflux.load_experiment(dish)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return zincflux.analyze(experiment, keep=True, jobs=1)


@pytest.fixture
def dock(make_napari_viewer, monkeypatch, tmp_path, dish, qtbot):
    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path / "cache"))
    viewer = make_napari_viewer(show=True)
    _, panel = viewer.window.add_plugin_dock_widget("zincflux", "Cells and zinc")
    panel.open(dish)
    idle(qtbot, panel)
    return viewer, panel


def idle(qtbot, panel):
    qtbot.waitUntil(lambda: not panel.work.is_busy, timeout=LONG_MS)


def take(panel, analysis):
    """Give the dock an analysis as if it had just been run."""
    panel._take_measured(Measured(panel.session.choices.part("movie"), analysis))


def test_another_movie_leaves_nothing_of_the_one_before(dock, dish, measured, tmp_path, qtbot):
    viewer, panel = dock
    take(panel, measured)
    panel.plots.views.select([1, 2])
    panel.colour.choose(panel.plots.choices[0].key)
    panel.corrections.suspects.set_accepted({(1, 2, "swap")})
    panel._measure_diameter()
    panel.exporting.report = tmp_path / "report.html"
    old_plot = panel.plots.traces
    shutil.copytree(dish.parent, tmp_path / "other")
    panel.open(tmp_path / "other" / dish.name)
    idle(qtbot, panel)
    phases = panel.session.choices.get("phases")
    with contextlib.suppress(RuntimeError):  # it may be deleted by now
        old_plot.phaseDrawn.emit(0.0, 20.0)
    assert panel.session.choices.get("phases") == phases
    kinds = {type(layer).__name__ for layer in viewer.layers}
    assert kinds == {"Image"}
    assert not [layer for layer in viewer.layers if layer.name.startswith(("colour", "selected"))]
    assert panel.exporting.report is None
    assert not panel.report_button.isEnabled()
    assert panel.colour._list.count() == 1
    assert panel.corrections.suspects.accepted_keys() == set()
    assert panel.plots.views is None


def test_a_closed_dock_takes_its_drawings_along(dock):
    viewer, panel = dock
    panel._draw_background()
    viewer.layers.selection.active.name = "mine"
    viewer.window.remove_dock_widget(panel)
    assert [type(layer).__name__ for layer in viewer.layers] == ["Image"]


def test_frames_are_those_of_our_movie(dock):
    viewer, panel = dock
    viewer.add_image(np.zeros((200, 8, 8)), name="steps of 1")
    viewer.dims.set_point(0, 50.0)
    assert panel.canvas.frame == 10
    viewer.add_image(np.zeros((9, 2, 8, 8)), name="with channels")
    viewer.dims.set_point(1, 35.0)
    assert panel.canvas.frame == 7
    panel.canvas.frame = 3
    assert viewer.dims.point[1] == pytest.approx(15.0)
    viewer.dims.set_point(1, 199.0)
    assert panel.canvas.frame == panel.session.movie.n_frames - 1


def test_plots_show_the_frames_of_our_movie(dock, measured):
    viewer, panel = dock
    take(panel, measured)
    viewer.add_image(np.zeros((200, 8, 8)), name="steps of 1")
    viewer.dims.set_point(0, 50.0)
    assert panel.plots.views.frame == 10
    panel.plots.views.show_frame(7)
    assert viewer.dims.point[0] == pytest.approx(35.0)
    viewer.layers.remove(viewer.layers[0])
    assert panel.plots.views.frame == 0


def test_what_napari_made_of_the_file_makes_way(dock, dish, tmp_path, qtbot):
    viewer, panel = dock
    file = shutil.copy(dish.parent / "movie.ome.tif", tmp_path / "again.ome.tif")
    viewer.open(str(file), plugin="napari")
    n = len(viewer.layers)
    panel.open(file)
    idle(qtbot, panel)
    assert len(viewer.layers) == n
    assert not [layer for layer in viewer.layers if layer.source.path == str(file)]


def test_keys_go_to_the_layer_that_is_there(dock, measured, qtbot):
    viewer, panel = dock
    take(panel, measured)
    old = viewer.layers["cells"]
    viewer.layers.remove(old)
    panel.plots.views.select([1])
    panel.correcting.tools.press("delete")
    idle(qtbot, panel)
    assert viewer.layers["cells"] != old
    assert panel.correcting.tools.layer == viewer.layers["cells"]


def test_a_run_is_plotted_whatever_is_wrong_meanwhile(dock, measured):
    _, panel = dock
    panel._choose("segment.diameter_um", -4.0)
    take(panel, measured)
    assert panel.plots.views.data.n_cells == len(measured.cells)


def test_a_value_that_is_gone_colours_no_more(dock, measured):
    viewer, panel = dock
    take(panel, measured)
    panel.colour.choose("zinc_nM")
    without = replace(measured, traces=measured.traces.assign(zinc_nM=np.nan))
    take(panel, without)
    assert "zinc_nM" not in {choice.key for choice in panel.plots.choices}
    assert not [layer for layer in viewer.layers if layer.name.startswith("colour")]
    assert viewer.layers["cells"].visible


def test_a_diameter_needs_the_pixel_size(dock):
    viewer, panel = dock
    panel._choose("movie.pixel_size_um", None)
    panel.session.movie = replace(panel.session.movie, pixel_size_um=None)
    panel._measure_diameter()
    assert "Set the pixel size first" in panel.message.text()
    assert [type(layer).__name__ for layer in viewer.layers] == ["Image"]


def test_phases_are_kept_to_a_millisecond(dock):
    _, panel = dock
    panel._choose("phases", [])
    panel._draw_phase(0.0, 0.0402)
    assert panel.session.choices.get("phases")[0]["end_s"] == 0.04


def test_tracks_are_drawn_anew(make_napari_viewer):
    from napari_zincflux.canvas import CELLS, TRACKS, Canvas

    settings = zincflux.Simulation(
        kind="fret", moving=True, n_cells=6, n_frames=16, shape_px=(96, 96), seed=3
    )
    made = zincflux.simulate(settings)
    experiment = zincflux.Experiment.parse(
        {**made.experiment, "bleaching": {"method": "none"}, "movie": {"path": "none.tif"}},
        where="test",
    )
    analysis = zincflux.analyze(experiment, movie=made.movie, keep=True, jobs=1)
    session = Session()
    session.movie = made.movie
    canvas = Canvas(make_napari_viewer())
    canvas.show_analysis(analysis, session)
    tracks = canvas.layer(TRACKS)
    gone = int(analysis.cells["cell_id"].iloc[0])
    fewer = {
        name: table[table["cell_id"] != gone]
        for name, table in (("traces", analysis.traces), ("cells", analysis.cells))
    }
    canvas.update_cells(replace(analysis, **fewer), session)
    assert canvas.layer(TRACKS) is tracks
    assert set(tracks.data[:, 0]) == set(fewer["cells"]["cell_id"])
    static = replace(analysis, label_images=[analysis.label_images[0]])
    canvas.show_analysis(static, session)
    assert canvas.layer(TRACKS) is None
    assert canvas.layer(CELLS) is not None


def test_rows_are_hidden_without_the_help_of_qt_6(monkeypatch, qtbot):
    from qtpy.QtWidgets import QFormLayout

    from napari_zincflux.form_widgets import OF_SEVERAL_CHANNELS, Form

    def missing(*_):
        raise AttributeError("setRowVisible")

    monkeypatch.setattr(QFormLayout, "setRowVisible", missing, raising=False)
    form = Form(entries("channels", "movie"))
    qtbot.addWidget(form)
    key = next(key for key in form.rows if key in OF_SEVERAL_CHANNELS)
    for channels, hidden in ((["a"], True), (["a", "b"], False)):
        form.refresh(Choices(), channels, (), {})
        row = form.rows[key]
        assert row.isHidden() is hidden
        assert form.lines.labelForField(row).isHidden() is hidden


def outcome_of(analysis, step):
    session = Session()
    session.movie = SimpleNamespace(pixel_size_um=0.5, time_s=None, n_frames=1, channels=("a",))
    session.measured = Measured({}, analysis)
    return summaries.outcome(session, step)


def test_excluded_cells_count_in_no_summary(measured):
    n = len(measured.cells)
    excluded = measured.cells["cell_id"] == measured.cells["cell_id"].iloc[0]
    fewer = replace(measured, cells=measured.cells.assign(excluded=excluded))
    assert f"of {n - 1} cells" in outcome_of(fewer, "results")
    none = replace(measured, cells=measured.cells.assign(excluded=True))
    assert "as all are excluded" in outcome_of(none, "results")
    assert outcome_of(fewer, "calibration").startswith(f"{n - 1} of {n - 1} cells calibrated")


def test_cells_below_range_are_calibrated(measured):
    assert f"{len(measured.cells)} cells calibrated" in outcome_of(measured, "calibration")
    rest = measured.traces.assign(zinc_nM=np.nan, flag="below_min")
    cells = measured.cells.assign(baseline_zinc_nM=np.nan)
    text = outcome_of(replace(measured, traces=rest, cells=cells), "calibration")
    assert text.endswith("cells calibrated; median at rest below range")
    none = replace(measured, calibration=None)
    assert outcome_of(none, "calibration").startswith("No free zinc")
