"""Statistics over a study: cells within dishes within experiments, of which n counts the last.

Tables in, tables out. A p value over single cells is not offered: cells of one dish are no
independent experiments.
"""

from zincflux.statistics.analyse import MetricTables, analyse
from zincflux.statistics.arms import Arm, Family, control_of, families, missing_control
from zincflux.statistics.bootstrap import percentile_interval
from zincflux.statistics.compare import compare
from zincflux.statistics.conditions import summarise_conditions
from zincflux.statistics.control import is_corrected, is_rate, subtract_control_rates
from zincflux.statistics.courses import pool_courses
from zincflux.statistics.dishes import dish_levels, experiment_levels, scale_of
from zincflux.statistics.dose_response import fit_dose_response
from zincflux.statistics.folds import fold_table
from zincflux.statistics.keys import MAX_CENSORED, MIN_EXPERIMENTS, arm_label
from zincflux.statistics.mixed import MixedEffect, mixed_model
from zincflux.statistics.multiplicity import holm
from zincflux.statistics.ratios import Contrast, contrast
from zincflux.statistics.settings import RATES, StudySettings
from zincflux.statistics.several import Model, Pair, compare_pairs, fit_arms
from zincflux.statistics.trend import trend_test

__all__ = [
    "MAX_CENSORED",
    "MIN_EXPERIMENTS",
    "RATES",
    "Arm",
    "Contrast",
    "Family",
    "MetricTables",
    "MixedEffect",
    "Model",
    "Pair",
    "StudySettings",
    "analyse",
    "arm_label",
    "compare",
    "compare_pairs",
    "contrast",
    "control_of",
    "dish_levels",
    "experiment_levels",
    "families",
    "fit_arms",
    "fit_dose_response",
    "fold_table",
    "holm",
    "is_corrected",
    "is_rate",
    "missing_control",
    "mixed_model",
    "percentile_interval",
    "pool_courses",
    "scale_of",
    "subtract_control_rates",
    "summarise_conditions",
    "trend_test",
]
