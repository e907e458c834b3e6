"""Variances of many cells, each drawn towards what the cells have in common."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

from zincflux.movie import FloatArray

_MIN_CELLS = 4
"""Fewer variances do not tell how alike they are."""

_ALIKE = 1e4
"""Degrees of freedom of the common variance from which on it takes the place of each cell's."""


def moderate(variance: FloatArray, freedom: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Combine the variance of each cell with the variance that is common to all.

    A variance from few frames is uncertain; the cells of a dish lend one another certainty, the
    more the less they differ beyond what chance explains.

    Parameters
    ----------
    variance
        Estimate of each cell, shape (n,); those that are 0 count for nothing and stay 0.
    freedom
        Its degrees of freedom, shape (n,), at least 1.

    Returns
    -------
    variance, freedom
        The weighted mean of own and common variance, and the degrees of freedom of both together,
        shape (n,).

    References
    ----------
    Smyth GK. Linear models and empirical Bayes methods for assessing differential expression in
    microarray experiments. Stat Appl Genet Mol Biol 2004;3:3, doi 10.2202/1544-6115.1027,
    section 6.2.

    Examples
    --------
    >>> import numpy as np
    >>> own, freedom = np.array([1.0, 1.1, 0.9, 1.0, 1.05]), np.full(5, 4.0)
    >>> moderate(own, freedom)[1].min() > 1000  # as alike as these are, they count as one
    True
    """
    known = variance > 0
    if known.sum() < _MIN_CELLS:
        return variance, freedom
    half = freedom[known] / 2
    logs = np.log(variance[known]) - digamma(half) + np.log(half)
    beyond_chance = np.var(logs, ddof=1) - np.mean(polygamma(1, half))
    common_freedom = _freedom_of(float(beyond_chance))
    common = np.exp(np.mean(logs) + digamma(common_freedom / 2) - np.log(common_freedom / 2))
    total = freedom + common_freedom
    combined = (freedom * variance + common_freedom * common) / total
    return np.where(known, combined, variance), np.where(known, total, freedom)


def _freedom_of(spread: float) -> float:
    """Degrees of freedom of which the logarithm of a variance scatters with this variance."""
    if spread <= polygamma(1, _ALIKE / 2):
        return _ALIKE
    low = 1e-3
    if spread >= polygamma(1, low / 2):
        return low
    found = brentq(lambda log: polygamma(1, np.exp(log) / 2) - spread, np.log(low), np.log(_ALIKE))
    return float(np.exp(found))
