"""Wide tables, as graphing programs for scientists want them pasted."""

from __future__ import annotations

import itertools
import re
from collections.abc import Container, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from zincflux.results.study import Study
from zincflux.statistics import arm_label, fold_table

ARM = ["condition", "dose", "dose_unit", "group"]
_TOLD = ["metric", "phase", "region"]

Arm = tuple[str, float | None, str, str]
"""Condition, dose, unit of the dose, and group."""

_FIRST = ("experiment", "replicate")
"""Columns that stand in front of those of the arms."""


def wide_tables(study: Study) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give the wide tables of a study by the name of their file, without ending.

    Of every metric (and phase and region, where there are several) ``…_dishes``: one column per
    arm, one row per dish; ``…_experiments``: one row per experiment, the mean of its dishes; where
    there are doses ``…_doses``: the dose, then for each condition one column per experiment, with
    mean, standard error and number, and ``…_folds``: fold changes over the control with interval,
    as papers print them. Of every course ``course_…``: the time, then for each arm
    mean, standard error and number of experiments. An arm has the same name in all of them.
    """
    names = arm_names(pd.concat([study.dishes[ARM], study.courses[ARM]], ignore_index=True))
    phases = [phase for phase in dict.fromkeys(study.dishes["phase"]) if phase]
    for told, dishes in study.dishes.groupby(_TOLD, sort=False):
        metric, phase, region = (str(part) for part in told)
        stem = file_stem(metric, phase, region, phases)
        yield f"{stem}_dishes", _by_row(dishes, [*_FIRST], names)
        yield f"{stem}_experiments", _by_row(dishes, ["experiment"], names)
        if dishes["dose"].notna().any():
            yield f"{stem}_doses", _by_dose(dishes[dishes["dose"].notna()])
            same = {"metric": metric, "phase": phase, "region": region}
            yield f"{stem}_folds", _folds(study.conditions, same)
    for told, courses in study.courses.groupby(["quantity", "region"], sort=False):
        parts = [str(part) for part in told]
        yield "_".join(["course", *filter(None, parts)]), _over_time(courses, names)


def file_stem(metric: str, phase: str, region: str, phases: Sequence[str]) -> str:
    """Name the files about a metric; the phase only where the study has several."""
    named = file_part(phase, phases.index(phase)) if phase and len(phases) > 1 else ""
    return "_".join(part for part in (metric, named, region) if part)


def file_part(name: str, number: int) -> str:
    """Make a part of a file name of any text; its number tells it from others.

    Examples
    --------
    >>> file_part("Zn + pyrithione", 1), file_part("<&>", 2)
    ('2-Zn-pyrithione', '3')
    """
    words = re.findall(r"[A-Za-z0-9]+", name)
    return "-".join([str(number + 1), *words])[:40].rstrip("-")


def arm_names(table: pd.DataFrame) -> dict[Arm, str]:
    """Name every arm, with the group of the reporter where there is one.

    Arms that would share a name are numbered: a name is a column, which holds one arm only.

    Parameters
    ----------
    table
        Rows with the columns of an arm, in the order in which numbers are given.
    """
    names: dict[Arm, str] = {}
    for arm in dict.fromkeys(_arms(table)):
        condition, dose, unit, group = arm
        name = arm_label(condition, np.nan if dose is None else dose, unit)
        names[arm] = _free(_with_group(name, group), {*names.values(), *_FIRST})
    return names


def _with_group(name: str, group: str) -> str:
    return name + (f" ({group})" if group else "")


def _free(name: str, taken: Container[str]) -> str:
    """Give a name that is not taken: with the first number from 2 that makes it so."""
    if name not in taken:
        return name
    numbered = (f"{name} ({number})" for number in itertools.count(2))
    return next(other for other in numbered if other not in taken)


def _arms(table: pd.DataFrame) -> list[Arm]:
    """Give the arm of each row; no dose is None, since NaN equals nothing."""
    return [
        (str(condition), None if np.isnan(dose) else float(dose), str(unit), str(group))
        for condition, dose, unit, group in table[ARM].itertuples(index=False, name=None)
    ]


def _by_row(dishes: pd.DataFrame, rows: list[str], names: Mapping[Arm, str]) -> pd.DataFrame:
    """Put arms side by side."""
    arms = pd.Series([names[arm] for arm in _arms(dishes)], index=dishes.index, dtype=object)
    columns = list(dict.fromkeys(arms))
    level = dishes.groupby([*(dishes[name] for name in rows), arms], sort=False)["level"].mean()
    wide = level.unstack().reindex(columns=columns).reset_index()
    wide.columns = pd.Index([*rows, *columns])
    return wide


def _by_dose(dishes: pd.DataFrame) -> pd.DataFrame:
    """Put doses below one another, and conditions side by side with their experiments.

    Where there are several units, each has rows of its own, and a column tells which.
    """
    units = list(dict.fromkeys(dishes["dose_unit"].astype(str)))
    dishes = dishes.assign(unit=[units.index(str(unit)) for unit in dishes["dose_unit"]])
    places = dishes[["unit", "dose"]].drop_duplicates().sort_values(["unit", "dose"])
    unit = f" ({units[0]})" if len(units) == 1 and units[0] else ""
    columns = {f"dose{unit}": places["dose"].reset_index(drop=True)}
    if len(units) > 1:
        columns["dose_unit"] = places["unit"].map(dict(enumerate(units))).reset_index(drop=True)
    for (condition, group), own in dishes.groupby(["condition", "group"], sort=False):
        level = own.groupby(["unit", "dose", "experiment"])["level"].mean().unstack(sort=False)
        level = level.reindex(pd.MultiIndex.from_frame(places))
        name = _with_group(str(condition), str(group))
        parts = {f"{name}, {experiment}": level[experiment] for experiment in level}
        parts[f"{name}: mean"] = level.mean(axis=1)
        parts[f"{name}: SEM"] = level.sem(axis=1)
        parts[f"{name}: n"] = level.notna().sum(axis=1)
        for title, numbers in parts.items():
            columns[_free(title, columns)] = numbers.reset_index(drop=True)
    return pd.DataFrame(columns)


def _folds(conditions: pd.DataFrame, told: Mapping[str, str]) -> pd.DataFrame:
    for name, value in told.items():
        conditions = conditions[conditions[name] == value]
    return fold_table(conditions)


def _over_time(courses: pd.DataFrame, names: Mapping[Arm, str]) -> pd.DataFrame:
    times = np.sort(courses["time_s"].unique())
    parts = {"time_s": pd.Series(times)}
    arms = pd.Series([names[arm] for arm in _arms(courses)], index=courses.index, dtype=object)
    for name in dict.fromkeys(arms):
        own = courses[arms == name].set_index("time_s").reindex(times)
        columns = {"mean": "mean_of_dishes", "SEM": "sem_of_dishes", "n": "n_experiments"}
        for what, column in columns.items():
            numbers = own[column].reset_index(drop=True)
            parts[f"{name}: {what}"] = numbers.astype("Int64") if what == "n" else numbers
    return pd.DataFrame(parts)
