"""Least squares of a titration: where it starts, and what it refuses."""

from __future__ import annotations

from itertools import product
from typing import Any

import lmfit
import numpy as np

from zincflux.calibrate.titration.model import TINY, Problem, gain_names, residuals, saturations
from zincflux.errors import CalibrationError
from zincflux.movie import FloatArray

HILL_LIMITS = (0.1, 8.0)

_REACH = 1e4
"""K is sought up to this factor beyond the concentrations."""

_AT_LIMIT = 1e-3


def start(problem: Problem) -> Any:
    """Choose parameters to start from: the best of a grid of K and n, ends by least squares."""
    positive = problem.zinc_nM[problem.zinc_nM > 0]
    low, high = float(np.log(positive.min())), float(np.log(positive.max()))
    slopes = (0.3, 0.6, 1.0, 1.6, 2.5) if problem.hill is None else (problem.hill,)
    tried = list(product(np.linspace(low, high, 30).tolist(), slopes))
    part = np.stack([saturations(problem, float(np.exp(ln_k)), hill) for ln_k, hill in tried])
    design = np.stack([1 - part, part], axis=-1)
    ends = np.linalg.pinv(design) @ problem.signal
    misfit = np.sum((problem.signal - np.einsum("imj,ij->im", design, ends)) ** 2, axis=1)
    best = int(np.argmin(misfit))
    return _parameters(problem, tried[best], ends[best], (low, high))


def _parameters(
    problem: Problem, shape: tuple[float, float], ends: FloatArray, span: tuple[float, float]
) -> Any:
    ln_k, hill = shape
    floor = TINY if problem.error == "relative" else -np.inf
    reach = np.log(_REACH)
    parameters = lmfit.Parameters()
    parameters.add("ln_k", value=ln_k, min=span[0] - reach, max=span[1] + reach)
    parameters.add("minimum", value=max(float(ends[0]), floor), min=floor)
    parameters.add("maximum", value=max(float(ends[1]), floor), min=floor)
    if problem.maximum is not None:
        parameters["maximum"].set(value=problem.maximum, vary=False)
    parameters.add("hill", value=hill, min=HILL_LIMITS[0], max=HILL_LIMITS[1])
    if problem.hill is not None:
        parameters["hill"].set(min=0, max=np.inf, value=problem.hill, vary=False)
    for name in gain_names(problem) if problem.gains else ():
        # Not its logarithm: near 0 MINPACK's steps, which are relative, would be too small.
        parameters.add(name, value=1.0, min=TINY)
    return parameters


def _misfit(parameters: Any, problem: Problem) -> FloatArray:
    return residuals(problem, parameters.valuesdict())


def minimise(problem: Problem) -> tuple[Any, Any]:
    """Fit; give lmfit's minimiser and its result.

    Raises
    ------
    CalibrationError
        If the points do not determine the parameters.
    """
    parameters = start(problem)
    free = sum(parameter.vary for parameter in parameters.values())
    found, distinct = len(problem.signal), len(np.unique(problem.zinc_nM))
    needed = 2 + sum(parameters[name].vary for name in ("maximum", "hill"))
    if found <= free or distinct < needed:
        raise CalibrationError(
            f"titration: expected more than {free} points at {needed} or more concentrations to "
            f"fit {free} parameters, found {found} at {distinct}. Measure more, hold the Hill "
            "coefficient with --hill 1, or fit no gain per replicate with --normalise none."
        )
    minimiser = lmfit.Minimizer(_misfit, parameters, fcn_args=(problem,))
    result = minimiser.minimize(method="leastsq")
    # At the limit there is no covariance either, so this comes first: it says more.
    _check_inside(result.params["ln_k"], problem)
    if result.covar is None or not np.isfinite(result.covar).all():
        raise CalibrationError(
            "titration: the points determine no K: the signal hardly changes with the "
            "concentration, or changes in one step. Check the columns and the unit, or measure "
            "concentrations around K."
        )
    return minimiser, result


def _check_inside(ln_k: Any, problem: Problem) -> None:
    above = ln_k.max - ln_k.value < _AT_LIMIT
    if not above and ln_k.value - ln_k.min >= _AT_LIMIT:
        return
    positive = problem.zinc_nM[problem.zinc_nM > 0]
    side, end = (
        ("above the highest", positive.max()) if above else ("below the lowest", positive.min())
    )
    raise CalibrationError(
        f"titration: the points determine no K: expected it near the concentrations, found it "
        f"{_REACH:g} times {side}, {end:.3g} nM, where the search ends. The signal does not bend "
        "within them. Measure concentrations around K, or check the columns and the unit."
    )
