"""Colours of the heat map, and the bar that says what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QRectF

from napari_zincflux.plot_parts import ValueAxis
from napari_zincflux.plot_style import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_zincflux.trace_data import Quantity

COLOURS = "viridis"


class ColourBar(pg.GraphicsLayout):
    """Bar that says what the colours mean."""

    def __init__(self) -> None:
        super().__init__()
        self.setContentsMargins(0, 0, 0, 0)
        self._box = self.addViewBox(row=0, col=0, enableMouse=False, enableMenu=False)
        self._box.setFixedWidth(14)
        self._image = pg.ImageItem(axisOrder="row-major")
        self._box.addItem(self._image)
        self.axis = ValueAxis("right")
        self.axis.linkToView(self._box)
        self.axis.enableAutoSIPrefix(False)
        self.addItem(self.axis, row=0, col=1)

    def show_scale(self, low: float, high: float, quantity: Quantity) -> None:
        """Show colours from the lowest to the highest value."""
        bottom, top = (np.log10(low), np.log10(high)) if quantity.log else (low, high)
        self._image.setImage(_table()[:, None, :])
        self._image.setRect(QRectF(0, bottom, 1, top - bottom))
        self._box.setRange(xRange=(0, 1), yRange=(bottom, top), padding=0)
        self.axis.setLogMode(False, quantity.log)
        self.axis.setLabel(quantity.label)


def _table() -> NDArray[np.uint8]:
    table: NDArray[np.uint8] = pg.colormap.get(COLOURS).getLookupTable(nPts=256, alpha=False)
    return table


def coloured(values: Any, low: float, high: float, *, log: bool) -> NDArray[np.uint8]:
    """Give the colours (n, T, 3) of values (n, T); grey where there is none."""
    if log:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log10(np.where(values > 0, values, np.where(values < 0, 0.0, np.nan)))
        low, high = float(np.log10(low)), float(np.log10(high))
    share = np.clip(np.nan_to_num((values - low) / (high - low), posinf=1, neginf=0), 0, 1)
    picture = _table()[(share * 255).astype(np.intp)]
    picture[np.isnan(values)] = MISSING
    return np.ascontiguousarray(picture)
