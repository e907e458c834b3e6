"""Traces of one movie as an interactive chart: every cell and their median."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from zincflux.movie import FloatArray
from zincflux.phases import Phase
from zincflux.plot import Told, to_png, traces_figure
from zincflux.plot.style import digits, time_unit
from zincflux.plot.traces import flagged, name_and_unit, shown_values
from zincflux.report.chart_data import packed, rounded, to_json
from zincflux.report.page import data_uri

MOST_NUMBERS = 40_000
"""Numbers of cells that one measure of one movie may put into the page."""

MOST_CELLS = 160
_TABLE_ROWS = 24


@dataclass(frozen=True)
class Chart:
    """A chart as the template needs it.

    Attributes
    ----------
    json
        Data for the script, safe inside HTML.
    png
        The same as a picture, for those who read without scripts; empty without one.
    alt
        What the picture shows.
    table
        ``head`` and ``rows`` of the most important numbers, and ``note`` where some are left out;
        None without.
    note
        What is not drawn.
    """

    json: str
    png: str
    alt: str
    table: dict[str, Any] | None
    note: str = ""


@dataclass(frozen=True)
class _Clock:
    time_s: FloatArray
    factor: float
    unit: str

    @property
    def time(self) -> FloatArray:
        return self.time_s * self.factor


def traces_chart(
    traces: pd.DataFrame,
    phases: Sequence[Phase],
    columns: Sequence[str],
    *,
    title: str,
    told: Told | None = None,
    n_charts: int = 1,
) -> Chart:
    """Make the chart of all cells of one region.

    Where there are too many cells and frames to hold in a page, cells evenly spread over their
    numbers, and every second or third frame, stand for all; medians are always those of all cells.

    Parameters
    ----------
    traces
        Table as in `zincflux.columns.TRACES`, of the cells that are used.
    phases
        Closed phases.
    columns
        Quantities that can be chosen; the first is shown first and drawn as a picture.
    title
        What the chart shows.
    told
        Zinc that is told well: the axis is grey outside of it.
    n_charts
        How many such charts share the room in the page.
    """
    times = np.unique(traces["time_s"].to_numpy(dtype=np.float64))
    factor, unit = time_unit(float(np.ptp(times)) if len(times) else 0.0)
    ids = np.unique(traces["cell_id"].to_numpy(dtype=np.int64))
    chosen = _spread(ids, MOST_CELLS // n_charts)
    stride = int(np.ceil(len(chosen) * len(times) * n_charts / MOST_NUMBERS)) or 1
    clock = _Clock(times[::stride], factor, unit)
    measures = [_measure(traces, phases, column, chosen, clock) for column in columns]
    if told is not None and columns[0] == "zinc_nM":
        scale = name_and_unit(traces, "zinc_nM")[0]
        measures[0]["untold"] = rounded([told.low_nM * scale, told.high_nM * scale])
    note = _left_out(len(chosen), len(ids), stride)
    chart = {
        "title": title,
        "x": x_axis(clock.time, unit),
        "phases": phase_spans(phases, times, factor),
        "legend": [
            {"key": "cells", "name": _cells(len(chosen), len(ids)), "kind": "cells", "c": 6},
            {"key": "median", "name": "median and quartiles", "c": 0, "d": 0},
        ],
        "measures": measures,
    }
    picture = to_png(traces_figure(traces, phases, columns[0], told=told), dpi=110)
    alt = "Trace of each cell and their median over time, with the phases shaded"
    table = _table(measures[0], clock)
    return Chart(to_json(chart), data_uri(picture), alt, table, note)


def x_axis(time: FloatArray, unit: str) -> dict[str, Any]:
    """Describe a time axis for the script."""
    first, last = (float(time[0]), float(time[-1])) if len(time) else (0.0, 1.0)
    last = last if last > first else first + 1.0
    return {"label": f"Time ({unit})", "unit": unit, "ends": rounded([first, last])}


def phase_spans(
    phases: Sequence[Phase], times_s: FloatArray, factor: float, start_s: float = 0.0
) -> list[dict[str, Any]]:
    """Describe phases for the script; the last one ends with the data."""
    last = float(times_s[-1]) if len(times_s) else 0.0
    return [
        {
            "name": phase.name,
            "role": phase.role,
            "from": (phase.start_s - start_s) * factor,
            "to": ((last if phase.end_s is None else phase.end_s) - start_s) * factor,
        }
        for phase in phases
    ]


def _spread(ids: np.ndarray, most: int) -> np.ndarray:
    if not len(ids):
        return ids
    places = np.linspace(0, len(ids) - 1, min(len(ids), max(most, 1))).round().astype(int)
    return np.asarray(ids[np.unique(places)])


def _cells(drawn: int, total: int) -> str:
    if drawn == total:
        return f"{total} cell{'' if total == 1 else 's'}"
    return f"{drawn} of {total} cells"


def _left_out(drawn: int, total: int, stride: int) -> str:
    said = [f"{drawn} of {total} cells"] if drawn < total else []
    if stride > 1:
        said.append(f"one frame in {stride}")
    if not said:
        return ""
    return f"To keep this page small, it holds {' and '.join(said)}; the tables hold all."


def _measure(
    traces: pd.DataFrame,
    phases: Sequence[Phase],
    column: str,
    chosen: np.ndarray,
    clock: _Clock,
) -> dict[str, Any]:
    is_zinc = column.endswith("_nM")
    scale, name, unit = name_and_unit(traces, column)
    wide = traces.pivot(index="time_s", columns="cell_id", values=column) * scale
    wide = wide.reindex(index=clock.time_s)
    known = shown_values(traces, phases, column) * scale
    low, high = np.quantile(known, [0.002, 0.998]) if known.size else (0.0, 1.0)
    lower, median, upper = _quartiles(traces, column, scale, clock)
    measure: dict[str, Any] = {
        "name": name,
        "y": f"{name} ({unit})" if unit else name,
        "unit": unit,
        "log": is_zinc,
        "both": bool(low > 0),
        "lo": _one(low),
        "hi": _one(high),
        "t": rounded(clock.time),
        "cells": {
            "key": "cells",
            "ids": chosen.tolist(),
            **packed(wide[chosen].to_numpy(dtype=np.float64).T, log=is_zinc),
        },
        "series": [
            {
                "key": "median",
                "name": "median",
                "c": 0,
                "d": 0,
                "y": rounded(median),
                "low": rounded(lower),
                "high": rounded(upper),
            }
        ],
        "alt": f"{name} of each cell and its median over time",
    }
    if is_zinc:
        measure["strip"] = _beyond(traces, clock)
    return measure


def _one(value: float) -> float | int:
    return rounded([value])[0] or 0


def _quartiles(
    traces: pd.DataFrame, column: str, scale: float, clock: _Clock
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give quartiles over cells; cells beyond the range rank lowest or highest."""
    values = traces[column].astype("float64") * scale
    if column.endswith("_nM"):
        values = values.mask(values.isna() & flagged(traces, "below_min"), -np.inf)
        values = values.mask(values.isna() & flagged(traces, "above_max"), np.inf)
    by_time = values.groupby(traces["time_s"])
    result = []
    with np.errstate(invalid="ignore"):  # between −inf and +inf
        for part in (0.25, 0.5, 0.75):
            level = by_time.quantile(part) if part != 0.5 else by_time.median()
            numbers = level.reindex(clock.time_s).to_numpy(dtype=np.float64)
            result.append(np.where(np.isfinite(numbers), numbers, np.nan))
    return result[0], result[1], result[2]


def _beyond(traces: pd.DataFrame, clock: _Clock) -> dict[str, Any]:
    shares = {}
    for key, flag in (("below", "below_min"), ("above", "above_max")):
        share = 100 * flagged(traces, flag).groupby(traces["time_s"]).mean()
        shares[key] = rounded(share.reindex(clock.time_s).fillna(0.0).round(1))
    return shares


def _table(measure: dict[str, Any], clock: _Clock) -> dict[str, Any]:
    series = measure["series"][0]
    unit = f" ({measure['unit']})" if measure["unit"] else ""
    head = [f"Time ({clock.unit})", f"Median{unit}", "25 %", "75 %"]
    columns = [measure["t"], series["y"], series["low"], series["high"]]
    if "strip" in measure:
        head += ["Below range (%)", "Above range (%)"]
        columns += [measure["strip"]["below"], measure["strip"]["above"]]
    rows = list(zip(*columns, strict=True))
    rows = rows[:: max(1, -(-len(rows) // _TABLE_ROWS))]
    return {"head": head, "rows": [[_word(value) for value in row] for row in rows]}


def _word(value: float | None) -> str:
    return "–" if value is None else digits(value).replace("-", "−")
