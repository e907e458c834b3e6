"""Dock with all cells as rows of a heat map, the strongest response on top."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_zincflux.heat_colours import ColourBar, coloured
from napari_zincflux.plot_parts import HOVER_S
from napari_zincflux.plot_style import PHASE, theme
from napari_zincflux.trace_data import QUANTITIES, Quantity, TraceData, limits_of, spans_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zincflux.phases import Phase

STRIP_PX = 20
"""Height of the strip with the names of the phases."""


class HeatMapWidget(QWidget):
    """Heat map of the traces; knows nothing of napari.

    Signals
    -------
    cellsSelected : list of int
        Number of the cell whose row was clicked.
    frameChanged : int
        The frame that the time cursor was dragged to, or that was clicked.
    """

    cellsSelected = Signal(list)
    frameChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: TraceData | None = None
        self._phases: tuple[Phase, ...] = ()
        self._order: NDArray[np.intp] = np.zeros(0, dtype=np.intp)
        self._selected: list[int] = []
        self._frame = 0
        self._theme = theme(dark=True)
        self._marks: list[Any] = []
        self._names: list[tuple[Any, Any, float, float]] = []
        self._rows: list[Any] = []
        self._last_hover = 0.0
        self._build()
        self.set_theme(dark=True)

    def set_data(
        self,
        data: TraceData,
        phases: Sequence[Phase] = (),
        usable_range: tuple[float, float] | None = None,
    ) -> None:
        """Show traces that were arranged before; the usable range is of no matter here."""
        self._data, self._phases = data, tuple(phases)
        before = self._quantities.currentData()
        self._quantities.blockSignals(True)
        self._quantities.clear()
        for quantity in data.quantities:
            self._quantities.addItem(quantity.label, quantity.name)
        self._quantities.setCurrentIndex(max(self._quantities.findData(before), 0))
        self._quantities.blockSignals(False)
        self._redraw()

    def set_selected(self, cell_ids: Iterable[int]) -> None:
        """Point at the rows of cells; emits nothing."""
        self._selected = [int(cell) for cell in cell_ids]
        self._draw_rows()
        self._say()

    def set_time(self, frame: int) -> None:
        """Move the time cursor to a frame; emits nothing."""
        self._frame = frame
        if self._data is None or not 0 <= frame < self._data.n_frames:
            return
        self._cursor.blockSignals(True)
        self._cursor.setValue(self._data.time_s[frame])
        self._cursor.blockSignals(False)
        self._say()

    def set_theme(self, *, dark: bool) -> None:
        """Use the colours for a dark or light background."""
        self._theme = theme(dark=dark)
        self._view.setBackground(self._theme.background)
        for axis in (*(self._plot.getAxis(side) for side in ("left", "bottom")), self._bar.axis):
            axis.setPen(self._theme.text)
            axis.setTextPen(self._theme.text)
        self._cursor.setPen(pg.mkPen(self._theme.strong, width=1.5))
        self._redraw()

    @property
    def quantity(self) -> Quantity | None:
        """What is shown; None without data."""
        name = self._quantities.currentData()
        return next((q for q in QUANTITIES if q.name == name), None)

    def _build(self) -> None:
        self._quantities = QComboBox()
        self._quantities.setToolTip("What the colours mean")
        self._quantities.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._quantities.currentIndexChanged.connect(lambda _: self._redraw())
        bar = QHBoxLayout()
        bar.setContentsMargins(4, 4, 4, 0)
        bar.addWidget(self._quantities)
        bar.addStretch(1)
        self._build_picture()
        self._words = QLabel()
        self._words.setContentsMargins(6, 0, 6, 4)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(bar)
        column.addWidget(self._view, 1)
        column.addWidget(self._words)
        self._say()

    def _build_picture(self) -> None:
        self._view = pg.GraphicsLayoutWidget()
        self._view.setMinimumHeight(90)
        self._plot = self._view.addPlot(axisItems={"left": RankAxis("left")})
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.setLabel("bottom", "time (s)")
        self._plot.setLabel("left", "cells by response")
        for side in ("left", "bottom"):
            self._plot.getAxis(side).enableAutoSIPrefix(False)
        self._plot.getAxis("left").setWidth(64)
        self._plot.invertY(True)
        self._image = pg.ImageItem(axisOrder="row-major")
        self._plot.addItem(self._image)
        self._cursor = pg.InfiniteLine(angle=90, movable=True)
        self._cursor.sigPositionChanged.connect(self._on_cursor)
        self._plot.addItem(self._cursor, ignoreBounds=True)
        self._plot.getViewBox().sigResized.connect(lambda _: self._fit_strip())
        self._bar = ColourBar()
        self._view.addItem(self._bar)
        self._view.scene().sigMouseClicked.connect(self._on_click)
        self._view.scene().sigMouseMoved.connect(self._on_hover)

    def _redraw(self) -> None:
        data, quantity = self._data, self.quantity
        if data is None or quantity is None or data.n_frames < 2:
            self._image.clear()
            self._say()
            return
        self._order = data.ordered(quantity, self._phases)
        values = data.ranked(quantity)[self._order]
        low, high = limits_of(data, quantity, self._phases)
        self._image.setImage(coloured(values, low, high, log=quantity.log), levels=None)
        half = (data.time_s[-1] - data.time_s[0]) / (data.n_frames - 1) / 2
        left, right = data.time_s[0] - half, data.time_s[-1] + half
        self._image.setRect(QRectF(left, 0, right - left, data.n_cells))
        self._plot.setXRange(left, right, padding=0)
        self._bar.show_scale(low, high, quantity)
        self._draw_marks()
        self._draw_rows()
        self.set_time(self._frame)

    def _draw_marks(self) -> None:
        for item in self._marks:
            self._plot.removeItem(item)
        self._marks.clear()
        self._names.clear()
        assert self._data is not None  # noqa: S101
        for name, role, start, end in spans_of(self._phases, self._data.time_s):
            colour = PHASE.get(role, PHASE["ignore"])
            strip = pg.QtWidgets.QGraphicsRectItem(QRectF(start, 0, end - start, 0))
            strip.setBrush(pg.mkBrush(*colour, 120))
            strip.setPen(pg.mkPen(None))
            words = pg.TextItem(name, color=self._theme.text, anchor=(0, 0))
            for item in (strip, words):
                item.setZValue(5)
                self._plot.addItem(item, ignoreBounds=True)
                self._marks.append(item)
            self._names.append((words, strip, start, end - start))
        self._fit_strip()

    def _fit_strip(self) -> None:
        """Put the phases into a strip of fixed height; a name is shown where there is room."""
        if self._data is None:
            return
        box = self._plot.getViewBox()
        top = -self._data.n_cells * STRIP_PX / max(box.height() - STRIP_PX, STRIP_PX)
        self._plot.setYRange(top, self._data.n_cells, padding=0)
        pixel = box.viewPixelSize()[0]
        for words, strip, start, seconds in self._names:
            strip.setRect(QRectF(start, top, seconds, -top))
            words.setPos(start, top)
            words.setVisible(words.boundingRect().width() * pixel <= seconds)

    def _draw_rows(self) -> None:
        for item in self._rows:
            self._plot.removeItem(item)
        self._rows.clear()
        if self._data is None or not self._order.size:
            return
        place = np.empty(len(self._order), dtype=np.intp)
        place[self._order] = np.arange(len(self._order))
        rows = place[self._data.rows_of(self._selected)]
        if not rows.size:
            return
        end = self._data.time_s[-1]
        marks = pg.ScatterPlotItem(
            np.full(len(rows), self._data.time_s[0]),
            rows + 0.5,
            symbol="t2",
            size=12,
            brush=pg.mkBrush(213, 94, 0),
            pen=pg.mkPen(255, 255, 255),
        )
        lines = pg.PlotCurveItem(
            np.tile([self._data.time_s[0], end, np.nan], len(rows)),
            np.repeat(rows + 0.5, 3),
            connect="finite",
            pen=pg.mkPen(213, 94, 0, width=1),
        )
        for item in (lines, marks):
            item.setZValue(8)
            self._plot.addItem(item, ignoreBounds=True)
            self._rows.append(item)

    def _under(self, position: QPointF) -> tuple[int, int] | None:
        """Give the cell and the frame under the pointer."""
        box = self._plot.getViewBox()
        if self._data is None or not box.sceneBoundingRect().contains(position):
            return None
        here = box.mapSceneToView(position)
        row = int(np.floor(here.y()))
        if not 0 <= row < len(self._order):
            return None
        return int(self._data.cell_ids[self._order[row]]), self._data.frame_at(here.x())

    def _on_click(self, event: Any) -> None:
        under = self._under(event.scenePos())
        if event.button() != Qt.MouseButton.LeftButton or under is None:
            return
        cell, frame = under
        self.set_selected([cell])
        self.set_time(frame)
        self.cellsSelected.emit([cell])
        self.frameChanged.emit(frame)

    def _on_hover(self, position: QPointF) -> None:
        now = time.perf_counter()
        if now - self._last_hover < HOVER_S:
            return
        self._last_hover = now
        self._say(self._under(position))

    def _on_cursor(self) -> None:
        if self._data is None:
            return
        frame = self._data.frame_at(float(self._cursor.value()))
        if frame != self._frame:
            self._frame = frame
            self.frameChanged.emit(frame)

    def _say(self, under: tuple[int, int] | None = None) -> None:
        data, quantity = self._data, self.quantity
        if data is None or quantity is None:
            self._words.setText("No traces yet.")
        elif under is None:
            self._words.setText(f"{data.n_cells} cells, strongest response on top · grey: no value")
        else:
            row, frame = data.rows_of(under[:1])[0], under[1]
            value = data.values(quantity.name)[row, frame]
            flag = data.flag_names[data.flags[row, frame]].replace("_", " ")
            number = flag or "no value" if np.isnan(value) else f"{quantity.label} {value:.3g}"
            self._words.setText(f"Cell {under[0]} · {number} · {data.time_s[frame]:g} s")


class RankAxis(pg.AxisItem):
    """Axis of rows; above the first row there is none."""

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Write the numbers of rows."""
        return [f"{value:g}" if value >= 0 and value == int(value) else "" for value in values]
