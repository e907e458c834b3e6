"""The result of a study in one sentence, no stronger than the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from zincflux.plot.style import digits
from zincflux.report.chart_tables import number_text
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


@dataclass(frozen=True)
class _Comparison:
    """One arm against its control, as the table of conditions tells it.

    Attributes
    ----------
    row
        The row of the arm.
    estimate, low, high
        Fold change, or difference in the unit of the table, with its interval.
    is_fold
        Which of the two.
    """

    row: Any
    estimate: float
    low: float
    high: float
    is_fold: bool

    @property
    def is_told(self) -> bool:
        """Whether it is known with an interval."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))

    @property
    def size(self) -> float:
        """How far it is from no change."""
        return abs(float(np.log(self.estimate))) if self.is_fold else abs(self.estimate)

    @property
    def rises(self) -> bool:
        """Whether the arm lies above its control."""
        return self.estimate > (1.0 if self.is_fold else 0.0)

    def is_clear(self, n_comparisons: int, alpha: float) -> bool:
        """Tell whether a direction can be claimed, with as many comparisons as there were."""
        if not self.is_told:
            return False
        if n_comparisons > 1:
            return float(self.row["p_adjusted"]) <= alpha
        return not self.low <= (1.0 if self.is_fold else 0.0) <= self.high


def headline(study: Study) -> str:
    """Say what the headline metric tells of the arms.

    Of several comparisons it names the one with the largest change and how many there were, so that
    the largest of many is not read as the only one; a direction is claimed of it only if the
    adjusted P value allows it. Below three experiments there is neither an interval nor a claim.

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
    compared = _comparisons(rows)
    if not compared:
        return f"{_levels(panel, rows)} {_why_nothing(study, rows)}"
    # One that is known with an interval says more than one that is not.
    chosen = max([one for one in compared if one.is_told] or compared, key=lambda one: one.size)
    n, alpha = len(compared), study.settings.alpha
    sentence = _claim(study, panel, chosen, n)
    if n > 1:
        others = sum(one.is_clear(n, alpha) for one in compared if one is not chosen)
        hidden = others and not chosen.is_clear(n, alpha)
        clear = f", of which {others} {'is' if others == 1 else 'are'} clear" if hidden else ""
        sentence += f" This is the largest of {n} comparisons{clear}; all are listed below."
    return sentence


def _comparisons(rows: pd.DataFrame) -> list[_Comparison]:
    found = []
    for _, row in rows.iterrows():
        is_fold = bool(np.isfinite(float(row["fold_change"])))
        names = ("fold_change", "fold_low", "fold_high")
        if not is_fold:
            names = ("difference", "difference_low", "difference_high")
        estimate, low, high = (float(row[name]) for name in names)
        if np.isfinite(estimate):
            found.append(_Comparison(row, estimate, low, high, is_fold))
    return found


def _claim(study: Study, panel: Panel, one: _Comparison, n_comparisons: int) -> str:
    n, counts = _counts(study, panel, one.row)
    control = clip(str(one.row["control"]).removeprefix(f"{one.row['condition']}, "), 60)
    what, arm = _what(panel), _arm(one.row)
    change, interval = _numbers(panel, panel.rows(study.conditions), one)
    phase = [clip(panel.phase, 40)] if panel.phase else []
    if not one.is_told:
        few = n is not None and n < MIN_EXPERIMENTS
        why = f"fewer than {MIN_EXPERIMENTS} experiments" if few else "no interval"
        told = "; ".join(filter(None, [*phase, counts]))
        return (
            f"{arm}: {what} {change} that of {control} ({told}); {why}: no conclusion can rest on "
            "it."
        )
    percent = f"{100 * (1 - study.settings.alpha):g} % CI {interval}"
    told = "; ".join([*phase, ", ".join(filter(None, [percent, counts]))])
    if not one.is_clear(n_comparisons, study.settings.alpha):
        after = f" after adjustment for {n_comparisons} comparisons" if n_comparisons > 1 else ""
        said = f"{arm} did not clearly change the {what}{after}"
        return f"{said}: {change} that of {control} ({told})."
    if not one.is_fold:
        amount = change.removesuffix(" above").removesuffix(" below")
        verb, word = ("raised", "over") if one.rises else ("lowered", "from that of")
        return f"{arm} {verb} the {what} by {amount} {word} {control} ({told})."
    if one.rises:
        return f"{arm} raised the {what} {change} over {control} ({told})."
    return f"{arm} lowered the {what} to {change} that of {control} ({told})."


def _numbers(panel: Panel, rows: pd.DataFrame, one: _Comparison) -> tuple[str, str]:
    """Write the change and its interval."""
    if one.is_fold:
        return f"{digits(one.estimate)}-fold", f"{digits(one.low)} to {digits(one.high)}"
    scale, unit = panel.scale(rows["mean_of_dishes"].to_numpy(dtype=np.float64))
    side = "above" if one.rises else "below"
    ends = [number_text(value * scale) for value in (one.low, one.high)]
    change = " ".join(filter(None, [number_text(abs(one.estimate) * scale), unit, side]))
    return change, " ".join(filter(None, [f"{ends[0]} to {ends[1]}", unit]))


def _counts(study: Study, panel: Panel, row: Any) -> tuple[int | None, str]:
    """Count what the comparison rests on: its test knows, not the arm.

    An arm may have experiments without the control, and the control others.
    """
    tests = panel.rows(study.tests)
    label = arm_label(row["condition"], float(row["dose"]), row["dose_unit"])
    same = tests["is_headline"] & (tests["compared"] == label) & (tests["group"] == row["group"])
    if not same.any():
        return None, ""
    test = tests[same].iloc[0]
    n = int(test["n_experiments"])
    return n, f"{n} experiment{'' if n == 1 else 's'}, {int(test['n_cells'])} cells"


def _arm(row: Any) -> str:
    group = f" (reporter {row['group']})" if row["group"] else ""
    return clip(arm_label(row["condition"], float(row["dose"]), row["dose_unit"]), 60) + group


def _what(panel: Panel) -> str:
    """Name what is compared within a sentence."""
    name = _IN_SENTENCES.get(panel.metric, panel.name.partition(",")[0])
    region = f" of the {clip(panel.region, 30)}" if panel.region else ""
    return name + region


def _levels(panel: Panel, rows: pd.DataFrame) -> str:
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
    return (
        f"{what[:1].upper()}{what[1:]}{level}: {shown} ({counts})."
        if told
        else (f"No condition has a number for the {what}.")
    )


def _why_nothing(study: Study, rows: pd.DataFrame) -> str:
    """Say why no arm has an estimate."""
    with_control = rows[rows["control"] != ""]
    reasons = dict.fromkeys(clip(str(note), 200) for note in with_control["note"] if note)
    if reasons:
        return f"Nothing is compared: {next(iter(reasons))}."
    if len(with_control):
        return "Nothing is compared: an arm or its control has no number."
    if study.settings.control is None:
        return "Nothing is compared, since no control is named."
    return "Nothing is compared, since no arm stands beside its control."
