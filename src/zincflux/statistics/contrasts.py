"""Every arm against its control, over experiments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from zincflux.statistics.arms import Arm, control_of
from zincflux.statistics.keys import notes
from zincflux.statistics.levels import Levels
from zincflux.statistics.multiplicity import holm
from zincflux.statistics.ratios import Contrast, contrast
from zincflux.statistics.settings import StudySettings

FindControl = Callable[[Arm, Sequence[Arm], StudySettings], Arm | None]


@dataclass(frozen=True, eq=False)
class AgainstControl:
    """An arm against its control.

    Attributes
    ----------
    arm, control
        The two arms.
    found
        How they differ.
    p_adjusted
        By Holm's method over the arms of the same metric and group; NaN without a test.
    n_cells, n_dishes, n_experiments
        What it rests on, in both arms.
    """

    arm: Arm
    control: Arm
    found: Contrast
    p_adjusted: float
    n_cells: int
    n_dishes: int
    n_experiments: int


def against_controls(
    levels: Levels, settings: StudySettings, find: FindControl = control_of
) -> tuple[AgainstControl, ...]:
    """Compare every arm that has a control with it.

    Parameters
    ----------
    levels
        One metric of the study.
    settings
        Names the control.
    find
        How the control of an arm is found.
    """
    result = []
    for group in sorted({arm.group for arm in levels.arms}):
        own = [
            _compared(arm, control, levels, settings.alpha)
            for arm in levels.arms
            if arm.group == group and (control := find(arm, levels.arms, settings)) is not None
        ]
        adjusted = holm([one.found.p_value for one in own])
        result += [replace(one, p_adjusted=float(p)) for one, p in zip(own, adjusted, strict=True)]
    return tuple(result)


def _compared(arm: Arm, control: Arm, levels: Levels, alpha: float) -> AgainstControl:
    reason = levels.remarks([arm, control])
    found = (
        Contrast(note=reason)
        if reason
        else contrast(levels.level[arm], levels.level[control], alpha)
    )
    if np.isnan(found.p_value) and levels.unnamed:
        found = replace(found, note=notes([found.note, levels.unnamed]))
    counts = levels.counts([arm, control], found.experiments)
    return AgainstControl(arm, control, found, np.nan, *counts)
