"""All cells of a study over time as a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from zincflux.phases import frames_of
from zincflux.plot.style import time_unit, zinc_unit
from zincflux.plot.traces import TRACE_NAMES
from zincflux.report.arms import Arm, groups_of
from zincflux.report.chart_data import packed, rounded
from zincflux.report.page import clip
from zincflux.report.study_courses import aligned_to
from zincflux.report.traces import phase_spans, x_axis
from zincflux.results.study import Study

MOST_ROWS, MOST_COLUMNS = 600, 200
"""Size of the largest map of cells."""


def heat_chart(study: Study, arms: Sequence[Arm]) -> dict[str, Any]:
    """Describe the map of all cells: one row per cell, sorted by response within each arm."""
    table = study.heat_map
    times = np.unique(table["time_s"].to_numpy(dtype=np.float64))
    times = times[:: -(-len(times) // MOST_COLUMNS) or 1]
    factor, unit = time_unit(float(np.ptp(times)) if len(times) else 0.0)
    x = x_axis(times * factor, unit)
    half = (x["ends"][1] - x["ends"][0]) / max(len(times) - 1, 1) / 2
    x["ends"] = rounded([x["ends"][0] - half, x["ends"][1] + half])
    if study.phases:
        x["label"] = f"Time from the start of {clip(aligned_to(study), 40)} ({unit})"
    measures = [
        _heat(table[table["quantity"] == quantity], arms, times * factor, times, study)
        for quantity in dict.fromkeys(table["quantity"])
    ]
    return {
        "title": "All cells, sorted by response",
        "x": x,
        "phases": phase_spans(study.phases, times + study.align_s, factor, study.align_s),
        "tall": 0.62,
        "measures": measures,
    }


def _heat(
    table: pd.DataFrame,
    arms: Sequence[Arm],
    shown: np.ndarray,
    times: np.ndarray,
    study: Study,
) -> dict[str, Any]:
    quantity = str(table["quantity"].iloc[0])
    scale, unit = 1.0, ""
    if quantity.endswith("_nM"):
        scale, unit = zinc_unit(table["value"].to_numpy(dtype=np.float64))
    n_cells = len(table[["sample", "cell_id"]].drop_duplicates())
    stride = -(-n_cells // MOST_ROWS) or 1
    rows: list[str] = []
    blocks, values, beyond = [], [], []
    present = [arm for arm in arms if len(arm.rows(table))]
    for arm in present:
        own = arm.rows(table)
        wide = own.pivot(index=["rank", "sample", "cell_id"], columns="time_s")
        wide = wide.sort_index(kind="stable").iloc[::stride]
        start = len(rows)
        rows += [f"{arm.name} · {clip(sample, 40)} · cell {cell}" for _, sample, cell in wide.index]
        values.append(_matrix(wide, "value", times).astype(np.float64) * scale)
        beyond.append(_matrix(wide, "beyond", times))
        blocks.append({"name": arm.name, "short": arm.short, "from": start, "to": len(rows)})
    numbers, sides = np.concatenate(values), np.concatenate(beyond)
    # Colours are for baseline and response: minimum and maximum lie decades away.
    measured = numbers[:, in_roles(study, times)]
    known = measured[np.isfinite(measured)]
    low, high = np.quantile(known, [0.01, 0.99]) if known.size else (0.0, 1.0)
    high = high if high > low else low + 1.0
    name = TRACE_NAMES.get(quantity, quantity)
    log = bool(low > 0 and high / low > 20)
    return {
        "name": name,
        "y": "",
        "unit": unit,
        "lo": 0,
        "hi": 1,
        "heat": {
            "columns": rounded(shown),
            "rows": rows,
            "blocks": blocks,
            "groups": [
                group | {"from": blocks[group["from"]]["from"], "to": blocks[group["to"]]["to"]}
                for group in groups_of(present)
            ],
            "from": rounded([low])[0],
            "to": rounded([high])[0],
            "scale": f"{name} ({unit})" if unit else name,
            "above": _runs(sides == "above"),
            "below": _runs(sides == "below"),
            **packed(numbers, log=log),
        },
        "note": f"One cell in {stride} is drawn." if stride > 1 else "",
        "alt": f"{name} of every cell over time, one row per cell",
    }


def in_roles(study: Study, times: np.ndarray) -> np.ndarray:
    """Tell which times lie in a baseline or response; all where none does."""
    time_s = times + study.align_s
    inside = np.zeros(len(times), dtype=bool)
    for phase in study.phases:
        if phase.role in ("baseline", "response"):
            inside |= frames_of(phase, time_s)
    return inside if inside.any() else ~inside


def _matrix(wide: pd.DataFrame, column: str, times: np.ndarray) -> np.ndarray:
    """Give one column of the pivoted table, cells by times."""
    part = pd.DataFrame(wide[column])
    return np.asarray(part.reindex(columns=times).to_numpy(dtype=object))


def _runs(which: np.ndarray) -> list[int]:
    """Write where a flat mask is true as starts and lengths, one after the other."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], which.ravel().astype(np.int8), [0]])))
    starts, ends = edges[::2], edges[1::2]
    return np.stack([starts, ends - starts], axis=1).ravel().tolist()
