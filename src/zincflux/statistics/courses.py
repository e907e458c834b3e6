"""Courses of single dishes pooled over experiments."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from zincflux.statistics.keys import ARM, MIN_EXPERIMENTS

COLUMNS: tuple[str, ...] = (
    *ARM,
    *("time_s", "n_cells", "n_dishes", "n_experiments", "median", "mean_of_dishes"),
    *("sem_of_dishes", "low", "high"),
)


def pool_courses(courses: pd.DataFrame, alpha: float = 0.05) -> pd.DataFrame:
    """Average the courses of dishes: within each experiment first, then over experiments.

    Parameters
    ----------
    courses
        One row per dish and time: ``condition``, ``dose``, ``dose_unit``, ``group``,
        ``experiment``, ``replicate``, ``time_s``, ``value`` (what stands for the dish; NaN, or
        ±inf beyond the calibrated range) and, where known, ``n_cells``. All dishes have the same
        times.
    alpha
        The interval holds 1 − alpha.

    Returns
    -------
    pandas.DataFrame
        One row per arm and time: ``median`` over dishes, those beyond the range ranked; mean over
        experiments and its standard error, with a t interval from three experiments on. The mean is
        blank where a dish lies beyond the range, the interval also with fewer experiments.
    """
    keys = [*ARM, "time_s"]
    known = courses[courses.value.notna()]
    known = known.assign(
        n_cells=known.get("n_cells", 0),
        beyond=np.isinf(known.value.to_numpy(np.float64)),
    )
    grouped = known.groupby(keys, sort=True, dropna=False, observed=True)
    by_experiment = known.groupby([*keys, "experiment"], sort=True, dropna=False, observed=True)[
        "value"
    ].mean()
    over = by_experiment.groupby(
        level=list(range(len(keys))), sort=True, dropna=False, observed=True
    )
    with np.errstate(invalid="ignore"):  # infinities, blanked below
        table = pd.DataFrame(
            {
                "n_cells": grouped["n_cells"].sum().astype(np.int64),
                "n_dishes": grouped.size().astype(np.int64),
                "n_experiments": over.size().astype(np.int64),
                "median": grouped["value"].median(),
                "mean_of_dishes": over.mean(),
                "sem_of_dishes": over.sem(),
            }
        )
    beyond = grouped["beyond"].any()
    table.loc[beyond, ["mean_of_dishes", "sem_of_dishes"]] = np.nan
    table["median"] = table["median"].where(np.isfinite(table["median"]))
    n = table.n_experiments.to_numpy()
    t = stats.t.ppf(1 - alpha / 2, np.maximum(n - 1, 1))
    reach = np.where(n >= MIN_EXPERIMENTS, t * table.sem_of_dishes, np.nan)
    table["low"], table["high"] = table.mean_of_dishes - reach, table.mean_of_dishes + reach
    return table.reset_index()[list(COLUMNS)]
