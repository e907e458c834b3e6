"""P values adjusted for the number of comparisons."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from zincflux.movie import FloatArray


def holm(p_values: ArrayLike) -> FloatArray:
    """Adjust p values by Holm's step-down method.

    Parameters
    ----------
    p_values
        Shape (n,); a NaN is no test, and does not count.

    Returns
    -------
    numpy.ndarray
        Adjusted p values, shape (n,): to reject where they are below alpha keeps the probability
        of any false rejection below alpha.

    References
    ----------
    Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    given = np.asarray(p_values, dtype=np.float64)
    result = np.full(given.shape, np.nan)
    order = np.argsort(given, kind="stable")  # NaN goes last
    order = order[np.isfinite(given[order])]
    steps = given[order] * np.arange(len(order), 0, -1)
    result[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return result
