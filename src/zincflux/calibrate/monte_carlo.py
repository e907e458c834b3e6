"""Intervals of free zinc by Monte Carlo: draw all errors, convert, and read off both ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from zincflux.calibrate.binding import Binding
from zincflux.calibrate.calibration import Calibration
from zincflux.calibrate.shared_error import constants_of
from zincflux.movie import FloatArray

TAIL = 0.025
"""Share of the draws beyond either end of a 95 % interval."""

BLOCK = 1 << 17
"""Draws that are held at once: few enough for the processor's cache."""

_SIGNAL, _MINIMUM, _MAXIMUM, _K, _HILL, _BETA = range(6)


class Draws:
    """Quasi-random draws of all errors, the same for every value.

    Only the interval of each single value is read off, so that the values may share their draws:
    6 × D numbers instead of D for each value and error.

    Parameters
    ----------
    binding
        Constants with their errors.
    draws
        Number of draws D.
    seed
        Seed of the scrambling.

    References
    ----------
    .. [1] JCGM 101:2008, Propagation of distributions using a Monte Carlo method.
    .. [2] Halton JH. Numer Math 1960;2:84.
    """

    def __init__(self, binding: Binding, draws: int, seed: int) -> None:
        # Half a second to import, and most runs need no intervals.
        from scipy.stats import qmc

        self.normal: FloatArray = ndtri(qmc.Halton(6, scramble=True, seed=seed).random(draws).T)
        relative = constants_of(binding)
        k_sd, hill_sd, beta_sd = (
            float(np.asarray(sd))
            for sd in (relative.k_relative_sd, relative.hill_sd, relative.beta_relative_sd)
        )
        # K and n are positive: their errors are drawn in the logarithm.
        by_k = binding.covariance_ln_k_hill / k_sd if k_sd > 0 else 0.0
        rest = np.sqrt(max(hill_sd**2 - by_k**2, 0.0))
        ln_n = (by_k * self.normal[_K] + rest * self.normal[_HILL]) / binding.hill
        self.ln_k: FloatArray = np.log(binding.k_nM) + k_sd * self.normal[_K]
        self.per_hill: FloatArray = np.exp(-ln_n) / binding.hill
        self.ln_beta: FloatArray = np.log(binding.applied_beta) + beta_sd * self.normal[_BETA]


def monte_carlo_interval(
    signal: FloatArray, signal_sd: FloatArray, calibration: Calibration, draws: Draws
) -> tuple[FloatArray, FloatArray]:
    """Give both ends of the 95 % interval of zinc in nM; NaN where it has no such end.

    Parameters
    ----------
    signal, signal_sd
        Signal and the standard deviation of its error, shape (n,) or (n, T).
    calibration
        Ends and constants with their errors.
    draws
        The draws.
    """
    shape = signal.shape
    per_cell = int(np.prod(shape[1:]))
    value = signal.reshape(-1)
    sd = np.broadcast_to(signal_sd, shape).reshape(-1)
    low, high = np.full((2, value.size), np.nan)
    known = np.flatnonzero(
        np.isfinite(value) & np.isfinite(sd) & np.repeat(calibration.calibrated, per_cell)
    )
    step = max(BLOCK // draws.normal.shape[1], 1)
    for start in range(0, known.size, step):
        part = known[start : start + step]
        low[part], high[part] = _block(value[part], sd[part], part // per_cell, calibration, draws)
    return low.reshape(shape), high.reshape(shape)


def _block(
    signal: FloatArray,
    sd: FloatArray,
    cell: NDArray[np.intp],
    calibration: Calibration,
    draws: Draws,
) -> tuple[FloatArray, FloatArray]:
    cells, row = np.unique(cell, return_inverse=True)
    minimum, maximum = (ends[row] for ends in _ends(calibration, cells, draws))
    drawn = signal[:, None] + sd[:, None] * draws.normal[_SIGNAL]
    span = (calibration.maximum - calibration.minimum)[cell, None]
    wrong_way = (maximum - minimum) * span <= 0
    drawn -= minimum
    maximum -= minimum
    maximum -= drawn
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn /= maximum
        # Past S_max the odds are negative: any amount of zinc; below S_min: none.
        beyond = maximum * span <= 0
        below = ~beyond & (drawn <= 0)
        np.log(drawn, out=drawn)
    drawn += draws.ln_beta
    drawn *= draws.per_hill
    drawn += draws.ln_k
    drawn[beyond], drawn[below] = np.inf, -np.inf
    if wrong_way.any():  # says nothing: half of these draws to either side
        sides = np.where(np.arange(drawn.shape[1]) % 2, np.inf, -np.inf)
        drawn = np.where(wrong_way, sides, drawn)
    last = drawn.shape[1] - 1
    tail = int(TAIL * drawn.shape[1])
    # Single precision is far finer than the draws, and sorts four times as fast.
    ordered = np.sort(drawn.astype(np.float32), axis=1).astype(np.float64)
    low, high = (
        np.where(np.isfinite(ln_zinc), np.exp(ln_zinc), np.nan)
        for ln_zinc in (ordered[:, tail], ordered[:, last - tail])
    )
    return low, high


def _ends(
    calibration: Calibration, cells: NDArray[np.intp], draws: Draws
) -> tuple[FloatArray, FloatArray]:
    """Draw minimum and maximum of cells together, each (n, D)."""
    minimum, minimum_sd, maximum, maximum_sd, covariance = (
        getattr(calibration, name)[cells, None]
        for name in ("minimum", "minimum_sd", "maximum", "maximum_sd", "covariance")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        common = np.where(minimum_sd > 0, covariance / minimum_sd, 0.0)
    rest = np.sqrt(np.maximum(maximum_sd**2 - common**2, 0.0))
    return (
        minimum + minimum_sd * draws.normal[_MINIMUM],
        maximum + common * draws.normal[_MINIMUM] + rest * draws.normal[_MAXIMUM],
    )
