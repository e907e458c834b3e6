"""One row of numbers about the quality of each movie, and why cells are left out."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from zincflux.batch.finished import Finished
from zincflux.batch.wide import Wide, leak_per_min, measured_frames, used_rows
from zincflux.movie import FloatArray

NO_PLATEAU = "no plateau"
"""What the reason of a cell says whose minimum or maximum was not reached."""

FACTOR = 2.0
"""The usable range is told within this factor."""


def quality_row(finished: Finished, wide: Wide) -> dict[str, Any]:
    """Give the columns of `zincflux.columns.QUALITY` for one movie."""
    cells, run = finished.cells, finished.run
    single = cells[cells["region"] == cells["region"].iloc[0]] if len(cells) else cells
    excluded = single["excluded"].to_numpy(bool)
    doubtful = ~excluded & (single["reason"] != "").to_numpy(bool)
    return {
        **finished.sample.filled_keys,
        "n_frames": len(finished.frames),
        "n_found": len(single),
        "n_excluded": int(excluded.sum()),
        "n_doubtful": int(doubtful.sum()),
        "n_with_zinc": int(run["counts"]["n_with_zinc"]),
        "n_no_plateau": int(single["reason"].str.contains(NO_PLATEAU, regex=False).sum()),
        **_beyond(finished, wide),
        **_frames(finished.frames),
        **_dynamic_range(single[~excluded]),
        **_usable(run.get("reach")),
        "leak_per_min": leak_per_min(finished, wide),
        "n_warnings": len(run["warnings"]),
    }


def reason_rows(finished: Finished) -> list[dict[str, Any]]:
    """Count the cells that are excluded, or used but doubtful, by reason; frequent ones first."""
    # A cell of several regions counts once for each reason.
    cells = finished.cells.drop_duplicates(["cell_id", "excluded", "reason"])
    counts = Counter(
        (str(reason) or "no reason given", "excluded" if out else "used")
        for reason, out in zip(cells["reason"], cells["excluded"].astype(bool), strict=True)
        if out or reason
    )
    ordered = sorted(counts.items(), key=lambda item: (item[0][1], -item[1], item[0][0]))
    return [
        {"sample": finished.sample.sample, "reason": reason, "what": what, "n_cells": n}
        for (reason, what), n in ordered
    ]


def _beyond(finished: Finished, wide: Wide) -> dict[str, float]:
    frames = measured_frames(finished, wide.time_s)
    rows = used_rows(finished)
    zinc = wide.zinc_nM[rows][:, frames]
    measured = int(np.isfinite(wide.signal[rows][:, frames]).sum())
    clipped = wide.clipped_fraction[rows]
    known = np.isfinite(clipped)
    return {
        "share_below": _share(int((zinc == -np.inf).sum()), measured),
        "share_above": _share(int((zinc == np.inf).sum()), measured),
        "saturated_share": _share(int((clipped[known] > 0).sum()), int(known.sum())),
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _frames(frames: pd.DataFrame) -> dict[str, Any]:
    drift = np.hypot(_numbers(frames, "drift_y_um"), _numbers(frames, "drift_x_um"))
    bleaching = [
        _numbers(frames, name) for name in map(str, frames) if name.endswith("_bleach_factor")
    ]
    left = [factor[np.isfinite(factor)][-1:] for factor in bleaching]
    return {
        "drift_um": _extreme(drift, np.max),
        "bleaching_left": _extreme(np.concatenate(left) if left else np.array([]), np.min),
        "n_defocused": int(frames["defocused"].astype(bool).sum()),
        "focus_lowest": _extreme(_numbers(frames, "focus"), np.min),
    }


def _dynamic_range(cells: pd.DataFrame) -> dict[str, float]:
    values = _numbers(cells, "dynamic_range")
    values = values[np.isfinite(values)]
    names = ("dynamic_range_low", "dynamic_range", "dynamic_range_high")
    quartiles = np.quantile(values, [0.25, 0.5, 0.75]) if len(values) else np.full(3, np.nan)
    return {name: float(value) for name, value in zip(names, quartiles, strict=True)}


def _usable(reach: Any) -> dict[str, float]:
    ranges = reach["zinc_ranges_nM"] if reach else []
    found: dict[str, Any] = next((r for r in ranges if r["factor"] == FACTOR), {})
    ends = {end: found.get(f"{end}_nM") for end in ("low", "high")}
    return {
        f"usable_{end}_nM": float("nan") if value is None else value for end, value in ends.items()
    }


def _numbers(table: pd.DataFrame, column: str) -> FloatArray:
    return table[column].to_numpy(np.float64)


def _extreme(values: FloatArray, of: Any) -> float:
    known = values[np.isfinite(values)]
    return float(of(known)) if len(known) else float("nan")
