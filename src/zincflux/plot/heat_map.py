"""Every cell as a line of colour, sorted by its response."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.transforms import ScaledTranslation, Transform
from numpy.typing import NDArray

from zincflux.movie import FloatArray
from zincflux.phases import Phase
from zincflux.plot.arms import Arm, arms_of, axis_label
from zincflux.plot.courses import inside_measured, shifted, time_label
from zincflux.plot.style import (
    INK,
    SKY,
    VERMILLION,
    log_ticks,
    new_figure,
    styled,
    time_unit,
    wide_enough,
    zinc_unit,
)

_MISSING = "#D9D9D9"
_GAP = 2
"""Empty rows between arms."""


@styled
def heat_map_figure(
    heat_map: pd.DataFrame, quantity: str, phases: Sequence[Phase] = (), align_s: float = 0.0
) -> Figure:
    """Draw the cells of all arms over time, the strongest response of each arm on top.

    What lies beyond the calibrated range has colours of its own, and what has no number is grey.

    Parameters
    ----------
    heat_map
        Table as in `zincflux.columns.HEAT_MAP`, of one quantity.
    quantity
        Name of the quantity.
    phases
        Closed phases, in the time of a movie; their starts are marked.
    align_s
        Time in that movie which is 0 in the table.
    """
    arms = arms_of(heat_map)
    is_zinc = quantity.endswith("_nM")
    factor, unit = zinc_unit(heat_map["value"].to_numpy(float)) if is_zinc else (1.0, "")
    times = np.sort(heat_map["time_s"].unique())
    per_s, time_name = time_unit(float(times[-1] - times[0]) if len(times) else 0.0)
    blocks = [_matrix(arm.rows(heat_map), times) * factor for arm in arms]
    n_rows = sum(len(block) for block in blocks) + _GAP * (len(blocks) - 1)
    figure = new_figure(float(np.clip(1.0 + n_rows * 0.02 + 0.1 * len(arms), 3.0, 9.0)))
    axis = figure.subplots()
    inside = inside_measured(times, shifted(phases, align_s))
    ends = ends_of(blocks, inside, is_zinc)
    drawn = draw_blocks(axis, blocks, times * per_s, norm_of(ends, is_zinc))
    _label(axis, arms, blocks)
    for phase in phases:
        axis.axvline((phase.start_s - align_s) * per_s, color="white", lw=1.0, ls=":")
    axis.set_xlabel(time_label(phases, time_name))
    bar = figure.colorbar(drawn, ax=axis, pad=0.015, aspect=30, extend="both")
    bar.set_label(axis_label(quantity, unit))
    bar.outline.set_linewidth(0.6)
    if is_zinc:
        low, high = drawn.get_clim()
        log_ticks(bar.ax.yaxis, decades=float(np.log10(high / low)) if low and high else 1.0)
    add_legend(axis, blocks)
    return figure


def _matrix(rows: pd.DataFrame, times: FloatArray) -> FloatArray:
    """Lay out one arm: cells by rank down, times across; ±inf beyond the range."""
    side = rows["beyond"].map({"below": -np.inf, "above": np.inf})
    ranked = rows["value"].astype(float).where(side.isna(), side)
    table = rows.assign(value=ranked).pivot_table(
        index=["rank", "sample", "cell_id"], columns="time_s", values="value", dropna=False
    )
    known = table.dropna(how="all")
    return np.asarray(known.reindex(columns=times).to_numpy(np.float64))


def ends_of(
    blocks: Sequence[FloatArray], inside: NDArray[np.bool_], is_zinc: bool
) -> tuple[float, float]:
    """Give the range of the colours: that of baselines and responses, but for stray frames."""
    every = np.concatenate(
        [block[:, inside if inside.any() else ~inside].ravel() for block in blocks]
    )
    finite = every[np.isfinite(every) & ((every > 0) | (not is_zinc))]
    low, high = np.quantile(finite, [0.01, 0.99]) if len(finite) else (0.1, 1.0)
    return float(low), float(high)


def norm_of(ends: tuple[float, float], is_zinc: bool) -> Normalize:
    """Scale numbers to colours: by factors if they are zinc."""
    low, high = wide_enough(*ends, is_log=is_zinc)
    return LogNorm(low, high) if is_zinc else Normalize(low, high)


def draw_blocks(
    axis: Axes, blocks: Sequence[FloatArray], times: FloatArray, norm: Normalize
) -> ScalarMappable:
    """Draw maps (cells, frames) below one another; give what a bar of colours needs."""
    colours, ends = mpl.colormaps["cividis"], (norm.vmin, norm.vmax)
    step = times[1] - times[0] if len(times) > 1 else 1.0
    top = 0
    for block in blocks:
        inside = np.where(np.isfinite(block), np.clip(block, *ends), np.nan)
        picture = colours(norm(np.ma.masked_invalid(inside)))
        picture[np.isnan(block)] = mpl.colors.to_rgba(_MISSING)
        picture[block == np.inf] = mpl.colors.to_rgba(VERMILLION)
        picture[block == -np.inf] = mpl.colors.to_rgba(SKY)
        extent = (times[0] - step / 2, times[-1] + step / 2, top + len(block), top)
        axis.imshow(picture, extent=extent, aspect="auto", interpolation="nearest")
        top += len(block) + _GAP
    axis.set_ylim(top - _GAP, 0)
    axis.set_xlim(times[0] - step / 2, times[-1] + step / 2)
    return ScalarMappable(norm, colours)


def _label(axis: Axes, arms: Sequence[Arm], blocks: Sequence[FloatArray]) -> None:
    places, names, top = [], [], 0
    for arm, block in zip(arms, blocks, strict=True):
        places.append(top + len(block) / 2)
        dose = f", {arm.dose} {arm.key[2]}".rstrip() if arm.dose else ""
        names.append(f"{arm.condition}{dose}\n{len(block)} cells")
        top += len(block) + _GAP
    axis.set_yticks(places, names, size=8)
    axis.tick_params(axis="y", length=0)
    for spine in ("left", "bottom"):
        axis.spines[spine].set_visible(False)


def _under_ticks(axis: Axes) -> Transform:
    return axis.transAxes + ScaledTranslation(0, -0.24, axis.figure.dpi_scale_trans)


def add_legend(axis: Axes, blocks: Sequence[FloatArray], *, below: bool = False) -> None:
    """Name the colours of what lies beyond the range, above the map or right below it."""
    every = np.concatenate([block.ravel() for block in blocks])
    kinds = (
        ((every == np.inf).any(), VERMILLION, "above the range"),
        ((every == -np.inf).any(), SKY, "below the range"),
        (np.isnan(every).any(), _MISSING, "no number"),
    )
    handles = [Patch(facecolor=c, edgecolor=INK, lw=0.3, label=n) for there, c, n in kinds if there]
    if handles:
        axis.legend(
            handles=handles,
            loc="upper right" if below else "lower left",
            bbox_to_anchor=(1.0, 0.0) if below else (0.0, 1.0),
            bbox_transform=_under_ticks(axis) if below else axis.transAxes,
            ncols=3,
            handlelength=1.2,
        )
