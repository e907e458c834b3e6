"""Time courses of the arms of a study as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from zincflux.phases import Phase
from zincflux.plot.style import time_unit, zinc_unit
from zincflux.plot.traces import TRACE_NAMES
from zincflux.report.arms import Arm, records
from zincflux.report.chart_data import limits, rounded
from zincflux.report.page import clip
from zincflux.report.traces import phase_spans, x_axis
from zincflux.results.study import Study


def courses_chart(study: Study, arms: Sequence[Arm]) -> dict[str, Any]:
    """Describe the time courses of the arms with their intervals."""
    courses = study.courses
    times = np.unique(courses["time_s"].to_numpy(dtype=np.float64))
    factor, unit = time_unit(float(np.ptp(times)) if len(times) else 0.0)
    kinds = records(courses[["quantity", "region"]].drop_duplicates())
    kinds.sort(key=lambda kind: kind.quantity != "zinc_nM")
    shown = [arm for arm in arms if len(arm.rows(courses))]
    measures = []
    for quantity, region in kinds:
        rows = courses[(courses["quantity"] == quantity) & (courses["region"] == region)]
        measures.append(_course(rows, shown, study.phases, study.align_s, factor))
    x = x_axis(times * factor, unit)
    if study.phases:
        x["label"] = f"Time from the start of {clip(aligned_to(study), 40)} ({unit})"
    return {
        "title": "Time courses by condition",
        "x": x,
        "phases": phase_spans(study.phases, times + study.align_s, factor, study.align_s),
        "legend": legend_of(shown),
        "measures": measures,
    }


def aligned_to(study: Study) -> str:
    """Name the phase whose start is time 0."""
    return next((p.name for p in study.phases if p.start_s == study.align_s), "the movie")


def legend_of(arms: Sequence[Arm]) -> list[dict[str, Any]]:
    """Describe the legend of the arms."""
    return [
        {"key": a.key, "name": a.name, "c": a.colour, "d": a.dash, "o": a.opacity} for a in arms
    ]


def _course(
    rows: pd.DataFrame, arms: Sequence[Arm], phases: Sequence[Phase], align_s: float, factor: float
) -> dict[str, Any]:
    quantity, region = str(rows["quantity"].iloc[0]), str(rows["region"].iloc[0])
    columns = ["mean_of_dishes", "low", "high"]
    scale, unit = 1.0, ""
    if quantity.endswith("_nM"):
        scale, unit = zinc_unit(rows["mean_of_dishes"].to_numpy(dtype=np.float64))
    name = ", ".join(filter(None, (TRACE_NAMES.get(quantity, quantity), region)))
    times = np.unique(rows["time_s"].to_numpy(dtype=np.float64))
    series = []
    for arm in arms:
        own = arm.rows(rows).set_index("time_s").reindex(times)
        mean, low, high = (own[c].to_numpy(dtype=np.float64) * scale for c in columns)
        one = {"key": arm.key, "name": arm.name, "c": arm.colour, "d": arm.dash, "o": arm.opacity}
        one["y"] = rounded(mean)
        if np.isfinite(low).any():
            one |= {"low": rounded(low), "high": rounded(high)}
        series.append(one)
    measured = _measured(rows, phases, align_s) * scale
    lo, hi = limits([measured], positive=quantity.endswith("_nM"))
    return {
        "name": name,
        "y": f"{name} ({unit})" if unit else name,
        "unit": unit,
        "log": bool(lo > 0 and hi / lo > 30),
        "both": bool(lo > 0),
        "lo": rounded([lo])[0],
        "hi": rounded([hi])[0],
        "t": rounded(times * factor),
        "series": series,
        "alt": f"{name} over time, one line per condition and dose",
    }


def _measured(rows: pd.DataFrame, phases: Sequence[Phase], align_s: float) -> np.ndarray:
    """Give the numbers that the axis must hold: those of baseline and response."""
    time_s = rows["time_s"].to_numpy(dtype=np.float64) + align_s
    values = rows[["mean_of_dishes", "low", "high"]].to_numpy(dtype=np.float64)
    inside = np.zeros(len(rows), dtype=bool)
    for phase in phases:
        end_s = np.inf if phase.end_s is None else phase.end_s
        if phase.role in ("baseline", "response"):
            inside |= (time_s >= phase.start_s) & (time_s < end_s)
    known = values[inside] if inside.any() else values
    # One wide interval should not flatten all courses.
    middle = known[:, 0]
    top = 1.6 * np.nanmax(middle) if np.isfinite(middle).any() else np.inf
    return np.asarray(np.where(known > top, top, known))
