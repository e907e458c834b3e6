"""The 4-parameter logistic curve, fitted to levels of doses over experiments."""

from __future__ import annotations

from dataclasses import dataclass

import lmfit
import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray
from zincflux.statistics.dishes import Scale

HILL_BOUNDS = (0.1, 20.0)
"""Slopes that doses some steps apart can tell."""

_REACH = 100.0
"""How far beyond the doses the search for the EC50 may go, as a factor."""

NAMES = ("bottom", "top", "ln_ec50", "ln_hill")


@dataclass(frozen=True, eq=False)
class Points:
    """Levels that a curve is fitted to, each of one dose in one experiment.

    Attributes
    ----------
    dose
        At least 0, shape (n,).
    level
        Level; its ln where ``scale`` is "log ratio", shape (n,).
    day
        Number of the experiment, from 0, shape (n,).
    scale
        What the levels are.
    blocked
        Whether each experiment has a shift of its own; the shifts cancel in the mean.
    """

    dose: FloatArray
    level: FloatArray
    day: NDArray[np.int64]
    scale: Scale
    blocked: bool

    def centred(self, rows: FloatArray) -> FloatArray:
        """Take the shifts of experiments out of residuals, or of their derivatives: (n,) or (n, k).

        What is left is orthogonal to all shifts that cancel in the mean.
        """
        if not self.blocked:
            return rows
        share = np.eye(int(self.day.max()) + 1)[self.day]
        counts = np.maximum(share.sum(axis=0), 1)
        means = (share.T @ rows) / (counts if rows.ndim == 1 else counts[:, None])
        centred: FloatArray = rows - means[self.day] + rows.mean(axis=0)
        return centred

    def without(self, day: int) -> Points:
        """Leave out one experiment."""
        kept = self.day != day
        return Points(self.dose[kept], self.level[kept], self.day[kept], self.scale, self.blocked)


@dataclass(frozen=True, eq=False)
class Curve:
    """A fitted curve.

    Attributes
    ----------
    values
        ``bottom``, ``top`` (as levels of the metric), ``ln_ec50``, ``ln_hill``.
    squares
        Sum of squared residuals.
    success
        Whether the search ended at a minimum.
    """

    values: dict[str, float]
    squares: float
    success: bool


def saturation(dose: FloatArray, ln_ec50: float, ln_hill: float) -> FloatArray:
    """Give d^h / (d^h + EC50^h), which is 0 at dose 0.

    Examples
    --------
    >>> import numpy as np
    >>> saturation(np.array([0.0, 30.0, 1e9]), np.log(30.0), 0.0).round(3)
    array([0. , 0.5, 1. ])
    """
    with np.errstate(divide="ignore", over="ignore"):
        share: FloatArray = 1 / (1 + np.exp(-np.exp(ln_hill) * (np.log(dose) - ln_ec50)))
    return share


def curve(dose: FloatArray, values: dict[str, float]) -> FloatArray:
    """Give the level at each dose: bottom + (top − bottom)·saturation."""
    share = saturation(dose, values["ln_ec50"], values["ln_hill"])
    levels: FloatArray = values["bottom"] + (values["top"] - values["bottom"]) * share
    return levels


def residuals(points: Points, values: dict[str, float]) -> FloatArray:
    """Give what the curve leaves of the levels, with the shifts of experiments taken out."""
    expected = curve(points.dose, values)
    if points.scale == "log ratio":
        expected = np.log(expected)
    return points.centred(points.level - expected)


def fit_curve(points: Points) -> Curve:
    """Fit the curve by least squares from several starts, and keep the best.

    References
    ----------
    Newville M, et al. LMFIT: non-linear least-square minimization and curve-fitting for Python.
    doi 10.5281/zenodo.11813.
    """
    positive = np.unique(points.dose[points.dose > 0])
    starts = np.unique(np.quantile(np.log(positive), [0.25, 0.5, 0.75]))
    found = [_fit_from(points, float(start)) for start in starts]
    return min(found, key=lambda one: (not one.success, one.squares))


def _fit_from(points: Points, ln_ec50: float) -> Curve:
    level = np.exp(points.level) if points.scale == "log ratio" else points.level
    ln_doses = np.log(points.dose[points.dose > 0])
    lowest, highest = points.dose == points.dose.min(), points.dose == points.dose.max()
    least = 1e-6 * float(level.min()) if points.scale == "log ratio" else -np.inf
    parameters = lmfit.Parameters()
    parameters.add("bottom", value=float(level[lowest].mean()), min=least)
    parameters.add("top", value=float(level[highest].mean()), min=least)
    reach = np.log(_REACH)
    parameters.add("ln_ec50", ln_ec50, min=ln_doses.min() - reach, max=ln_doses.max() + reach)
    low, high = np.log(HILL_BOUNDS)
    parameters.add("ln_hill", value=0.0, min=low, max=high)
    minimiser = lmfit.Minimizer(
        lambda p: residuals(points, p.valuesdict()), parameters, calc_covar=False
    )
    result = minimiser.least_squares()
    return Curve(
        {name: float(value) for name, value in result.params.valuesdict().items()},
        float(np.sum(np.square(result.residual))),
        bool(result.success),
    )


def hill_at_bound(values: dict[str, float]) -> bool:
    """Tell whether the slope ended at one of its bounds."""
    low, high = np.log(HILL_BOUNDS)
    return bool(not low + 1e-2 <= values["ln_hill"] <= high - 1e-2)


def jackknife(points: Points, values: dict[str, float]) -> dict[str, float]:
    """Give the standard errors of ln EC50 and ln hill by leaving out one experiment at a time.

    Each left-out estimate is one Gauss–Newton step from the full one: it exists always, and what
    days have in common, in whatever way, is in the scatter between the steps.

    Returns
    -------
    dict of str to float
        Standard error by name of the parameter; NaN where the points do not tell it.

    References
    ----------
    Bell RM, McCaffrey DF. Bias reduction in standard errors for linear regression with multi-stage
    samples. Surv Methodol 2002;28:169-181.
    """
    free = [name for name in NAMES if name != "ln_hill" or not hill_at_bound(values)]
    slopes = -_jacobian(points, values, free)
    expected = curve(points.dose, values)
    raw = points.level - (np.log(expected) if points.scale == "log ratio" else expected)
    steps = []
    for day in np.unique(points.day):
        kept = points.day != day
        rest = points.without(int(day))
        design = rest.centred(slopes[kept])
        if np.linalg.matrix_rank(design) < len(free):
            return dict.fromkeys(NAMES, np.nan)
        steps.append(np.linalg.lstsq(design, rest.centred(raw[kept]), rcond=None)[0])
    n = len(steps)
    spread = np.sqrt((n - 1) * np.var(np.array(steps), axis=0))
    return dict.fromkeys(NAMES, np.nan) | dict(zip(free, map(float, spread), strict=True))


def _jacobian(points: Points, values: dict[str, float], free: list[str]) -> FloatArray:
    """Differentiate the residuals, before shifts are taken out, numerically: shape (n, k)."""
    plain = Points(points.dose, points.level, points.day, points.scale, blocked=False)
    columns = []
    for name in free:
        step = 1e-5 * max(abs(values[name]), 1e-3 if name in ("bottom", "top") else 1.0)
        up, down = (values | {name: values[name] + sign * step} for sign in (1, -1))
        columns.append((residuals(plain, up) - residuals(plain, down)) / (2 * step))
    return np.stack(columns, axis=1)
