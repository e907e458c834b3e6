"""Figures, made from tables only.

Each function returns a `matplotlib.figure.Figure` that belongs to nobody's window; `to_png` and
`to_svg` turn it into bytes that are the same whenever the data are.
"""

from zincflux.plot.calibration import calibration_figure
from zincflux.plot.frames import frames_figure
from zincflux.plot.gate import gate_figure
from zincflux.plot.overlay import overlay_figure
from zincflux.plot.style import Told, to_png, to_svg
from zincflux.plot.traces import traces_figure

__all__ = [
    "Told",
    "calibration_figure",
    "frames_figure",
    "gate_figure",
    "overlay_figure",
    "to_png",
    "to_svg",
    "traces_figure",
]
