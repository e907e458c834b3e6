"""Traces and heat map: pointed at, lassoed, marked, in a real window."""

import numpy as np
import pytest

pytest.importorskip("pyqtgraph")
pytestmark = [
    pytest.mark.gui,
    pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def test_clicking_the_plot_selects_the_nearest_trace(window, qtbot):
    from qtpy.QtCore import QPointF, Qt

    _viewer, views, _ = window
    plot = views.traces
    plot.show_quantity("signal")
    qtbot.wait(50)
    signal = views.data.values("signal")

    class Click:
        def scenePos(self):
            return plot.plot.box.mapViewToScene(QPointF(views.data.time_s[12], signal[1, 12]))

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
        plot.plot.box.stretched.emit(90.0, 20.0, True)
    assert drawn.args == [20.0, 90.0]
    plot._mark.setChecked(True)
    region = next(item for item in plot.plot.marks if hasattr(item, "getRegion"))
    with qtbot.waitSignal(plot.phaseMoved) as moved:
        region.setRegion((0.0, 35.0))
        region.sigRegionChangeFinished.emit(region)
    assert moved.args == ["rest", 0.0, 35.0]
    plot._lasso.setChecked(True)
    assert not plot._mark.isChecked()
    assert plot.plot.box.gesture == "lasso"
    plot._lasso.setChecked(False)
    assert plot.plot.box.gesture == "pan"


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
