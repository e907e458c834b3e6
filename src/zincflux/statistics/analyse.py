"""Everything about one metric in one call, so that a million cells are sorted into dishes once."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from zincflux.statistics.compare import tests_of
from zincflux.statistics.conditions import conditions_of
from zincflux.statistics.control import is_corrected
from zincflux.statistics.dishes import levels_of_dishes
from zincflux.statistics.dose_response import dose_response_of
from zincflux.statistics.keys import tidy
from zincflux.statistics.levels import levels_of_arms
from zincflux.statistics.settings import StudySettings


@dataclass(frozen=True, eq=False)
class MetricTables:
    """What the statistics say about one metric.

    Attributes
    ----------
    dishes, conditions, tests, dose_response
        As `dish_levels`, `summarise_conditions`, `compare` and `fit_dose_response` give them.
    """

    dishes: pd.DataFrame
    conditions: pd.DataFrame
    tests: pd.DataFrame
    dose_response: pd.DataFrame


def analyse(values: pd.DataFrame, settings: StudySettings, metric: str = "") -> MetricTables:
    """Summarise and compare one metric of a study.

    Parameters
    ----------
    values
        One row per cell, as `zincflux.statistics.keys.tidy` describes it, with ``responder`` (bool)
        where it is known.
    settings
        The settings of the study.
    metric
        Name of the metric; rates without that of a control are compared by differences.
    """
    cells = tidy(values)
    if "responder" in values:
        cells["responder"] = values["responder"].to_numpy()
    dishes = levels_of_dishes(cells, settings.level)
    levels = levels_of_arms(dishes, corrected=is_corrected(metric, settings))
    return MetricTables(
        dishes=dishes,
        conditions=conditions_of(cells, dishes, levels, settings),
        tests=tests_of(cells, dishes, levels, settings),
        dose_response=dose_response_of(levels, settings),
    )
