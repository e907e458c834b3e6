"""Every cell of one movie as a line of colour, the strongest response on top."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from zincflux.movie import FloatArray
from zincflux.phases import Phase, frames_of, with_role
from zincflux.plot.courses import inside_measured
from zincflux.plot.heat_map import add_legend, draw_blocks, ends_of, norm_of
from zincflux.plot.phases import draw_phases
from zincflux.plot.style import count_ticks, log_ticks, new_figure, styled, time_unit
from zincflux.plot.traces import quantity, ranked, say_nothing


@styled
def movie_heat_map_figure(
    traces: pd.DataFrame, phases: Sequence[Phase] = (), column: str = "zinc_nM"
) -> Figure:
    """Draw one column of the traces as colours, a line per cell.

    Cells are sorted by their median in the first response phase, or over the movie where there is
    none. What lies beyond the calibrated range has colours of its own, what has no number is grey.

    Parameters
    ----------
    traces
        Table as in `zincflux.columns.TRACES`, of one region.
    phases
        Closed phases, named above.
    column
        ``zinc_nM``, ``f_f0`` or another number of the table.

    Returns
    -------
    matplotlib.figure.Figure
        Its axes are labelled ``header``, ``main`` and ``bar``.
    """
    is_zinc = column.endswith("_nM")
    scale, label = quantity(traces, column)
    times, cells = _matrix(traces, phases, column)
    cells = cells * scale
    figure = new_figure(float(np.clip(1.4 + 0.03 * len(cells), 3.2, 8.0)))
    panels = figure.subplots(
        2, 2, height_ratios=[0.13, 1.0], width_ratios=[1.0, 0.022], sharex="col", squeeze=False
    )
    header, axis, bar_axis = panels[0, 0], panels[1, 0], panels[1, 1]
    panels[0, 1].set_axis_off()
    for one, name in ((header, "header"), (axis, "main"), (bar_axis, "bar")):
        one.set_label(name)
    per_s, unit = time_unit(float(np.ptp(times)) if len(times) else 0.0)
    ends = (float(times[0]), float(times[-1])) if len(times) else (0.0, 0.0)
    key = draw_phases(header, [], phases, ends, per_s)
    axis.set_xlabel(f"Time ({unit})" + (f"\n{key}" if key else ""), loc="left")
    axis.set_ylabel("Cells, by response")
    if not np.isfinite(cells).any():
        bar_axis.set_axis_off()
        say_nothing(axis)
        return figure
    norm = norm_of(ends_of([cells], inside_measured(times, phases), is_zinc), is_zinc)
    drawn = draw_blocks(axis, [cells], times * per_s, norm)
    count_ticks(axis)
    bar = figure.colorbar(drawn, cax=bar_axis, extend="both")
    bar.set_label(label)
    bar.outline.set_linewidth(0.6)
    if is_zinc:
        low, high = drawn.get_clim()
        log_ticks(bar_axis.yaxis, decades=float(np.log10(high / low)) if low and high else 1.0)
    add_legend(axis, [cells], below=True)
    return figure


def _matrix(
    traces: pd.DataFrame, phases: Sequence[Phase], column: str
) -> tuple[FloatArray, FloatArray]:
    """Give times and numbers (cells, T), sorted; ±inf beyond the range."""
    shown = traces.assign(shown=ranked(traces, column))
    wide = shown.pivot(index="cell_id", columns="time_s", values="shown")
    times, cells = wide.columns.to_numpy(np.float64), wide.to_numpy(np.float64)
    responses = with_role(phases, "response")
    inside = frames_of(responses[0], times) if responses else np.ones(len(times), dtype=bool)
    with np.errstate(invalid="ignore"):  # the middle of −inf and +inf
        levels = pd.DataFrame(cells[:, inside]).median(axis=1).to_numpy(np.float64)
    # A cell without any number ranks below those below the range.
    order = np.lexsort((-np.nan_to_num(levels, neginf=-1e300, posinf=1e300), np.isnan(levels)))
    return _even(times, cells[order])


def _even(times: FloatArray, cells: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Show the nearest frame at even times: a picture has columns of one width."""
    even = np.linspace(times[0], times[-1], len(times)) if len(times) else times
    middles = (times[1:] + times[:-1]) / 2
    return even, cells[:, np.searchsorted(middles, even)]
