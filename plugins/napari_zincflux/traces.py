"""Dock with the traces of all and of the selected cells."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QPointF, Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QGraphicsPathItem,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_zincflux.density import density_of
from napari_zincflux.plot_parts import GestureBox, ValueAxis, band, curve
from napari_zincflux.plot_style import PHASE, Theme, series_colour, theme
from napari_zincflux.trace_data import (
    ABOVE,
    BELOW,
    QUANTITIES,
    Quantity,
    TraceData,
    spans_of,
)
from napari_zincflux.trace_picking import inside_polygon, nearest_trace

if TYPE_CHECKING:
    from zincflux.phases import Phase

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

HOVER_S = 0.03


class TracesWidget(QWidget):
    """Plot of the traces; knows nothing of napari.

    Signals
    -------
    cellsSelected : list of int
        Numbers of the cells that were clicked or lassoed.
    frameChanged : int
        The frame that the time cursor was dragged to.
    phaseDrawn : float, float
        Start and end, s, of a stretch that was marked.
    phaseMoved : str, float, float
        Name of a phase whose ends were dragged, and its new start and end, s.
    """

    cellsSelected = Signal(list)
    frameChanged = Signal(int)
    phaseDrawn = Signal(float, float)
    phaseMoved = Signal(str, float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: TraceData | None = None
        self._phases: tuple[Phase, ...] = ()
        self._usable: tuple[float, float] | None = None
        self._selected: list[int] = []
        self._frame = 0
        self._theme: Theme = theme(dark=True)
        self._drawn: list[Any] = []
        self._behind: list[Any] = []
        self._marks: list[Any] = []
        self._last_hover = 0.0
        self._build()
        self.set_theme(dark=True)

    def set_data(
        self,
        data: TraceData,
        phases: Sequence[Phase] = (),
        usable_range: tuple[float, float] | None = None,
    ) -> None:
        """Show traces that were arranged before; the view stays where it was if time does."""
        same_time = self._data is not None and np.array_equal(self._data.time_s, data.time_s)
        self._data, self._usable = data, usable_range
        self._phases = tuple(phases)
        before = self.quantity
        self._quantities.blockSignals(True)
        self._quantities.clear()
        for quantity in data.quantities:
            self._quantities.addItem(quantity.label, quantity.name)
        found = self._quantities.findData(before.name) if before is not None else -1
        self._quantities.setCurrentIndex(max(found, 0))
        self._quantities.blockSignals(False)
        self._selected = [cell for cell in self._selected if data.rows_of([cell]).size]
        self._redraw_all(fit=not same_time or found < 0)

    def set_phases(self, phases: Sequence[Phase]) -> None:
        """Shade other phases; the traces stay."""
        self._phases = tuple(phases)
        self._draw_phases()

    def set_selected(self, cell_ids: Iterable[int]) -> None:
        """Bring cells to the front; emits nothing."""
        self._selected = [int(cell) for cell in cell_ids]
        self._draw_selected()

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
        self._plot.setBackground(self._theme.background)
        self._box.set_colour(self._theme.strong)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(self._theme.text)
            axis.setTextPen(self._theme.text)
        self._cursor.setPen(pg.mkPen((*self._theme.strong, 200), width=1))
        self._cursor.setHoverPen(pg.mkPen(self._theme.strong, width=4))
        self._redraw_all(fit=False)

    @property
    def quantity(self) -> Quantity | None:
        """What is shown; None without data."""
        name = self._quantities.currentData()
        return next((q for q in QUANTITIES if q.name == name), None)

    def show_quantity(self, name: str) -> None:
        """Show another quantity by the name of its column; one that there is none of is ignored."""
        self._quantities.setCurrentIndex(
            max(self._quantities.findData(name), 0) if self._quantities.count() else -1
        )

    @property
    def selected(self) -> tuple[int, ...]:
        """Numbers of the cells in front."""
        return tuple(self._selected)

    def _build(self) -> None:
        bar = self._build_bar()
        self._build_plot()
        self._words = QLabel()
        self._words.setContentsMargins(6, 0, 6, 4)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(bar)
        column.addWidget(self._plot, 1)
        column.addWidget(self._words)
        self._say()

    def _build_bar(self) -> QHBoxLayout:
        self._quantities = QComboBox()
        self._quantities.setToolTip("What is plotted")
        self._quantities.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._quantities.currentIndexChanged.connect(lambda _: self._redraw_all(fit=True))
        self._all = self._button("Others", "Show the cells that are not selected, too", True)
        self._all.setChecked(True)
        self._all.toggled.connect(lambda _: self._redraw_all(fit=False))
        self._lasso = self._button("Lasso", "Drag around traces to select their cells", True)
        self._mark = self._button(
            "Mark phase", "Drag along the time axis to mark a phase; drag an edge to move it", True
        )
        self._lasso.toggled.connect(lambda on: self._set_gesture(on, "lasso", self._mark))
        self._mark.toggled.connect(lambda on: self._set_gesture(on, "phase", self._lasso))
        fit = self._button("Fit", "Show everything again", False)
        fit.clicked.connect(lambda: self._fit())
        bar = QHBoxLayout()
        bar.setContentsMargins(4, 4, 4, 0)
        bar.addWidget(self._quantities)
        bar.addStretch(1)
        for button in (self._all, self._lasso, self._mark, fit):
            bar.addWidget(button)
        return bar

    def _build_plot(self) -> None:
        self._box = GestureBox()
        self._box.lassoed.connect(self._on_lasso)
        self._box.stretched.connect(self._on_stretch)
        self._plot = pg.PlotWidget(viewBox=self._box, axisItems={"left": ValueAxis("left")})
        self._plot.setMinimumHeight(90)
        self._plot.hideButtons()
        self._plot.getAxis("left").setWidth(64)
        self._plot.setLabel("bottom", "time (s)")
        self._plot.getAxis("left").enableAutoSIPrefix(False)
        self._plot.getAxis("bottom").enableAutoSIPrefix(False)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(REDRAW_MS)
        self._later.timeout.connect(self._draw_behind)
        self._box.sigYRangeChanged.connect(self._on_range)
        self._cursor = pg.InfiniteLine(angle=90, movable=True)
        self._cursor.setZValue(50)
        self._cursor.sigPositionChanged.connect(self._on_cursor)
        self._plot.addItem(self._cursor, ignoreBounds=True)
        self._plot.scene().sigMouseClicked.connect(self._on_click)
        self._plot.scene().sigMouseMoved.connect(self._on_hover)

    def _button(self, text: str, tip: str, checkable: bool) -> QPushButton:
        button = QPushButton(self)
        button.setText(text)
        button.setToolTip(tip)
        button.setCheckable(checkable)
        button.setAutoDefault(False)
        return button

    def _set_gesture(self, on: bool, name: str, other: QPushButton) -> None:
        if on:
            other.setChecked(False)
        if on or self._box.gesture == name:
            self._box.gesture = name if on else "pan"
        self._draw_phases()

    def _y(self, values: Any) -> Any:
        """Put values on the axis: logarithms where it is logarithmic."""
        if self.quantity is None or not self.quantity.log:
            return values
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log10(np.where(np.asarray(values) > 0, values, np.nan))

    def _redraw_all(self, *, fit: bool) -> None:
        quantity = self.quantity
        if quantity is not None:
            self._plot.getAxis("left").setLogMode(False, quantity.log)
            self._plot.setLabel("left", quantity.label)
        if fit:
            self._fit()
        self._draw_behind()
        self._draw_phases()
        self._draw_selected()
        self.set_time(self._frame)

    def _draw_behind(self) -> None:
        """Draw all cells and their median."""
        self._remove(self._behind)
        data, quantity = self._data, self.quantity
        if data is None or quantity is None:
            return
        y = self._y(data.values(quantity.name))
        if self._all.isChecked():
            item = self._lines(y) if y.size <= MOST_POINTS else self._density(y)
            if item is not None:
                self._add(item, self._behind, -20)
        pen = pg.mkPen(self._theme.strong, width=2.5, style=Qt.PenStyle.DashLine)
        median = self._y(data.median(quantity))
        self._add(curve(data.time_s, median, pen), self._behind, 10)

    def _lines(self, y: Any) -> Any:
        assert self._data is not None  # noqa: S101
        x = np.tile(np.append(self._data.time_s, np.nan), len(y))
        joined = np.column_stack([y, np.full(len(y), np.nan)]).ravel()
        return curve(x, joined, pg.mkPen((*self._theme.faint, 110), width=1))

    def _density(self, y: Any) -> Any:
        assert self._data is not None  # noqa: S101
        bottom, top = self._box.viewRange()[1]
        density = density_of(self._data.time_s, y, (bottom, top))
        if density is None:
            return None
        strength = np.sqrt(density.counts / max(float(np.percentile(density.counts, 99.5)), 1.0))
        table = np.empty((256, 4), dtype=np.uint8)
        table[:, :3] = self._theme.faint
        table[:, 3] = np.linspace(0, 235, 256)
        item = pg.ImageItem(strength, axisOrder="col-major", levels=(0, 1), lut=table)
        item.setRect(density.left, density.bottom, density.width, density.height)
        return item

    def _draw_selected(self) -> None:
        self._remove(self._drawn)
        data, quantity = self._data, self.quantity
        if data is None or quantity is None:
            return
        rows = data.rows_of(self._selected)
        if len(rows) > MOST_CURVES:
            y = self._y(data.values(quantity.name)[rows])
            item = self._lines(y)
            item.setPen(pg.mkPen((*series_colour(0), 160), width=1))
            self._add(item, self._drawn, 15)
        for number, row in enumerate(rows.tolist() if len(rows) <= MOST_CURVES else ()):
            colour = series_colour(number)
            if number < MOST_BANDS and quantity.low:
                self._draw_band(row, colour)
            y = self._y(data.values(quantity.name)[row])
            self._add(curve(data.time_s, y, pg.mkPen(colour, width=2)), self._drawn, 20)
        self._say()

    def _draw_band(self, row: int, colour: tuple[int, int, int]) -> None:
        """Draw the interval of a cell, and the bounds where zinc lies beyond the range."""
        data, quantity = self._data, self.quantity
        assert data is not None and quantity is not None  # noqa: S101, PT018
        low, high = (data.values(name)[row] for name in (quantity.low, quantity.high))
        bottom, top = self._y(low), self._y(high)
        both = np.isfinite(data.values(quantity.name)[row]) & np.isfinite(bottom) & np.isfinite(top)
        stretch = QGraphicsPathItem(band(data.time_s, bottom, top, both))
        stretch.setBrush(pg.mkBrush(*colour, 60))
        stretch.setPen(pg.mkPen(None))
        self._add(stretch, self._drawn, 12)
        for flag, bound, symbol in ((ABOVE, low, "t1"), (BELOW, high, "t")):
            where = data.flagged(flag)[row] & np.isfinite(bound)
            if where.any():
                marks = pg.ScatterPlotItem(
                    data.time_s[where],
                    self._y(bound[where]),
                    symbol=symbol,
                    size=6,
                    pen=None,
                    brush=pg.mkBrush(*colour, 150),
                )
                self._add(marks, self._drawn, 18)

    def _draw_phases(self) -> None:
        self._remove(self._marks)
        data, quantity = self._data, self.quantity
        if data is None:
            return
        movable = self._box.gesture == "phase"
        for number, (name, role, start, end) in enumerate(spans_of(self._phases, data.time_s)):
            colour = PHASE.get(role, PHASE["ignore"])
            region = pg.LinearRegionItem(
                (start, end),
                brush=pg.mkBrush(*colour, self._theme.phase_alpha),
                hoverBrush=pg.mkBrush(*colour, self._theme.phase_alpha),
                pen=pg.mkPen((*colour, 160 if movable else 90)),
                hoverPen=pg.mkPen(self._theme.strong, width=3),
                movable=movable,
            )
            region.setMovable(movable)
            # A grip on the middle would catch the drag that marks a phase.
            region.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
            region.sigRegionChangeFinished.connect(
                lambda item, name=name: self.phaseMoved.emit(
                    name, *self._clipped(*item.getRegion())
                )
            )
            label = pg.InfLineLabel(
                region.lines[0],
                text=name,
                position=0.97 - 0.07 * (number % 2),
                anchors=[(0, 0), (0, 0)],
                color=self._theme.text,
                fill=(*self._theme.background, 150),
            )
            label.setZValue(60)
            self._add(region, self._marks, -40)
        if self._usable is not None and quantity is not None and quantity.name == "zinc_nM":
            low, high = (float(v) for v in self._y(np.array(self._usable)))
            if np.isfinite(low) and np.isfinite(high):
                self._draw_usable(low, high)

    def _draw_usable(self, low: float, high: float) -> None:
        usable = pg.LinearRegionItem(
            (low, high),
            orientation="horizontal",
            brush=pg.mkBrush(0, 158, 115, 28),
            pen=pg.mkPen((0, 158, 115, 170), style=Qt.PenStyle.DotLine),
            movable=False,
        )
        pg.InfLineLabel(
            usable.lines[0],
            text="usable range",
            position=0.01,
            anchors=[(0, 1), (0, 1)],
            color=(0, 158, 115),
            fill=(*self._theme.background, 150),
        )
        self._add(usable, self._marks, -30)

    def _add(self, item: Any, kept: list[Any], z: float) -> None:
        item.setZValue(z)
        self._plot.addItem(item, ignoreBounds=True)
        kept.append(item)

    def _remove(self, items: list[Any]) -> None:
        for item in items:
            self._plot.removeItem(item)
        items.clear()

    def _fit(self) -> None:
        data, quantity = self._data, self.quantity
        if data is None or quantity is None or not data.n_frames:
            return
        y = self._y(data.values(quantity.name))
        known = y[:, self._of_interest()]
        known = known[np.isfinite(known)]
        if known.size:
            # A few stray points must not flatten all traces.
            low, high = np.percentile(known, [0.2, 99.8])
            if self._usable is not None and quantity.name == "zinc_nM":
                ends = self._y(np.array(self._usable))
                low, high = np.nanmin([low, *ends]), np.nanmax([high, *ends])
            margin = 0.08 * ((high - low) or 1.0)
            self._plot.setYRange(low - margin, high + 2.5 * margin, padding=0)
        self._plot.setXRange(data.time_s[0], data.time_s[-1], padding=0.01)

    def _of_interest(self) -> Any:
        """Frames that the first view shows in full height: at its ends zinc is anything."""
        assert self._data is not None  # noqa: S101
        times = self._data.time_s
        ends = np.zeros(len(times), dtype=bool)
        if self.quantity is not None and self.quantity.name == "zinc_nM":
            for _, role, start, end in spans_of(self._phases, times):
                if role in ("minimum", "maximum"):
                    ends |= (times >= start) & (times <= end)
        return ~ends if not ends.all() else slice(None)

    def _nearest(self, scene_position: QPointF) -> int | None:
        data, quantity = self._data, self.quantity
        inside = self._box.sceneBoundingRect().contains(scene_position)
        if data is None or quantity is None or not inside:
            return None
        rows = np.arange(data.n_cells) if self._all.isChecked() else data.rows_of(self._selected)
        here = self._box.mapSceneToView(scene_position)
        y = self._y(data.values(quantity.name)[rows])
        found = nearest_trace(data.time_s, y, (here.x(), here.y()), self._box.viewPixelSize())
        if found is None or found[1] > NEAR_PX:
            return None
        return int(data.cell_ids[rows[found[0]]])

    def _on_click(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton or event.isAccepted():
            return
        if event.double():
            self._fit()
            return
        cell = self._nearest(event.scenePos())
        more = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if cell is None:
            return
        chosen = [c for c in self._selected if c != cell] if more else []
        if not (more and cell in self._selected):
            chosen.append(cell)
        self._choose(chosen)

    def _on_hover(self, position: QPointF) -> None:
        now = time.perf_counter()
        if now - self._last_hover < HOVER_S:
            return
        self._last_hover = now
        self._say(self._nearest(position))

    def _on_lasso(self, corners: list[tuple[float, float]]) -> None:
        data, quantity = self._data, self.quantity
        if data is None or quantity is None:
            return
        rows = inside_polygon(data.time_s, self._y(data.values(quantity.name)), corners)
        self._choose(data.cell_ids[rows].tolist())

    def _on_stretch(self, start: float, end: float, finished: bool) -> None:
        if self._data is None:
            return
        low, high = self._clipped(start, end)
        self._words.setText(f"New phase: {low:g} to {high:g} s")
        if finished and high > low:
            self.phaseDrawn.emit(low, high)

    def _clipped(self, start: float, end: float) -> tuple[float, float]:
        """Put two times in order, inside the movie."""
        assert self._data is not None  # noqa: S101
        low, high = np.clip(sorted((start, end)), self._data.time_s[0], self._data.time_s[-1])
        return round(float(low), 3), round(float(high), 3)

    def _on_cursor(self) -> None:
        if self._data is None:
            return
        frame = self._data.frame_at(float(self._cursor.value()))
        if frame != self._frame:
            self._frame = frame
            self._say()
            self.frameChanged.emit(frame)

    def _on_range(self) -> None:
        data = self._data
        if data is not None and data.n_cells * data.n_frames > MOST_POINTS:
            self._later.start()

    def hideEvent(self, event: Any) -> None:
        """Leave no timer running."""
        self._later.stop()
        super().hideEvent(event)

    def _choose(self, cells: list[int]) -> None:
        self.set_selected(cells)
        self.cellsSelected.emit(cells)

    def _say(self, cell: int | None = None) -> None:
        """Write the numbers of a cell, or of the selection, at the time cursor."""
        data, quantity = self._data, self.quantity
        if data is None or quantity is None or not data.n_frames:
            self._words.setText("No traces yet.")
            return
        frame = min(self._frame, data.n_frames - 1)
        if cell is None and len(self._selected) == 1:
            cell = self._selected[0]
        when = f"frame {frame}, {data.time_s[frame]:g} s"
        if cell is not None and data.rows_of([cell]).size:
            self._words.setText(f"Cell {cell} · {self._number(cell, frame)} · {when}")
        elif self._selected:
            self._words.setText(f"{len(self._selected)} of {data.n_cells} cells selected · {when}")
        else:
            self._words.setText(f"{data.n_cells} cells, median dashed · {when} · click a trace")

    def _number(self, cell: int, frame: int) -> str:
        data, quantity = self._data, self.quantity
        assert data is not None and quantity is not None  # noqa: S101, PT018
        row = int(data.rows_of([cell])[0])
        value = data.values(quantity.name)[row, frame]
        flag = data.flag_names[data.flags[row, frame]]
        if np.isnan(value):
            return f"no value ({flag})" if flag else "no value"
        text = f"{quantity.label} {value:.3g}"
        if quantity.low:
            low, high = (data.values(name)[row, frame] for name in (quantity.low, quantity.high))
            text += f" (95 % {low:.3g} to {high:.3g})"
        return f"{text}, {flag}" if flag else text
