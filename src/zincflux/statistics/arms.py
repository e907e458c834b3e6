"""Arms of a study: which one is whose control, and which are compared as one family."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from zincflux.statistics.keys import ARM, arm_label
from zincflux.statistics.settings import StudySettings


@dataclass(frozen=True)
class Arm:
    """Cells with the same condition, dose and reporter group.

    Attributes
    ----------
    condition, dose, dose_unit, group
        As in the tables; the dose is None where there is none.
    """

    condition: str
    dose: float | None = None
    dose_unit: str = ""
    group: str = ""

    @property
    def label(self) -> str:
        """Name as people say it, without the group."""
        return arm_label(self.condition, np.nan if self.dose is None else self.dose, self.dose_unit)


@dataclass(frozen=True)
class Family:
    """Arms that are compared with one another.

    Attributes
    ----------
    arms
        Arms, the control among them if there is one.
    control
        The arm that the others are compared with.
    """

    arms: tuple[Arm, ...]
    control: Arm | None


def arms_of(table: pd.DataFrame) -> tuple[Arm, ...]:
    """List the arms of a table in the order of their keys."""
    keys = table[list(ARM)].drop_duplicates()
    return tuple(
        sorted({arm_of(*key) for key in keys.itertuples(index=False, name=None)}, key=_order)
    )


def arm_of(condition: Any, dose: Any, dose_unit: Any, group: Any = "") -> Arm:
    """Make an arm of the keys of a row, in which a dose that does not exist is NaN."""
    return Arm(str(condition), None if pd.isna(dose) else float(dose), str(dose_unit), str(group))


def _order(arm: Arm) -> tuple[str, str, str, float]:
    return arm.group, arm.condition, arm.dose_unit, -np.inf if arm.dose is None else arm.dose


def control_of(arm: Arm, arms: Sequence[Arm], settings: StudySettings) -> Arm | None:
    """Find the arm that an arm is compared with; None if there is none, or it is one itself.

    A dose is compared with the control dose of its own condition. Where its condition has none, and
    for arms without dose, the control is the named condition: at the control dose where it has
    doses, else as it is. The control dose of another condition is compared with that of the named
    one.
    """
    own = [a for a in arms if a.group == arm.group]
    if arm.dose is not None and arm.dose != settings.control_dose:
        # A dose of 0 may stand in the sheet without the unit of the others.
        found = _at(own, arm.condition, settings.control_dose, arm.dose_unit)
        if found is not None:
            return found
    if settings.control is None or arm.condition == settings.control:
        return None
    found = _at(own, settings.control, settings.control_dose, arm.dose_unit)
    return found or _at(own, settings.control, None, "")


def same_dose_control(arm: Arm, arms: Sequence[Arm], settings: StudySettings) -> Arm | None:
    """Find the arm of the control condition at the same dose, where that is another question.

    It is not where `control_of` gives the same arm, or the condition is the control.
    """
    if settings.control is None or arm.condition == settings.control or arm.dose is None:
        return None
    own = [a for a in arms if a.group == arm.group]
    found = _at(own, settings.control, arm.dose, arm.dose_unit)
    return None if found == control_of(arm, arms, settings) else found


def _at(arms: Iterable[Arm], condition: str, dose: float | None, unit: str) -> Arm | None:
    """Find a condition at a dose; a dose of 0 is the same in any unit, but best in its own."""
    found = [arm for arm in arms if arm.condition == condition and arm.dose == dose]
    same = [arm for arm in found if arm.dose_unit == unit]
    return next(iter(same or ([] if dose else found)), None)


def families(arms: Sequence[Arm], settings: StudySettings) -> tuple[Family, ...]:
    """Group the arms into those that are compared together.

    The doses of a condition are one family, with the control of its doses; the conditions that
    have one arm each are one, with the named control. The groups of the reporter are apart.
    """
    result = []
    for group in sorted({arm.group for arm in arms}):
        own = [arm for arm in arms if arm.group == group]
        conditions = sorted({arm.condition for arm in own})
        by_condition = {name: [a for a in own if a.condition == name] for name in conditions}
        single = [members[0] for members in by_condition.values() if len(members) == 1]
        for members in by_condition.values():
            if len(members) > 1:
                result.append(_family(members, own, settings))
        if len(single) > 1:
            result.append(_family(single, own, settings))
    return tuple(result)


def _family(members: Sequence[Arm], arms: Sequence[Arm], settings: StudySettings) -> Family:
    """Add the control that most of the arms have, unless it is one of them."""
    controls = [control_of(arm, arms, settings) for arm in members]
    # The control dose of a treatment has the control condition as its own control.
    inner = [c for c in controls if c is not None and c in members]
    known = inner or [c for c in controls if c is not None]
    control = max(sorted(set(known), key=_order), key=known.count) if known else None
    outer = [control] if control is not None and control not in members else []
    return Family(tuple(sorted([*members, *outer], key=_order)), control)


def missing_control(
    conditions: Iterable[str], doses: Iterable[float | None], settings: StudySettings
) -> str:
    """Say in one sentence what is wrong with the names of controls; empty if nothing is.

    Parameters
    ----------
    conditions, doses
        What the rows of the sheet name, in the same order; a dose is NaN or None where there is
        none.
    settings
        The settings of the study.
    """
    names = list(conditions)
    known = ", ".join(repr(name) for name in sorted(set(names)))
    for key in ("control", "subtract_control"):
        name = getattr(settings, key)
        if name is not None and name not in names:
            return f"study.{key}: expected one of the conditions {known}; found {name!r}."
    if settings.control is not None:
        return ""
    dosed = {
        name
        for name, dose in zip(names, doses, strict=True)
        if dose is not None and dose == settings.control_dose
    }
    without = sorted(set(names) - dosed)
    if not without or (len(set(names)) == 1 and not dosed):
        return ""
    listed = ", ".join(repr(name) for name in without)
    return (
        f"No control is named, so that {listed} have no fold change. Set study.control to one of "
        f"the conditions {known}."
    )
