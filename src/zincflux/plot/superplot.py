"""Cells and dishes in one figure: what was measured, and what counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from zincflux.movie import FloatArray
from zincflux.plot.arms import Arm, arms_of, axis_label, experiment_looks, label_arms, shown
from zincflux.plot.style import INK, digits, new_figure, styled

MAX_CELLS = 400
"""Cells of an arm that are drawn; more are one blot."""

_MAX_NAMED = 12
_Looks = dict[str, tuple[str, str]]


@styled
def superplot_figure(
    values: pd.DataFrame, dishes: pd.DataFrame, conditions: pd.DataFrame, metric: str, unit: str
) -> Figure:
    """Draw every arm: cells as small points, dishes as large ones, coloured by experiment.

    The line is the mean of the dishes, its bar the standard error over dishes. Above stands the
    fold change over the control, where there is one.

    Parameters
    ----------
    values
        One row per cell: the arm, ``experiment``, ``value``; NaN where there is no number.
    dishes, conditions
        Tables as in `zincflux.columns.DISHES` and ``CONDITIONS``, of this metric, phase and region.
    metric, unit
        Label of the axis.

    References
    ----------
    Lord SJ, Velle KB, Mullins RD, Fritz-Laylin LK. J Cell Biol 2020;219:e202001064.
    """
    figure = new_figure(4.2)
    axis = figure.subplots()
    arms = arms_of(conditions)
    looks = experiment_looks(sorted({str(name) for name in dishes["experiment"]}))
    for arm in arms:
        _draw_cells(axis, arm, values, looks)
        _draw_dishes(axis, arm, arm.rows(dishes), looks)
        _draw_mean(axis, arm, arm.rows(conditions))
    beyond = _limit(axis, values, dishes)
    _write_folds(axis, arms, conditions)
    label_arms(axis, arms)
    axis.set_ylabel(axis_label(metric, unit))
    _legend(axis, looks, beyond)
    return figure


def _draw_cells(axis: Axes, arm: Arm, values: pd.DataFrame, looks: _Looks) -> None:
    rows = arm.rows(values)
    rows = rows[rows["value"].notna()]
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(MAX_CELLS, len(rows))).astype(int))
    rows = rows.iloc[chosen]
    places = arm.place + swarm(rows["value"].to_numpy(np.float64))
    colours = [looks.get(str(name), (INK, "o"))[0] for name in rows["experiment"]]
    axis.scatter(places, rows["value"], s=7, c=colours, alpha=0.35, lw=0, zorder=2, gid="cells")


def swarm(values: FloatArray) -> FloatArray:
    """Spread points sideways, the farther the more of them have about the same value."""
    if len(values) < 2:
        return np.zeros(len(values))
    order = np.argsort(values, kind="stable")
    counts, edges = np.histogram(values, bins=min(15, len(values)))
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(counts) - 1)
    # Steps of the golden ratio fill a width evenly, however many there are.
    step = np.empty(len(values))
    step[order] = (np.arange(len(values)) * 0.6180339887) % 1 - 0.5
    return np.asarray(0.6 * step * (counts[place] / counts.max()))


def _draw_dishes(axis: Axes, arm: Arm, dishes: pd.DataFrame, looks: _Looks) -> None:
    known = dishes[dishes["level"].notna()].sort_values(["experiment", "replicate"], kind="stable")
    offsets = np.linspace(-0.2, 0.2, len(known)) if len(known) > 1 else np.zeros(len(known))
    for offset, (experiment, level) in zip(
        offsets, known[["experiment", "level"]].itertuples(index=False, name=None), strict=True
    ):
        colour, marker = looks[str(experiment)]
        axis.plot(
            [arm.place + offset],
            [level],
            marker,
            color=colour,
            ms=7.5,
            mec="white",
            mew=0.9,
            zorder=4,
            gid="dish",
        )


def _draw_mean(axis: Axes, arm: Arm, conditions: pd.DataFrame) -> None:
    mean, sem = conditions[["mean_of_dishes", "sem_of_dishes"]].iloc[0].astype(float)
    if not np.isfinite(mean):
        return
    axis.plot(arm.place + np.array([-0.33, 0.33]), [mean, mean], color=INK, lw=1.6, zorder=5)
    if np.isfinite(sem):
        axis.errorbar(
            [arm.place], [mean], [sem], color=INK, lw=1.2, capsize=4, capthick=1.2, zorder=5
        )


def _limit(axis: Axes, values: pd.DataFrame, dishes: pd.DataFrame) -> int:
    """Let single stray cells leave the axis; give their number."""
    cells = values["value"].dropna().to_numpy(np.float64)
    levels = dishes["level"].dropna().to_numpy(np.float64)
    if not len(cells):
        return 0
    inside = np.concatenate([np.quantile(cells, [0.002, 0.99]), levels])
    low, high = min(float(inside.min()), 0.0), float(inside.max())
    margin = 0.06 * (high - low) or 1.0
    bottom = low - margin if low < 0 else -0.02 * (high - low)
    axis.set_ylim(bottom, high + 2.2 * margin)
    if low < 0:
        axis.axhline(0, color=INK, lw=0.6, ls=":", zorder=1)
    return int(((cells < bottom) | (cells > high + 2.2 * margin)).sum())


def _write_folds(axis: Axes, arms: list[Arm], conditions: pd.DataFrame) -> None:
    top = axis.get_ylim()[1]
    for arm in arms:
        fold = float(arm.rows(conditions)["fold_change"].iloc[0])
        if np.isfinite(fold):
            axis.text(arm.place, top, f"×{digits(fold)}", ha="center", va="top", size=8.5)


def _legend(axis: Axes, looks: _Looks, beyond: int) -> None:
    def dot(look: tuple[str, str], name: str, size: float = 7.5) -> Line2D:
        colour, marker = look
        style = {"ls": "", "marker": marker, "color": colour, "ms": size}
        return Line2D([], [], mec="white", label=name, **style)  # type: ignore[arg-type]

    handles = [
        dot(look, shown(name, 16) or "dish") for name, look in list(looks.items())[:_MAX_NAMED]
    ]
    if len(looks) > _MAX_NAMED:
        handles.append(Line2D([], [], ls="", label=f"and {len(looks) - _MAX_NAMED} more"))
    handles.append(dot((INK, "o"), "cells", 4))
    handles.append(Line2D([], [], color=INK, lw=1.6, label="mean ± SEM\nof dishes"))
    if beyond:
        handles.append(Line2D([], [], ls="", label=f"{beyond} cells lie\nbeyond the axis"))
    axis.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), handlelength=1.2)
