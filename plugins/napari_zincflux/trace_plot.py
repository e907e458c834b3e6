"""Plot of traces over time: all cells and their median, the selected ones, the phases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QPointF, Qt, QTimer, Signal
from qtpy.QtWidgets import QGraphicsPathItem, QWidget

from napari_zincflux import trace_items
from napari_zincflux.plot_parts import GestureBox, ValueAxis, band, curve
from napari_zincflux.plot_style import Theme, series_colour, theme
from napari_zincflux.plotted import Plotted
from napari_zincflux.trace_data import ABOVE, BELOW, Quantity, spans_of
from napari_zincflux.trace_picking import nearest_trace

NEAR_PX = 14.0
"""Distance from a trace, at most, at which the pointer means it."""

MOST_CURVES = 12
"""Selected cells that get a colour each; more are drawn in one colour."""

MOST_BANDS = 6
"""Selected cells that are drawn with their interval."""

MOST_POINTS = 20_000
"""Values that are drawn as lines behind the selected cells; more are drawn as a density."""

REDRAW_MS = 150
"""Rest after a change of the view, after which the density is drawn as sharp as the screen."""


class TracePlot(pg.PlotWidget):
    """Draws traces; what is selected is told to it.

    Attributes
    ----------
    phaseMoved
        Signal: name of a phase whose edge was dragged, and its new ends in s.
    shown
        What is plotted, or None.
    with_others
        Whether the cells that are not selected are drawn, too.
    box
        The view, with its gestures.
    time_line
        The time cursor.
    marks
        Phases and usable range, as they are drawn.
    """

    phaseMoved = Signal(str, float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        box = GestureBox()
        super().__init__(parent, viewBox=box, axisItems={"left": ValueAxis("left")})
        self.box = box
        self.shown: Plotted | None = None
        self.with_others = True
        self.theme: Theme = theme(dark=True)
        self.marks: list[Any] = []
        self._front: list[Any] = []
        self._behind: list[Any] = []
        self.setMinimumHeight(90)
        self.hideButtons()
        self.getAxis("left").setWidth(64)
        self.setLabel("bottom", "time (s)")
        self.getAxis("left").enableAutoSIPrefix(False)
        self.getAxis("bottom").enableAutoSIPrefix(False)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(REDRAW_MS)
        self._later.timeout.connect(self.draw_behind)
        box.sigYRangeChanged.connect(self._on_range)
        self.time_line = pg.InfiniteLine(angle=90, movable=True)
        self.time_line.setZValue(50)
        self.addItem(self.time_line, ignoreBounds=True)

    def set_theme(self, *, dark: bool) -> None:
        """Use the colours for a dark or light background; what is drawn keeps its own."""
        self.theme = theme(dark=dark)
        self.setBackground(self.theme.background)
        self.box.set_colour(self.theme.strong)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(self.theme.text)
            axis.setTextPen(self.theme.text)
        self.time_line.setPen(pg.mkPen((*self.theme.strong, 200), width=1))
        self.time_line.setHoverPen(pg.mkPen(self.theme.strong, width=4))

    def move_time(self, time_s: float) -> None:
        """Put the time cursor at a time; it tells nobody."""
        self.time_line.blockSignals(True)
        self.time_line.setValue(time_s)
        self.time_line.blockSignals(False)

    def redraw(self, selected: Sequence[int], *, fit: bool) -> None:
        """Draw everything anew.

        Parameters
        ----------
        selected
            Numbers of the cells in front.
        fit
            Whether everything is brought into view.
        """
        quantity = None if self.shown is None else self.shown.quantity
        if quantity is not None:
            self.getAxis("left").setLogMode(False, quantity.log)
            self.setLabel("left", quantity.label)
        if fit:
            self.fit()
        self.draw_behind()
        self.draw_phases()
        self.draw_selected(selected)

    def draw_behind(self) -> None:
        """Draw all cells and their median."""
        self._remove(self._behind)
        if self.shown is None or self.shown.quantity is None:
            return
        data, quantity = self.shown.data, self.shown.quantity
        y = self.shown.y(data.values(quantity.name))
        if self.with_others:
            item = self._others(y)
            if item is not None:
                self._add(item, self._behind, -20)
        pen = pg.mkPen(self.theme.strong, width=2.5, style=Qt.PenStyle.DashLine)
        median = self.shown.y(data.median(quantity))
        self._add(curve(data.time_s, median, pen), self._behind, 10)

    def _others(self, y: Any) -> Any:
        assert self.shown is not None  # noqa: S101
        time_s = self.shown.data.time_s
        if y.size <= MOST_POINTS:
            return trace_items.lines(time_s, y, (*self.theme.faint, 110))
        bottom, top = self.box.viewRange()[1]
        return trace_items.density(time_s, y, (bottom, top), self.theme.faint)

    def draw_selected(self, selected: Sequence[int]) -> None:
        """Bring cells to the front: a few with colour and interval, many in one colour."""
        self._remove(self._front)
        if self.shown is None or self.shown.quantity is None:
            return
        data, quantity = self.shown.data, self.shown.quantity
        rows = data.rows_of(selected)
        values = data.values(quantity.name)
        if len(rows) > MOST_CURVES:
            y = self.shown.y(values[rows])
            item = trace_items.lines(data.time_s, y, (*series_colour(0), 160))
            self._add(item, self._front, 15)
            return
        for number, row in enumerate(rows.tolist()):
            colour = series_colour(number)
            if number < MOST_BANDS and quantity.low:
                self._draw_band(self.shown, quantity, row, colour)
            y = self.shown.y(values[row])
            self._add(curve(data.time_s, y, pg.mkPen(colour, width=2)), self._front, 20)

    def _draw_band(
        self, shown: Plotted, quantity: Quantity, row: int, colour: tuple[int, int, int]
    ) -> None:
        """Draw the interval of a cell, and the bounds where zinc lies beyond the range."""
        data = shown.data
        low, high = (data.values(name)[row] for name in (quantity.low, quantity.high))
        bottom, top = shown.y(low), shown.y(high)
        both = np.isfinite(data.values(quantity.name)[row]) & np.isfinite(bottom) & np.isfinite(top)
        stretch = QGraphicsPathItem(band(data.time_s, bottom, top, both))
        stretch.setBrush(pg.mkBrush(*colour, 60))
        stretch.setPen(pg.mkPen(None))
        self._add(stretch, self._front, 12)
        for flag, bound in ((ABOVE, low), (BELOW, high)):
            where = data.flagged(flag)[row] & np.isfinite(bound)
            if where.any():
                y = shown.y(bound[where])
                item = trace_items.bounds(data.time_s[where], y, colour, upwards=flag == ABOVE)
                self._add(item, self._front, 18)

    def draw_phases(self) -> None:
        """Shade the phases, which can be moved while they are being marked, and what is usable."""
        self._remove(self.marks)
        if self.shown is None:
            return
        movable = self.box.gesture == "phase"
        for number, span in enumerate(spans_of(self.shown.phases, self.shown.data.time_s)):
            region = trace_items.phase_region(span, number, self.theme, movable=movable)
            region.sigRegionChangeFinished.connect(
                lambda item, name=span[0]: self.phaseMoved.emit(
                    name, *self.clipped(*item.getRegion())
                )
            )
            self._add(region, self.marks, -40)
        usable = self.shown.usable_y
        if usable is not None and np.isfinite(usable).all():
            self._add(trace_items.usable_region(*usable, self.theme), self.marks, -30)

    def clipped(self, start: float, end: float) -> tuple[float, float]:
        """Put two times in order, inside the movie."""
        assert self.shown is not None  # noqa: S101
        times = self.shown.data.time_s
        low, high = np.clip(sorted((start, end)), times[0], times[-1])
        return round(float(low), 3), round(float(high), 3)

    def fit(self) -> None:
        """Bring everything into view."""
        shown = self.shown
        if shown is None or shown.quantity is None or not shown.data.n_frames:
            return
        y = shown.y(shown.data.values(shown.quantity.name))
        known = y[:, shown.of_interest]
        known = known[np.isfinite(known)]
        if known.size:
            # A few stray points must not flatten all traces.
            low, high = np.percentile(known, [0.2, 99.8])
            usable = shown.usable_y
            if usable is not None:
                low, high = np.nanmin([low, *usable]), np.nanmax([high, *usable])
            margin = 0.08 * ((high - low) or 1.0)
            self.setYRange(low - margin, high + 2.5 * margin, padding=0)
        self.setXRange(shown.data.time_s[0], shown.data.time_s[-1], padding=0.01)

    def nearest(self, scene_position: QPointF, selected: Sequence[int]) -> int | None:
        """Give the cell whose trace, among those that are drawn, is meant by a point."""
        shown = self.shown
        inside = self.box.sceneBoundingRect().contains(scene_position)
        if shown is None or shown.quantity is None or not inside:
            return None
        data = shown.data
        rows = np.arange(data.n_cells) if self.with_others else data.rows_of(selected)
        here = self.box.mapSceneToView(scene_position)
        y = shown.y(data.values(shown.quantity.name)[rows])
        found = nearest_trace(data.time_s, y, (here.x(), here.y()), self.box.viewPixelSize())
        if found is None or found[1] > NEAR_PX:
            return None
        return int(data.cell_ids[rows[found[0]]])

    def hideEvent(self, event: Any) -> None:
        """Leave no timer running."""
        self._later.stop()
        super().hideEvent(event)

    def _on_range(self) -> None:
        if self.shown is not None and self.shown.data.flags.size > MOST_POINTS:
            self._later.start()

    def _add(self, item: Any, kept: list[Any], z: float) -> None:
        item.setZValue(z)
        self.addItem(item, ignoreBounds=True)
        kept.append(item)

    def _remove(self, items: list[Any]) -> None:
        for item in items:
            self.removeItem(item)
        items.clear()
