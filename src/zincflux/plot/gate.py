"""How cells were told apart by their reporter."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from zincflux.plot.style import GREY, INK, VERMILLION, count_ticks, digits, new_figure, styled


@styled
def gate_figure(cells: pd.DataFrame, minimum: float, channel: str) -> Figure:
    """Draw the reporter of all cells, and the brightness that divides them.

    The axis is linear up to the minimum and logarithmic above.

    Parameters
    ----------
    cells
        Table as in `zincflux.columns.CELLS`, with ``reporter_signal`` and ``group``.
    minimum
        Least brightness of a cell that carries the reporter, counts above background.
    channel
        Name of the reporter's channel.
    """
    figure = new_figure(2.4)
    axis = figure.subplots()
    bright = cells["reporter_signal"].to_numpy(dtype=np.float64)
    known = np.isfinite(bright)
    unit = abs(minimum) or 1.0
    scaled = np.arcsinh(bright / unit)
    low, high = (scaled[known].min(), scaled[known].max()) if known.any() else (0.0, 1.0)
    edges = np.sinh(np.linspace(low, max(high, low + 1e-6), 41)) * unit
    positive = (cells["group"] == "positive").to_numpy(dtype=bool)
    groups = [
        (bright[known & ~positive], GREY, "negative"),
        (bright[known & positive], VERMILLION, "positive"),
    ]
    axis.hist(
        [values for values, _, _ in groups],
        bins=list(edges),
        stacked=True,
        color=[colour for _, colour, _ in groups],
        label=[f"{len(values)} {name}" for values, _, name in groups],
    )
    axis.axvline(minimum, color=INK, lw=1.2, ls="--")
    axis.set_xscale("asinh", linear_width=unit)
    axis.set_xticks(ticks := _ticks(edges[0], edges[-1], unit), [digits(value) for value in ticks])
    axis.minorticks_off()
    axis.set_xlabel(f"{channel} above background (counts)")
    axis.set_ylabel("Cells")
    axis.set_title(f"Reporter positive from {digits(minimum)} counts")
    count_ticks(axis)
    axis.legend(loc="best", handlelength=1.0)
    return figure


def _ticks(low: float, high: float, unit: float) -> list[float]:
    """Choose round numbers far enough apart on the axis, 0 among them."""
    decades = 10.0 ** np.arange(np.floor(np.log10(unit)) - 1, np.log10(max(high, -low, unit)) + 1)
    sizes = np.sort(np.concatenate([decades, 3 * decades]))
    apart = 0.05 * (np.arcsinh(high / unit) - np.arcsinh(low / unit))
    chosen = [0.0]
    for size in sizes:
        for value in (-size, size):
            near = np.abs(np.arcsinh(value / unit) - np.arcsinh(np.array(chosen) / unit)).min()
            if low <= value <= high and near > apart:
                chosen.append(float(value))
    return sorted(value for value in chosen if low <= value <= high)
