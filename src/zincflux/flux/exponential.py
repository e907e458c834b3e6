"""Single exponential through each cell's trace: its rate constant and its initial slope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtri

from zincflux.flux.lines import MIN_SHARE, centred
from zincflux.movie import FloatArray

MIN_FRAMES = 6
"""Three constants are fitted; below this the test against a line has no power."""

_GRID_POINTS = 40
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0
_GOLDEN_STEPS = 36  # narrows a step of the grid by 3e-8


@dataclass(frozen=True, eq=False)
class ExponentialFit:
    """Exponentials y = a + b·(1 − e^(−k·t)), one per cell; every array has shape (n,).

    Attributes
    ----------
    change
        b, the whole change, in the unit of the values; negative for a fall.
    rate_per_s
        k, 1/s.
    initial_rate
        b·k, the slope at t = 0, unit of the values per second.
    initial_rate_se
        Its standard error.
    """

    change: FloatArray
    rate_per_s: FloatArray
    initial_rate: FloatArray
    initial_rate_se: FloatArray


def exponential_fit(time_s: FloatArray, values: FloatArray) -> ExponentialFit:
    """Fit y = a + b·(1 − e^(−k·t)) by least squares to each row.

    For a given k the model is linear in a and b, so that only k is searched for (variable
    projection): on a logarithmic grid, then by golden section, for all cells at once.

    Parameters
    ----------
    time_s
        Time since the onset in s, shape (T,), or (n, T) where each cell has its own onset.
    values
        Shape (n, T); NaN frames are left out.

    Returns
    -------
    ExponentialFit
        NaN where the fit says nothing: fewer than 6 numbers or numbers in less than three quarters
        of the frames, not better than a straight line (F test, 1 %), or the standard error of the
        initial slope exceeds half of it.

    References
    ----------
    Golub, Pereyra, SIAM J Numer Anal 1973;10:413, doi 10.1137/0710036.

    Examples
    --------
    >>> import numpy as np
    >>> time_s = np.arange(0.0, 300.0, 3.0)
    >>> fit = exponential_fit(time_s, 0.2 + 0.8 * np.exp(-0.005 * time_s)[None])
    >>> round(float(fit.rate_per_s[0]), 6), round(float(fit.initial_rate[0]), 6)
    (0.005, -0.004)
    """
    frames = np.isfinite(time_s) & np.ones(values.shape, dtype=bool)
    known = frames & np.isfinite(values)
    enough = known.sum(axis=1) >= np.maximum(MIN_FRAMES, MIN_SHARE * frames.sum(axis=1))
    result = np.full((4, len(values)), np.nan)
    if enough.any():
        time = np.broadcast_to(time_s, values.shape)[enough]
        result[:, enough] = _fit(np.where(known[enough], time, 0.0), values[enough], known[enough])
    return ExponentialFit(*result)


def _fit(time: FloatArray, values: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """Fit rows that have enough numbers; rows of the result as in `ExponentialFit`."""
    span = np.max(time, axis=1, initial=0.0, where=known)
    span = np.where(span > 0, span, 1.0)
    y = centred(values, known)
    x = time / span[:, None]
    k = _search(x, y, known)
    rss, change = _residual(x, y, known, k)
    rate = k / span
    slope = change * rate
    se = _slope_error(x, known, change, k, rss) / span
    useful = _better_than_line(x, y, known, rss) & (se < 0.5 * np.abs(slope))
    return np.where(useful, np.stack([change, rate, slope, se]), np.nan)


def _search(x: FloatArray, y: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """Find the k (per unit of x) with the least residual, shape (n,)."""
    # From nearly straight over the phase to finished within a third of a frame.
    grid = np.log(np.geomspace(0.1, 3.0 * x.shape[1], _GRID_POINTS))
    on_grid = np.stack([_residual(x, y, known, np.full(len(y), np.exp(g)))[0] for g in grid])
    best = np.clip(np.argmin(on_grid, axis=0), 1, _GRID_POINTS - 2)
    low, high = grid[best - 1], grid[best + 1]
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    f_left = _residual(x, y, known, np.exp(left))[0]
    f_right = _residual(x, y, known, np.exp(right))[0]
    for _ in range(_GOLDEN_STEPS):
        down = f_left < f_right
        low, high = np.where(down, low, left), np.where(down, right, high)
        kept, f_kept = np.where(down, left, right), np.where(down, f_left, f_right)
        new = np.where(down, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        f_new = _residual(x, y, known, np.exp(new))[0]
        left, right = np.where(down, new, kept), np.where(down, kept, new)
        f_left, f_right = np.where(down, f_new, f_kept), np.where(down, f_kept, f_new)
    middle: FloatArray = np.exp((low + high) / 2)
    return middle


def _residual(
    x: FloatArray, y: FloatArray, known: NDArray[np.bool_], k: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Sum of squared residuals at the best a and b for a given k, and that b; shapes (n,)."""
    g = centred(-np.expm1(-k[:, None] * x), known)
    with np.errstate(invalid="ignore", divide="ignore"):
        change = (g * y).sum(axis=1) / (g * g).sum(axis=1)
    change = np.nan_to_num(change)
    return ((y - change[:, None] * g) ** 2).sum(axis=1), change


def _better_than_line(
    x: FloatArray, y: FloatArray, known: NDArray[np.bool_], rss: FloatArray
) -> NDArray[np.bool_]:
    """Test the exponential against its limit k → 0, the straight line, at 1 %."""
    t = centred(x, known)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (t * y).sum(axis=1) / (t * t).sum(axis=1)
        line = ((y - slope[:, None] * t) ** 2).sum(axis=1)
        freedom = known.sum(axis=1) - 3
        f = (line - rss) / (rss / freedom)
    # Below rounding error of the data the two cannot be told apart.
    curved = line > 1e-20 * (y * y).sum(axis=1)
    result: NDArray[np.bool_] = curved & (f > fdtri(1, freedom, 0.99))
    return result


def _slope_error(
    x: FloatArray, known: NDArray[np.bool_], change: FloatArray, k: FloatArray, rss: FloatArray
) -> FloatArray:
    """Propagate the scatter to b·k per unit of x, first order, with ln k as the third constant."""
    decay = np.exp(-k[:, None] * x)
    by_log_k = change[:, None] * k[:, None] * x * decay
    design = np.stack([np.ones_like(x), 1.0 - decay, by_log_k], axis=2) * known[:, :, None]
    information = np.einsum("nti,ntj->nij", design, design)
    scale = np.sqrt(np.maximum(np.einsum("nii->ni", information), np.finfo(float).tiny))
    inverse = np.linalg.pinv(information / (scale[:, :, None] * scale[:, None, :]), hermitian=True)
    gradient = np.stack([np.zeros_like(k), k, change * k], axis=1) / scale
    variance = np.einsum("ni,nij,nj->n", gradient, inverse, gradient)
    noise = rss / (known.sum(axis=1) - 3)
    result: FloatArray = np.sqrt(np.maximum(variance * noise, 0.0))
    return result
