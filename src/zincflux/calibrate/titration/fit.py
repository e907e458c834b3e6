"""Fit of a titration: K, Hill coefficient and both ends from signals at known concentrations."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from zincflux.calibrate.titration.beta import with_beta
from zincflux.calibrate.titration.doubts import doubts, outlier_doubts
from zincflux.calibrate.titration.intervals import intervals
from zincflux.calibrate.titration.least_squares import minimise
from zincflux.calibrate.titration.model import gains_of
from zincflux.calibrate.titration.outliers import Outliers, find_outliers
from zincflux.calibrate.titration.result import TitrationFit
from zincflux.calibrate.titration.scaling import (
    Normalisation,
    Scaled,
    even,
    normalisation_of,
    scale,
)
from zincflux.calibrate.titration.settings import TitrationFitting
from zincflux.calibrate.titration_table import Titration
from zincflux.errors import CalibrationWarning
from zincflux.indicators import Indicator
from zincflux.movie import FloatArray

_NAMES = ("minimum", "maximum", "ln_k", "hill")


def fit_titration(
    titration: Titration, indicator: Indicator, settings: TitrationFitting | None = None
) -> TitrationFit:
    """Fit S = S_min + (S_max − S_min)·Zⁿ / (Kⁿ + Zⁿ), or 1:1 tight binding, to a titration.

    Parameters
    ----------
    titration
        Points.
    indicator
        Says whether the signal is an intensity or a ratio, and its direction.
    settings
        How to fit.

    Raises
    ------
    CalibrationError
        If the points do not determine the curve.
    ExperimentError
        If the settings do not fit the indicator.

    Warns
    -----
    CalibrationWarning
        Once per doubt; they stand in ``warnings`` of the fit, too.

    References
    ----------
    .. [1] Hill AV. J Physiol 1910;40:iv.

    Examples
    --------
    >>> from zincflux.calibrate.titration_table import Titration
    >>> from zincflux.indicators import load_indicator
    >>> zinc = np.array([0, 1, 5, 10, 20, 50, 100, 500, 2000.0])
    >>> table = Titration.of(zinc, 100 + 1000 * zinc / (15 + zinc))
    >>> round(fit_titration(table, load_indicator("FluoZin-3")).k_nM, 3)
    15.0
    """
    chosen = TitrationFitting() if settings is None else settings
    normalise = normalisation_of(titration, indicator, chosen)
    strange = _search(titration, chosen, normalise)
    kept = ~strange.named if chosen.drop_outliers else np.ones_like(strange.named)
    scaled = even(scale(titration, chosen, normalise, kept), kept)
    points = scaled.problem.subset(kept)
    minimiser, result = minimise(points)
    limits, failed = intervals(minimiser, result)
    fit = _assemble(titration, chosen, scaled, result, limits)
    fit = _with_outliers(fit, strange)
    if indicator.kind == "intensity":
        fit = replace(fit, beta=1.0, k_includes_beta=False)
    else:
        fit = with_beta(fit, scaled.problem)
    found = (*doubts(fit, indicator, points, result, failed), *outlier_doubts(fit, strange))
    for message in found:
        warnings.warn(message, CalibrationWarning, stacklevel=2)
    return replace(fit, warnings=found)


def _search(titration: Titration, settings: TitrationFitting, normalise: Normalisation) -> Outliers:
    """Find outliers, and again after what was found first no longer scales its replicate."""
    if normalise == "maximum" and len(titration.names) > 1:
        # Each point is to be judged, not the one that its replicate happens to be divided by.
        settings, normalise = settings.model_copy(update={"maximum": None}), "gain"
    kept = np.ones(len(titration.signal), dtype=bool)
    found = find_outliers(even(scale(titration, settings, normalise, kept), kept).problem)
    if normalise == "gain" and found.named.any():
        kept = ~found.named
        found = find_outliers(even(scale(titration, settings, normalise, kept), kept).problem)
    return found


def _with_outliers(fit: TitrationFit, found: Outliers) -> TitrationFit:
    return replace(
        fit,
        residual=found.residual,
        outlier=found.named,
        outlier_limit=found.limit,
        dropped=fit.settings.drop_outliers and bool(found.named.any()),
    )


def _assemble(
    titration: Titration,
    settings: TitrationFitting,
    scaled: Scaled,
    result: Any,
    limits: dict[str, tuple[float, float]],
) -> TitrationFit:
    from scipy.stats import t

    problem, unit = scaled
    values = result.params.valuesdict()
    factor = np.array([unit, unit, 1.0, 1.0])
    ln_k = limits["ln_k"]
    return TitrationFit(
        titration=titration,
        settings=settings,
        k_nM=float(np.exp(values["ln_k"])),
        hill=float(values["hill"]),
        k_interval_nM=(float(np.exp(ln_k[0])), float(np.exp(ln_k[1]))),
        hill_interval=limits["hill"],
        minimum=float(values["minimum"]) * unit,
        maximum=float(values["maximum"]) * unit,
        beta=settings.beta,
        beta_sd=None,
        k_includes_beta=not settings.total,
        covariance=_covariance(result) * np.outer(factor, factor),
        scaled=problem.signal / gains_of(problem, values)[problem.replicate] * unit,
        residual=np.zeros(len(problem.signal)),
        outlier=np.zeros(len(problem.signal), dtype=bool),
        outlier_limit=np.inf,
        dropped=False,
        t_quantile=float(t.ppf(0.975, result.nfree)),
    )


def _covariance(result: Any) -> FloatArray:
    """Covariance of the four parameters, from that of all fitted ones; 0 where one is held."""
    names = result.var_names
    at = [number for number, name in enumerate(_NAMES) if name in names]
    there = [names.index(_NAMES[number]) for number in at]
    covariance = np.zeros((len(_NAMES), len(_NAMES)))
    covariance[np.ix_(at, at)] = result.covar[np.ix_(there, there)]
    return covariance
