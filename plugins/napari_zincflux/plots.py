"""The dock below the picture: traces and heat map, tied to the viewer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QDockWidget, QMainWindow, QTabWidget, QWidget

from napari_zincflux.colouring import Choice
from napari_zincflux.heat_map import HeatMapWidget
from napari_zincflux.linked import LinkedViews
from napari_zincflux.traces import TracesWidget

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from zincflux.phases import Phase

NAME = "Traces (zincflux)"


class Plots(QObject):
    """Traces and heat map of one analysis; the dock is there once there is something to plot.

    Attributes
    ----------
    phaseDrawn, phaseMoved
        Signals of the plot: start and end of a stretch; name, start and end of a phase.
    colourRemoved
        Signal: the user has removed the layer of the colours.
    """

    phaseDrawn = Signal(float, float)
    phaseMoved = Signal(str, float, float)
    colourRemoved = Signal()

    def __init__(self, viewer: Viewer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.tabs: QTabWidget | None = None
        self.views: LinkedViews | None = None

    def show(self, source: Any, layer: Any, phases: Sequence[Phase]) -> None:
        """Plot an analysis.

        Parameters
        ----------
        source
            An analysis, or anything with its tables, ``reach`` and ``experiment``.
        layer
            Layer with the outlines of the cells.
        phases
            What is shaded.
        """
        if self.views is None:
            self._build()
        assert self.views is not None  # noqa: S101 - built above
        if self.tabs is not None and self.tabs.parent() is None:
            self.viewer.window.add_dock_widget(self.tabs, name=NAME, area="bottom")
            _make_room(self.tabs)
        self.views.show(source, layer, phases)

    def _build(self) -> None:
        self.traces, self.heat_map = TracesWidget(), HeatMapWidget()
        self.tabs = QTabWidget()
        self.tabs.addTab(self.traces, "Traces")
        self.tabs.addTab(self.heat_map, "All cells")
        self.views = LinkedViews(self.viewer, self.traces, self.heat_map, self)
        self.views.colourRemoved.connect(self.colourRemoved)
        self.traces.phaseDrawn.connect(self.phaseDrawn)
        self.traces.phaseMoved.connect(self.phaseMoved)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What the cells can be coloured by."""
        return () if self.views is None else self.views.choices

    def colour_by(self, key: str | None) -> None:
        """Colour the cells by a value; None shows the outlines again."""
        if self.views is not None:
            self.views.colour_by(key)

    def show_phases(self, phases: Sequence[Phase]) -> None:
        """Shade other phases."""
        if self.views is not None:
            self.traces.set_phases(phases)

    def close(self) -> None:
        """Take the dock and all that it put into the viewer away."""
        if self.views is None or self.tabs is None:
            return
        self.views.disconnect()
        self.views = None
        self.traces.phaseDrawn.disconnect(self.phaseDrawn)
        self.traces.phaseMoved.disconnect(self.phaseMoved)
        if self.tabs.parent() is not None:
            self.viewer.window.remove_dock_widget(self.tabs)
        self.tabs.deleteLater()
        self.tabs = None


def _make_room(widget: QWidget) -> None:
    """Let the docks beside the picture keep their height, and the plots take some of its own."""
    dock = window = widget.parent()
    while dock is not None and not isinstance(dock, QDockWidget):
        dock = dock.parent()
    while window is not None and not isinstance(window, QMainWindow):
        window = window.parent()
    if dock is None or window is None:
        return
    window.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)
    window.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
    window.resizeDocks([dock], [window.height() * 2 // 5], Qt.Orientation.Vertical)
