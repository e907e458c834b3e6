"""Traces of all cells and their median, with the phases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from zincflux.columns import TRACES
from zincflux.movie import FloatArray
from zincflux.phases import Phase, frames_of
from zincflux.plot.phases import draw_phases
from zincflux.plot.style import (
    BLUE,
    GREY,
    INK,
    SKY,
    VERMILLION,
    Told,
    log_ticks,
    new_figure,
    styled,
    time_unit,
    zinc_unit,
)

TRACE_NAMES = {
    "zinc_nM": "Free zinc",
    "f_f0": "F/F0",
    "dff": "ΔF/F0",
    "ratio": "Ratio",
    "signal": "Signal",
    "saturation": "Saturation",
    "occupancy": "Indicator occupied",
}
"""Names of columns for people."""


@styled
def traces_figure(
    traces: pd.DataFrame,
    phases: Sequence[Phase] = (),
    column: str = "zinc_nM",
    *,
    told: Told | None = None,
    max_cells: int = 80,
) -> Figure:
    """Draw one column of the traces: each cell as a thin line, the median as a thick one.

    The median of a frame ranks cells beyond the calibrated range lowest or highest and is
    interrupted where it lies beyond it. For zinc the axis is logarithmic, and a strip below shows
    the share of cells beyond the range.

    Parameters
    ----------
    traces
        Table as in `zincflux.columns.TRACES`, of one region.
    phases
        Closed phases, shaded and named.
    column
        ``zinc_nM``, ``f_f0``, ``ratio`` or another number of the table.
    told
        Zinc that is told well; where the column is zinc, the axis is grey outside of it.
    max_cells
        At most this many cells are drawn, evenly spread over the cell numbers; the median is
        always that of all.

    Returns
    -------
    matplotlib.figure.Figure
        Its axes are labelled ``header``, ``main`` and, for zinc, ``strip``.
    """
    is_zinc = column.endswith("_nM")
    header = 0.14 if phases else 0.01
    heights = [header, 1.0, 0.2] if is_zinc else [header, 1.0]
    figure = new_figure(4.6 if is_zinc else 3.9)
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    for axis, label in zip(panels, ("header", "main", "strip"), strict=False):
        axis.set_label(label)
    times = np.unique(traces["time_s"].to_numpy(dtype=np.float64)) if len(traces) else np.zeros(1)
    limits = (float(times[0]), float(times[-1]))
    factor, unit = time_unit(limits[1] - limits[0])
    key = draw_phases(panels[0], panels[1:], phases, limits, factor)
    scale, label = quantity(traces, column)
    drawn, total = _draw_cells(panels[1], traces, column, factor, scale, max_cells)
    if total:
        _limit(panels[1], shown_values(traces, phases, column) * scale, logarithmic=is_zinc)
    panels[1].set_ylabel(label)
    if is_zinc and total and told is not None:
        shade_untold(panels[1], told, scale)
    if is_zinc:
        _draw_strip(panels[2], traces, factor)
    panels[-1].set_xlabel(f"Time ({unit})" + (f"\n{key}" if key else ""))
    if limits[1] > limits[0]:
        panels[-1].set_xlim(limits[0] * factor, limits[1] * factor)
    if total:
        _legend(panels[1], drawn, total)
    else:
        say_nothing(panels[1])
    return figure


def quantity(traces: pd.DataFrame, column: str) -> tuple[float, str]:
    """Give the scale of a column and the label of its axis, with the unit."""
    scale, name, unit = name_and_unit(traces, column)
    return scale, f"{name} ({unit})" if unit else name


def name_and_unit(traces: pd.DataFrame, column: str) -> tuple[float, str, str]:
    """Give the scale of a column, its name and the unit of what is scaled."""
    name = TRACE_NAMES.get(column, column)
    if column.endswith("_nM"):
        scale, unit = zinc_unit(traces[column].to_numpy(dtype=np.float64))
        return scale, name, unit
    unit = next((c.unit for c in TRACES if c.name == column), "")
    if column.endswith(("_raw", "_background", "_corrected")):
        unit = "counts"
    if column == "signal":
        is_ratio = "ratio" in traces and traces["ratio"].notna().any()
        unit = "" if is_ratio else "counts"
    return 1.0, name, unit


def _draw_cells(
    axis: Axes, traces: pd.DataFrame, column: str, factor: float, scale: float, max_cells: int
) -> tuple[int, int]:
    """Draw cells and median; give the numbers of cells drawn and present."""
    wide = traces.pivot(index="time_s", columns="cell_id", values=column) * scale
    wide = wide.loc[:, wide.notna().any()]
    total = wide.shape[1]
    if not total:
        return 0, 0
    chosen = np.unique(np.linspace(0, total - 1, min(max_cells, total)).round().astype(int))
    time = wide.index.to_numpy() * factor
    alpha = float(np.clip(10 / len(chosen), 0.3, 0.8))
    axis.plot(time, wide.iloc[:, chosen].to_numpy(), color=GREY, lw=0.7, alpha=alpha, zorder=2)
    median = ranked_median(traces, column) * scale
    axis.plot(
        median.index.to_numpy() * factor,
        median.to_numpy(),
        color=BLUE,
        lw=2.4,
        zorder=3,
        gid="median",
        solid_capstyle="round",
    )
    return len(chosen), total


def ranked_median(traces: pd.DataFrame, column: str) -> pd.Series[float]:
    """Take the median over cells in each frame, with cells beyond the range as extremes."""
    with np.errstate(invalid="ignore"):  # the middle of −inf and +inf
        median = ranked(traces, column).groupby(traces["time_s"]).median()
    return median.where(np.isfinite(median))


def ranked(traces: pd.DataFrame, column: str) -> pd.Series[float]:
    """Give a column, if it is zinc with what lies beyond the range as ±inf: lowest and highest."""
    values = traces[column].astype("float64")
    if not column.endswith("_nM"):
        return values
    values = values.mask(values.isna() & flagged(traces, "below_min"), -np.inf)
    return values.mask(values.isna() & flagged(traces, "above_max"), np.inf)


def flagged(traces: pd.DataFrame, flag: str) -> pd.Series[bool]:
    """Tell which rows carry a flag."""
    return traces["flag"].astype(str).str.contains(flag, regex=False)


def shown_values(traces: pd.DataFrame, phases: Sequence[Phase], column: str) -> FloatArray:
    """Numbers that the vertical axis must hold.

    Zinc of the minimum and maximum phases is noise at the ends of the range, over many decades: it
    may leave the axis.
    """
    values: FloatArray = traces[column].to_numpy(dtype=np.float64)
    known = np.isfinite(values)
    if column.endswith("_nM"):
        time_s = traces["time_s"].to_numpy(dtype=np.float64)
        measured = [frames_of(p, time_s) for p in phases if p.role in ("baseline", "response")]
        wanted = known & np.any(measured, axis=0)
        known = wanted if wanted.any() else known
    result: FloatArray = values[known]
    return result


def _limit(axis: Axes, values: np.ndarray, *, logarithmic: bool) -> None:
    """Leave out single stray frames, which would squeeze everything else."""
    low, high = np.quantile(values, [0.002, 0.998])
    if logarithmic:
        axis.set_yscale("log")
        axis.set_ylim(low / 1.4, high * 1.4)
        log_ticks(axis.yaxis, decades=float(np.log10(high / low)))
    else:
        margin = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
        axis.set_ylim(low - margin, high + margin)


def shade_untold(axis: Axes, told: Told, scale: float) -> None:
    """Grey out zinc that the intervals leave open by more than the factor."""
    low, high = axis.get_ylim()
    for start, end in ((low, told.low_nM * scale), (told.high_nM * scale, high)):
        if start < end:
            axis.axhspan(start, end, color=GREY, alpha=0.35, lw=0, zorder=1, gid="untold")


def _draw_strip(axis: Axes, traces: pd.DataFrame, factor: float) -> None:
    """Draw the share of cells beyond the range, below and above, of all cells measured."""
    axis.set_ylim(0, 100)
    axis.set_yticks([0, 50, 100])
    axis.set_ylabel("Beyond\nrange (%)")
    if not len(traces):
        return
    by_time = traces["time_s"]
    below = 100 * flagged(traces, "below_min").groupby(by_time).mean()
    above = 100 * flagged(traces, "above_max").groupby(by_time).mean()
    time = below.index.to_numpy() * factor
    axis.fill_between(time, 0, below, step="mid", color=SKY, lw=0, zorder=2)
    axis.fill_between(time, below, below + above, step="mid", color=VERMILLION, lw=0, zorder=2)
    axis.legend(
        handles=[
            Line2D([], [], color=SKY, lw=5, label="below"),
            Line2D([], [], color=VERMILLION, lw=5, label="above"),
        ],
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        handlelength=0.8,
        borderaxespad=0.2,
    )


def _legend(axis: Axes, drawn: int, total: int) -> None:
    cells = f"{total} cells" if drawn == total else f"{drawn} of {total} cells"
    handles = [
        Line2D([], [], color=GREY, lw=0.9, label=cells),
        Line2D([], [], color=BLUE, lw=2.4, label="median"),
    ]
    if total == 1:
        handles = [Line2D([], [], color=BLUE, lw=2.4, label="1 cell")]
    axis.legend(
        handles=handles,
        loc="best",
        ncols=2,
        frameon=True,
        framealpha=0.85,
        edgecolor="none",
    )


def say_nothing(axis: Axes) -> None:
    """Say that there is nothing to draw."""
    axis.set_xticks([])
    axis.set_yticks([])
    axis.text(0.5, 0.5, "No numbers to draw", transform=axis.transAxes, ha="center", color=INK)
