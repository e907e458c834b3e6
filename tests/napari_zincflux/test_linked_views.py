"""Plots, picture and corrections in a real window."""

import warnings

import numpy as np
import pandas as pd
import pytest

import zincflux
from runs import make_dish

pytest.importorskip("pyqtgraph")
pytestmark = [
    pytest.mark.gui,
    pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    experiment = zincflux.load_experiment(make_dish(tmp_path_factory.mktemp("dish")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return zincflux.analyze(experiment, keep=True, jobs=1)


@pytest.fixture
def window(make_napari_viewer, analysis, qtbot):
    """A viewer with the movie, its cells, and all plots."""
    from napari_zincflux.heat_map import HeatMapWidget
    from napari_zincflux.layers import Axes, labels_layer, movie_layers
    from napari_zincflux.linked import LinkedViews
    from napari_zincflux.traces import TracesWidget

    viewer = make_napari_viewer(show=True)
    for data, options, _ in movie_layers(analysis.experiment.open_movie()):
        viewer.add_image(data, **options)
    axes = Axes.of(analysis.pixel_size_um, analysis.frames["time_s"].to_numpy())
    data, options, _ = labels_layer(np.stack(list(analysis.label_images)), analysis.cells, axes)
    layer = viewer.add_labels(data, **options)
    traces, heat_map = TracesWidget(), HeatMapWidget()
    for widget in (traces, heat_map):
        viewer.window.add_dock_widget(widget, area="bottom", name=type(widget).__name__)
    views = LinkedViews(viewer, traces, heat_map)
    views.show(analysis, layer)
    yield viewer, views, layer
    views.disconnect()


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
    assert views.traces._cursor.value() == pytest.approx(35.0)
    views.traces._cursor.setValue(52.0)
    assert viewer.dims.current_step[0] == 10
    assert views.heat_map._cursor.value() == pytest.approx(50.0)


def test_a_trace_brings_its_cell_into_the_middle(window, qtbot):
    viewer, views, _ = window
    with qtbot.waitSignal(views.cellsSelected) as caught:
        views.traces._choose([3])
    assert caught.args == [[3]]
    assert viewer.camera.center[-2:] == pytest.approx(views.data.place_of(3, 0))


def test_clicking_the_plot_selects_the_nearest_trace(window, qtbot):
    from qtpy.QtCore import QPointF, Qt

    _viewer, views, _ = window
    plot = views.traces
    plot.show_quantity("signal")
    qtbot.wait(50)
    signal = views.data.values("signal")

    class Click:
        def scenePos(self):
            return plot._box.mapViewToScene(QPointF(views.data.time_s[12], signal[1, 12]))

        button = staticmethod(lambda: Qt.MouseButton.LeftButton)
        modifiers = staticmethod(lambda: Qt.KeyboardModifier.NoModifier)
        isAccepted = double = staticmethod(lambda: False)

    plot._on_click(Click())
    assert views.selected == [int(views.data.cell_ids[1])]
    plot._on_hover(Click().scenePos())
    assert "signal" in plot._words.text()
    top = float(np.nanmax(signal)) * 2
    plot._on_lasso([(0, -top), (500, -top), (500, top), (0, top)])
    assert views.selected == views.data.cell_ids.tolist()


def test_phases_are_marked_and_moved(window, qtbot):
    _, views, _ = window
    plot = views.traces
    with qtbot.waitSignal(plot.phaseDrawn) as drawn:
        plot._box.stretched.emit(90.0, 20.0, True)
    assert drawn.args == [20.0, 90.0]
    plot._mark.setChecked(True)
    region = next(item for item in plot._marks if hasattr(item, "getRegion"))
    with qtbot.waitSignal(plot.phaseMoved) as moved:
        region.setRegion((0.0, 35.0))
        region.sigRegionChangeFinished.emit(region)
    assert moved.args == ["rest", 0.0, 35.0]
    plot._lasso.setChecked(True)
    assert not plot._mark.isChecked()
    assert plot._box.gesture == "lasso"
    plot._lasso.setChecked(False)
    assert plot._box.gesture == "pan"


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


def test_features_are_those_of_the_responses(window, analysis):
    _, _, layer = window
    assert {"index", "peak_zinc_nM", "responder", "baseline_zinc_nM"} <= set(layer.features)


def test_layers_may_be_removed_by_the_user(window):
    viewer, views, layer = window
    views.select([1])
    views.colour_by("zinc_nM")
    viewer.layers.remove("selected cells")
    viewer.layers.remove(views._colour)
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
        assert (views.traces._theme.background[0] < 128) is dark
        assert (views.heat_map._theme.background[0] < 128) is dark


@pytest.fixture
def tools(window, analysis, qtbot):
    from napari_zincflux.corrections import Corrections
    from napari_zincflux.corrections_panel import CorrectionsPanel
    from napari_zincflux.edit_tools import EditTools

    viewer, views, layer = window
    made = EditTools(viewer, views, Corrections(analysis))
    made.bind(layer)
    panel = CorrectionsPanel()
    qtbot.addWidget(panel)
    panel.set_tools(made)
    yield made, panel
    made.disconnect()


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
    from napari_zincflux.corrections import CorrectionError

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
    assert "Merge" in made._keys.text()
    made.show_keys()
    assert made._keys is None


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
    listed.set_accepted(set())
    panel.set_suspects(suspects.iloc[:0])
    assert listed._words.text() == "Nothing looks wrong."


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


def test_the_heat_map_is_clicked(window, qtbot):
    from qtpy.QtCore import QPointF, Qt

    _viewer, views, _ = window
    plot = views.heat_map
    qtbot.wait(50)
    here = plot._plot.getViewBox().mapViewToScene(QPointF(60.0, 0.5))

    class Click:
        scenePos = staticmethod(lambda: here)
        button = staticmethod(lambda: Qt.MouseButton.LeftButton)

    plot._on_click(Click())
    assert views.selected == [int(views.data.cell_ids[plot._order[0]])]
    assert views.frame == 12
    plot._on_hover(here)
    assert plot._words.text().startswith("Cell ")


def test_plots_without_data_say_so(qtbot):
    from napari_zincflux.heat_map import HeatMapWidget
    from napari_zincflux.traces import TracesWidget

    for widget in (TracesWidget(), HeatMapWidget()):
        qtbot.addWidget(widget)
        widget.set_selected([1])
        widget.set_time(3)
        widget.set_theme(dark=False)
        assert widget._words.text() == "No traces yet."
