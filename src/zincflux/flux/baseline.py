"""F0, F/F0 and ΔF/F0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray


def baseline_mean(signal: FloatArray, baseline: NDArray[np.bool_]) -> FloatArray:
    """Average each cell's signal over the baseline: F0.

    Parameters
    ----------
    signal
        Corrected signal, shape (n, T), counts or a ratio; NaN frames are left out.
    baseline
        Which frames are baseline, shape (T,).

    Returns
    -------
    numpy.ndarray
        F0, shape (n,); NaN for a cell without one measured baseline frame.

    Examples
    --------
    >>> import numpy as np
    >>> signal = np.array([[10.0, 12.0, 30.0]])
    >>> baseline_mean(signal, np.array([True, True, False]))
    array([11.])
    """
    part = signal[:, baseline]
    known = np.isfinite(part)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: FloatArray = np.where(known, part, 0.0).sum(axis=1) / known.sum(axis=1)
    return mean


def f_f0(signal: FloatArray, f0: FloatArray) -> FloatArray:
    """Divide each cell's signal by its F0.

    Parameters
    ----------
    signal
        Corrected signal, shape (n, T).
    f0
        Baseline mean of each cell, shape (n,).

    Returns
    -------
    numpy.ndarray
        F/F0, shape (n, T); NaN for a cell whose F0 is not above zero, since there the background
        hides the cell and the quotient would mean nothing.
    """
    usable = np.where(f0 > 0, f0, np.nan)
    result: FloatArray = signal / usable[:, None]
    return result


def delta_f_f0(signal: FloatArray, f0: FloatArray) -> FloatArray:
    """Give ΔF/F0 = (F − F0) / F0; shapes and NaN as in `f_f0`."""
    return f_f0(signal, f0) - 1.0
