"""Corrections by key and button on the picture, in a real window."""

import numpy as np
import pandas as pd
import pytest

from zincflux.edits import EditLog

pytest.importorskip("pyqtgraph")
pytestmark = [
    pytest.mark.gui,
    pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def test_corrections_show_at_once_and_are_undone(window, tools, qtbot):
    _viewer, views, layer = window
    made, panel = tools
    views.select([1, 2])
    with qtbot.waitSignal(made.changed):
        made.press("merge")
    assert set(np.unique(layer.data)) == {0, 1, 3, 4}
    assert views.selected == [1]
    assert panel._buttons["undo"].isEnabled()
    made.press("split")
    made.press("undo")
    made.press("undo")
    assert set(np.unique(layer.data)) == {0, 1, 2, 3, 4}
    assert not panel._buttons["undo"].isEnabled()
    made.press("redo")
    assert set(np.unique(layer.data)) == {0, 1, 3, 4}


def test_what_is_wrong_is_said(tools, window):
    made, panel = tools
    window[1].select([1])
    made.press("merge")
    assert "expected two cells" in panel._words.text()
    made.press("relink")
    assert "expected cells that are followed" in panel._words.text()
    assert not panel._buttons["relink"].isEnabled()
    window[1].select([])
    for name in ("split", "cut"):
        made.press(name)
        assert "expected one selected cell, found 0" in panel._words.text()


def test_a_cell_is_drawn(tools, window):
    viewer, _views, layer = window
    made, panel = tools
    made.press("draw")
    drawing = viewer.layers["drawing: cells of this frame"]
    assert drawing.mode == "paint"
    drawing.data[0:6, 0:6] = 50
    made.press("draw")
    assert "drawing: cells of this frame" not in viewer.layers
    assert layer.data[..., 2, 2] == 5
    made.press("draw")
    made.press("draw")
    assert panel._words.text() == "Nothing was drawn."
    made.press("draw")
    viewer.layers.remove("drawing: cells of this frame")
    assert "was given up" in panel._words.text()
    assert not made.is_drawing
    assert len(made.corrections.log) == 1


def test_a_drawing_that_cannot_be_taken_over_stays(tools, window, monkeypatch):
    from napari_zincflux.errors import CorrectionError

    def refuse(*_):
        raise CorrectionError("draw: no")

    viewer, views, layer = window
    made, panel = tools
    made.press("draw")
    drawing = viewer.layers["drawing: cells of this frame"]
    drawing.data[0:6, 0:6] = 50
    with monkeypatch.context() as patched:
        patched.setattr(made.corrections, "draw", refuse)
        made.press("draw")
    assert panel._words.text() == "draw: no"
    assert drawing in viewer.layers
    views.select([1])
    made.press("delete")
    assert "finish the drawing first" in panel._words.text()
    # What changes beside it stays changed.
    made.corrections.delete([1], 0)
    made.press("draw")
    assert drawing not in viewer.layers
    assert set(np.unique(layer.data)) == {0, 2, 3, 4, 5}
    made.press("draw")
    panel.set_tools(None)
    assert "was given up" in panel._words.text()


def test_a_cell_is_cut_along_a_line(tools, window):
    viewer, views, layer = window
    made, _ = tools
    y, x = views.data.place_of(3, 0)
    views.select([3])
    made.press("cut")
    size = layer.scale[-1]
    line = np.array([[y - 12, x + 1], [y + 12, x + 1]]) / size
    viewer.layers[-1].add_lines(line)
    assert set(np.unique(layer.data)) == {0, 1, 2, 3, 4, 5}
    assert [type(other).__name__ for other in viewer.layers].count("Shapes") == 0


def test_cells_are_excluded_for_the_reason_that_was_chosen(tools, window):
    made, panel = tools
    panel._reason.setCurrentText("mitotic")
    window[1].select([2, 3])
    panel._buttons["exclude"].click()
    assert [edit.reason for edit in made.corrections.log.edits] == ["mitotic"] * 2
    made.press("undo")
    made.press("delete")
    assert window[1].selected == []


def test_keys_are_shown_over_the_picture(tools):
    made, _ = tools
    made.show_keys()
    assert "Merge" in made.keys.overlay.text()
    made.show_keys()
    assert made.keys.overlay is None


def test_suspects_are_walked_through(tools, window, qtbot):
    _made, panel = tools
    _viewer, views, _ = window
    suspects = pd.DataFrame(
        {
            "cell_id": [1, 3, 0],
            "frame": [2, 9, 5],
            "time_s": [10.0, 45.0, 25.0],
            "kind": ["swap", "area_jump", "gap"],
            "doubt": [0.2, 0.9, 0.5],
            "detail": ["a", "b", "c"],
        }
    )
    panel.set_suspects(suspects)
    listed = panel.suspects
    listed.next()
    assert (views.selected, views.frame) == ([3], 9)
    assert listed._why.text() == "b"
    with qtbot.waitSignal(listed.accepted) as caught:
        listed.accept()
    assert caught.args == [1]
    assert (views.selected, views.frame) == ([], 5)
    panel.set_suspects(suspects.iloc[:2])
    assert listed.open == 1
    assert listed.accepted_keys() == {(3, 9, "area_jump")}
    listed.next()
    assert (views.selected, views.frame) == ([1], 2)
    listed.accept()
    assert "All 2 are accepted" in listed._words.text()
    with qtbot.assertNotEmitted(listed.accepted):
        listed.accept()
    listed.set_accepted(set())
    panel.set_suspects(suspects.iloc[:0])
    assert listed._words.text() == "Nothing looks wrong."


def seen_in(views, t, n):
    """Give cells that are outlined in a frame and in the next two."""
    images = [set(np.unique(np.asarray(views._labels.data[t + k]))) - {0} for k in range(3)]
    return sorted(int(cell) for cell in set.intersection(*images))[:n]


def test_a_division_is_told_by_mother_and_daughters(window_of_moving, equip, moving, qtbot):
    _, views, _ = window_of_moving
    made, panel = equip(window_of_moving, moving)
    mother, one, two = seen_in(views, 4, 3)
    views.show_frame(4)
    views.select([mother])
    panel._buttons["divide"].click()
    assert f"Cell {mother} divides after frame 4" in panel._words.text()
    views.show_frame(6)
    views.select([one])
    made.press("divide")
    assert f"expected two selected daughters of cell {mother}, found 1" in panel._words.text()
    views.select([one, two])
    with qtbot.waitSignal(made.changed):
        made.press("divide")
    assert panel._words.text() == f"Cell {mother} divides into {one} and {two} after frame 4."
    (edit,) = made.corrections.log.edits
    assert (edit.mother.frame, [place.frame for place in edit.daughters]) == (4, [6, 6])
    assert edit.cell_ids == (mother, one, two)
    made.press("undo")
    assert views.frame == 4
    assert len(made.corrections.log) == 0


def test_keys_of_the_picture_make_links(window_of_moving, equip, moving):
    _, views, layer = window_of_moving
    made, _ = equip(window_of_moving, moving)
    mother, one, two = seen_in(views, 4, 3)
    keys = {str(key): command for key, command in layer.keymap.items()}
    divide = next(command for key, command in keys.items() if key.lower() == "shift+b")
    for frame, cells in ((4, [mother]), (5, [one, two])):
        views.show_frame(frame)
        views.select(cells)
        divide(layer)
    assert [edit.kind for edit in made.corrections.log.edits] == ["division"]
    made.show_keys()
    assert "Divide" in made.keys.overlay.text()


def test_what_is_accepted_is_in_the_log_and_undone(window_of_moving, equip, moving, tmp_path):
    _, views, _ = window_of_moving
    made, panel = equip(window_of_moving, moving, tmp_path / "edits.toml")
    cell = seen_in(views, 4, 1)[0]
    suspects = pd.DataFrame(
        {
            "cell_id": [cell, 0, 99],
            "frame": [5, 6, 7],
            "time_s": [10.0, 45.0, 25.0],
            "kind": ["swap", "gap", "merge"],
            "doubt": [0.9, 0.5, 0.2],
            "detail": ["a", "b", "c"],
        }
    )
    panel.set_suspects(suspects)
    panel.suspects.next()
    panel.suspects.accept()
    panel.suspects.accept()
    stored = EditLog.read(tmp_path / "edits.toml").edits
    assert [(edit.suspect, edit.frame, edit.cell_ids) for edit in stored] == [
        ("swap", 5, (cell,)),
        ("gap", 6, ()),
    ]
    # What cannot be kept is not accepted: there is no such cell.
    panel.suspects.accept()
    assert "cell 99: expected an outline in frame 7, found none" in panel._words.text()
    assert panel.suspects.open == 1
    made.press("undo")
    assert len(EditLog.read(tmp_path / "edits.toml")) == 1
    panel.set_suspects(suspects.assign(accepted=[True, False, False]))
    assert panel.suspects.accepted_keys() == {(cell, 5, "swap")}
    panel.set_tools(None)
    panel.suspects.next()
    panel.suspects.accept()
    assert panel.suspects.open == 2
