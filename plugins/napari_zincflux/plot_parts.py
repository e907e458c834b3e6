"""Parts of the live plots: an axis, a view with gestures, curves and bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QPointF, Qt, Signal
from qtpy.QtGui import QColor, QPainterPath, QPen, QPolygonF
from qtpy.QtWidgets import QGraphicsPathItem

HOVER_S = 0.03
"""Rest between two looks at what lies under a moving pointer."""


class ValueAxis(pg.AxisItem):
    """Axis that writes powers of ten as plain numbers."""

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Write the numbers at the ticks."""
        if not self.logMode:
            return list(super().tickStrings(values, scale, spacing))
        return [f"{10.0**value:.3g}" for value in values]

    def tickValues(
        self, minVal: float, maxVal: float, size: float
    ) -> list[tuple[float | None, list[float]]]:
        """Put ticks at powers of ten, and where there are few of them at 2 and 5 times these."""
        if not self.logMode:
            return list(super().tickValues(minVal, maxVal, size))
        step = max(1, int(np.ceil((maxVal - minVal) / max(size / 28, 1))))
        decades = np.arange(np.floor(minVal), np.ceil(maxVal) + 1)
        between = np.add.outer(decades, np.log10((2, 5))).ravel()
        levels = [decades[decades % step == 0]]
        if (maxVal - minVal) * 3 * 20 < size:
            levels.append(between)
        return [(1.0, [float(v) for v in level if minVal <= v <= maxVal]) for level in levels]


class GestureBox(pg.ViewBox):
    """View in which dragging pans, draws a lasso, or marks a stretch of time.

    Attributes
    ----------
    gesture
        ``pan``, ``lasso`` or ``phase``.
    """

    lassoed = Signal(list)
    stretched = Signal(float, float, bool)

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.gesture = "pan"
        self._corners: list[tuple[float, float]] = []
        self._path = QGraphicsPathItem()
        self._path.setZValue(1e6)
        self.addItem(self._path, ignoreBounds=True)

    def set_colour(self, colour: tuple[int, int, int]) -> None:
        """Set the colour of the lasso."""
        pen = QPen(QColor(*colour))
        pen.setCosmetic(True)
        pen.setStyle(Qt.PenStyle.DashLine)
        self._path.setPen(pen)

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        """Pan, or draw what the gesture says."""
        left = event.button() == Qt.MouseButton.LeftButton
        if self.gesture == "pan" or not left or axis is not None:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        here = self.mapSceneToView(event.scenePos())
        if self.gesture == "phase":
            start = self.mapSceneToView(event.buttonDownScenePos())
            self.stretched.emit(start.x(), here.x(), event.isFinish())
        else:
            self._lasso(event, here)

    def _lasso(self, event: Any, here: QPointF) -> None:
        if event.isStart():
            start = self.mapSceneToView(event.buttonDownScenePos())
            self._corners = [(start.x(), start.y())]
        self._corners.append((here.x(), here.y()))
        path = QPainterPath()
        if event.isFinish():
            self.lassoed.emit(self._corners)
        else:
            path.moveTo(*self._corners[0])
            for corner in self._corners[1:]:
                path.lineTo(*corner)
            path.closeSubpath()
        self._path.setPath(path)


def band(x: Any, low: Any, high: Any, known: Any) -> QPainterPath:
    """Outline what lies between two curves, one piece for each stretch that is known."""
    path = QPainterPath()
    edges = np.flatnonzero(np.diff(known.astype(np.int8), prepend=0, append=0))
    for start, stop in edges.reshape(-1, 2).tolist():
        part = slice(start, stop)
        corners = [*zip(x[part], low[part], strict=True)]
        corners += [*zip(x[part], high[part], strict=True)][::-1]
        path.addPolygon(QPolygonF([QPointF(float(a), float(b)) for a, b in corners]))
        path.closeSubpath()
    return path


def curve(x: Any, y: Any, pen: Any) -> Any:
    """Draw a curve with gaps where a value is missing; long ones without smooth edges."""
    return pg.PlotCurveItem(x, y, pen=pen, connect="finite", antialias=len(x) < 20_000)
