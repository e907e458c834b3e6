"""Dock with the traces of all and of the selected cells."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QPointF, Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_zincflux.plot_parts import HOVER_S
from napari_zincflux.plotted import Plotted
from napari_zincflux.trace_data import QUANTITIES, Quantity, TraceData
from napari_zincflux.trace_picking import inside_polygon
from napari_zincflux.trace_plot import TracePlot
from napari_zincflux.trace_words import sentence

if TYPE_CHECKING:
    from zincflux.phases import Phase


class TracesWidget(QWidget):
    """Plot of the traces with its buttons; knows nothing of napari.

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
        self._selected: list[int] = []
        self._frame = 0
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
        earlier, before = self._data, self.quantity
        same_time = earlier is not None and np.array_equal(earlier.time_s, data.time_s)
        self._quantities.blockSignals(True)
        self._quantities.clear()
        for quantity in data.quantities:
            self._quantities.addItem(quantity.label, quantity.name)
        found = self._quantities.findData(before.name) if before is not None else -1
        self._quantities.setCurrentIndex(max(found, 0))
        self._quantities.blockSignals(False)
        self.plot.shown = Plotted(data, self.quantity, tuple(phases), usable_range)
        self._selected = [cell for cell in self._selected if data.rows_of([cell]).size]
        self._redraw_all(fit=not same_time or found < 0)

    def set_phases(self, phases: Sequence[Phase]) -> None:
        """Shade other phases; the traces stay."""
        if self.plot.shown is not None:
            self.plot.shown = self.plot.shown._replace(phases=tuple(phases))
            self.plot.draw_phases()

    def set_selected(self, cell_ids: Iterable[int]) -> None:
        """Bring cells to the front; emits nothing."""
        self._selected = [int(cell) for cell in cell_ids]
        self.plot.draw_selected(self._selected)
        self._say()

    def set_time(self, frame: int) -> None:
        """Move the time cursor to a frame; emits nothing."""
        self._frame = frame
        if self._data is None or not 0 <= frame < self._data.n_frames:
            return
        self.plot.move_time(self._data.time_s[frame])
        self._say()

    def set_theme(self, *, dark: bool) -> None:
        """Use the colours for a dark or light background."""
        self.plot.set_theme(dark=dark)
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

    @property
    def _data(self) -> TraceData | None:
        return None if self.plot.shown is None else self.plot.shown.data

    def _build(self) -> None:
        self.plot = TracePlot()
        self.plot.phaseMoved.connect(self.phaseMoved)
        self.plot.box.lassoed.connect(self._on_lasso)
        self.plot.box.stretched.connect(self._on_stretch)
        self.plot.time_line.sigPositionChanged.connect(self._on_cursor)
        self.plot.scene().sigMouseClicked.connect(self._on_click)
        self.plot.scene().sigMouseMoved.connect(self._on_hover)
        self._words = QLabel()
        self._words.setContentsMargins(6, 0, 6, 4)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(self._build_bar())
        column.addWidget(self.plot, 1)
        column.addWidget(self._words)
        self._say()

    def _build_bar(self) -> QHBoxLayout:
        self._quantities = QComboBox()
        self._quantities.setToolTip("What is plotted")
        self._quantities.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._quantities.currentIndexChanged.connect(self._on_quantity)
        self._all = self._button("Others", "Show the cells that are not selected, too", True)
        self._all.setChecked(True)
        self._all.toggled.connect(self._on_others)
        self._lasso = self._button("Lasso", "Drag around traces to select their cells", True)
        self._mark = self._button(
            "Mark phase", "Drag along the time axis to mark a phase; drag an edge to move it", True
        )
        self._lasso.toggled.connect(lambda on: self._set_gesture(on, "lasso", self._mark))
        self._mark.toggled.connect(lambda on: self._set_gesture(on, "phase", self._lasso))
        fit = self._button("Fit", "Show everything again", False)
        fit.clicked.connect(lambda: self.plot.fit())
        bar = QHBoxLayout()
        bar.setContentsMargins(4, 4, 4, 0)
        bar.addWidget(self._quantities)
        bar.addStretch(1)
        for button in (self._all, self._lasso, self._mark, fit):
            bar.addWidget(button)
        return bar

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
        if on or self.plot.box.gesture == name:
            self.plot.box.gesture = name if on else "pan"
        self.plot.draw_phases()

    def _on_quantity(self, _index: int) -> None:
        if self.plot.shown is not None:
            self.plot.shown = self.plot.shown._replace(quantity=self.quantity)
        self._redraw_all(fit=True)

    def _on_others(self, on: bool) -> None:
        self.plot.with_others = on
        self._redraw_all(fit=False)

    def _redraw_all(self, *, fit: bool) -> None:
        self.plot.redraw(self._selected, fit=fit)
        self._say()
        self.set_time(self._frame)

    def _on_click(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton or event.isAccepted():
            return
        if event.double():
            self.plot.fit()
            return
        cell = self.plot.nearest(event.scenePos(), self._selected)
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
        self._say(self.plot.nearest(position, self._selected))

    def _on_lasso(self, corners: list[tuple[float, float]]) -> None:
        shown = self.plot.shown
        if shown is None or shown.quantity is None:
            return
        y = shown.y(shown.data.values(shown.quantity.name))
        rows = inside_polygon(shown.data.time_s, y, corners)
        self._choose(shown.data.cell_ids[rows].tolist())

    def _on_stretch(self, start: float, end: float, finished: bool) -> None:
        if self._data is None:
            return
        low, high = self.plot.clipped(start, end)
        self._words.setText(f"New phase: {low:g} to {high:g} s")
        if finished and high > low:
            self.phaseDrawn.emit(low, high)

    def _on_cursor(self) -> None:
        if self._data is None:
            return
        frame = self._data.frame_at(float(self.plot.time_line.value()))
        if frame != self._frame:
            self._frame = frame
            self._say()
            self.frameChanged.emit(frame)

    def _choose(self, cells: list[int]) -> None:
        self.set_selected(cells)
        self.cellsSelected.emit(cells)

    def _say(self, cell: int | None = None) -> None:
        """Write the numbers of a cell, or of the selection, at the time cursor."""
        self._words.setText(sentence(self._data, self.quantity, self._frame, self._selected, cell))
