"""The binding curve that zinc is read from, and how far each cell's signal can move."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zincflux.plot.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    VERMILLION,
    Told,
    count_ticks,
    digits,
    log_ticks,
    new_figure,
    styled,
    zinc_unit,
)

ROUNDING = 1e-6
"""Values that differ by less than this part of them are one."""


class BindingConstants(Protocol):
    """What of the indicator's constants is drawn."""

    @property
    def k_nM(self) -> float:
        """Free zinc at half saturation, nM."""
        ...

    @property
    def hill(self) -> float:
        """Hill coefficient n."""
        ...

    @property
    def beta(self) -> float | None:
        """Brightness of free over bound indicator at the denominator."""
        ...

    @property
    def k_includes_beta(self) -> bool:
        """Whether K is already that of the ratio."""
        ...


@styled
def calibration_figure(
    cells: pd.DataFrame, binding: BindingConstants, *, told: Told | None = None
) -> Figure:
    """Draw the binding curve with the cells at rest, and the dynamic range of the cells.

    Left: saturation (S − S_min)/(S_max − S_min) against free zinc; shaded is where a small change
    of the signal is not yet a huge change of zinc. Each tick at the bottom is one cell in the
    baseline. Right: S_max/S_min of the cells.

    Parameters
    ----------
    cells
        Table as in `zincflux.columns.CELLS`, of one region.
    binding
        Constants of the indicator.
    told
        Zinc that is told well, to be shaded; 10 % to 90 % saturation if not known.

    Returns
    -------
    matplotlib.figure.Figure
        Axes labelled ``binding`` and ``dynamic_range``.
    """
    figure = new_figure(3.5)
    curve, ranges = figure.subplots(1, 2, width_ratios=[1.7, 1])
    curve.set_label("binding")
    ranges.set_label("dynamic_range")
    _draw_curve(curve, binding, cells, told)
    _draw_ranges(ranges, cells)
    return figure


def _zinc_at(saturation: NDArray[np.float64], binding: BindingConstants) -> NDArray[np.float64]:
    """Invert the binding curve: Z = K·[β·s/(1 − s)]^(1/n), with β = 1 where K contains it."""
    beta = 1.0 if binding.k_includes_beta or binding.beta is None else binding.beta
    odds: NDArray[np.float64] = beta * saturation / (1 - saturation)
    return binding.k_nM * odds ** (1 / binding.hill)


def _draw_curve(
    axis: Axes, binding: BindingConstants, cells: pd.DataFrame, told: Told | None
) -> None:
    saturation = np.linspace(0.02, 0.98, 300)
    zinc = _zinc_at(saturation, binding)
    usable = _zinc_at(np.array([0.1, 0.5, 0.9]), binding)
    factor, unit = zinc_unit(usable[1:2])
    low, high = (usable[0], usable[2]) if told is None else (told.low_nM, told.high_nM)
    axis.axvspan(low * factor, high * factor, color="#D3EDE2", lw=0, zorder=0, gid="told")
    axis.plot(zinc * factor, 100 * saturation, color=BLUE, lw=2.2)
    axis.plot([usable[1] * factor], [50], "o", color=INK, ms=5)
    axis.annotate(
        f"K {digits(usable[1] * factor)} {unit}",
        (usable[1] * factor, 50),
        xytext=(8, -3),
        textcoords="offset points",
        size=8.5,
    )
    resting = cells["baseline_zinc_nM"].to_numpy(dtype=np.float64)
    resting = resting[np.isfinite(resting)]
    inside = (resting >= zinc[0]) & (resting <= zinc[-1])
    axis.plot(
        resting[inside] * factor,
        np.full(inside.sum(), 2.0),
        "|",
        color=INK,
        ms=9,
        mew=0.9,
        gid="resting",
        label="cells in the baseline",
    )
    axis.set_xscale("log")
    axis.set_xlim(zinc[0] * factor, zinc[-1] * factor)
    axis.set_ylim(0, 100)
    axis.set_xlabel(f"Free zinc ({unit})")
    axis.set_ylabel("Saturation (%)")
    what = "10–90 % saturation" if told is None else f"Told within × {digits(told.factor)}"
    axis.set_title(f"{what}: {digits(low * factor)} to {digits(high * factor)} {unit}")
    if inside.any():
        axis.legend(loc="lower right", bbox_to_anchor=(1.0, 0.06), handlelength=1.0)
    log_ticks(axis.xaxis, decades=float(np.log10(zinc[-1] / zinc[0])))


def _draw_ranges(axis: Axes, cells: pd.DataFrame) -> None:
    values = cells["dynamic_range"].to_numpy(dtype=np.float64)
    known = np.isfinite(values)
    axis.set_xlabel("Dynamic range (maximum / minimum)")
    axis.set_ylabel("Cells")
    count_ticks(axis)
    if not known.any():
        axis.set_yticks([])
        axis.text(0.5, 0.5, "not measured", transform=axis.transAxes, ha="center", color=GREY)
        return
    left_out = cells["excluded"].to_numpy(dtype=bool)
    used, unused = values[known & ~left_out], values[known & left_out]
    low, high = values[known].min(), values[known].max()
    # A dynamic range that all cells share differs between them by rounding only.
    margin = 0.1 * abs(high) if high - low < ROUNDING * abs(high) else 0.0
    bins = int(np.clip(np.sqrt(known.sum()) * 2, 5, 30)) | 1  # odd: one in the middle
    edges = np.linspace(low - margin, high + margin, bins + 1)
    groups = [(used, GREEN, "used"), (unused, VERMILLION, "excluded")]
    shown = [group for group in groups if len(group[0])]
    axis.hist(
        [values for values, _, _ in shown],
        bins=list(edges),
        stacked=True,
        color=[colour for _, colour, _ in shown],
        label=[f"{len(values)} {name}" for values, _, name in shown],
    )
    middle = float(np.median(used)) if len(used) else float("nan")
    if np.isfinite(middle):
        axis.axvline(middle, color=INK, lw=1.2, ls="--")
    axis.set_title(f"Median {digits(middle)}" if len(used) else "No cell is used")
    axis.legend(loc="best", handlelength=1.0)
