"""What is drawn in the plot of the traces, one item each: lines, density, phases, usable range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt

from napari_zincflux.density import density_of
from napari_zincflux.plot_parts import curve
from napari_zincflux.plot_style import PHASE, RGB, Theme

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

USABLE: RGB = (0, 158, 115)
"""Colour of the range that the indicator tells."""


def lines(time_s: FloatArray, y: FloatArray, colour: tuple[int, ...]) -> Any:
    """Draw traces (n, T) as one item of thin lines."""
    x = np.tile(np.append(time_s, np.nan), len(y))
    joined = np.column_stack([y, np.full(len(y), np.nan)]).ravel()
    return curve(x, joined, pg.mkPen(colour, width=1))


def density(
    time_s: FloatArray, y: FloatArray, limits: tuple[float, float], colour: RGB
) -> Any | None:
    """Draw traces (n, T) as a picture of where most of them run; None where there is nothing.

    Parameters
    ----------
    time_s
        Time of each frame, (T,).
    y
        Positions on the axis, (n, T); NaN where there is no value.
    limits
        Lowest and highest position that is seen.
    colour
        Of the densest place.
    """
    found = density_of(time_s, y, limits)
    if found is None:
        return None
    strength = np.sqrt(found.counts / max(float(np.percentile(found.counts, 99.5)), 1.0))
    table = np.empty((256, 4), dtype=np.uint8)
    table[:, :3] = colour
    table[:, 3] = np.linspace(0, 235, 256)
    item = pg.ImageItem(strength, axisOrder="col-major", levels=(0, 1), lut=table)
    item.setRect(found.left, found.bottom, found.width, found.height)
    return item


def bounds(time_s: FloatArray, y: FloatArray, colour: RGB, *, upwards: bool) -> Any:
    """Draw values that are known only to lie beyond a bound as triangles that point there."""
    return pg.ScatterPlotItem(
        time_s,
        y,
        symbol="t1" if upwards else "t",
        size=6,
        pen=None,
        brush=pg.mkBrush(*colour, 150),
    )


def phase_region(
    span: tuple[str, str, float, float], number: int, theme: Theme, *, movable: bool
) -> Any:
    """Shade a phase and write its name.

    Parameters
    ----------
    span
        Name, role, start and end in s.
    number
        Its place among the phases: names of neighbours stand at different heights.
    theme
        Colours.
    movable
        Whether its edges can be dragged.
    """
    name, role, start, end = span
    colour = PHASE.get(role, PHASE["ignore"])
    region = pg.LinearRegionItem(
        (start, end),
        brush=pg.mkBrush(*colour, theme.phase_alpha),
        hoverBrush=pg.mkBrush(*colour, theme.phase_alpha),
        pen=pg.mkPen((*colour, 160 if movable else 90)),
        hoverPen=pg.mkPen(theme.strong, width=3),
        movable=movable,
    )
    region.setMovable(movable)
    # A grip on the middle would catch the drag that marks a phase.
    region.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
    label = pg.InfLineLabel(
        region.lines[0],
        text=name,
        position=0.97 - 0.07 * (number % 2),
        anchors=[(0, 0), (0, 0)],
        color=theme.text,
        fill=(*theme.background, 150),
    )
    label.setZValue(60)
    return region


def usable_region(low: float, high: float, theme: Theme) -> Any:
    """Shade the range of zinc, from low to high on the axis, that the indicator tells."""
    usable = pg.LinearRegionItem(
        (low, high),
        orientation="horizontal",
        brush=pg.mkBrush(*USABLE, 28),
        pen=pg.mkPen((*USABLE, 170), style=Qt.PenStyle.DotLine),
        movable=False,
    )
    pg.InfLineLabel(
        usable.lines[0],
        text="usable range",
        position=0.01,
        anchors=[(0, 1), (0, 1)],
        color=USABLE,
        fill=(*theme.background, 150),
    )
    return usable
