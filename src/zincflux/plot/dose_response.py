"""What a dose does: one point per experiment, and the fitted curve."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zincflux.movie import FloatArray
from zincflux.plot.arms import MARKERS, axis_label, shown
from zincflux.plot.style import INK, SERIES, digits, new_figure, styled

_ZERO = 3.0
"""Dose 0 stands this factor below the lowest dose of the logarithmic axis."""

_FAR = 30.0
"""An interval that ends this factor beyond the doses says that the curve does not tell EC50."""


@styled
def dose_response_figure(
    dishes: pd.DataFrame, curves: pd.DataFrame, metric: str, unit: str
) -> Figure:
    """Draw the level of each experiment against the dose, with the fitted curves.

    A vertical line is the dose of half the effect, the bar at the bottom its confidence interval.
    Conditions have colours and markers of their own.

    Parameters
    ----------
    dishes, curves
        Tables as in `zincflux.columns.DISHES` and ``DOSE_RESPONSE``, of one metric, phase, region.
    metric, unit
        Label of the axis.
    """
    figure = new_figure(3.8)
    axis = figure.subplots()
    dosed = dishes[dishes["dose"].notna() & dishes["level"].notna()]
    doses = np.sort(dosed["dose"].unique())
    lowest = float(doses[doses > 0].min()) if (doses > 0).any() else 1.0
    axis.set_xscale("log")
    series = list(dict.fromkeys(dosed[["condition", "group"]].itertuples(index=False, name=None)))
    for number, (condition, group) in enumerate(series):
        own = dosed[(dosed["condition"] == condition) & (dosed["group"] == group)]
        name = shown(f"{condition} ({group})" if group else str(condition))
        fitted = curves[(curves["condition"] == condition) & (curves["group"] == group)]
        look = (SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)])
        label = _draw_curve(axis, fitted, (lowest, float(doses.max())), look[0], (name, number))
        # Points of conditions at the same dose stand side by side.
        shift = 1.06 ** (number - (len(series) - 1) / 2)
        _draw_points(axis, own, lowest, (look, shift), label)
    _label(axis, doses, lowest, dosed)
    axis.set_ylabel(axis_label(metric, unit))
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), handlelength=1.2, labelspacing=1.0)
    return figure


def _at(dose: FloatArray, lowest: float) -> FloatArray:
    return np.where(dose > 0, dose, lowest / _ZERO)


def _draw_points(
    axis: Axes,
    dishes: pd.DataFrame,
    lowest: float,
    look: tuple[tuple[str, str], float],
    label: str,
) -> None:
    (colour, marker), shift = look
    level = dishes.groupby(["dose", "experiment"], sort=True)["level"].mean().reset_index()
    x = _at(level["dose"].to_numpy(np.float64), lowest) * shift
    axis.plot(
        x, level["level"], marker, color=colour, ms=5.5, alpha=0.75, mec="white", mew=0.6,
        label=label, zorder=3, gid="experiments",
    )  # fmt: skip
    by_dose = level.groupby("dose", sort=True)["level"]
    mean, sem = by_dose.mean(), by_dose.sem()
    axis.errorbar(
        _at(mean.index.to_numpy(np.float64), lowest) * shift,
        mean,
        sem,
        fmt="_",
        color=colour,
        ms=12,
        mew=1.6,
        lw=1.2,
        zorder=4,
    )


def _draw_curve(
    axis: Axes,
    curves: pd.DataFrame,
    ends: tuple[float, float],
    colour: str,
    named: tuple[str, int],
) -> str:
    """Draw the fitted curve; give what the legend says of it."""
    name, number = named
    told = curves[np.isfinite(curves["ec50"].astype(float))]
    if not len(told):
        return f"{name}\nno EC50 is told" if len(curves) else name
    fit = told.iloc[0]
    bottom, top = float(fit["bottom"]), float(fit["top"])
    dose = np.geomspace(ends[0] / _ZERO**0.4, ends[1] * 1.15, 200)
    level = bottom + (top - bottom) / (1 + (fit["ec50"] / dose) ** fit["hill"])
    axis.plot(dose, level, color=colour, lw=2.0, zorder=2)
    zero = ends[0] / _ZERO
    axis.plot([zero / 1.15, zero * 1.15], [bottom, bottom], color=colour, lw=2.0, zorder=2)
    axis.axvline(fit["ec50"], color=colour, lw=0.9, ls="--", zorder=1)
    low, high = float(fit["ec50_low"]), float(fit["ec50_high"])
    unit = shown(str(fit["dose_unit"]), 12)
    label = f"{name}\nEC50 {digits(float(fit['ec50']))} {unit}"
    if np.isnan(low) or np.isnan(high):
        return f"{label}\n(no interval)"
    if not (ends[0] / _FAR < low and high < ends[1] * _FAR):
        return f"{label}\n(interval beyond all doses)"
    bar = 0.03 * number
    axis.axvspan(low, high, bar, bar + 0.02, color=colour, alpha=0.8, lw=0)
    return f"{label}\n({digits(low)} to {digits(high)})"


def _label(axis: Axes, doses: FloatArray, lowest: float, dishes: pd.DataFrame) -> None:
    places = _at(doses, lowest)
    axis.set_xticks(places, [f"{dose:g}" for dose in doses])
    axis.minorticks_off()
    axis.set_xlim(places.min() / 1.35 if len(places) else 0.5, doses.max() * 1.4)
    units = [unit for unit in dishes["dose_unit"].unique() if unit]
    axis.set_xlabel(f"Dose ({shown(str(units[0]))})" if len(units) == 1 else "Dose")
    if (doses == 0).any():
        middle = lowest / np.sqrt(_ZERO)
        # The axis is broken between 0 and the lowest dose.
        axis.plot([middle], [0], marker=(2, 0, -30), ms=9, mew=1, color=INK,
                  transform=axis.get_xaxis_transform(), clip_on=False)  # fmt: skip
