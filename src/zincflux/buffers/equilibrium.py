"""Equilibrium of any number of metals and chelators that form 1:1 complexes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zincflux.errors import CalibrationError

FloatArray = NDArray[np.float64]

_ROUNDS = 300
_LONGEST = 20.0
_SMALL_STEP = 1e-13
_BALANCED = 1e-12
_TOLERANCE = 1e-10


def free_metals(metal_M: ArrayLike, chelator_M: ArrayLike, dissociation_M: ArrayLike) -> FloatArray:
    """Free concentration of every metal, from the totals.

    Parameters
    ----------
    metal_M
        (m,) total metals, M, 0 allowed.
    chelator_M
        (n,) total chelators, M, 0 allowed.
    dissociation_M
        (m, n) apparent dissociation constants, M.

    Returns
    -------
    numpy.ndarray
        (m,) float64, M; every balance of mass holds to 1e-10 of its total.

    Raises
    ------
    CalibrationError
        If the balances cannot be met to 1e-10.

    Notes
    -----
    With x = ln [M], the balances are the zero of the gradient of the strictly convex function
    Σ e^x − M·x + Σ L·ln(1 + Σ K·e^x). It is followed down by Newton's method, each step cut by
    bisection on the slope along it, so that it arrives from any start.

    Examples
    --------
    >>> free_metals([0.5e-3], [1e-3], [[1e-9]]).round(12)
    array([1.e-09])
    """
    total = np.asarray(metal_M, dtype=np.float64)
    chelator = np.asarray(chelator_M, dtype=np.float64)
    stability = 1 / np.asarray(dissociation_M, dtype=np.float64).reshape(len(total), len(chelator))
    free = np.zeros_like(total)
    there = total > 0
    if there.any():
        free[there] = np.exp(_solve(total[there], chelator, stability[there]))
    return free


def free_chelators(
    free_metal_M: ArrayLike, chelator_M: ArrayLike, dissociation_M: ArrayLike
) -> FloatArray:
    """Chelator without metal that is left at given free metals: L / (1 + Σ [M] / K).

    Parameters
    ----------
    free_metal_M
        (..., m) free metals, M.
    chelator_M
        (n,) total chelators, M.
    dissociation_M
        (m, n) apparent dissociation constants, M.

    Returns
    -------
    numpy.ndarray
        (..., n) float64, M.
    """
    occupied = np.asarray(free_metal_M, dtype=np.float64) @ (
        1 / np.asarray(dissociation_M, dtype=np.float64)
    )
    left: FloatArray = np.asarray(chelator_M, dtype=np.float64) / (1 + occupied)
    return left


def _solve(total: FloatArray, chelator: FloatArray, stability: FloatArray) -> FloatArray:
    """Natural logarithms of the free metals."""
    log_free = np.log(total)  # nothing can be above it
    last = np.inf
    for _ in range(_ROUNDS):
        excess, slope = _balance(log_free, total, chelator, stability)
        step = _newton(excess, slope, total)
        size = float(np.max(np.abs(step)))
        balanced = bool(np.all(np.abs(excess) <= _BALANCED * total))
        if balanced and (size <= _SMALL_STEP or size > last / 2):  # nothing left but rounding
            return log_free
        last = size
        step *= min(1.0, _LONGEST / size)
        log_free = log_free + step * _length(log_free, step, (total, chelator, stability))
    worst = float(np.max(np.abs(_balance(log_free, total, chelator, stability)[0]) / total))
    if worst > _TOLERANCE:
        raise CalibrationError(
            f"buffer: expected the balance of mass to hold to {_TOLERANCE:g} of each total, found "
            f"{worst:.1e}. Check the constants for values that no chelator has."
        )
    return log_free


def _balance(
    log_free: FloatArray, total: FloatArray, chelator: FloatArray, stability: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Find what each metal is in excess of its total, and the (m, m) slope of that."""
    free = np.exp(log_free)
    weight = stability * free[:, None]
    share = weight / (1 + weight.sum(axis=0))
    bound = share * chelator
    slope = -bound @ share.T
    # Not b − b·share: where a metal fills a chelator, what is left is lost in that difference.
    others = 1 + weight.sum(axis=0) - weight
    own = bound * others / (1 + weight.sum(axis=0))
    slope[np.diag_indices_from(slope)] = free + own.sum(axis=1)
    return free + bound.sum(axis=1) - total, slope


def _newton(excess: FloatArray, slope: FloatArray, total: FloatArray) -> FloatArray:
    """Newton's step, with every metal on the scale of its own total; always downhill."""
    scale = 1 / np.sqrt(total)
    curvature, axes = np.linalg.eigh(slope * scale[:, None] * scale)
    floor = np.finfo(np.float64).eps * curvature[-1]
    step: FloatArray = -scale * (
        axes @ ((axes.T @ (excess * scale)) / np.maximum(curvature, floor))
    )
    return step


def _length(
    log_free: FloatArray, step: FloatArray, totals: tuple[FloatArray, FloatArray, FloatArray]
) -> float:
    """How much of a step to go: not past the point where the way climbs half as it fell."""
    fall = -float(_balance(log_free, *totals)[0] @ step)
    length = 1.0
    for _ in range(60):
        if float(_balance(log_free + length * step, *totals)[0] @ step) <= 0.5 * abs(fall):
            break
        length /= 2
    return length
