"""The dock in a real window: from a movie to exported tables."""

import threading

import numpy as np
import pandas as pd
import pytest

import zincflux
from zincflux.results import write_simulation

pytestmark = [
    pytest.mark.gui,
    pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

LONG_MS = 120_000


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("panel")
    settings = zincflux.Simulation(n_cells=6, n_frames=40, shape_px=(96, 96), seed=3)
    for _ in write_simulation(zincflux.simulate(settings), folder):
        pass
    return folder


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def dock(make_napari_viewer, cache):
    viewer = make_napari_viewer(show=True)
    _, panel = viewer.window.add_plugin_dock_widget("zincflux", "Cells and zinc")
    return viewer, panel


def idle(qtbot, panel):
    qtbot.waitUntil(lambda: not panel.work.is_busy, timeout=LONG_MS)


@pytest.fixture
def opened(dock, simulated, qtbot):
    viewer, panel = dock
    panel.open(simulated / "experiment.toml")
    idle(qtbot, panel)
    assert panel.message.text() == ""
    return viewer, panel


def states(panel):
    return [panel.session.state(step) for step in panel.steps]


def test_the_whole_way(opened, qtbot, tmp_path):
    viewer, panel = opened
    assert [layer.name for layer in viewer.layers] == ["FluoZin-3"]
    panel.find_button.click()
    idle(qtbot, panel)
    assert viewer.layers["cells of the preview"].data.max() == panel.session.found.n_cells
    assert "in this view" in panel.steps["cells"].outcome.text()
    panel.run_button.click()
    idle(qtbot, panel)
    assert states(panel) == ["fresh"] * 5
    assert "cells of the preview" not in viewer.layers
    cells = viewer.layers["cells"]
    assert list(cells.features["index"]) == list(panel.session.table("cells")["cell_id"])
    panel.save(tmp_path / "dish.toml")
    panel.export(tmp_path / "out")
    idle(qtbot, panel)
    assert panel.report_button.isEnabled()
    again = zincflux.run(tmp_path / "dish.toml", tmp_path / "again").out
    for name in ("traces", "cells", "responses", "frames", "suspects"):
        file = f"{name}.parquet"
        assert (tmp_path / "out" / file).read_bytes() == (again / file).read_bytes()
    shown = panel.session.table("traces").reset_index(drop=True)
    stored = pd.read_parquet(again / "traces.parquet")
    pd.testing.assert_frame_equal(shown, stored, check_dtype=False)


def test_plots_and_picture_are_tied_together(opened, qtbot):
    viewer, panel = opened
    panel.run_button.click()
    idle(qtbot, panel)
    views = panel.plots.views
    views.select([1, 2])
    assert panel.plots.traces.selected == (1, 2)
    choices = [choice.key for choice in panel.plots.choices]
    panel.colour.choose(choices[0])
    assert [layer.name for layer in viewer.layers if layer.name.startswith("colour")], choices
    panel.plots.traces.phaseDrawn.emit(0.0, 20.0)
    assert panel.session.choices.get("phases")[0]["end_s"] == 20.0
    assert panel.session.state("results") == "stale"


def test_a_correction_is_measured_again_kept_and_exported(opened, qtbot, tmp_path):
    viewer, panel = opened
    panel.run_button.click()
    idle(qtbot, panel)
    n_cells = len(panel.session.table("cells"))
    first = int(panel.session.table("cells")["cell_id"].iloc[0])
    panel.plots.views.select([first])
    panel.correcting.tools.press("delete")
    idle(qtbot, panel)
    assert len(panel.session.table("cells")) == n_cells - 1
    assert first not in np.unique(np.asarray(viewer.layers["cells"].data))
    assert zincflux.EditLog.read(panel.session.autosave) == panel.session.log
    assert states(panel) == ["fresh"] * 5
    panel.export(tmp_path / "out")
    idle(qtbot, panel)
    stored = pd.read_parquet(tmp_path / "out" / "traces.parquet")
    shown = panel.session.table("traces").reset_index(drop=True)
    pd.testing.assert_frame_equal(shown, stored, check_dtype=False)
    panel.correcting.tools.press("undo")
    idle(qtbot, panel)
    assert len(panel.session.table("cells")) == n_cells


def test_a_sample_is_taken_up_by_itself(dock, qtbot):
    viewer, panel = dock
    viewer.open_sample("zincflux", "uptake")
    idle(qtbot, panel)
    assert panel.session.choices.get("indicator") == "FluoZin-3"
    assert states(panel)[:2] == ["fresh", "fresh"]
    assert [layer.name for layer in viewer.layers] == ["FluoZin-3", "true cells"]


def test_a_tiff_that_napari_opened_is_offered_and_used(dock, simulated, qtbot):
    viewer, panel = dock
    viewer.open(str(simulated / "movie.ome.tif"), plugin="napari")
    assert not panel.use_button.isHidden()
    panel.use_button.click()
    idle(qtbot, panel)
    assert panel.session.movie.n_frames == 40
    assert panel.use_button.isHidden()
    (layer,) = viewer.layers
    np.testing.assert_allclose(layer.scale[1:], panel.session.movie.pixel_size_um)


def test_results_are_dragged_in_and_come_back(dock, simulated, tmp_path, qtbot):
    out = zincflux.run(simulated / "experiment.toml", tmp_path / "done").out
    viewer, panel = dock
    viewer.open(str(out), plugin="zincflux")
    idle(qtbot, panel)
    assert [layer.name for layer in viewer.layers] == ["FluoZin-3", "cells"]
    assert states(panel) == ["fresh"] * 5
    assert "respond" in panel.steps["results"].outcome.text()


def test_settings_that_are_entered_reach_the_session_and_their_steps(opened, qtbot):
    _, panel = opened
    form = panel.steps["cells"].forms[0]
    editor = form.rows["segment.diameter_um"].editor
    editor.setText("-4")
    editor.editingFinished.emit()
    assert panel.session.state("cells") == "wrong"
    assert "diameter" in panel.message.text()
    assert not panel.run_button.isEnabled()
    editor.setText("14")
    editor.editingFinished.emit()
    assert panel.message.text() == ""
    assert panel.session.choices.get("segment.diameter_um") == 14.0
    assert panel.run_button.isEnabled()


def test_the_frame_that_is_shown_tells_its_time_and_phase(opened):
    viewer, panel = opened
    viewer.dims.set_current_step(0, 39)
    last = panel.session.choices.experiment().phases[-1].name
    assert last in viewer.text_overlay.text
    assert f"{panel.session.time_s[39]:.1f} s" in panel.steps["phases"].outcome.text()


def test_phases_are_begun_and_removed(opened):
    viewer, panel = opened
    panel._choose("phases", [])
    for frame in (0, 10):
        viewer.dims.set_current_step(0, frame)
        panel._begin_phase()
    assert panel.phases.rowCount() == 2
    panel.phases.item(0, 0).setText("before")
    panel.phases.cellWidget(1, 1).setCurrentIndex(2)
    phases = panel.session.choices.experiment().phases
    assert [(phase.name, phase.role) for phase in phases] == [
        ("before", "baseline"),
        ("zinc", "minimum"),
    ]
    panel.phases.selectRow(0)
    panel._remove_phases()
    assert panel.phases.rowCount() == 1
    assert "needs a phase in which zinc rests" in panel.message.text()


def test_diameter_and_background_are_drawn(opened):
    viewer, panel = opened
    size = panel.session.movie.pixel_size_um
    panel._measure_diameter()
    layer = viewer.layers.selection.active
    layer.add_lines(np.array([[10, 10], [10, 30]]))
    assert panel.session.choices.get("segment.diameter_um") == pytest.approx(20 * size, abs=0.05)
    panel._draw_background()
    viewer.layers.selection.active.add_rectangles(np.array([[1, 2], [1, 8], [9, 8], [9, 2]]))
    assert panel.session.choices.get("background.method") == "roi"
    assert panel.session.choices.problem() is None


def test_work_is_cancelled_and_nothing_changes(opened, qtbot):
    _, panel = opened
    panel.run_button.click()
    panel.cancel.click()
    assert not panel.work.is_busy
    qtbot.wait(300)
    assert panel.session.measured is None
    assert panel.bar.isHidden()
    panel.find_button.click()
    idle(qtbot, panel)
    assert panel.session.found is not None


def test_layers_may_be_removed_renamed_and_reordered_while_work_is_under_way(opened, qtbot):
    viewer, panel = opened
    panel.find_button.click()
    idle(qtbot, panel)
    panel.run_button.click()
    viewer.layers["cells of the preview"].name = "mine"
    viewer.layers.reverse()
    viewer.layers.clear()
    idle(qtbot, panel)
    assert [layer.name for layer in viewer.layers] == ["cells"]
    assert states(panel) == ["fresh"] * 5


def test_an_error_is_told_at_the_foot(dock, tmp_path, qtbot):
    _, panel = dock
    panel.open(tmp_path / "none.nd2")
    idle(qtbot, panel)
    assert "no such file" in panel.message.text()


def test_two_viewers_keep_to_themselves(make_napari_viewer, cache, simulated, qtbot):
    panels = []
    for _ in range(2):
        viewer = make_napari_viewer(show=True)
        panels.append(viewer.window.add_plugin_dock_widget("zincflux", "Cells and zinc")[1])
    panels[0].open(simulated / "experiment.toml")
    idle(qtbot, panels[0])
    assert panels[1].session.movie is None
    panels[1].open(simulated / "experiment.toml")
    idle(qtbot, panels[1])
    for panel in panels:
        panel.find_button.click()
    for panel in panels:
        idle(qtbot, panel)
        assert panel.session.found.n_cells > 0


def test_the_window_may_be_closed_while_work_is_under_way(make_napari_viewer, simulated, qtbot):
    before = threading.active_count()
    viewer = make_napari_viewer(show=True)
    _, panel = viewer.window.add_plugin_dock_widget("zincflux", "Cells and zinc")
    panel.open(simulated / "experiment.toml")
    idle(qtbot, panel)
    panel.run_button.click()
    viewer.close()
    qtbot.waitUntil(lambda: threading.active_count() <= before + 1, timeout=LONG_MS)


def test_the_dock_may_be_closed_and_opened_again(dock, simulated, qtbot):
    viewer, panel = dock
    assert viewer.window.add_plugin_dock_widget("zincflux", "Cells and zinc")[1] is panel
    viewer.window.remove_dock_widget(panel)
    _, again = viewer.window.add_plugin_dock_widget("zincflux", "Cells and zinc")
    again.open(simulated / "experiment.toml")
    idle(qtbot, again)
    viewer.dims.set_current_step(0, 3)
    assert again.session.movie is not None
