"""Rates without what a leak, or the vehicle, does."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zincflux.statistics.dishes import levels_of_dishes
from zincflux.statistics.keys import DISH, tidy
from zincflux.statistics.settings import RATES, StudySettings


def is_rate(metric: str) -> bool:
    """Tell whether a metric is a slope, from which that of a control can be subtracted."""
    return metric in RATES


def is_corrected(metric: str, settings: StudySettings) -> bool:
    """Tell whether the slope of a control is subtracted from a metric.

    What is left is as often below 0 as above where there is no uptake: it is compared by
    differences, whatever the signs in one study.
    """
    return settings.subtract_control is not None and is_rate(metric)


def subtract_control_rates(
    values: pd.DataFrame, control: str, control_dose: float = 0.0
) -> pd.DataFrame:
    """Subtract the control's mean slope, in the same experiment, from the rate of every cell.

    The slope is the mean over the control's dishes of their mean rate; only dishes at the control
    dose count where the control has it, and only those of the same reporter group where the control
    has that group. That it is known with an error of its own makes no interval too narrow: the
    error is part of what differs between experiments.

    Parameters
    ----------
    values
        One row per cell, as `zincflux.statistics.keys.tidy` describes it.
    control
        Name of the condition.
    control_dose
        Its dose, if it has several.

    Returns
    -------
    pandas.DataFrame
        The same rows; NaN (missing) where the experiment has no control. A cell beyond the range
        stays so.
    """
    cells = tidy(values)
    rates = levels_of_dishes(cells, "mean")
    own = rates[(rates.condition.astype(str) == control) & np.isfinite(rates["level"])]
    if (own.dose == control_dose).any():
        own = own[own.dose == control_dose]
    slopes = own.groupby(["experiment", "group"], observed=True)["level"].mean()
    common = own.groupby("experiment", observed=True)["level"].mean()
    keys = rates[list(DISH)]
    subtracted = np.array(
        [
            slopes.get((experiment, group), common.get(experiment, np.nan))
            for experiment, group in zip(keys.experiment, keys.group, strict=True)
        ],
        dtype=np.float64,
    )
    number = pd.to_numeric(values["value"], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return values.assign(value=number - subtracted[cells.dish.to_numpy()])
