"""Flux: F/F0 and, for each response phase, how fast, how far and how much zinc moved.

Every function takes all cells at once: arrays (n, T) of n cells and T frames, in which NaN means
that there is no number.
"""

from zincflux.flux.baseline import baseline_mean, delta_f_f0, f_f0
from zincflux.flux.exponential import ExponentialFit, exponential_fit
from zincflux.flux.levels import area_above, half_time, peak, ranked_median, running_mean
from zincflux.flux.lines import LineFit, line_fit
from zincflux.flux.load import IndicatorLoad, ZincBuffer
from zincflux.flux.responders import false_positive_rate, responders
from zincflux.flux.responses import CellTraces, Flux, response_metrics

__all__ = [
    "CellTraces",
    "ExponentialFit",
    "Flux",
    "IndicatorLoad",
    "LineFit",
    "ZincBuffer",
    "area_above",
    "baseline_mean",
    "delta_f_f0",
    "exponential_fit",
    "f_f0",
    "false_positive_rate",
    "half_time",
    "line_fit",
    "peak",
    "ranked_median",
    "responders",
    "response_metrics",
    "running_mean",
]
