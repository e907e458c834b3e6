"""Figures, made from tables only.

Each function returns a `matplotlib.figure.Figure` that belongs to nobody's window; `to_png`,
`to_jpeg`, `to_svg` and `to_pdf` turn it into bytes that are the same whenever the data are.
"""

from zincflux.plot.calibration import calibration_figure
from zincflux.plot.courses import courses_figure
from zincflux.plot.dose_response import dose_response_figure
from zincflux.plot.frames import frames_figure
from zincflux.plot.gate import gate_figure
from zincflux.plot.heat_map import heat_map_figure
from zincflux.plot.interval import interval_figure
from zincflux.plot.levels import levels_figure
from zincflux.plot.movie_heat_map import movie_heat_map_figure
from zincflux.plot.overlay import overlay_figure
from zincflux.plot.style import Told, to_jpeg, to_pdf, to_png, to_svg
from zincflux.plot.superplot import superplot_figure
from zincflux.plot.traces import traces_figure

__all__ = [
    "Told",
    "calibration_figure",
    "courses_figure",
    "dose_response_figure",
    "frames_figure",
    "gate_figure",
    "heat_map_figure",
    "interval_figure",
    "levels_figure",
    "movie_heat_map_figure",
    "overlay_figure",
    "superplot_figure",
    "to_jpeg",
    "to_pdf",
    "to_png",
    "to_svg",
    "traces_figure",
]
