"""Wide tables, as graphing programs for scientists want them pasted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from zincflux.results.study import Study
from zincflux.statistics import arm_label, fold_table

ARM = ["condition", "dose", "dose_unit", "group"]
_TOLD = ["metric", "phase", "region"]


def wide_tables(study: Study) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give the wide tables of a study by the name of their file, without ending.

    Of every metric (and phase and region, where there are several) ``…_dishes``: one column per
    arm, one row per dish; ``…_experiments``: one row per experiment, the mean of its dishes; where
    there are doses ``…_doses``: the dose, then for each condition one column per experiment, with
    mean, standard error and number, and ``…_folds``: fold changes over the control with interval,
    as papers print them. Of every course ``course_…``: the time, then for each arm
    mean, standard error and number of experiments.
    """
    phases = [phase for phase in dict.fromkeys(study.dishes["phase"]) if phase]
    for told, dishes in study.dishes.groupby(_TOLD, sort=False):
        metric, phase, region = (str(part) for part in told)
        stem = file_stem(metric, phase, region, phases)
        yield f"{stem}_dishes", _by_row(dishes, ["experiment", "replicate"])
        yield f"{stem}_experiments", _by_row(dishes, ["experiment"])
        if dishes["dose"].notna().any():
            yield f"{stem}_doses", _by_dose(dishes[dishes["dose"].notna()])
            same = {"metric": metric, "phase": phase, "region": region}
            yield f"{stem}_folds", _folds(study.conditions, same)
    for told, courses in study.courses.groupby(["quantity", "region"], sort=False):
        names = [str(part) for part in told]
        yield "_".join(["course", *filter(None, names)]), _over_time(courses)


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


def arm_names(table: pd.DataFrame) -> pd.Series[str]:
    """Name the arm of each row, with the group of the reporter where there is one."""
    names = [
        arm_label(str(condition), float(dose), str(unit)) + (f" ({group})" if group else "")
        for condition, dose, unit, group in table[ARM].itertuples(index=False, name=None)
    ]
    return pd.Series(names, index=table.index, dtype=object)


def _by_row(dishes: pd.DataFrame, rows: list[str]) -> pd.DataFrame:
    """Put arms side by side; a name that two arms share gets both into one column."""
    arms = arm_names(dishes)
    columns = list(dict.fromkeys(arms))
    level = dishes.groupby([*(dishes[name] for name in rows), arms], sort=False)["level"].mean()
    wide = level.unstack().reindex(columns=columns).reset_index()
    wide.columns = pd.Index([*rows, *columns])
    return wide


def _by_dose(dishes: pd.DataFrame) -> pd.DataFrame:
    """Put doses below one another, and conditions side by side with their experiments."""
    parts = {"dose": pd.Series(np.sort(dishes["dose"].unique()))}
    series = arm_names(dishes.assign(dose=np.nan))
    units = dishes["dose_unit"].replace("", np.nan).dropna().unique()
    for name in dict.fromkeys(series):
        own = dishes[series == name]
        level = own.groupby(["dose", "experiment"])["level"].mean().unstack(sort=False)
        level = level.reindex(parts["dose"])
        for experiment in level:
            parts[f"{name}, {experiment}"] = level[experiment].reset_index(drop=True)
        summary = {
            "mean": level.mean(axis=1),
            "SEM": level.sem(axis=1),
            "n": level.notna().sum(axis=1),
        }
        for what, numbers in summary.items():
            parts[f"{name}: {what}"] = numbers.reset_index(drop=True)
    table = pd.DataFrame(parts)
    unit = f" ({units[0]})" if len(units) == 1 else ""
    return table.rename(columns={"dose": f"dose{unit}"})


def _folds(conditions: pd.DataFrame, told: Mapping[str, str]) -> pd.DataFrame:
    for name, value in told.items():
        conditions = conditions[conditions[name] == value]
    return fold_table(conditions)


def _over_time(courses: pd.DataFrame) -> pd.DataFrame:
    times = np.sort(courses["time_s"].unique())
    parts = {"time_s": pd.Series(times)}
    arms = arm_names(courses)
    for name in dict.fromkeys(arms):
        own = courses[arms == name].drop_duplicates("time_s").set_index("time_s").reindex(times)
        columns = {"mean": "mean_of_dishes", "SEM": "sem_of_dishes", "n": "n_experiments"}
        for what, column in columns.items():
            numbers = own[column].reset_index(drop=True)
            parts[f"{name}: {what}"] = numbers.astype("Int64") if what == "n" else numbers
    return pd.DataFrame(parts)
