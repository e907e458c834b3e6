"""Least squares of a titration: the model, its start, outliers and intervals."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal

import lmfit
import numpy as np
from lmfit.minimizer import MinimizerException
from numpy.typing import NDArray

from zincflux.errors import CalibrationError
from zincflux.movie import FloatArray
from zincflux.response import free_from_total, saturation_from_zinc

ErrorModel = Literal["constant", "relative"]
HILL_LIMITS = (0.1, 8.0)
OUTLIER = 3.5
"""Studentised residual beyond which a point is named."""

_TINY = 1e-9
_EXACT = 1e-16
_REACH = 1e4


@dataclass(frozen=True, eq=False)
class Problem:
    """What is fitted, with signals near 1 so that no unit matters.

    Attributes
    ----------
    zinc_nM, signal, replicate
        Points, shape (m,).
    dye_nM
        Indicator in each well, nM, shape (m,); None where the metal is free metal.
    beta
        β of a ratio whose K is that of the dye; 1 otherwise.
    error
        Whether the standard deviation is constant or proportional to the signal.
    gains
        Whether each replicate has its own gain.
    hill, maximum
        Held at this value if not None.
    """

    zinc_nM: FloatArray
    signal: FloatArray
    replicate: NDArray[np.int64]
    dye_nM: FloatArray | None
    beta: float
    error: ErrorModel
    gains: bool
    hill: float | None
    maximum: float | None

    def subset(self, kept: NDArray[np.bool_]) -> Problem:
        """Keep some of the points; replicates keep their numbers."""
        return replace(
            self,
            zinc_nM=self.zinc_nM[kept],
            signal=self.signal[kept],
            replicate=self.replicate[kept],
            dye_nM=None if self.dye_nM is None else self.dye_nM[kept],
        )


def saturations(problem: Problem, k_nM: float, hill: float) -> FloatArray:
    """Saturation of the signal at each point."""
    zinc = problem.zinc_nM
    if problem.dye_nM is not None:
        zinc = free_from_total(zinc, problem.dye_nM, k_nM)
    return saturation_from_zinc(zinc, k_nM, hill, problem.beta)


def predicted(problem: Problem, values: dict[str, float]) -> FloatArray:
    """Signal of each point by the model, in the units of its replicate."""
    part = saturations(problem, float(np.exp(values["ln_k"])), values["hill"])
    low, high = values["minimum"], values["maximum"]
    gain = np.exp([values.get(f"ln_gain_{r}", 0.0) for r in range(_count(problem))])
    return np.asarray((low + (high - low) * part) * gain[problem.replicate])


def residuals(parameters: Any, problem: Problem) -> FloatArray:
    """Measured less predicted, on the scale on which errors are alike."""
    model = predicted(problem, parameters.valuesdict())
    if problem.error == "relative":
        return np.asarray(np.log(problem.signal) - np.log(np.maximum(model, _TINY)))
    return problem.signal - model


def _count(problem: Problem) -> int:
    return int(problem.replicate.max()) + 1


def start(problem: Problem) -> Any:
    """Choose parameters to start from: the best of a grid of K and n, ends by least squares."""
    positive = problem.zinc_nM[problem.zinc_nM > 0]
    low, high = np.log(positive.min()), np.log(positive.max())
    slopes = (0.3, 0.6, 1.0, 1.6, 2.5) if problem.hill is None else (problem.hill,)
    best: tuple[float, float, float, FloatArray] | None = None
    for ln_k, hill in product(np.linspace(low, high, 30), slopes):
        part = saturations(problem, float(np.exp(ln_k)), hill)
        design = np.stack([1 - part, part], axis=1)
        ends = np.asarray(np.linalg.lstsq(design, problem.signal, rcond=None)[0], dtype=np.float64)
        misfit = float(np.sum((problem.signal - design @ ends) ** 2))
        if best is None or misfit < best[0]:
            best = (misfit, float(ln_k), hill, ends)
    assert best is not None  # noqa: S101 # the grid is never empty
    return _parameters(problem, best, (low, high))


def _parameters(
    problem: Problem, best: tuple[float, float, float, FloatArray], span: tuple[float, float]
) -> Any:
    _, ln_k, hill, ends = best
    floor = _TINY if problem.error == "relative" else -np.inf
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
    if problem.gains:
        # The mean of ln gain is 0: no replicate is the standard for the others.
        free = range(_count(problem) - 1)
        for number in free:
            parameters.add(f"ln_gain_{number}", value=0.0)
        rest = " + ".join(f"ln_gain_{number}" for number in free)
        parameters.add(f"ln_gain_{_count(problem) - 1}", expr=f"-({rest})")
    return parameters


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
    minimiser = lmfit.Minimizer(residuals, parameters, fcn_args=(problem,))
    result = minimiser.minimize(method="leastsq")
    if result.covar is None or not np.isfinite(result.covar).all():
        raise CalibrationError(
            "titration: the points determine no K: the signal hardly changes with the "
            "concentration, or changes in one step. Check the columns and the unit, or measure "
            "concentrations around K."
        )
    return minimiser, result


def studentised(problem: Problem) -> FloatArray:
    """Residuals of a robust fit over their own standard deviations, shape (m,).

    The scale is that of the middle half of the residuals, so that outliers do not hide themselves.

    References
    ----------
    .. [1] Rousseeuw PJ, Leroy AM. Robust Regression and Outlier Detection. Wiley 1987.
    """
    minimiser, result = minimise(problem)
    scale = _robust_scale(result.residual, result.nvarys)
    if scale > 0:
        result = minimiser.minimize(
            method="least_squares", params=result.params, loss="soft_l1", f_scale=scale
        )
    left = residuals(result.params, problem)
    scale = _robust_scale(left, result.nvarys)
    jacobian = _jacobian(problem, result)
    q, _ = np.linalg.qr(jacobian)
    leverage = np.minimum(np.sum(q**2, axis=1), 0.95)
    floor = 1e-6 * float(np.abs(problem.signal).max())
    return np.asarray(left / (max(scale, floor) * np.sqrt(1 - leverage)))


def _robust_scale(left: FloatArray, n_free: int) -> float:
    # The residuals of few points are small because the curve bends towards them.
    return float(1.4826 * np.median(np.abs(left)) * np.sqrt(len(left) / (len(left) - n_free)))


def _jacobian(problem: Problem, result: Any) -> FloatArray:
    columns = []
    for name in result.var_names:
        step = 1e-5 * max(abs(result.params[name].value), 0.01)
        sides = []
        for sign in (1, -1):
            moved = result.params.copy()
            moved[name].value += sign * step
            sides.append(residuals(moved, problem))
        columns.append((sides[0] - sides[1]) / (2 * step))
    return np.stack(columns, axis=1)


def intervals(minimiser: Any, result: Any) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """95 % intervals of ln K and n by profile likelihood.

    Returns
    -------
    limits
        Lower and upper limit by name; infinite on a side where the fit has no limit.
    failed
        Names whose interval is from the covariance instead.
    """
    from scipy.stats import t

    names = [name for name in ("ln_k", "hill") if result.params[name].vary]
    traced: dict[str, list[tuple[float, float]]] = {}
    exact = result.redchi < _EXACT  # rounding alone: there is no likelihood to follow
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a side without a limit is told by the limit itself
        with contextlib.suppress(MinimizerException, ValueError):
            traced = lmfit.conf_interval(minimiser, result, p_names=names, sigmas=[0.95])
    limits, failed = {}, []
    for name in names:
        found = [float(value) for _, value in traced.get(name, [])]
        if not exact and len(found) == 3 and found[0] < found[1] < found[2]:
            limits[name] = (found[0], found[2])
            continue
        failed += [] if exact else [name]
        parameter = result.params[name]
        reach = t.ppf(0.975, result.nfree) * parameter.stderr
        limits[name] = (float(parameter.value - reach), float(parameter.value + reach))
    for name in ("ln_k", "hill"):
        limits.setdefault(name, (result.params[name].value,) * 2)
    return limits, failed
