"""Outliers of a titration: points that do not fit the curve through the others."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zincflux.calibrate.titration.least_squares import minimise
from zincflux.calibrate.titration.model import Problem, jacobian, residuals
from zincflux.errors import CalibrationError
from zincflux.movie import FloatArray

LEVEL = 0.05
"""Chance that any point of a titration without outliers is named."""

SHARE = 0.1
"""No more than this share of the points is named, but always one may be."""

SPARE = 3
"""Points more than parameters that must be left beside an outlier for it to be told."""


class Outliers(NamedTuple):
    """Points that do not fit.

    Attributes
    ----------
    named
        Which points they are, shape (m,).
    residual
        Distance of each point from the curve through the others without outliers, over its
        standard deviation, shape (m,).
    limit
        Distance beyond which a point of this titration is named.
    most
        How many points could be named; 0 where the titration has too few to tell.
    """

    named: NDArray[np.bool_]
    residual: FloatArray
    limit: float
    most: int


def find_outliers(problem: Problem) -> Outliers:
    """Find the points that do not fit, by the generalised extreme studentised deviate test.

    One point after the other is taken away, each time that with the largest deletion residual: its
    distance from the curve through the points that are left, over the standard deviation of that
    distance. It is held against Student's t at the level over the number of points (Bonferroni).
    All points up to the last one beyond its limit are outliers, so that two which hide each other
    are found.

    Parameters
    ----------
    problem
        All points.

    Raises
    ------
    CalibrationError
        If the points do not determine the curve.

    References
    ----------
    .. [1] Rosner B. Technometrics 1983;25:165.
    .. [2] Cook RD, Weisberg S. Residuals and Influence in Regression. Chapman & Hall 1982.
    """
    _, result = minimise(problem)
    n_points = len(problem.signal)
    most = max(0, min(max(1, int(SHARE * n_points)), result.nfree - SPARE))
    kept = np.ones(n_points, dtype=bool)
    order: list[int] = []
    count = 0
    while len(order) < most:
        worst, distance = _worst(problem, kept)
        if worst < 0:
            break
        kept[worst] = False
        order.append(worst)
        left = int(kept.sum())
        if distance > _limit(left + 1, left - result.nvarys):
            count = len(order)
    named = np.zeros(n_points, dtype=bool)
    named[order[:count]] = True
    residual = _distances(problem, ~named)
    return Outliers(named, residual, _limit(n_points, max(result.nfree - 1, 1)), most)


def _limit(n_points: int, n_free: int) -> float:
    from scipy.stats import t

    return float(t.ppf(1 - LEVEL / (2 * n_points), n_free))


def _worst(problem: Problem, kept: NDArray[np.bool_]) -> tuple[int, float]:
    """Find the point with the largest deletion residual, and its size; −1 where none has one.

    A gross outlier bends the curve towards itself, so that it need not have the largest residual:
    the largest of a robust fit is tried too, and each is held against a fit without it.
    """
    places = np.flatnonzero(kept)
    part = problem.subset(kept)
    minimiser, result = minimise(part)
    tried = {int(np.argmax(np.abs(_internal(part, result.params, result.var_names))))}
    spread = float(np.sqrt(result.redchi))
    if spread > _floor(problem):
        robust = minimiser.minimize(
            method="least_squares", params=result.params, loss="cauchy", f_scale=spread / 2
        )
        tried.add(int(np.argmax(np.abs(_internal(part, robust.params, result.var_names)))))
    found = (-1, 0.0)
    for at in sorted(tried):
        without = kept.copy()
        without[places[at]] = False
        with contextlib.suppress(CalibrationError):
            distance = abs(float(_distances(problem, without)[places[at]]))
            found = max(found, (int(places[at]), distance), key=lambda pair: pair[1])
    return found


def _internal(problem: Problem, parameters: Any, names: list[str]) -> FloatArray:
    """Residuals over the square root of 1 − leverage; 0 where the curve must meet the point."""
    values = parameters.valuesdict()
    spare = 1 - _leverage(problem, problem, values, names)
    left = residuals(problem, values)
    return np.where(spare > 1e-6, left / np.sqrt(np.maximum(spare, 1e-6)), 0.0)


def _distances(problem: Problem, kept: NDArray[np.bool_]) -> FloatArray:
    """Distance of each point from the curve through the kept points without it, over its SD.

    Raises
    ------
    CalibrationError
        If the kept points do not determine the curve.
    """
    part = problem.subset(kept)
    _, result = minimise(part)
    values = result.params.valuesdict()
    left = residuals(problem, values)
    leverage = _leverage(part, problem, values, result.var_names)
    spare = np.where(kept, np.maximum(1 - leverage, 1e-6), 1 + leverage)
    total = float(np.sum(left[kept] ** 2))
    # Without a point of its own, the variance is that of the other points.
    n_free = np.maximum(result.nfree - kept, 1)
    variance = np.where(kept, np.maximum(total - left**2 / spare, 0), total) / n_free
    spread = np.maximum(np.sqrt(variance), _floor(problem))
    return np.where(spare > 1e-6, left / (spread * np.sqrt(spare)), 0.0)


def _leverage(
    fitted: Problem, asked: Problem, values: Mapping[str, float], names: list[str]
) -> FloatArray:
    """Variance of the curve at each asked point, in units of a point's own."""
    root = jacobian(asked, values, names) @ np.linalg.pinv(jacobian(fitted, values, names))
    return np.asarray(np.sum(root**2, axis=1))


def _floor(problem: Problem) -> float:
    # Below this, what is left over is rounding.
    return 1e-6 * float(np.abs(problem.signal).max())
