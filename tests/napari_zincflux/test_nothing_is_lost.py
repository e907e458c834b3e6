"""Corrections at awkward moments: during a run, across runs, in two windows, under other layers."""

import shutil

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_zincflux.corrections import Corrections
from napari_zincflux.errors import CorrectionError
from napari_zincflux.log_file import LogFile
from napari_zincflux.session import Session
from runs import make_dish
from zincflux.edits import EditLog

pytestmark = [
    pytest.mark.gui,
    pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

LONG_MS = 120_000


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_dish(tmp_path_factory.mktemp("dish"))


@pytest.fixture
def dish(made, tmp_path, monkeypatch):
    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path / "cache"))
    return shutil.copytree(made.parent, tmp_path / "dish") / made.name


@pytest.fixture
def dock(make_napari_viewer, dish, qtbot):
    """Window with a run."""
    viewer = make_napari_viewer(show=True)
    _, panel = viewer.window.add_plugin_dock_widget("zincflux", "Cells and zinc")
    panel.open(dish)
    settle(qtbot, panel)
    panel.run_button.click()
    settle(qtbot, panel)
    return viewer, panel


def settle(qtbot, panel):
    for _ in range(3):
        qtbot.waitUntil(lambda: not panel.work.is_busy, timeout=LONG_MS)
        qtbot.wait(30)


def press(panel, name, *cells):
    panel.plots.views.select(list(cells))
    panel.correcting.tools.press(name)


def measured_cells(panel):
    return sorted(panel.session.table("cells")["cell_id"])


def test_a_correction_during_a_run_is_measured_after_it(dock, qtbot):
    viewer, panel = dock
    panel.run_button.click()
    press(panel, "delete", 2)
    settle(qtbot, panel)
    assert measured_cells(panel) == [1, 3, 4]
    assert set(np.unique(viewer.layers["cells"].data)) == {0, 1, 3, 4}
    assert [panel.session.state(step) for step in panel.steps] == ["fresh"] * 5


def test_a_drawing_outlives_the_run_that_ends_meanwhile(dock, qtbot):
    viewer, panel = dock
    panel.run_button.click()
    panel.correcting.tools.press("draw")
    viewer.layers["drawing: cells of this frame"].data[0:7, 0:7] = 50
    settle(qtbot, panel)
    assert "drawing: cells of this frame" not in viewer.layers
    assert [edit.kind for edit in panel.session.log.edits] == ["paint"]
    assert measured_cells(panel) == [1, 2, 3, 4, 5]


def test_a_drawing_outlives_the_dock(dock):
    viewer, panel = dock
    panel.correcting.tools.press("draw")
    viewer.layers["drawing: cells of this frame"].data[0:7, 0:7] = 50
    file = panel.session.autosave
    viewer.window.remove_dock_widget(panel)
    assert [edit.kind for edit in EditLog.read(file).edits] == ["paint"]


def test_commands_are_undone_as_a_whole_after_another_run(dock, qtbot):
    _, panel = dock
    press(panel, "delete", 2, 3)
    settle(qtbot, panel)
    press(panel, "exclude", 4)
    settle(qtbot, panel)
    panel.correcting.tools.press("undo")
    settle(qtbot, panel)
    panel.run_button.click()
    settle(qtbot, panel)
    panel.correcting.tools.press("redo")
    assert [edit.kind for edit in panel.session.log.edits] == ["delete", "delete", "exclude"]
    for _ in range(2):
        panel.correcting.tools.press("undo")
    settle(qtbot, panel)
    assert len(panel.session.log) == 0
    assert measured_cells(panel) == [1, 2, 3, 4]


def test_what_another_window_has_kept_is_not_written_over(static, tmp_path):
    file = tmp_path / "edits.toml"
    one, other = (Corrections(static, autosave=file) for _ in range(2))
    one.delete((1,))
    before = file.read_bytes()
    with pytest.raises(CorrectionError, match=r"another window or program has changed the file"):
        other.merge((2, 3))
    assert file.read_bytes() == before
    assert not other.can_undo
    one.undo()
    assert len(EditLog.read(file)) == 0


def test_a_session_knows_its_log_as_it_was_opened(dish):
    from napari_zincflux.opened import open_place

    session = Session()
    assert session.log_file is None
    session.take_opened(open_place(dish))
    EditLog().write(session.autosave)  # another window
    with pytest.raises(CorrectionError, match="has changed the file"):
        session.log_file.write(session.log)
    session.save(dish)
    session.log_file.write(session.log)
    assert isinstance(session.log_file, LogFile)


def test_outlines_are_changed_in_no_way_that_is_not_kept(dock):
    viewer, panel = dock
    cells = viewer.layers["cells"]
    assert not cells.editable
    cells.data = np.array(cells.data)
    assert not cells.editable
    viewer.window.remove_dock_widget(panel)
    assert cells.editable


def test_outlines_of_moving_cells_change_at_once(window_of_moving, equip, moving):
    _, views, layer = window_of_moving
    made, _ = equip(window_of_moving, moving)
    stack = made.corrections.stack(len(layer.data))
    layer.data = stack  # as the dock shows them: made frame by frame
    views.show_frame(4)
    cell = int(np.unique(stack[4].compute())[1])
    views.select([cell])
    made.press("delete")
    assert layer.data is not stack
    assert cell not in np.unique(layer.data[4].compute())
    assert cell in np.unique(layer.data[5].compute())
    made.press("undo")
    assert cell in np.unique(layer.data[4].compute())


def test_keys_are_heard_in_the_docks_but_not_where_text_is_typed(dock, qtbot):
    _, panel = dock
    panel.correct_fold.button.setChecked(True)
    panel.steps["results"].setFocus()
    for cell, widget in ((1, panel.corrections._buttons["merge"]), (2, panel.plots.traces)):
        panel.plots.views.select([cell])
        widget.setFocus()
        qtbot.keyClick(widget, Qt.Key.Key_X, Qt.KeyboardModifier.ShiftModifier)
    assert [edit.kind for edit in panel.session.log.edits] == ["delete", "delete"]
    settle(qtbot, panel)
    line = panel.corrections._reason.lineEdit()
    line.clear()
    panel.plots.views.select([3])
    qtbot.keyClick(line, Qt.Key.Key_X, Qt.KeyboardModifier.ShiftModifier)
    assert line.text().upper() == "X"
    assert len(panel.session.log) == 2
    settle(qtbot, panel)


def test_colours_that_are_removed_by_hand_stay_away(dock, qtbot):
    viewer, panel = dock
    panel.colour.choose("zinc_nM")
    colour = panel.plots.views._colour.layer
    colour.contrast_limits = (0.25, 0.5)
    press(panel, "delete", 2)
    settle(qtbot, panel)
    assert panel.plots.views._colour.layer is colour
    assert tuple(colour.contrast_limits) == (0.25, 0.5)
    assert not viewer.layers["cells"].visible
    viewer.layers.remove(colour)
    assert viewer.layers["cells"].visible
    assert panel.colour._list.currentData() == ""
    press(panel, "undo")
    settle(qtbot, panel)
    assert not [layer for layer in viewer.layers if layer.name.startswith("colour")]


def test_a_run_is_ended_by_no_other_button_than_cancel(dock, qtbot):
    _, panel = dock
    panel.find_button.click()
    assert panel.run_button.isEnabled()
    panel.run_button.click()
    assert not any(button.isEnabled() for button in panel.beginning)
    panel._choose("segment.diameter_um", 11.0)
    assert not any(button.isEnabled() for button in panel.beginning)
    panel.cancel.click()
    assert panel.find_button.isEnabled()
    assert panel.open_button.isEnabled()
    assert panel.export_button.isEnabled()
    settle(qtbot, panel)


def test_another_movie_that_is_dragged_in_is_offered(dock, dish, tmp_path, qtbot):
    viewer, panel = dock
    assert panel.use_button.isHidden()
    other = shutil.copy(dish.parent / "movie.ome.tif", tmp_path / "other.ome.tif")
    viewer.open(str(other), plugin="napari")
    assert panel.use_button.text() == "Use other.ome.tif"
    assert not panel.use_button.isHidden()
    panel.use_button.click()
    settle(qtbot, panel)
    assert str(panel.session.place) == str(other)
    assert panel.use_button.isHidden()


def test_a_new_pixel_size_moves_the_outlines_with_the_picture(dock):
    viewer, panel = dock
    panel.plots.views.select([1])
    panel._choose("movie.pixel_size_um", 0.25)
    for name in ("dye", "cells"):
        np.testing.assert_allclose(viewer.layers[name].scale[-2:], 0.25)
    panel.plots.views.select([2])
    np.testing.assert_allclose(viewer.layers["selected cells"].scale, 0.25)


def test_what_is_just_typed_or_selected_stays_when_work_ends(dock, qtbot):
    _, panel = dock
    editor = panel.steps["cells"].forms[0].rows["segment.diameter_um"].editor
    panel.activateWindow()
    editor.setFocus()
    qtbot.waitUntil(editor.hasFocus)
    editor.selectAll()
    qtbot.keyClicks(editor, "14.")
    panel.phases.selectRow(1)
    press(panel, "delete", 2)
    settle(qtbot, panel)
    assert editor.text() == "14."
    assert panel.phases.chosen_rows() == [1]
    qtbot.keyClicks(editor, "50\r")
    assert panel.session.choices.get("segment.diameter_um") == 14.5
    assert editor.text() == "14.5"
