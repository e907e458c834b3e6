"""β of a ratio from the denominators of its titration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zincflux.calibrate.titration.model import Problem, saturations
from zincflux.calibrate.titration.result import TitrationFit
from zincflux.movie import FloatArray

_REACH = float(np.log(1e4))


def with_beta(fit: TitrationFit, problem: Problem) -> TitrationFit:
    """Add β = D_free / D_bound of the denominators D, where they determine it.

    A ratio's saturation s tells D: 1/D = (1 − s + β·s) / D_free. ln β is fitted to ln D together
    with one ln D_free per replicate, since replicates differ in indicator: a gain cancels in the
    ratio, not in its denominator. The errors of K and n, which s is computed with, are in
    ``beta_sd``.

    Parameters
    ----------
    fit
        Fit of a ratio.
    problem
        The points it was fitted to, outliers among them.
    """
    below = fit.titration.denominator
    used = np.isfinite(below) & (below > 0) & ~(fit.outlier & fit.dropped)
    groups = np.unique(fit.titration.replicate[used], return_inverse=True)[1]
    spare = int(used.sum()) - (groups.max(initial=0) + 1) - 1
    if fit.beta is not None or spare < 2:
        return fit
    ln_below = np.log(below[used])
    points = problem.subset(used)

    def solve(ln_k: float, hill: float) -> tuple[float, float]:
        return _ln_beta(saturations(points, float(np.exp(ln_k)), hill), ln_below, groups)

    at = np.log(fit.k_nM), fit.hill
    ln_beta, variance = solve(*at)
    if abs(ln_beta) > _REACH - 1e-3:
        return fit
    step = 1e-4
    slope = np.array(
        [
            solve(at[0] + step, at[1])[0] - solve(at[0] - step, at[1])[0],
            solve(at[0], at[1] + step)[0] - solve(at[0], at[1] - step)[0],
        ]
    ) / (2 * step)
    variance = variance / spare + float(slope @ fit.covariance[2:, 2:] @ slope)
    beta = float(np.exp(ln_beta))
    return replace(fit, beta=beta, beta_sd=beta * float(np.sqrt(variance)))


def _ln_beta(
    part: FloatArray, ln_below: FloatArray, groups: NDArray[np.intp]
) -> tuple[float, float]:
    """Fit ln β; give it, and its variance times the degrees of freedom."""
    from scipy.optimize import least_squares

    def left(ln_beta: FloatArray) -> FloatArray:
        whole = ln_below + np.log(1 - part + np.exp(ln_beta[0]) * part)
        # What is left beside the mean of a replicate: its own ln D_free drops out.
        return np.asarray(whole - (np.bincount(groups, whole) / np.bincount(groups))[groups])

    found = least_squares(left, [0.0], bounds=(-_REACH, _REACH), xtol=1e-12, ftol=1e-12)
    curvature = float(np.sum(np.asarray(found.jac) ** 2))
    return float(found.x[0]), 2 * float(found.cost) / curvature if curvature > 0 else np.inf
