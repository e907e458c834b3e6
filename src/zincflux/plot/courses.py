"""Time courses of the arms of a study, each with its band."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zincflux.movie import FloatArray
from zincflux.phases import Phase, frames_of
from zincflux.plot.arms import Arm, arms_of, axis_label, shown
from zincflux.plot.phases import draw_phases
from zincflux.plot.style import SERIES, log_ticks, new_figure, styled, time_unit, zinc_unit

_COLUMNS = 2
_LINES = ("-", "--", ":")


@styled
def courses_figure(
    courses: pd.DataFrame, quantity: str, phases: Sequence[Phase] = (), align_s: float = 0.0
) -> Figure:
    """Draw the mean of the experiments over time, with its confidence interval as a band.

    Conditions with doses have a panel each, the doses from dark to light; others share one.

    Parameters
    ----------
    courses
        Table as in `zincflux.columns.COURSES`, of one quantity and region.
    quantity
        Name of the quantity.
    phases
        Closed phases, in the time of a movie.
    align_s
        Time in that movie which is 0 in the table.
    """
    arms = arms_of(courses)
    panels = _panels(arms)
    is_zinc = quantity.endswith("_nM")
    factor, unit = zinc_unit(courses["mean_of_dishes"].to_numpy(float)) if is_zinc else (1.0, "")
    times = courses["time_s"].to_numpy(np.float64)
    limits = (float(times.min()), float(times.max())) if len(times) else (0.0, 1.0)
    per_s, time_name = time_unit(limits[1] - limits[0])
    n_columns = min(_COLUMNS, len(panels)) or 1
    n_rows = -(-len(panels) // n_columns) or 1
    figure = new_figure(0.5 + 3.0 * n_rows)
    grid = figure.subplots(
        2 * n_rows, n_columns, sharex=True, squeeze=False, height_ratios=[0.16, 1.0] * n_rows
    )
    moved = shifted(phases, align_s)
    keys = set()
    for number in range(n_rows * n_columns):
        row, column = divmod(number, n_columns)
        header, axis = grid[2 * row, column], grid[2 * row + 1, column]
        if number >= len(panels):
            header.set_axis_off()
            axis.set_axis_off()
            continue
        name, own = panels[number]
        keys.add(draw_phases(header, [axis], moved, limits, per_s, share=0.85 / n_columns))
        header.set_title(name, pad=4)
        _draw(axis, own, courses, (per_s, factor))
        axis.set_xlim(limits[0] * per_s, limits[1] * per_s)
    key = max(keys, key=len, default="")
    measured = _measured(courses, moved)
    _finish(grid[1::2], axis_label(quantity, unit), _ends(measured, is_zinc) * factor, is_zinc)
    figure.supxlabel(time_label(phases, time_name) + (f"\n{key}" if key else ""), size=9)
    return figure


def _panels(arms: Sequence[Arm]) -> list[tuple[str, list[Arm]]]:
    """Put the arms into panels; conditions without doses share one."""
    panels: dict[str, list[Arm]] = {}
    for arm in arms:
        panels.setdefault(arm.condition if arm.dose else "", []).append(arm)
    return list(panels.items())


def time_label(phases: Sequence[Phase], unit: str) -> str:
    """Name the time axis; without phases time 0 is that of the movie."""
    return f"Time since the start of the phase ({unit})" if phases else f"Time ({unit})"


def shifted(phases: Sequence[Phase], align_s: float) -> list[Phase]:
    """Give the phases in the time since the alignment."""
    # Times before the alignment are below 0, which a phase of a movie cannot have.
    return [
        Phase.model_construct(
            name=shown(p.name),
            role=p.role,
            start_s=p.start_s - align_s,
            end_s=None if p.end_s is None else p.end_s - align_s,
        )
        for p in phases
    ]


def _draw(
    axis: Axes, arms: Sequence[Arm], courses: pd.DataFrame, factors: tuple[float, float]
) -> None:
    per_s, factor = factors
    for number, arm in enumerate(arms):
        rows = arm.rows(courses).sort_values("time_s")
        time = rows["time_s"].to_numpy(np.float64) * per_s
        colour = _colour(number, arms)
        line = _LINES[number // len(SERIES) % len(_LINES)] if not arm.dose else "-"
        unit = f" {arm.key[2]}" if arm.dose else ""
        label = (
            f"{arm.dose}{shown(unit, 12) and ' '}{shown(unit, 12)}" if arm.dose else arm.condition
        )
        axis.plot(time, rows["mean_of_dishes"] * factor, line, color=colour, lw=1.8, label=label)
        low, high = (rows[end].to_numpy(np.float64) * factor for end in ("low", "high"))
        axis.fill_between(time, low, high, color=colour, alpha=0.18, lw=0, gid="band")
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), handlelength=1.2, borderaxespad=0.2)


def _colour(number: int, arms: Sequence[Arm]) -> str | tuple[float, ...]:
    if not arms[0].dose:
        return SERIES[number % len(SERIES)]
    share = number / max(len(arms) - 1, 1)
    # The light end of the map is too pale on white.
    return tuple(mpl.colormaps["viridis"](0.88 * share))


def _measured(courses: pd.DataFrame, phases: Sequence[Phase]) -> pd.DataFrame:
    """Select what the axis must hold: at the ends of the range zinc is noise over decades."""
    inside = inside_measured(courses["time_s"].to_numpy(np.float64), phases)
    return courses[inside] if inside.any() else courses


def inside_measured(time_s: FloatArray, phases: Sequence[Phase]) -> NDArray[np.bool_]:
    """Tell which times lie in baselines and responses."""
    wanted = [frames_of(p, time_s) for p in phases if p.role in ("baseline", "response")]
    return np.asarray(np.any(wanted, axis=0) if wanted else np.ones(len(time_s), dtype=bool))


def _ends(courses: pd.DataFrame, is_zinc: bool) -> FloatArray:
    values = courses[["mean_of_dishes", "low", "high"]].to_numpy(np.float64)
    values = values[np.isfinite(values) & ((values > 0) | (not is_zinc))]
    if not len(values):
        return np.array([0.5, 2.0])
    low, high = float(values.min()), float(values.max())
    if is_zinc:
        # A band that reaches down to nothing must not squeeze the courses.
        means = courses["mean_of_dishes"]
        low = max(low, float(means[means > 0].min()) / 4)
        return np.array([low / 1.2, high * 1.25])
    margin = 0.06 * (high - low) or 0.1
    return np.array([low - margin, high + margin])


def _finish(axes: np.ndarray, label: str, ends: FloatArray, is_zinc: bool) -> None:
    """Give all panels the same vertical axis, and its name."""
    for axis in axes.ravel():
        if not axis.axison:
            continue
        if is_zinc:
            axis.set_yscale("log")
        axis.set_ylim(*ends)
        if is_zinc:
            log_ticks(axis.yaxis, decades=float(np.log10(ends[1] / ends[0])))
    for row in axes:
        row[0].set_ylabel(label)
