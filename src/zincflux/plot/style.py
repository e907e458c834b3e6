"""One look for all figures, the same on every machine."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

P = ParamSpec("P")

# Okabe & Ito, "Color universal design" (2008): told apart with any kind of colour vision.
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
ORANGE, SKY, PURPLE, YELLOW = "#E69F00", "#56B4E9", "#CC79A7", "#F0E442"
GREY, INK = "#8A8A8A", "#222222"
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)

WIDTH_IN = 7.6

_LEAST_FACTOR, _LEAST_SHARE = 1.2, 0.1
"""Narrowest range of colours: as a factor, and as a share of the larger end."""

_STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "text.parse_math": False,  # names of phases and channels are not mathematics
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "svg.fonttype": "none",  # the words stay words in a drawing program
    "svg.hashsalt": "zincflux",
    "pdf.fonttype": 42,  # the same in PDF
}


@contextmanager
def style() -> Iterator[None]:
    """Draw with this look, whatever the user's own matplotlib settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Make a function draw with this look."""

    @wraps(draw)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style():
            return draw(*args, **kwargs)

    return wrapped


def to_png(figure: Figure, *, dpi: int = 150) -> bytes:
    """Render a figure as PNG without date or software version."""
    # Of noisy pictures the usual level 6 makes no smaller files, and takes three times as long.
    packing = {"compress_level": 3}
    return _render(figure, "png", dpi=dpi, metadata={"Software": None}, pil_kwargs=packing)


def to_jpeg(figure: Figure, *, dpi: int = 150) -> bytes:
    """Render a figure that is mostly a photograph as JPEG, in a fraction of what PNG takes."""
    return _render(figure, "jpeg", dpi=dpi, pil_kwargs={"quality": 85, "subsampling": 0})


def to_svg(figure: Figure) -> bytes:
    """Render a figure as SVG without date; words stay text."""
    return _render(figure, "svg", dpi=150, metadata={"Date": None, "Creator": None})


def to_pdf(figure: Figure) -> bytes:
    """Render a figure as PDF without date or software version; words stay text."""
    nothing = {"CreationDate": None, "Creator": None, "Producer": None}
    return _render(figure, "pdf", dpi=150, metadata=nothing)


def _render(figure: Figure, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format=kind, **options)
    return buffer.getvalue()


def new_figure(height_in: float, *, margin_in: float = 0.04) -> Figure:
    """Make an empty figure that arranges its axes by itself."""
    engine = ConstrainedLayoutEngine(w_pad=margin_in, h_pad=margin_in)
    return Figure(figsize=(WIDTH_IN, height_in), layout=engine)


def count_ticks(axis: Axes) -> None:
    """Put the ticks of the vertical axis at whole numbers: what is counted."""
    axis.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))


class Told(NamedTuple):
    """Range of free zinc, in nM, whose intervals lie within a factor of the value."""

    factor: float
    low_nM: float
    high_nM: float


def zinc_unit(values_nM: Sequence[float] | np.ndarray) -> tuple[float, str]:
    """Choose the unit in which most of these concentrations have few digits.

    Returns
    -------
    factor, unit
        Multiply nM by the factor; the unit is pM, nM or µM.

    Examples
    --------
    >>> zinc_unit([0.03, 0.08, 0.2])
    (1000.0, 'pM')
    """
    values = np.asarray(values_nM, dtype=np.float64)
    values = values[np.isfinite(values) & (values > 0)]
    middle = float(np.median(values)) if len(values) else 1.0
    if middle < 0.3:
        return 1000.0, "pM"
    return (0.001, "µM") if middle > 3000 else (1.0, "nM")


def time_unit(span_s: float) -> tuple[float, str]:
    """Choose the unit of a time axis: multiply s by the factor."""
    if span_s > 5 * 3600:
        return 1 / 3600, "h"
    return (1 / 60, "min") if span_s > 600 else (1.0, "s")


def wide_enough(low: float, high: float, *, is_log: bool) -> tuple[float, float]:
    """Widen a range of colours that is so narrow that noise alone would fill it.

    Examples
    --------
    >>> wide_enough(1.0, 3.0, is_log=False), wide_enough(100.0, 100.0, is_log=False)
    ((1.0, 3.0), (95.0, 105.0))
    """
    if is_log:
        wider = max(np.sqrt(_LEAST_FACTOR * low / high), 1.0)
        return float(low / wider), float(high * wider)
    least = max(_LEAST_SHARE * max(abs(low), abs(high)), 1e-9)
    missing = max(least - (high - low), 0.0)
    return float(low - missing / 2), float(high + missing / 2)


def digits(value: float) -> str:
    """Write a number with three digits and without an exponent.

    Examples
    --------
    >>> digits(135.4), digits(1.6667), digits(0.00051), digits(10346)
    ('135', '1.67', '0.00051', '10300')
    """
    if value == 0 or not np.isfinite(value):
        return f"{value:g}"
    places = 2 - int(np.floor(np.log10(abs(value))))
    text = f"{round(value, places):.{max(places, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def log_ticks(axis: Axis, *, decades: float) -> None:
    """Write the ticks of a logarithmic axis as plain numbers where they are short."""
    steps = (1.0, 2.0, 5.0) if decades < 2.5 else (1.0,)
    axis.set_major_locator(LogLocator(subs=steps, numticks=10))
    axis.set_major_formatter(FuncFormatter(_tick))
    axis.set_minor_formatter(NullFormatter())


def _tick(value: float, _position: int) -> str:
    if 0.0009 < value < 90_000:
        return f"{value:g}"
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
