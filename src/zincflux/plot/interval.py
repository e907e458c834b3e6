"""Free zinc over time with what is known of it: the interval of a cell, and how cells differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zincflux.phases import Phase
from zincflux.plot.phases import draw_phases
from zincflux.plot.style import (
    BLUE,
    GREY,
    INK,
    Told,
    log_ticks,
    new_figure,
    styled,
    time_unit,
)
from zincflux.plot.traces import (
    quantity,
    ranked,
    ranked_median,
    say_nothing,
    shade_untold,
    shown_values,
)

_SHARES = (0.25, 0.75)


@styled
def interval_figure(
    traces: pd.DataFrame, phases: Sequence[Phase] = (), *, told: Told | None = None
) -> Figure:
    """Draw the median of free zinc, the quartiles of the cells, and the interval of a cell.

    The interval is that of a typical cell: the medians, over cells, of the two ends of the 95 %
    intervals. Cells beyond the calibrated range rank lowest or highest in all of them.

    Parameters
    ----------
    traces
        Table as in `zincflux.columns.TRACES`, of one region.
    phases
        Closed phases, shaded and named.
    told
        Zinc that is told well; the axis is grey outside of it.

    Returns
    -------
    matplotlib.figure.Figure
        Its axes are labelled ``header`` and ``main``.
    """
    figure = new_figure(4.0)
    header, axis = figure.subplots(2, 1, sharex=True, height_ratios=[0.14 if phases else 0.01, 1.0])
    header.set_label("header")
    axis.set_label("main")
    times = np.unique(traces["time_s"].to_numpy(dtype=np.float64)) if len(traces) else np.zeros(1)
    limits = (float(times[0]), float(times[-1]))
    factor, unit = time_unit(limits[1] - limits[0])
    key = draw_phases(header, [axis], phases, limits, factor)
    scale, label = quantity(traces, "zinc_nM")
    axis.set_ylabel(label)
    axis.set_xlabel(f"Time ({unit})" + (f"\n{key}" if key else ""))
    if limits[1] > limits[0]:
        axis.set_xlim(limits[0] * factor, limits[1] * factor)
    shown = shown_values(traces, phases, "zinc_nM") * scale
    if not len(shown):
        say_nothing(axis)
        return figure
    low, high = np.quantile(shown, [0.002, 0.998])
    axis.set_yscale("log")
    axis.set_ylim(low / 2, high * 2)
    log_ticks(axis.yaxis, decades=float(np.log10(4 * high / low)))
    if told is not None:
        shade_untold(axis, told, scale)
    _draw(axis, traces, factor, scale)
    axis.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.16 - 0.05 * bool(key)),
        ncols=3,
        handlelength=1.6,
    )
    return figure


def _draw(axis: Axes, traces: pd.DataFrame, factor: float, scale: float) -> None:
    lower, upper = (ranked(traces, end) for end in ("zinc_low_nM", "zinc_high_nM"))
    by_time = traces["time_s"]
    low, high = (values.groupby(by_time).median() * scale for values in (lower, upper))
    quartiles = ranked(traces, "zinc_nM").groupby(by_time)
    first, third = (quartiles.quantile(share, interpolation="lower") * scale for share in _SHARES)
    time = low.index.to_numpy(np.float64) * factor
    bottom, top = axis.get_ylim()
    for ends, colour, alpha, name in (
        ((first, third), GREY, 0.45, "middle half of the cells"),
        ((low, high), BLUE, 0.5, "95 % interval of a typical cell"),
    ):
        # Beyond the range an end is open: the band runs to the edge of the picture.
        under, over = (np.clip(end.to_numpy(np.float64), bottom, top) for end in ends)
        look: dict[str, Any] = {"color": colour, "alpha": alpha, "lw": 0, "zorder": 2}
        axis.fill_between(
            time, under, over, where=np.isfinite(under) & np.isfinite(over), label=name, **look
        )
    median = ranked_median(traces, "zinc_nM") * scale
    axis.plot(time, median.to_numpy(), color=INK, lw=1.4, label="median", gid="median", zorder=3)
