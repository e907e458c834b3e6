"""Levels of the arms of one metric, by experiment, and what stands in the way of comparing them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from zincflux.statistics.arms import Arm, arm_of, arms_of
from zincflux.statistics.dishes import Scale, experiment_levels, scale_of
from zincflux.statistics.keys import notes


@dataclass(frozen=True, eq=False)
class Levels:
    """One metric of a study.

    Attributes
    ----------
    arms
        All arms, also those without a number.
    scale
        How levels are compared; levels are logarithms with "log ratio".
    corrected
        Whether they are rates without that of a control.
    level, n_cells, n_dishes
        For each arm by the name of the experiment.
    beyond
        For each arm with dishes whose level lies beyond the calibrated range, the remark about it:
        to compare what is left would be to choose by the outcome.
    """

    arms: tuple[Arm, ...]
    scale: Scale
    corrected: bool
    level: dict[Arm, dict[str, float]]
    n_cells: dict[Arm, dict[str, int]]
    n_dishes: dict[Arm, dict[str, int]]
    beyond: dict[Arm, str]

    def counts(self, arms: Iterable[Arm], experiments: Iterable[str]) -> tuple[int, int, int]:
        """Count cells, dishes and experiments that a comparison rests on."""
        names = set(experiments)
        cells = sum(n for arm in arms for name, n in self.n_cells[arm].items() if name in names)
        dishes = sum(n for arm in arms for name, n in self.n_dishes[arm].items() if name in names)
        return cells, dishes, len(names)

    def remarks(self, arms: Iterable[Arm]) -> str:
        """Say why these arms cannot be compared; empty if they can."""
        return notes([self.beyond.get(arm, "") for arm in arms])

    @property
    def no_ratio(self) -> str:
        """Remark on why differences are compared; empty where ratios are."""
        if self.corrected:
            return "corrected rates are compared by differences"
        if self.scale == "difference":
            return "some dishes have levels of 0 or less, so that differences stand for ratios"
        return ""

    @property
    def unnamed(self) -> str:
        """Remark that the sheet names no experiments; empty if it does."""
        names = {name for own in self.level.values() for name in own}
        return "the sheet names no experiments, so that all dishes count as one" * (names == {""})


def levels_of_arms(dishes: pd.DataFrame, *, corrected: bool = False) -> Levels:
    """Bring dishes together by arm and experiment.

    Parameters
    ----------
    dishes
        What `zincflux.statistics.dish_levels` gave.
    corrected
        Whether they are rates without that of a control.
    """
    arms, scale = arms_of(dishes), scale_of(dishes, corrected=corrected)
    level: dict[Arm, dict[str, float]] = {arm: {} for arm in arms}
    n_cells: dict[Arm, dict[str, int]] = {arm: {} for arm in arms}
    n_dishes: dict[Arm, dict[str, int]] = {arm: {} for arm in arms}
    columns = ["condition", "dose", "dose_unit", "group", "experiment"]
    columns += ["level", "n_cells", "n_dishes"]
    rows = experiment_levels(dishes, scale)[columns]
    for *key, experiment, value, cells, count in rows.itertuples(index=False, name=None):
        arm = arm_of(*key)
        level[arm][str(experiment)] = float(value)
        n_cells[arm][str(experiment)] = int(cells)
        n_dishes[arm][str(experiment)] = int(count)
    return Levels(arms, scale, corrected, level, n_cells, n_dishes, _beyond(dishes))


def _beyond(dishes: pd.DataFrame) -> dict[Arm, str]:
    measured = dishes[dishes.n_cells > 0]
    grouped = measured.groupby(
        ["condition", "dose", "dose_unit", "group"], dropna=False, observed=True
    )
    result = {}
    for key, own in grouped:
        sides = sorted(set(own.beyond) - {""})
        if sides:
            arm, n = arm_of(*key), int((own.beyond != "").sum())
            what = _SIDES.get(sides[0], _BOTH) if len(sides) == 1 else _BOTH
            result[arm] = (
                f"{arm.label}: {n} of {len(own)} dishes {what}, so that it is not compared"
            )
    return result


_BOTH = "lie beyond the calibrated range"
_SIDES = {
    "below": "lie below the calibrated range",
    "above": "lie above the calibrated range",
    "not positive": "have numbers of 0 or less, and no geometric mean",
}
