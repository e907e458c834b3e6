"""The result of a study in one sentence, no stronger than the numbers behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from zincflux.plot.style import digits
from zincflux.report.page import clip
from zincflux.report.panels import Panel, panels_of
from zincflux.results.study import Study
from zincflux.statistics.keys import MIN_EXPERIMENTS, arm_label

_IN_SENTENCES = {
    "rate_nM_per_s": "initial rate of free zinc",
    "exponential_rate_nM_per_s": "exponential initial rate of free zinc",
    "rate_f_f0_per_s": "initial rate of F/F0",
    "peak_zinc_nM": "peak of free zinc",
    "plateau_zinc_nM": "plateau of free zinc",
    "peak_f_f0": "peak of F/F0",
    "baseline_zinc_nM": "free zinc at rest",
    "half_time_s": "half time",
    "total_rate_uM_per_s": "total flux of zinc",
}


def headline(study: Study) -> str:
    """Say what the headline metric tells of the arms.

    Of several comparisons it names the one with the largest fold change and how many there were,
    so that the largest of many is not read as the only one. Below three experiments there is
    neither an interval nor a claim.

    Parameters
    ----------
    study
        The study.

    Returns
    -------
    str
        One sentence, or two where a reservation belongs to it.
    """
    panels = panels_of(study)
    if not panels:
        return "No movie gave a number to compare."
    panel = panels[0]
    rows = panel.rows(study.conditions)
    compared = rows[np.isfinite(rows["fold_change"].to_numpy(dtype=np.float64))]
    if not len(compared):
        return _without_control(panel, rows)
    # One that is known with an interval says more than one that is not.
    told = compared[np.isfinite(compared["fold_low"].to_numpy(dtype=np.float64))]
    among = told if len(told) else compared
    size = np.abs(np.log(among["fold_change"].to_numpy(dtype=np.float64)))
    chosen = among.iloc[int(np.argmax(size))]
    sentence = _claim(panel, chosen, rows, 100 * (1 - study.settings.alpha))
    if len(compared) > 1:
        sentence += f" This is the largest of {len(compared)} comparisons; all are listed below."
    return sentence


def _claim(panel: Panel, row: Any, rows: pd.DataFrame, percent: float) -> str:
    fold, low, high = (float(row[key]) for key in ("fold_change", "fold_low", "fold_high"))
    what = _what(panel)
    n_cells = int(row["n_cells"]) + _cells_of_control(row, rows)
    n = int(row["n_experiments"])
    phase = f"{clip(panel.phase, 40)}; " if panel.phase else ""
    counts = f"{n} experiment{'' if n == 1 else 's'}, {n_cells} cells"
    control = clip(str(row["control"]).removeprefix(f"{row['condition']}, "), 60)
    arm = _arm(row)
    if not (np.isfinite(low) and np.isfinite(high)):
        why = f"fewer than {MIN_EXPERIMENTS} experiments" if n < MIN_EXPERIMENTS else "no interval"
        return (
            f"{arm}: {what} {digits(fold)}-fold that of {control} ({phase}{counts}); {why}: "
            "no conclusion can rest on it."
        )
    told = f"({phase}{percent:g} % CI {digits(low)} to {digits(high)}, {counts})"
    if low <= 1 <= high:
        return (
            f"{arm} did not clearly change the {what}: {digits(fold)}-fold that of {control} "
            f"{told}."
        )
    if fold > 1:
        return f"{arm} raised the {what} {digits(fold)}-fold over {control} {told}."
    return f"{arm} lowered the {what} to {digits(fold)}-fold that of {control} {told}."


def _arm(row: Any) -> str:
    group = f" (reporter {row['group']})" if row["group"] else ""
    return clip(arm_label(row["condition"], float(row["dose"]), row["dose_unit"]), 60) + group


def _cells_of_control(row: Any, rows: pd.DataFrame) -> int:
    """Count the cells of the control arm; 0 where it is not in the table."""
    for _, other in rows.iterrows():
        label = arm_label(other["condition"], float(other["dose"]), other["dose_unit"])
        if label == row["control"] and other["group"] == row["group"]:
            return int(other["n_cells"])
    return 0


def _what(panel: Panel) -> str:
    """Name what is compared within a sentence."""
    name = _IN_SENTENCES.get(panel.metric, panel.name.partition(",")[0])
    region = f" of the {clip(panel.region, 30)}" if panel.region else ""
    return name + region


def _without_control(panel: Panel, rows: pd.DataFrame) -> str:
    """Give the levels where nothing is compared."""
    scale, unit = panel.scale(rows["mean_of_dishes"].to_numpy(dtype=np.float64))
    known = rows[np.isfinite(rows["mean_of_dishes"].to_numpy(dtype=np.float64))]
    told = [f"{_arm(row)} {digits(row['mean_of_dishes'] * scale)}" for _, row in known.iterrows()]
    shown = "; ".join(told[:4]) + (f"; and {len(told) - 4} more" if len(told) > 4 else "")
    what = _what(panel)
    n = int(rows["n_experiments"].max()) if len(rows) else 0
    counts = f"up to {n} experiment{'' if n == 1 else 's'}, {int(rows['n_cells'].sum())} cells"
    phase = f"{clip(panel.phase, 40)}, " if panel.phase else ""
    level = f" ({phase}mean of dishes, {unit})" if unit else f" ({phase}mean of dishes)"
    said = (
        f"{what[:1].upper()}{what[1:]}{level}: {shown} ({counts})."
        if told
        else (f"No condition has a number for the {what}.")
    )
    return f"{said} Nothing is compared, since no control is named."
