"""Picture and plots tied together, in a real window."""

import numpy as np
import pytest

pytest.importorskip("pyqtgraph")
pytestmark = [
    pytest.mark.gui,
    pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def press_and_release(viewer, position, modifiers=()):
    """Click in the picture without moving."""

    class Event:
        type, button, pos = "mouse_press", 1, (5, 5)

    event = Event()
    event.position, event.modifiers = position, modifiers
    for callback in viewer.mouse_drag_callbacks:
        steps = callback(viewer, event)
        next(steps, None)
        event.type = "mouse_release"
        next(steps, None)


def middle_of(views, cell):
    return (0.0, *views.data.place_of(cell, 0))


def test_clicking_cells_selects_them_everywhere(window):
    viewer, views, _ = window
    press_and_release(viewer, middle_of(views, 2))
    assert views.traces.selected == (2,)
    press_and_release(viewer, middle_of(views, 4), ("Shift",))
    assert views.selected == [2, 4]
    outlined = viewer.layers["selected cells"].data
    assert set(np.unique(views.labels()[outlined > 0])) == {2, 4}
    press_and_release(viewer, middle_of(views, 2), ("Shift",))
    assert views.selected == [4]
    press_and_release(viewer, (0.0, 1.0, 1.0))
    assert views.selected == []
    assert not viewer.layers["selected cells"].visible


def test_time_is_the_same_everywhere(window):
    viewer, views, _ = window
    viewer.dims.set_current_step(0, 7)
    assert views.traces.plot.time_line.value() == pytest.approx(35.0)
    views.traces.plot.time_line.setValue(52.0)
    assert viewer.dims.current_step[0] == 10
    assert views.heat_map._cursor.value() == pytest.approx(50.0)


def test_a_trace_brings_its_cell_into_the_middle(window, qtbot):
    viewer, views, _ = window
    with qtbot.waitSignal(views.cellsSelected) as caught:
        views.traces._choose([3])
    assert caught.args == [[3]]
    assert viewer.camera.center[-2:] == pytest.approx(views.data.place_of(3, 0))


def test_cells_are_coloured_by_any_choice_and_back(window):
    viewer, views, layer = window
    for choice in views.choices:
        views.colour_by(choice.key)
        (coloured,) = [other for other in viewer.layers if other.name.startswith("colour: ")]
        assert choice.label in coloured.name
        assert not layer.visible
        assert viewer.layers.index(coloured) < viewer.layers.index(layer)
    views.colour_by("zinc_nM")
    first = np.array(viewer.layers[1].data)
    viewer.dims.set_current_step(0, 20)
    assert not np.array_equal(first, viewer.layers[1].data, equal_nan=True)
    views.colour_by(None)
    assert layer.visible
    assert len(viewer.layers) == 2


def test_features_are_those_of_the_responses(window):
    _, _, layer = window
    assert {"index", "peak_zinc_nM", "responder", "baseline_zinc_nM"} <= set(layer.features)


def test_layers_may_be_removed_by_the_user(window):
    viewer, views, layer = window
    views.select([1])
    views.colour_by("zinc_nM")
    viewer.layers.remove("selected cells")
    viewer.layers.remove(views._colour.layer)
    viewer.dims.set_current_step(0, 3)
    views.select([2])
    viewer.layers.remove(layer)
    viewer.dims.set_current_step(0, 4)
    views.select([1, 3])
    assert views.labels() is None


def test_theme_is_followed(window):
    viewer, views, _ = window
    for name, dark in (("light", False), ("dark", True)):
        viewer.theme = name
        assert (views.traces.plot.theme.background[0] < 128) is dark
        assert (views.heat_map._theme.background[0] < 128) is dark


def test_colour_box_offers_what_there_is(window, qtbot):
    from napari_zincflux.colour_box import ColourBox

    box = ColourBox()
    qtbot.addWidget(box)
    box.set_choices(window[1].choices)
    with qtbot.waitSignal(box.chosen) as caught:
        box.choose("flag")
    assert caught.args == ["flag"]
    assert "no&nbsp;flag" in box._legend.text()
    box.choose("zinc_nM")
    assert "above&nbsp;range" in box._legend.text()
    box.choose("no such thing")
    box.set_choices(window[1].choices)
    assert box._list.currentData() == "zinc_nM"
