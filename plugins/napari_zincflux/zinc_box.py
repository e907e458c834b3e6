"""Switch of the zinc image, with its setting and the meaning of its colours."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QWheelEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_zincflux.plot_style import ABOVE_COLOUR, BELOW_COLOUR, MISSING, swatch
from napari_zincflux.zinc_layers import COLOURS
from zincflux.pipeline.zinc_image import AVERAGE_UM

WAIT_MS = 400
"""How long a number has to stand before the image is made anew."""


class ZincBox(QWidget):
    """Switch, diameter of the disc and legend; knows nothing of napari's layers.

    Signals
    -------
    changed : bool
        Whether the image is wanted; also when the diameter is another.
    """

    changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.switch = QCheckBox("Zinc image")
        self.switch.toggled.connect(self._on_switch)
        self.disc = DiscBox()
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(WAIT_MS)
        self._wait.timeout.connect(lambda: self.changed.emit(self.is_wanted))
        self.disc.valueChanged.connect(lambda _: self._wait.start())
        self.legend = ColourBar()
        self._words = QLabel()
        self._words.setWordWrap(True)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.switch)
        row.addStretch(1)
        row.addWidget(QLabel("mean over"))
        row.addWidget(self.disc)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.legend)
        column.addWidget(self._words)
        self.offer("There are no results yet.")

    @property
    def is_wanted(self) -> bool:
        """Whether the image is to be shown."""
        return bool(self.switch.isChecked() and self.switch.isEnabled())

    @property
    def average_um(self) -> float:
        """Diameter of the disc."""
        return float(self.disc.value())

    def _on_switch(self) -> None:
        self._wait.stop()
        self.changed.emit(self.is_wanted)

    def offer(self, obstacle: str) -> None:
        """Let the image be switched on, unless something stands against it."""
        self.switch.setEnabled(not obstacle)
        self.disc.setEnabled(not obstacle)
        self.switch.setToolTip(obstacle or "Free zinc of every pixel, frame by frame, in nM")

    def switch_off(self) -> None:
        """Switch off without telling."""
        self.switch.blockSignals(True)
        self.switch.setChecked(False)
        self.switch.blockSignals(False)
        self.show_legend(None, "")

    def show_legend(self, limits_nM: tuple[float, float] | None, note: str) -> None:
        """Show what the colours mean, and a remark; nothing without limits."""
        self.legend.show_range(limits_nM)
        swatches = [
            swatch(BELOW_COLOUR, "below the calibrated range"),
            swatch(ABOVE_COLOUR, "above it"),
            swatch(MISSING, "no number"),
        ]
        text = " &nbsp; ".join(swatches) + (f"<br>{note}" if note else "")
        self._words.setText(text if limits_nM is not None else "")
        self._words.setVisible(limits_nM is not None)


class DiscBox(QDoubleSpinBox):
    """Diameter of the disc in µm; the wheel scrolls the dock, as over its other numbers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0.0, 50.0)
        self.setSingleStep(0.5)
        self.setDecimals(1)
        self.setValue(AVERAGE_UM)
        self.setSuffix(" µm")
        self.setMinimumWidth(self.fontMetrics().horizontalAdvance("00.0 µm") + 90)
        self.setToolTip(
            "The light of each pixel is averaged over a disc of this diameter, within its cell, "
            "before it becomes zinc. Wider: less noise; 0: single pixels"
        )

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the dock."""
        event.ignore()


class ColourBar(QWidget):
    """Colours of zinc on a logarithmic axis in nM."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._limits: tuple[float, float] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self.fontMetrics().height() + 14)
        self.setVisible(False)

    def show_range(self, limits_nM: tuple[float, float] | None) -> None:
        """Show the colours between two values; None hides them."""
        self._limits = limits_nM
        self.setVisible(limits_nM is not None)
        self.update()

    def ticks_nM(self) -> list[float]:
        """Give the values that are written below the colours."""
        return [] if self._limits is None else nice_ticks(*self._limits)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint colours, ticks and the unit."""
        if self._limits is None:
            return
        from napari.utils.colormaps import ensure_colormap

        painter = QPainter(self)
        metrics = self.fontMetrics()
        unit = metrics.horizontalAdvance("  nM")
        width = max(self.width() - unit, 2)
        table = np.rint(ensure_colormap(COLOURS).map(np.linspace(0, 1, width)) * 255).astype(int)
        for x, (red, green, blue, _) in enumerate(table.tolist()):
            painter.fillRect(x, 0, 1, 8, QColor(red, green, blue))
        painter.setPen(self.palette().color(self.foregroundRole()))
        low, high = np.log10(self._limits)
        right = -1
        for value in self.ticks_nM():
            x = round((np.log10(value) - low) / (high - low) * (width - 1))
            words = f"{value:g}"
            own = metrics.horizontalAdvance(words)
            left = min(max(x - own // 2, 0), width - own)
            if left <= right:
                continue
            painter.drawLine(x, 8, x, 11)
            painter.drawText(left, 12, own, metrics.height(), Qt.AlignmentFlag.AlignCenter, words)
            right = left + own + 6
        painter.drawText(width, 12, unit, metrics.height(), Qt.AlignmentFlag.AlignRight, "nM")


def nice_ticks(low: float, high: float) -> list[float]:
    """Choose round numbers between two values on a logarithmic axis: 1, 2 and 5 times powers of 10.

    Parameters
    ----------
    low, high
        Above 0.
    """
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1,) if np.log10(high / low) > 2.5 else (1, 2, 5)
    values = [float(f"{step}e{power}") for power in powers for step in steps]
    return [value for value in values if low <= value <= high]
