"""Fold changes in the layout in which papers print them: doses down, conditions across."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zincflux.statistics.keys import arm_label


def fold_table(conditions: pd.DataFrame) -> pd.DataFrame:
    """Lay out the fold changes of one metric relative to the 0 group, one row per dose.

    Parameters
    ----------
    conditions
        What `zincflux.statistics.summarise_conditions` gave for the metric; arms without dose are
        left out.

    Returns
    -------
    pandas.DataFrame
        ``dose``, ``dose_unit``, and for each condition (and group) ``<name> fold``, ``<name> low``,
        ``<name> high`` and ``<name> n`` (experiments). The control dose itself is 1 without
        interval. Differences stand in the place of folds, named ``<name> difference``, where the
        metric is compared by them.
    """
    dosed = conditions[conditions.dose.notna()]
    kind = "fold" if dosed.difference.isna().all() else "difference"
    middle = {"fold": "fold_change", "difference": "difference"}[kind]
    rows = pd.DataFrame({"dose": dosed.dose, "dose_unit": dosed.dose_unit})
    result = rows.drop_duplicates().sort_values(["dose_unit", "dose"]).reset_index(drop=True)
    for (condition, group), own in dosed.groupby(["condition", "group"], sort=True, observed=True):
        name = ", ".join(str(part) for part in (condition, group) if part != "")
        controls = set(own.control) - {""}
        is_control = np.array(
            [
                arm_label(str(condition), dose, str(unit)) in controls
                for dose, unit in zip(own.dose, own.dose_unit, strict=True)
            ]
        )
        neutral = 1.0 if kind == "fold" else 0.0
        own_columns = pd.DataFrame(
            {
                "dose": own.dose,
                "dose_unit": own.dose_unit,
                f"{name} {kind}": np.where(is_control, neutral, own[middle]),
                f"{name} low": own[f"{kind}_low"].where(~is_control),
                f"{name} high": own[f"{kind}_high"].where(~is_control),
                f"{name} n": own.n_experiments,
            }
        )
        result = result.merge(own_columns, on=["dose", "dose_unit"], how="left")
    return result
