"""What the corrections found, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zincflux.phases import Phase
from zincflux.plot.phases import draw_phases
from zincflux.plot.style import (
    BLUE,
    INK,
    SERIES,
    VERMILLION,
    count_ticks,
    new_figure,
    styled,
    time_unit,
)

Panel = Callable[[Axes, pd.DataFrame, NDArray[np.float64], Sequence[str]], None]


@styled
def frames_figure(
    frames: pd.DataFrame, channels: Sequence[str], phases: Sequence[Phase] = ()
) -> Figure:
    """Draw background, bleaching, drift, focus and number of cells over time.

    A correction that changed nothing has no panel, nor has a constant number of cells.

    Parameters
    ----------
    frames
        Table as in `zincflux.columns.FRAMES`.
    channels
        Names of the channels.
    phases
        Closed phases, shaded and named.
    """
    known = (*_CORRECTIONS, (_loses_cells, _draw_count))
    drawn = [draw for shows, draw in known if shows(frames, channels)]
    figure = new_figure(0.75 + 1.35 * len(drawn))
    heights = [0.3] + [1.0] * len(drawn)
    header, *panels = figure.subplots(
        len(heights), 1, sharex=True, height_ratios=heights, squeeze=False
    )[:, 0]
    time_s = frames["time_s"].to_numpy(dtype=np.float64)
    limits = (float(time_s.min()), float(time_s.max())) if len(time_s) else (0.0, 0.0)
    factor, unit = time_unit(limits[1] - limits[0])
    key = draw_phases(header, panels, phases, limits, factor)
    for panel, draw in zip(panels, drawn, strict=True):
        draw(panel, frames, time_s * factor, channels)
        if panel.get_legend_handles_labels()[0]:
            panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.0)
    if limits[1] > limits[0]:
        panels[-1].set_xlim(limits[0] * factor, limits[1] * factor)
    panels[-1].set_xlabel(f"Time ({unit})" + (f"\n{key}" if key else ""))
    figure.align_ylabels(panels)
    return figure


def _numbers(frames: pd.DataFrame, column: str) -> NDArray[np.float64]:
    if column not in frames:
        return np.full(len(frames), np.nan)
    return frames[column].to_numpy(dtype=np.float64)


def _has_background(frames: pd.DataFrame, channels: Sequence[str]) -> bool:
    return any(np.isfinite(_numbers(frames, f"{c}_background")).any() for c in channels)


def _draw_background(
    axis: Axes, frames: pd.DataFrame, time: NDArray[np.float64], channels: Sequence[str]
) -> None:
    for number, channel in enumerate(channels):
        colour = SERIES[number % len(SERIES)]
        axis.plot(time, _numbers(frames, f"{channel}_background"), color=colour, label=channel)
    axis.set_ylabel("Background\n(counts)")


def _has_bleaching(frames: pd.DataFrame, channels: Sequence[str]) -> bool:
    factors = np.array([_numbers(frames, f"{c}_bleach_factor") for c in channels])
    return bool((np.abs(factors - 1) > 1e-12).any())


def _draw_bleaching(
    axis: Axes, frames: pd.DataFrame, time: NDArray[np.float64], channels: Sequence[str]
) -> None:
    for number, channel in enumerate(channels):
        colour = SERIES[number % len(SERIES)]
        left = 100 * _numbers(frames, f"{channel}_bleach_factor")
        axis.plot(time, left, color=colour, label=channel)
    axis.set_ylabel("Brightness\nleft (%)")


def _has_drift(frames: pd.DataFrame, channels: Sequence[str]) -> bool:
    shift = np.concatenate([_numbers(frames, "drift_y_um"), _numbers(frames, "drift_x_um")])
    return bool((np.abs(shift) > 0).any())


def _draw_drift(
    axis: Axes, frames: pd.DataFrame, time: NDArray[np.float64], channels: Sequence[str]
) -> None:
    axis.plot(time, _numbers(frames, "drift_y_um"), color=BLUE, label="down")
    axis.plot(time, _numbers(frames, "drift_x_um"), color=VERMILLION, label="right")
    axis.set_ylabel("Drift (µm)")


def _has_focus(frames: pd.DataFrame, channels: Sequence[str]) -> bool:
    return bool(np.isfinite(_numbers(frames, "focus")).any())


def _draw_focus(
    axis: Axes, frames: pd.DataFrame, time: NDArray[np.float64], channels: Sequence[str]
) -> None:
    focus = _numbers(frames, "focus")
    axis.plot(time, focus, color=INK, lw=1.1)
    lost = frames["defocused"].to_numpy(dtype=bool)
    if lost.any():
        axis.plot(time[lost], focus[lost], "o", color=VERMILLION, ms=4, label="defocused")
    axis.set_ylim(bottom=0)
    axis.set_ylabel("Sharpness\n(median = 1)")


def _loses_cells(frames: pd.DataFrame, channels: Sequence[str]) -> bool:
    return frames["n_cells"].nunique() > 1 or not any(
        shows(frames, channels) for shows, _ in _CORRECTIONS
    )


def _draw_count(
    axis: Axes, frames: pd.DataFrame, time: NDArray[np.float64], channels: Sequence[str]
) -> None:
    axis.plot(time, _numbers(frames, "n_cells"), color=INK, lw=1.1, drawstyle="steps-mid")
    axis.set_ylim(bottom=0)
    count_ticks(axis)
    axis.set_ylabel("Cells\nmeasured")


_CORRECTIONS: tuple[tuple[Callable[[pd.DataFrame, Sequence[str]], bool], Panel], ...] = (
    (_has_background, _draw_background),
    (_has_bleaching, _draw_bleaching),
    (_has_drift, _draw_drift),
    (_has_focus, _draw_focus),
)
