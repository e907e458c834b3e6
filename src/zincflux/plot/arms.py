"""Arms of a study in figures: their order, names and places, the same everywhere."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from zincflux.plot.style import INK, SERIES

MARKERS = ("o", "s", "^", "D", "v", "P")

ARM = ["condition", "dose", "dose_unit", "group"]

NAMES = {
    "total_rate_uM_per_s": "Total flux",
    "rate_nM_per_s": "Initial rate of free zinc",
    "peak_zinc_nM": "Peak free zinc",
    "plateau_zinc_nM": "Plateau of free zinc",
    "baseline_zinc_nM": "Free zinc at rest",
    "half_time_s": "Half time",
    "auc_nM_s": "Area above the baseline",
    "rate_f_f0_per_s": "Initial rate of F/F0",
    "peak_f_f0": "Peak F/F0",
    "zinc_nM": "Free zinc",
    "f_f0": "F/F0",
}
"""What metrics and quantities are called on an axis; others by their own names."""


def axis_label(name: str, unit: str) -> str:
    """Write the label of an axis, with the unit."""
    return f"{NAMES.get(name, name)}{f' ({unit})' if unit else ''}"


def shown(text: str, most: int = 24) -> str:
    r"""Make a name fit into a figure: one line, no control characters, not too long.

    Examples
    --------
    >>> shown("Zn\n citrate"), shown("a very long name of a condition", 12)
    ('Zn citrate', 'a very long…')
    """
    plain = "".join(" " if unicodedata.category(c).startswith("C") else c for c in text[:1000])
    line = " ".join(plain.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


@dataclass(frozen=True)
class Arm:
    """One arm and its place along an axis.

    Attributes
    ----------
    key
        ``condition``, ``dose``, ``dose_unit``, ``group``.
    place
        Position; there is a gap between conditions with doses.
    """

    key: tuple[str, float, str, str]
    place: float

    @property
    def condition(self) -> str:
        """Condition, with the group of the reporter where there is one."""
        condition, _, _, group = self.key
        return shown(f"{condition} ({group})" if group else condition)

    @property
    def dose(self) -> str:
        """The dose without its unit; empty where there is none."""
        return "" if np.isnan(self.key[1]) else f"{self.key[1]:g}"

    def rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """Select the rows of the arm."""
        condition, dose, unit, group = self.key
        same_dose = table["dose"].isna() if np.isnan(dose) else table["dose"] == dose
        known = (table["condition"] == condition) & (table["group"] == group)
        return table[known & same_dose & (table["dose_unit"] == unit)]


def arms_of(table: pd.DataFrame) -> list[Arm]:
    """List the arms of a table: conditions as they come, the doses of each in order."""
    keys = table[ARM].drop_duplicates().itertuples(index=False, name=None)
    known = [(str(c), float(d), str(u), str(g)) for c, d, u, g in keys]
    series = list(dict.fromkeys((c, g) for c, _, _, g in known))
    ordered = sorted(known, key=lambda k: (series.index((k[0], k[3])), k[2], np.nan_to_num(k[1])))
    arms, place, before = [], 0.0, None
    for key in ordered:
        if before is not None:
            together = (before[0], before[3]) == (key[0], key[3]) or np.isnan(key[1])
            place += 1.0 if together else 1.6
        arms.append(Arm(key, place))
        before = key
    return arms


def label_arms(axis: Axes, arms: Sequence[Arm]) -> None:
    """Write doses along the horizontal axis, and the conditions below them."""
    places = [arm.place for arm in arms]
    axis.set_xlim(min(places) - 0.7, max(places) + 0.7)
    if not any(arm.dose for arm in arms):
        crowded = len(arms) > 6 or max(len(arm.condition) for arm in arms) * len(arms) > 80
        turned: dict[str, Any] = {"rotation": 40, "ha": "right"} if crowded else {}
        axis.set_xticks(places, [arm.condition for arm in arms], **turned)
        return
    axis.set_xticks(places, [arm.dose or "none" for arm in arms])
    units = {arm.key[2] for arm in arms if arm.key[2]}
    axis.set_xlabel(f"Dose ({shown(units.pop())})" if len(units) == 1 else "Dose", labelpad=24)
    line = blended_transform_factory(axis.transData, axis.transAxes)
    for name, own in _series(arms):
        ends = own[0].place - 0.35, own[-1].place + 0.35
        axis.plot(ends, (-0.1, -0.1), color=INK, lw=0.8, transform=line, clip_on=False)
        room = max(int(10.5 * (len(own) + 0.6) * 7 / (len(arms) + 2)), 6)
        axis.text(
            sum(ends) / 2, -0.12, shown(name, room), transform=line, ha="center", va="top", size=8.5
        )


def _series(arms: Sequence[Arm]) -> Iterator[tuple[str, list[Arm]]]:
    for name in dict.fromkeys((arm.key[0], arm.key[3]) for arm in arms):
        own = [arm for arm in arms if (arm.key[0], arm.key[3]) == name]
        yield own[0].condition, own


def experiment_looks(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Give each experiment a colour and a marker, in order: no two share both."""
    ordered = list(dict.fromkeys(names))
    n = len(SERIES)
    return {
        name: (SERIES[i % n], MARKERS[(i + i // n) % len(MARKERS)])
        for i, name in enumerate(ordered)
    }
