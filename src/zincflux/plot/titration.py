"""A titration: points, fitted curve with its band, and what is left over."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from zincflux.plot.style import (
    BLUE,
    GREY,
    INK,
    SERIES,
    VERMILLION,
    digits,
    log_ticks,
    new_figure,
    styled,
    zinc_unit,
)

FloatArray = NDArray[np.float64]


class TitrationPoints(NamedTuple):
    """Points of a titration, each array of shape (m,), and the limit of their residuals."""

    concentration_nM: FloatArray
    signal: FloatArray
    residual: FloatArray
    replicate: NDArray[np.int64]
    outlier: NDArray[np.bool_]
    names: tuple[str, ...]
    limit: float


class TitrationCurve(NamedTuple):
    """Fitted curve with its 95 % band, each array of shape (k,), and K in nM."""

    concentration_nM: FloatArray
    signal: FloatArray
    low: FloatArray
    high: FloatArray
    k_nM: float


def curve_grid(concentration_nM: FloatArray) -> FloatArray:
    """Concentrations, in nM, to draw a curve through: 0 where there is such a point, then evenly.

    Examples
    --------
    >>> curve_grid(np.array([0.0, 1.0, 100.0]))[[0, 1, -1]].tolist()
    [0.0, 0.5, 200.0]
    """
    positive = concentration_nM[concentration_nM > 0]
    grid = np.geomspace(positive.min() / 2, positive.max() * 2, 300)
    return np.concatenate([[0.0], grid]) if (concentration_nM == 0).any() else grid


@styled
def titration_figure(
    points: TitrationPoints, curve: TitrationCurve, *, total: bool = False, unit: str = ""
) -> Figure:
    """Draw a titration; points without metal stand left of a break in the logarithmic axis.

    Parameters
    ----------
    points, curve
        What was measured, and what was fitted.
    total
        Whether the concentrations are total metal.
    unit
        What the signal is, for the axis.

    Returns
    -------
    matplotlib.figure.Figure
        Axes labelled ``titration`` and ``residuals``.
    """
    figure = new_figure(4.6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.set_label("titration")
    lower.set_label("residuals")
    factor, zinc = zinc_unit(points.concentration_nM)
    positive = points.concentration_nM[points.concentration_nM > 0]
    zero = float(positive.min()) / 6  # where points without metal are drawn
    x = np.where(points.concentration_nM > 0, points.concentration_nM, zero) * factor
    has_zero = bool((points.concentration_nM == 0).any())
    _draw_curve(upper, curve, factor, zero)
    _draw_points(upper, points, x, points.signal)
    _draw_points(lower, points, x, points.residual)
    upper.set_xscale("log")
    upper.set_ylabel(unit or "Signal")
    upper.set_title(f"K {digits(curve.k_nM * factor)} {zinc}")
    upper.legend(loc="best", handlelength=1.0, ncols=1 + len(points.names) // 6)
    lower.axhline(0, color=INK, lw=0.8)
    for limit in (-points.limit, points.limit):
        lower.axhline(limit, color=GREY, lw=0.8, ls=":")
    lower.set_ylabel("Residual (SD)")
    lower.set_xlabel(f"{'Total' if total else 'Free'} metal ({zinc})")
    log_ticks(lower.xaxis, decades=float(np.log10(positive.max() / positive.min())))
    if has_zero:
        _break_axis(lower, zero * factor, float(positive.min()) * factor)
    return figure


def _draw_curve(axis: Axes, curve: TitrationCurve, factor: float, zero: float) -> None:
    drawn = curve.concentration_nM > 0
    x = curve.concentration_nM[drawn] * factor
    axis.fill_between(x, curve.low[drawn], curve.high[drawn], color=BLUE, alpha=0.18, lw=0)
    axis.plot(x, curve.signal[drawn], color=BLUE, lw=2, label="fit, 95 % band")
    if not drawn.all():
        start = [zero * factor * 0.8, zero * factor * 1.25]
        axis.plot(start, np.repeat(curve.signal[~drawn][:1], 2), color=BLUE, lw=2)
    axis.axvline(curve.k_nM * factor, color=GREY, lw=0.8, ls="--")


def _draw_points(axis: Axes, points: TitrationPoints, x: FloatArray, y: FloatArray) -> None:
    for number, name in enumerate(points.names):
        mine = points.replicate == number
        colour = SERIES[1:][number % (len(SERIES) - 1)]
        marker = "osD^v<>P"[number % 8]
        axis.plot(x[mine], y[mine], marker, color=colour, ms=3.6, alpha=0.8, label=name)
    if points.outlier.any():
        axis.plot(
            x[points.outlier],
            y[points.outlier],
            "o",
            mfc="none",
            mec=VERMILLION,
            ms=9,
            gid="outliers",
            label="does not fit",
        )


def _break_axis(axis: Axes, zero: float, first: float) -> None:
    """Mark the place of 0 on a logarithmic axis, and the break beside it."""
    axis.text(
        zero, -0.07, "0", transform=axis.get_xaxis_transform(), ha="center", va="top", size=8.5
    )
    middle = float(np.sqrt(zero * first))
    axis.text(
        middle,
        0,
        "//",
        transform=axis.get_xaxis_transform(),
        ha="center",
        va="center",
        gid="break",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )
    axis.set_xlim(zero / 1.6, None)
    top = axis.get_xlim()[1]
    axis.set_xticks([tick for tick in axis.get_xticks() if first * 0.6 <= tick <= top])
    axis.xaxis.set_minor_locator(NullLocator())
