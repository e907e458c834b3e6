"""The cells in each phase: one point per cell, with median and quartiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zincflux.movie import FloatArray
from zincflux.phases import Phase, frames_of
from zincflux.plot.arms import shown
from zincflux.plot.phases import EDGES, TINTS
from zincflux.plot.style import GREY, INK, Told, digits, log_ticks, new_figure, styled
from zincflux.plot.superplot import swarm
from zincflux.plot.traces import quantity, ranked, say_nothing, shade_untold

MAX_CELLS = 600
"""Points of a phase that are drawn; more are one blot."""


@styled
def levels_figure(
    traces: pd.DataFrame,
    phases: Sequence[Phase],
    column: str = "zinc_nM",
    *,
    told: Told | None = None,
) -> Figure:
    """Draw the level of every cell in every phase: the median of its frames there.

    A cell that is mostly beyond the calibrated range ranks lowest or highest, and has no point; how
    many these are stands below and above the points.

    Parameters
    ----------
    traces
        Table as in `zincflux.columns.TRACES`, of one region.
    phases
        Closed phases.
    column
        ``zinc_nM``, ``f_f0`` or another number of the table.
    told
        Zinc that is told well; where the column is zinc, the axis is grey outside of it.
    """
    is_zinc = column.endswith("_nM")
    scale, label = quantity(traces, column)
    levels = [_levels(traces, phase, column) * scale for phase in phases]
    figure = new_figure(3.8)
    axis = figure.subplots()
    axis.set_label("main")
    axis.set_ylabel(label)
    known = np.concatenate([*(one[np.isfinite(one)] for one in levels), np.zeros(0)])
    if not len(known):
        say_nothing(axis)
        return figure
    _limit(axis, known, is_zinc=is_zinc)
    if is_zinc and told is not None:
        shade_untold(axis, told, scale)
    for place, (phase, values) in enumerate(zip(phases, levels, strict=True)):
        axis.axvspan(place - 0.5, place + 0.5, facecolor=TINTS[phase.role], lw=0, zorder=0)
        _draw_phase(axis, place, values, phase)
    axis.set_xlim(-0.5, len(phases) - 0.5)
    names = [shown(phase.name, max(90 // len(phases), 6)) for phase in phases]
    counts = [f"n = {int((~np.isnan(values)).sum())}" for values in levels]
    axis.set_xticks(range(len(phases)), [f"{a}\n{b}" for a, b in zip(names, counts, strict=True)])
    axis.tick_params(axis="x", length=0)
    return figure


def _levels(traces: pd.DataFrame, phase: Phase, column: str) -> FloatArray:
    """Give the median of each cell in a phase; ±inf beyond the range."""
    rows = traces[frames_of(phase, traces["time_s"].to_numpy(np.float64))]
    with np.errstate(invalid="ignore"):  # the middle of −inf and +inf
        middle = ranked(rows, column).groupby(rows["cell_id"]).median()
    return np.asarray(middle, dtype=np.float64)


def _limit(axis: Axes, known: FloatArray, *, is_zinc: bool) -> None:
    low, high = np.quantile(known, [0.002, 0.998])
    if is_zinc:
        axis.set_yscale("log")
        room = 1.8 * (high / low) ** 0.08  # for the words about what lies beyond
        axis.set_ylim(low / room, high * room)
        log_ticks(axis.yaxis, decades=float(np.log10(high / low)) if high > low else 1.0)
    else:
        margin = 0.15 * (high - low) or 0.1 * abs(high) or 1.0
        axis.set_ylim(low - margin, high + margin)


def _draw_phase(axis: Axes, place: int, values: FloatArray, phase: Phase) -> None:
    finite = np.sort(values[np.isfinite(values)])
    chosen = np.unique(np.linspace(0, len(finite) - 1, min(MAX_CELLS, len(finite))).astype(int))
    drawn = finite[chosen]
    spread = swarm(np.log(drawn) if axis.get_yscale() == "log" else drawn)
    axis.scatter(
        place - 0.12 + 0.85 * spread,
        drawn,
        s=11,
        color=EDGES[phase.role],
        alpha=0.75,
        lw=0,
        zorder=2,
        gid="cells",
    )
    ranked_values = np.sort(values[~np.isnan(values)])
    if len(ranked_values):
        _draw_quartiles(axis, place, ranked_values)
    for n, height, side in (
        (int((values == -np.inf).sum()), 0.01, "below"),
        (int((values == np.inf).sum()), 0.99, "above"),
    ):
        if n:
            axis.text(
                place,
                height,
                f"{n} {side} range",
                transform=axis.get_xaxis_transform(),
                ha="center",
                va="bottom" if side == "below" else "top",
                size=8,
                color=INK,
            )


def _draw_quartiles(axis: Axes, place: int, values: FloatArray) -> None:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], method="lower")
    bottom, top = axis.get_ylim()
    ends = np.clip([low, high], bottom, top)
    axis.plot([place + 0.36] * 2, ends, color=GREY, lw=3, solid_capstyle="butt", zorder=3)
    if np.isfinite(middle):
        axis.plot([place + 0.29, place + 0.43], [middle] * 2, color=INK, lw=2, zorder=4)
        # Below the bar where that runs out of the picture.
        is_open = high > top
        axis.annotate(
            digits(middle),
            (place + 0.36, float(ends[0] if is_open else ends[1])),
            xytext=(0, -3 if is_open else 3),
            textcoords="offset points",
            ha="center",
            va="top" if is_open else "bottom",
            size=8,
        )
