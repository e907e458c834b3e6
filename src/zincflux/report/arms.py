"""Arms of a study as they are named and drawn: the same everywhere on the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from zincflux.report.page import clip
from zincflux.statistics.keys import arm_label

COLOURS = 7
"""Colours of the style sheet that tell conditions apart."""

DASHES = 6
NAME_LENGTH = 60


@dataclass(frozen=True)
class Arm:
    """Cells with the same condition, dose and reporter group, and how they are drawn.

    Attributes
    ----------
    condition, dose, dose_unit, group
        As in the tables; the dose is NaN where there is none.
    place
        Number of the arm, from 0, in the order in which arms are shown.
    colour, dash, marker, opacity
        By the condition, and by the dose within it; no two conditions share colour and dash.
    """

    condition: str
    dose: float
    dose_unit: str
    group: str
    place: int = 0
    colour: int = 0
    dash: int = 0
    marker: int = 0
    opacity: float = 1.0

    @property
    def name(self) -> str:
        """Name for people, cut to a length that a legend can hold."""
        group = f", reporter {self.group}" if self.group else ""
        label = arm_label(self.condition, self.dose, self.dose_unit)
        return clip(label, NAME_LENGTH) + group

    @property
    def short(self) -> str:
        """Name below an axis on which arms of one condition stand together."""
        if np.isnan(self.dose):
            return self.name
        return f"{self.dose:g}"

    @property
    def title(self) -> str:
        """Name of all doses of the condition, with their unit."""
        unit = f" ({clip(self.dose_unit, 12)})" if self.dose_unit else ""
        group = f", reporter {self.group}" if self.group else ""
        return clip(self.condition, NAME_LENGTH) + unit + group

    @property
    def key(self) -> str:
        """Name by which the legend hides and shows it."""
        return f"arm{self.place}"

    def rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """Select the rows of a table that belong to the arm."""
        dose = table["dose"].to_numpy(dtype=np.float64)
        same = np.isnan(dose) if np.isnan(self.dose) else dose == self.dose
        for key in ("condition", "dose_unit", "group"):
            same = same & (table[key] == getattr(self, key)).to_numpy(dtype=bool)
        return table.loc[np.asarray(same)]


def records(table: pd.DataFrame) -> list[Any]:
    """Give the rows of a table as tuples with names."""
    return list(table.itertuples(index=False))


def arms_of(*tables: pd.DataFrame, control: str | None = None) -> tuple[Arm, ...]:
    """List the arms of tables in the order in which they are shown.

    The control condition comes first, then the others as the tables name them; doses rise.

    Parameters
    ----------
    tables
        Tables with ``condition``, ``dose``, ``dose_unit`` and ``group``.
    control
        Name of the control condition.
    """
    keys = pd.concat([t[["condition", "dose", "dose_unit", "group"]] for t in tables])
    rows = [
        (str(condition), float(dose), str(unit), str(group))
        for condition, dose, unit, group in records(keys)
    ]
    unique = {repr(row): row for row in rows}.values()
    conditions = list(dict.fromkeys(row[0] for row in unique))
    conditions.sort(key=lambda name: name != control)
    groups = sorted({row[3] for row in unique}, key=("positive", "negative", "").index)
    ordered = sorted(
        unique,
        key=lambda row: (
            groups.index(row[3]),
            conditions.index(row[0]),
            row[2],
            -np.inf if np.isnan(row[1]) else row[1],
        ),
    )
    return tuple(_drawn(row, place, ordered, conditions) for place, row in enumerate(ordered))


def _drawn(
    row: tuple[str, float, str, str],
    place: int,
    rows: Sequence[tuple[str, float, str, str]],
    conditions: Sequence[str],
) -> Arm:
    condition, dose, unit, group = row
    doses = sorted({one[1] for one in rows if one[0] == condition and not np.isnan(one[1])})
    number = conditions.index(condition)
    groups = list(dict.fromkeys(one[3] for one in rows))
    opacity = 1.0
    if len(doses) > 1 and not np.isnan(dose):
        opacity = round(0.4 + 0.6 * doses.index(dose) / (len(doses) - 1), 2)
    return Arm(
        condition=condition,
        dose=dose,
        dose_unit=unit,
        group=group,
        place=place,
        colour=number % COLOURS,
        # 7 and 6 have no common divisor: 42 conditions differ in colour or dash.
        dash=(number + 3 * groups.index(group)) % DASHES,
        marker=number % DASHES,
        opacity=opacity,
    )


def groups_of(arms: Sequence[Arm]) -> list[dict[str, Any]]:
    """Describe neighbouring arms of one condition: what their doses have in common.

    Returns
    -------
    list
        ``name``, the first and last ``place`` in the sequence as ``from`` and ``to``, colour ``c``;
        empty where no arm has a dose.
    """
    if all(np.isnan(arm.dose) for arm in arms):
        return []
    result: list[dict[str, Any]] = []
    for place, arm in enumerate(arms):
        if np.isnan(arm.dose):
            continue
        if result and result[-1]["name"] == arm.title and result[-1]["to"] == place - 1:
            result[-1]["to"] = place
        else:
            result.append({"name": arm.title, "from": place, "to": place, "c": arm.colour})
    return result
