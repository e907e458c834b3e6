"""From cells to dishes, and from dishes to experiments."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from zincflux.movie import FloatArray
from zincflux.statistics.keys import ARM, DISH, MAX_CENSORED, tidy
from zincflux.statistics.settings import Level

Scale = Literal["log ratio", "difference"]
"""How two levels are compared: by the ln of their ratio, or by their difference."""


def dish_levels(values: pd.DataFrame, level: Level = "median") -> pd.DataFrame:
    """Summarise the cells of each dish.

    Parameters
    ----------
    values
        One row per cell, as `zincflux.statistics.keys.tidy` describes it.
    level
        What stands for a dish. The median counts cells below the calibrated range as lower, and
        cells above it as higher, than every number; means leave them out, and are blank where they
        are more than 5 %.

    Returns
    -------
    pandas.DataFrame
        One row per dish (and reporter group), sorted: the keys `DISH`; ``n_cells`` (with a number
        or beyond the range), of which ``n_below`` and ``n_above``; ``n_missing`` (neither);
        ``median``, ``mean``, ``geometric_mean`` (blank where a number is ≤ 0); ``level``, one of
        these; ``beyond``, why it is blank although there are cells: "below" or "above" the range,
        "both", or "not positive" (numbers without a geometric mean).
    """
    return levels_of_dishes(tidy(values), level)


def levels_of_dishes(cells: pd.DataFrame, level: Level) -> pd.DataFrame:
    """Do the same for a table that `zincflux.statistics.keys.tidy` has made."""
    number, ranked = cells.number.to_numpy(), cells.ranked.to_numpy()
    table = pd.DataFrame(
        {
            "dish": cells.dish.to_numpy(),
            "ranked": ranked,
            "number": number,
            "log": _log(number),
            "is_cell": ~np.isnan(ranked),
            "is_number": ~np.isnan(number),
            "below": ranked == -np.inf,
            "above": ranked == np.inf,
        }
    )
    grouped = table.groupby("dish", sort=True)
    sums = grouped[["is_cell", "is_number", "below", "above"]].sum().astype(np.int64)
    with np.errstate(invalid="ignore"):  # the middle of −inf and +inf
        middle = grouped["ranked"].median()
    result = pd.DataFrame(
        {
            "n_cells": sums.is_cell,
            "n_below": sums.below,
            "n_above": sums.above,
            "n_missing": grouped.size().astype(np.int64) - sums.is_cell,
            "median": middle,
            "mean": grouped["number"].mean(),
            "n_log": grouped["log"].count(),
            "geometric_mean": np.exp(grouped["log"].mean()),
        }
    )
    _withhold(result, sums.is_number)
    _choose(result, level)
    keys = cells.loc[~cells.dish.duplicated(), [*DISH, "dish"]].set_index("dish")
    return keys.join(result.drop(columns="n_log"), how="right").reset_index(drop=True)


def _log(number: FloatArray) -> FloatArray:
    logs: FloatArray = np.log(number, where=number > 0, out=np.full(len(number), np.nan))
    return logs


def _withhold(dishes: pd.DataFrame, n_numbers: pd.Series) -> None:
    """Blank the means of dishes with too many cells beyond the range, or numbers without a log."""
    censored = (dishes.n_below + dishes.n_above) > MAX_CENSORED * dishes.n_cells
    dishes.loc[censored, ["mean", "geometric_mean"]] = np.nan
    dishes.loc[dishes.n_log < n_numbers, "geometric_mean"] = np.nan


def _choose(dishes: pd.DataFrame, level: Level) -> None:
    """Fill ``level`` and ``beyond``, and blank medians that lie beyond the range."""
    below, above = dishes.n_below, dishes.n_above
    if level == "median":
        outside = (dishes.n_cells > 0) & ~np.isfinite(dishes["median"])
        side = np.select([dishes["median"] == -np.inf, dishes["median"] == np.inf], [-1, 1], 0)
    else:
        outside = (below + above) > MAX_CENSORED * dishes.n_cells
        side = np.sign((above - below).to_numpy())
    names = np.array(["below", "both", "above"], dtype=object)
    dishes["median"] = dishes["median"].where(np.isfinite(dishes["median"]))
    dishes["level"] = dishes[level.replace("-", "_")]
    dishes["beyond"] = np.where(outside, names[side + 1], "")
    blank = dishes.level.isna() & (dishes.n_cells > 0) & ~outside
    dishes.loc[blank, "beyond"] = "not positive"


def scale_of(dishes: pd.DataFrame, *, corrected: bool = False) -> Scale:
    """Tell how the levels of a metric can be compared.

    Ratios need levels above 0; where one dish of the metric has none, all its comparisons are
    differences.

    Parameters
    ----------
    dishes
        What `dish_levels` gave.
    corrected
        Whether they are rates without that of a control. These are compared by differences also
        where all of them happen to lie above 0, since a ratio of two rates near 0 is noise.
    """
    return "difference" if corrected or (dishes.level <= 0).any() else "log ratio"


def experiment_levels(dishes: pd.DataFrame, scale: Scale) -> pd.DataFrame:
    """Average the dishes of each experiment.

    Parameters
    ----------
    dishes
        What `dish_levels` gave.
    scale
        With "log ratio" the mean is that of ln(level): its exponential is the geometric mean of
        the dishes.

    Returns
    -------
    pandas.DataFrame
        One row per arm and experiment with a number, sorted: the keys `ARM` and ``experiment``,
        ``n_cells``, ``n_dishes``, ``level`` (ln of it with "log ratio").
    """
    known = dishes[np.isfinite(dishes.level)]
    level = np.log(known.level) if scale == "log ratio" else known.level
    grouped = known.assign(level=level).groupby(
        [*ARM, "experiment"], sort=True, dropna=False, observed=True
    )
    columns = {
        "n_cells": grouped["n_cells"].sum(),
        "n_dishes": grouped.size().astype(np.int64),
        "level": grouped["level"].mean(),
    }
    return pd.DataFrame(columns).reset_index()
