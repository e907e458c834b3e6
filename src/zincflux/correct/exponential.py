"""One exponential rate through several stretches of a signal, each with its own level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray

_ITERATIONS = 50


def fit_decay(
    time_s: FloatArray, values: FloatArray, member: NDArray[np.intp]
) -> tuple[float, float, float]:
    """Fit A_g exp(-k t) by iterated weighted least squares.

    Parameters
    ----------
    time_s
        Times in s, shape (n,).
    values
        Signal in counts, shape (n,); the mean of each group is above 0.
    member
        Number of the group of each value, shape (n,), from 0.

    Returns
    -------
    tuple of float
        Rate k in 1/s, its standard error in 1/s, and the root mean square of the relative
        residuals.
    """
    n_groups = int(member.max()) + 1
    start = np.bincount(member, values) / np.bincount(member)
    middle = float(time_s.mean())
    span = float(np.ptp(time_s)) or 1.0
    design = np.column_stack([member[:, None] == np.arange(n_groups), (middle - time_s) / span])
    coefficients = np.append(np.log(start), 0.0)
    robust = np.ones_like(values)
    for _ in range(_ITERATIONS):
        fitted = np.exp(np.clip(design @ coefficients, -700, 700))
        working = design @ coefficients + (values - fitted) / fitted
        root = np.sqrt(fitted * robust)
        new = np.linalg.lstsq(design * root[:, None], working * root, rcond=None)[0]
        step = float(np.abs(new - coefficients).max())
        coefficients = coefficients + (new - coefficients) * min(1.0, 2.0 / max(step, 1e-300))
        robust = _huber((values - fitted) / np.sqrt(fitted))
        if step < 1e-12:
            break
    fitted = np.exp(design @ coefficients)
    pearson = np.sqrt(robust) * (values - fitted) / np.sqrt(fitted)
    dispersion = float(np.sum(pearson**2)) / max(len(values) - n_groups - 1, 1)
    information = (design * (fitted * robust)[:, None]).T @ design
    variance = dispersion * float(np.linalg.pinv(information)[-1, -1])
    error = np.sqrt(variance * _inflation(pearson)) / span
    residual = float(np.sqrt(np.mean(((values - fitted) / fitted) ** 2)))
    return float(coefficients[-1]) / span, float(error), residual


def _huber(residuals: FloatArray) -> FloatArray:
    """Weight residuals beyond 2.5 robust standard deviations down."""
    scale = 1.4826 * float(np.median(np.abs(residuals)))
    size = np.maximum(np.abs(residuals), 1e-300)
    return np.asarray(np.minimum(1.0, 2.5 * scale / size)) if scale > 0 else np.ones_like(size)


def _inflation(residuals: FloatArray) -> float:
    """Factor of the variance for residuals that resemble the ones before."""
    total = float(np.sum(residuals**2))
    likeness = float(np.sum(residuals[1:] * residuals[:-1])) / total if total > 0 else 0.0
    likeness = min(max(likeness, 0.0), 0.9)
    return (1 + likeness) / (1 - likeness)
