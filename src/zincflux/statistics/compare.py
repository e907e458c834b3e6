"""All tests of one metric."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from zincflux.statistics.arms import Arm, Family, arm_of, families, same_dose_control
from zincflux.statistics.contrasts import against_controls
from zincflux.statistics.control import is_corrected
from zincflux.statistics.dishes import levels_of_dishes
from zincflux.statistics.groups import group_rows
from zincflux.statistics.keys import ARM, MIN_EXPERIMENTS, notes, tidy
from zincflux.statistics.levels import Levels, levels_of_arms
from zincflux.statistics.mixed import MixedEffect, mixed_model
from zincflux.statistics.rows import Row, row_against_control, table_of_rows
from zincflux.statistics.settings import StudySettings
from zincflux.statistics.several import Model, Pair, compare_pairs, fit_arms


def compare(values: pd.DataFrame, settings: StudySettings, metric: str = "") -> pd.DataFrame:
    """Compare the arms of one metric, always over experiments.

    Parameters
    ----------
    values
        One row per cell, as `zincflux.statistics.keys.tidy` describes it.
    settings
        Names the control and the error probability.
    metric
        Name of the metric; rates without that of a control are compared by differences.

    Returns
    -------
    pandas.DataFrame
        One row per test with the columns `zincflux.statistics.rows.COLUMNS`: each arm against its
        control (these are the headline), then conditions at the same dose, analysis of variance
        with Dunnett's or Tukey's test, the mixed model, and reporter groups within dishes.
    """
    cells = tidy(values)
    dishes = levels_of_dishes(cells, settings.level)
    levels = levels_of_arms(dishes, corrected=is_corrected(metric, settings))
    return tests_of(cells, dishes, levels, settings)


def tests_of(
    cells: pd.DataFrame, dishes: pd.DataFrame, levels: Levels, settings: StudySettings
) -> pd.DataFrame:
    """Do the same for cells, dishes and levels in their own form."""
    rows = [
        row_against_control(one, levels, is_headline=True)
        for one in against_controls(levels, settings)
    ]
    rows += [
        row_against_control(one, levels, is_headline=False)
        for one in against_controls(levels, settings, same_dose_control)
    ]
    for family in families(levels.arms, settings):
        rows += _variance_rows(family, levels, settings)
        rows += _mixed_rows(family, levels, cells, dishes, settings)
    return table_of_rows(rows + group_rows(dishes, levels, settings))


def _variance_rows(family: Family, levels: Levels, settings: StudySettings) -> list[Row]:
    """Analysis of variance, and what follows it; none for two arms, which the t test compares."""
    if len(family.arms) < 3:
        return []
    reasons = [_reason_against(arm, levels) for arm in family.arms]
    used = [arm for arm, reason in zip(family.arms, reasons, strict=True) if not reason]
    remark = notes(reasons)
    anova: Row = {"group": family.arms[0].group, "test": "analysis of variance", "scale": "F"}
    anova["compared"] = ", ".join(f"{arm.label!r}" for arm in used)
    if len(used) < 3:
        return [anova | {"compared": "", "note": notes([remark, "fewer than three arms are left"])}]
    model = fit_arms([levels.level[arm] for arm in used])
    names = sorted({name for arm in used for name in levels.level[arm]})
    counts = dict(
        zip(("n_cells", "n_dishes", "n_experiments"), levels.counts(used, names), strict=True)
    )
    if model is None:
        return [anova | counts | {"note": notes([remark, "nothing is left to tell scatter from"])}]
    blocks = (
        "levels of experiments taken out"
        if model.blocked
        else ("experiments do not link all arms: compared as if all were separate")
    )
    remark = notes([remark, blocks])
    rows = [anova | counts | _of_anova(model, remark)]
    control = used.index(family.control) if family.control in used else None
    if settings.comparison == "dunnett" and control is None:
        rows[0]["note"] = notes([remark, "no control with numbers, which Dunnett's test needs"])
    pairs = compare_pairs(model, control, settings.comparison, settings.alpha)
    return rows + [_of_pair(pair, used, levels, model, settings) for pair in pairs]


def _reason_against(arm: Arm, levels: Levels) -> str:
    remark = levels.remarks([arm])
    if remark:
        return remark
    n = len(levels.level[arm])
    if n < MIN_EXPERIMENTS:
        return f"{arm.label}: left out, with too few experiments ({n})"
    return ""


def _of_anova(model: Model, remark: str) -> Row:
    freedom = f"F({model.f_df}, {model.df})"
    return {
        "statistic": model.f_statistic,
        "df": float(model.df),
        "p_value": model.f_p_value,
        "effect_size": model.omega_squared,
        "effect_measure": "partial omega squared",
        "note": notes([freedom, remark]),
    }


def _of_pair(
    pair: Pair, arms: Sequence[Arm], levels: Levels, model: Model, settings: StudySettings
) -> Row:
    first, second = arms[pair.first], arms[pair.second]
    names = {*levels.level[first], *levels.level[second]}
    n_cells, n_dishes, n_experiments = levels.counts([first, second], names)
    name = "Dunnett" if settings.comparison == "dunnett" else "Tukey"
    return {
        "group": first.group,
        "test": f"{name}'s test",
        "compared": first.label,
        "control": second.label,
        "n_cells": n_cells,
        "n_dishes": n_dishes,
        "n_experiments": n_experiments,
        "estimate": pair.estimate,
        "scale": levels.scale,
        "low": pair.low,
        "high": pair.high,
        "statistic": pair.statistic,
        "df": float(model.df),
        "p_value": pair.p_value,
        "p_adjusted": pair.p_adjusted,
        "adjustment": name,
        "note": "the interval is adjusted as well",
    }


def _mixed_rows(
    family: Family,
    levels: Levels,
    cells: pd.DataFrame,
    dishes: pd.DataFrame,
    settings: StudySettings,
) -> list[Row]:
    """Rows of the mixed model, where the family has a control."""
    if family.control is None:
        return []
    arms = {arm: str(i) for i, arm in enumerate(family.arms)}
    table = _cells_of(arms, cells, dishes, levels.scale)
    found = mixed_model(table, arms[family.control], settings.alpha)
    by_name = {name: arm for arm, name in arms.items()}
    return [
        _of_mixed(effect, by_name[effect.arm], family.control, levels, table) for effect in found
    ]


def _cells_of(
    arms: dict[Arm, str], cells: pd.DataFrame, dishes: pd.DataFrame, scale: str
) -> pd.DataFrame:
    """Give the cells of some arms in the form of the mixed model."""
    keys = [
        arms.get(arm_of(*key), "") for key in dishes[list(ARM)].itertuples(index=False, name=None)
    ]
    number = cells.number.to_numpy()
    level = (
        np.log(number, where=number > 0, out=np.full(len(number), np.nan))
        if scale == "log ratio"
        else number
    )
    code = cells.dish.to_numpy()
    table = pd.DataFrame(
        {
            "arm": np.array(keys, dtype=object)[code],
            "experiment": dishes.experiment.astype(str).to_numpy(dtype=object)[code],
            "dish": code,
            "level": level,
            # A number without a logarithm is no more usable than one beyond the range.
            "censored": np.isnan(level) & ~np.isnan(cells.ranked.to_numpy()),
        }
    )
    return table[(table.arm != "").to_numpy()]


def _of_mixed(
    effect: MixedEffect, arm: Arm, control: Arm, levels: Levels, table: pd.DataFrame
) -> Row:
    return {
        "group": arm.group,
        "test": "mixed model",
        "compared": arm.label,
        "control": control.label,
        "n_cells": effect.n_cells,
        "n_dishes": int(table.dish.nunique()) if effect.n_cells else 0,
        "n_experiments": effect.n_experiments,
        "estimate": effect.estimate,
        "scale": levels.scale,
        "low": effect.low,
        "high": effect.high,
        "statistic": effect.statistic,
        "df": effect.df,
        "p_value": effect.p_value,
        "converged": effect.converged,
        "note": effect.note,
    }
