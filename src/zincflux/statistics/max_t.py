"""The largest of several correlated t statistics: of arms with one control, or of all pairs."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import optimize, special, stats

from zincflux.movie import FloatArray

_POINTS = 96
_REACH = 8.5
"""Standard deviations of a normal that are integrated over."""
_TAIL = 1e-13
"""Probability left out at either end of the distribution of the scatter."""


def dunnett_p(t: float, correlation: FloatArray, df: int) -> float:
    """Give the probability that any of several |t| is beyond a value, if no arm differs.

    Where one number per comparison explains all correlations (days that have all arms, or none in
    common), the multivariate t distribution is two nested integrals, done by Gauss and Legendre's
    rule; otherwise SciPy integrates it by quasi-random numbers with a fixed seed.

    Parameters
    ----------
    t
        The value, at least 0.
    correlation
        Of the comparisons, shape (k, k).
    df
        Degrees of freedom of the common variance.

    References
    ----------
    Dunnett CW. New tables for multiple comparisons with a control. Biometrics 1964;20:482-491.
    Genz A, Bretz F. Computation of Multivariate Normal and t Probabilities. Springer, 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import stats
    >>> alone = dunnett_p(2.5, np.eye(1), 8)
    >>> bool(np.isclose(alone, 2 * stats.t.sf(2.5, 8)))
    True
    """
    if len(correlation) == 1:
        return float(2 * stats.t.sf(t, df))
    loadings = _one_factor(correlation)
    if loadings is None:
        edge = np.full(len(correlation), t)
        inside = stats.multivariate_t(shape=correlation, df=df, allow_singular=True).cdf(
            edge, lower_limit=-edge, random_state=np.random.default_rng(0)
        )
        return float(np.clip(1 - inside, 0, 1))
    return _outside(t, loadings, df)


def dunnett_critical(alpha: float, correlation: FloatArray, df: int) -> float:
    """Give the value that any of several |t| passes with the probability alpha."""
    upper = float(stats.t.isf(alpha / (2 * len(correlation)), df))  # Bonferroni: never smaller
    found: float = optimize.brentq(
        lambda t: dunnett_p(t, correlation, df) - alpha, 0.0, upper * 1.05 + 1e-6, xtol=1e-5
    )
    return found


def _one_factor(correlation: FloatArray) -> FloatArray | None:
    """Find λ with ρ_ij = λ_i·λ_j for i ≠ j, shape (k,); None if there is none."""
    k = len(correlation)
    if k == 2:
        root = abs(float(correlation[0, 1])) ** 0.5
        return np.array([root, np.copysign(root, correlation[0, 1])])
    off = correlation[~np.eye(k, dtype=bool)]
    if (off <= 0).any():
        return None
    logs = np.log(np.where(np.eye(k, dtype=bool), 1.0, correlation))
    sums = logs.sum(axis=1)
    loadings: FloatArray = np.exp((sums - sums.sum() / (2 * (k - 1))) / (k - 2))
    product = np.outer(loadings, loadings)[~np.eye(k, dtype=bool)]
    return loadings if np.allclose(product, off, atol=1e-8) and loadings.max() < 1 else None


@lru_cache(maxsize=1)
def _legendre() -> tuple[FloatArray, FloatArray]:
    points, weights = np.polynomial.legendre.leggauss(_POINTS)
    return points, weights


def _normal() -> tuple[FloatArray, FloatArray]:
    """Give points of a normal, and their weights."""
    points, weights = _legendre()
    z = _REACH * points
    return z, _REACH * weights * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


@lru_cache(maxsize=64)
def _scatter(df: int) -> tuple[FloatArray, FloatArray]:
    """Give points of the estimated over the true standard deviation, and their weights."""
    points, weights = _legendre()
    low, high = np.sqrt(stats.chi2.ppf([_TAIL, 1 - _TAIL], df) / df)
    s = low + (high - low) * (points + 1) / 2
    return s, (high - low) / 2 * weights * 2 * s * df * stats.chi2.pdf(df * s**2, df)


def _outside(t: float, loadings: FloatArray, df: int) -> float:
    """Integrate over the factor z and the scatter s what lies beyond ±t·s."""
    (z, z_weight), (s, s_weight) = _normal(), _scatter(df)
    inside = np.ones((len(s), len(z)))
    for loading in loadings:
        rest = np.sqrt(1 - loading**2)
        upper = (t * s[:, None] - loading * z) / rest
        lower = (-t * s[:, None] - loading * z) / rest
        inside *= special.ndtr(upper) - special.ndtr(lower)
    return float(np.clip(s_weight @ (1 - inside) @ z_weight, 0.0, 1.0))


def tukey_p(t: float, n_arms: int, df: int) -> float:
    """Give the probability that the largest |t| of all pairs is beyond a value, if no arm differs.

    The distribution of the studentized range, √2·t, by the same rule.

    Parameters
    ----------
    t
        The value, at least 0.
    n_arms
        Arms, at least 2.
    df
        Degrees of freedom of the common variance.

    References
    ----------
    Lund RE, Lund JR. Algorithm AS 190: probabilities and upper quantiles for the studentized range.
    Appl Stat 1983;32:204-210.

    Examples
    --------
    >>> round(tukey_p(3.877 / 2**0.5, 3, 10), 3)  # tables: 5 % at 3.877
    0.05
    """
    (z, z_weight), (s, s_weight) = _normal(), _scatter(df)
    within = special.ndtr(z) - special.ndtr(z - 2**0.5 * t * s[:, None])
    inside = n_arms * within ** (n_arms - 1) @ z_weight
    return float(np.clip(s_weight @ (1 - inside), 0.0, 1.0))


@lru_cache(maxsize=256)
def tukey_critical(alpha: float, n_arms: int, df: int) -> float:
    """Give the value that the largest |t| of all pairs passes with the probability alpha."""
    upper = float(stats.t.isf(alpha / (n_arms * (n_arms - 1)), df))  # Bonferroni: never smaller
    found: float = optimize.brentq(
        lambda t: tukey_p(t, n_arms, df) - alpha, 0.0, upper * 1.05 + 1e-6, xtol=1e-6
    )
    return found
