"""What is doubtful about a fitted titration, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from zincflux.calibrate.titration.least_squares import HILL_LIMITS, minimise
from zincflux.calibrate.titration.model import Problem, predicted, saturations
from zincflux.calibrate.titration.outliers import LEVEL, SHARE, Outliers
from zincflux.calibrate.titration.result import TitrationFit
from zincflux.calibrate.titration.settings import ErrorModel
from zincflux.errors import CalibrationError
from zincflux.indicators import Indicator


def doubts(
    fit: TitrationFit, indicator: Indicator, problem: Problem, result: Any, failed: Sequence[str]
) -> list[str]:
    """Say what is doubtful about a fit, apart from its outliers.

    Parameters
    ----------
    fit
        The fit.
    indicator
        Says whether the signal should rise.
    problem, result
        What was fitted, and lmfit's result.
    failed
        Parameters whose likelihood could not be followed.
    """
    messages = [*_plateaus(fit, problem, result)]
    low, high = fit.k_interval_nM
    if high > 3 * low:
        upper = f"to {high:.3g} nM" if np.isfinite(high) else "without an upper limit"
        messages.append(
            f"titration: K is loose, {low:.3g} {upper}. Add concentrations around K and on both "
            "plateaus."
        )
    at_limit = np.isclose(fit.hill, HILL_LIMITS, rtol=1e-2).any()
    if result.params["hill"].vary and at_limit:
        messages.append(
            f"titration: the Hill coefficient went to the limit of its range, {fit.hill:.3g}. The "
            "curve is not one binding step; hold it with --hill 1, or check the concentrations."
        )
    if failed:
        messages.append(
            f"titration: the likelihood of {' and '.join(failed)} could not be followed to 95 %; "
            "that interval is symmetric, from the covariance."
        )
    if (fit.maximum < fit.minimum) != indicator.turn_off:
        verb, found = ("fall", "rises") if indicator.turn_off else ("rise", "falls")
        messages.append(
            f"titration: the signal of {indicator.name} should {verb} with zinc, but it {found}. "
            "Check the columns, and numerator and denominator of a ratio."
        )
    return [*messages, *_other_error(fit, problem)]


def outlier_doubts(fit: TitrationFit, found: Outliers) -> list[str]:
    """Name the points that do not fit, or say that none can be told."""
    n_points = len(fit.residual)
    if fit.settings.drop_outliers and found.most == 0:
        return [
            f"titration: none of the {n_points} points was left out (--drop-outliers): there are "
            "too few beside the parameters to tell an outlier. Measure more; or take a point that "
            "went wrong in the lab out of the table."
        ]
    if not fit.outliers:
        return []
    done = "left out" if fit.dropped else "kept; --drop-outliers leaves them out"
    messages = [f"titration: points that do not fit ({done}): {'; '.join(fit.outliers)}."]
    if int(found.named.sum()) == found.most > 1:
        messages.append(
            f"titration: {found.most} of {n_points} points do not fit, and no more are looked for "
            f"(a share of {SHARE:g}); a test at {LEVEL:g} cannot tell many outliers from a wrong "
            "curve. Look at the figure."
        )
    return messages


def _plateaus(fit: TitrationFit, problem: Problem, result: Any) -> list[str]:
    part = saturations(problem, fit.k_nM, fit.hill)
    model = predicted(problem, result.params.valuesdict())
    span = abs(result.params["maximum"].value - result.params["minimum"].value)
    off = (problem.signal - model) / span
    messages = []
    ends = (
        ("zinc-free", part, problem.zinc_nM.min()),
        ("saturated", 1 - part, problem.zinc_nM.max()),
    )
    for name, distance, end_nM in ends:
        last = problem.zinc_nM == end_nM
        reached = float(distance[last].min())
        count = len(np.unique(problem.zinc_nM[distance < 0.1]))
        where = f"{end_nM:g} nM ({100 * float(part[last].mean()):.0f} % saturated)"
        if reached > 0.1:
            messages.append(
                f"titration: the {name} plateau was never reached: the last point lies at {where}. "
                "That end is extrapolated, and K with it."
            )
        elif count < 2:
            messages.append(
                f"titration: the {name} plateau rests on one concentration, {where}. Add another."
            )
        elif abs(float(off[last].mean())) > 0.05:
            messages.append(
                f"titration: the {name} plateau is poor: at {where} the signal lies "
                f"{100 * float(off[last].mean()):+.0f} % of the span beside the curve."
            )
    return messages


def _other_error(fit: TitrationFit, problem: Problem) -> list[str]:
    """Say where the other idea of the errors gives another K: then the curve is not the model."""
    other: ErrorModel = "relative" if problem.error == "constant" else "constant"
    if other == "relative" and (problem.signal <= 0).any():
        return []
    try:
        _, result = minimise(replace(problem, error=other))
    except CalibrationError:
        return []
    k_nM = float(np.exp(result.params["ln_k"].value))
    low, high = fit.k_interval_nM
    if low <= k_nM <= high or abs(np.log(k_nM / fit.k_nM)) < 0.02:
        return []
    return [
        f"titration: with {other} errors K is {k_nM:.3g} nM, outside of {low:.3g} to {high:.3g} "
        f"nM, and n is {result.params['hill'].value:.3g}. The points do not follow one curve at "
        "both ends; K depends on which of them are trusted (--error)."
    ]
