"""The quality of every movie: what was found, what was left out, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from zincflux.plot.style import digits
from zincflux.report.page import data_uri
from zincflux.report.summary import NOTHING
from zincflux.results.study import Study


def films(study: Study) -> list[dict[str, Any]]:
    """Describe each movie with the picture of its cells, if there is one."""
    quality: dict[str, Any] = {str(row["sample"]): row for _, row in study.quality.iterrows()}
    reasons = {str(name): rows for name, rows in study.reasons.groupby("sample", sort=False)}
    result = []
    for _, row in study.experiments.iterrows():
        name = str(row["sample"])
        picture = study.thumbnails.get(name)
        result.append(
            {
                "name": name,
                "folder": str(row["folder"]),
                "failed": str(row["reason"]) if row["status"] == "failed" else "",
                "png": data_uri(picture) if picture else "",
                "numbers": _numbers(quality.get(name)),
                "reasons": _reasons(reasons.get(name)),
            }
        )
    return result


def _numbers(row: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Write the numbers of one movie for people; None where it failed."""
    if row is None:
        return None
    usable = [float(row["usable_low_nM"]), float(row["usable_high_nM"])]
    beyond = [_percent(row["share_below"]), _percent(row["share_above"])]
    return {
        "found": str(row["n_found"]),
        "excluded": str(row["n_excluded"]),
        "doubtful": str(row["n_doubtful"]),
        "with_zinc": str(row["n_with_zinc"]),
        "beyond": " / ".join(beyond) if NOTHING not in beyond else NOTHING,
        "saturated": _percent(row["saturated_share"]),
        "drift": _digits(row["drift_um"]),
        "bleaching": _percent(row["bleaching_left"]),
        "defocused": f"{row['n_defocused']} of {row['n_frames']}",
        "plateau": str(row["n_no_plateau"]),
        "range": _digits(row["dynamic_range"]),
        "usable": f"{_digits(usable[0])}–{_digits(usable[1])}"
        if np.isfinite(usable).all()
        else NOTHING,
        "leak": _digits(100 * float(row["leak_per_min"])),
        "warnings": str(row["n_warnings"]),
    }


def _digits(value: float) -> str:
    return digits(float(value)).replace("-", "−") if np.isfinite(value) else NOTHING


def _percent(share: float) -> str:
    if not np.isfinite(share):
        return NOTHING
    return "<1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def _reasons(rows: pd.DataFrame | None) -> list[tuple[str, str, int]]:
    if rows is None:
        return []
    return [
        (str(row["reason"]), str(row["what"]), int(row["n_cells"])) for _, row in rows.iterrows()
    ]
