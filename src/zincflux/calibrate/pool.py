"""Pooling: what the calibrated cells have in common, and what it says of the others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zincflux.calibrate.calibration import Pooled
from zincflux.movie import FloatArray

FEWEST_CELLS = 3
"""Fewest cells that say how much cells differ."""


class Ends(NamedTuple):
    """Minimum and maximum of each cell with their errors, shape (n,).

    The shared standard deviations are the parts of the errors that come from a pool, and so are the
    same in all cells that took from it; 0 in cells that did not.
    """

    minimum: FloatArray
    minimum_sd: FloatArray
    maximum: FloatArray
    maximum_sd: FloatArray
    covariance: FloatArray
    minimum_shared_sd: FloatArray
    maximum_shared_sd: FloatArray

    def where(self, condition: NDArray[np.bool_], other: Ends) -> Ends:
        """Take these where a condition holds, and the others elsewhere."""
        return Ends(*(np.where(condition, a, b) for a, b in zip(self, other, strict=True)))

    @classmethod
    def nothing(cls, n: int) -> Ends:
        """Make the ends of n cells that have none."""
        return cls(*(np.full(n, np.nan) for _ in cls._fields))


class Common(NamedTuple):
    """A quantity over cells: median, its standard error, and the spread from cell to cell."""

    value: float
    se: float
    spread: float

    @property
    def sd(self) -> float:
        """Standard deviation of the quantity as it stands for one more cell."""
        return float(np.hypot(self.se, self.spread))


# Croux & Rousseeuw, COMPSTAT 1992: makes 1.4826 MAD unbiased in samples of 3 to 9.
_SMALL_SAMPLE = {3: 1.495, 4: 1.363, 5: 1.206, 6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}


_TOO_ALIKE = 2.0
"""How many times their scatter the errors of the cells may be before they must be shared."""


def common(values: FloatArray, sd: FloatArray) -> Common:
    """Find the median of a quantity over cells, and how much the cells truly differ.

    Parameters
    ----------
    values, sd
        The quantity in each cell and its measurement error, shape (n,).

    Returns
    -------
    Common
        The spread is the robust standard deviation less the measurement error. Cells that agree
        far better than their errors allow share an error, which is then one of the median too.
    """
    n = len(values)
    if n < FEWEST_CELLS:
        return Common(np.nan, np.nan, np.nan)
    total = robust_sd(values)
    # The median of n normal values is that much less certain than their mean.
    se = total * np.sqrt(np.pi / 2 / n)
    own = float(np.median(sd**2))
    if own > _TOO_ALIKE**2 * total**2:
        se = np.sqrt(se**2 + own - total**2)
    spread = np.sqrt(max(total**2 - own, 0.0))
    return Common(float(np.median(values)), float(se), float(spread))


def robust_sd(values: FloatArray) -> float:
    """Estimate the standard deviation from the median absolute deviation."""
    n = len(values)
    mad = float(np.median(np.abs(values - np.median(values))))
    return 1.4826 * mad * _SMALL_SAMPLE.get(n, n / (n - 0.8))


def pool_ratios(ends: Ends) -> Pooled:
    """Pool Rmin and Rmax; the covariance is that of the cells' ends (Gnanadesikan–Kettenring)."""
    minimum = common(ends.minimum, ends.minimum_sd)
    maximum = common(ends.maximum, ends.maximum_sd)
    over = common(*inverse_range(ends))
    covariance = np.nan
    if not np.isnan(minimum.value):
        noise = np.hypot(ends.minimum_sd, ends.maximum_sd)
        together = common(ends.minimum + ends.maximum, noise).sd
        apart = common(ends.maximum - ends.minimum, noise).sd
        limit = 0.99 * minimum.sd * maximum.sd
        covariance = float(np.clip((together**2 - apart**2) / 4, -limit, limit))
    return _pooled(
        over,
        len(ends.minimum),
        minimum=minimum.value,
        minimum_sd=minimum.sd,
        maximum=maximum.value,
        maximum_sd=maximum.sd,
        covariance=covariance,
        minimum_se=minimum.se,
        maximum_se=maximum.se,
    )


def pool_intensities(ends: Ends) -> tuple[Pooled, Common]:
    """Pool the dynamic range, never counts: cells differ in dye.

    It is pooled as Fmin/Fmax, which stays near its true value where Fmin is lost in noise; Fmax
    over such an Fmin does not.
    """
    inverse = common(*inverse_range(ends))
    return _pooled(inverse, len(ends.minimum)), inverse


def inverse_range(ends: Ends) -> tuple[FloatArray, FloatArray]:
    """Minimum over maximum of each cell, and its error."""
    ratio = ends.minimum / ends.maximum
    return ratio, np.hypot(ends.minimum_sd, ratio * ends.maximum_sd) / np.abs(ends.maximum)


def _pooled(inverse: Common, n_cells: int, **ends: float) -> Pooled:
    value = 1 / inverse.value if inverse.value > 0 else np.nan
    return Pooled(
        n_cells=n_cells,
        dynamic_range=value,
        dynamic_range_se=inverse.se * value**2,
        dynamic_range_spread=inverse.spread * value**2,
        **ends,
    )


def anchored(ends: Ends, inverse: Common, at_maximum: NDArray[np.bool_]) -> Ends:
    """Make the other end of each cell from one end and the pooled Fmin/Fmax.

    Parameters
    ----------
    ends
        Ends of the cells; only the anchor is used.
    inverse
        The pooled Fmin/Fmax.
    at_maximum
        Whether the maximum is the anchor, shape (n,).
    """
    rho, sd = inverse.value, inverse.sd
    zeros = np.zeros(len(at_maximum))
    with np.errstate(divide="ignore", invalid="ignore"):
        from_maximum = Ends(
            minimum=rho * ends.maximum,
            minimum_sd=np.hypot(rho * ends.maximum_sd, ends.maximum * sd),
            maximum=ends.maximum,
            maximum_sd=ends.maximum_sd,
            covariance=zeros + rho * ends.maximum_sd**2,
            minimum_shared_sd=np.abs(ends.maximum) * inverse.se,
            maximum_shared_sd=zeros,
        )
        # Fmin/Fmax that is not clearly above 0 says nothing of the maximum.
        rho = rho if rho > 3 * sd else np.nan
        from_minimum = Ends(
            minimum=ends.minimum,
            minimum_sd=ends.minimum_sd,
            maximum=ends.minimum / rho,
            maximum_sd=np.hypot(ends.minimum_sd / rho, ends.minimum * sd / rho**2),
            covariance=zeros + ends.minimum_sd**2 / rho,
            minimum_shared_sd=zeros,
            maximum_shared_sd=np.abs(ends.minimum) * inverse.se / rho**2,
        )
    return from_maximum.where(at_maximum, from_minimum)


def shrunk(own: Ends, other: Ends) -> Ends:
    """Draw each cell's own ends towards what the population says of it, by their errors.

    Either end becomes the mean of the cell's own value and the population's, weighted by the
    inverse of their variances; the population's holds the spread from cell to cell, so that an end
    that is measured better than cells differ hardly moves.

    Parameters
    ----------
    own
        Ends as measured in each cell.
    other
        What the population says: pooled ends, or one end made from the other one.

    References
    ----------
    .. [1] Efron B, Morris C. J Am Stat Assoc 1975;70:311.
    """
    minimum, minimum_sd, low = _drawn(own.minimum, own.minimum_sd, other.minimum, other.minimum_sd)
    maximum, maximum_sd, high = _drawn(own.maximum, own.maximum_sd, other.maximum, other.maximum_sd)
    # An end that the other one was made from stays as it is, and moves the other one with it.
    kept = (low == 1) | (high == 1)
    share = np.where(kept, (1 - low) + (1 - high), (1 - low) * (1 - high))
    covariance = low * high * own.covariance + share * other.covariance
    return Ends(
        minimum,
        minimum_sd,
        maximum,
        maximum_sd,
        covariance,
        minimum_shared_sd=np.where(low == 1, 0.0, (1 - low) * other.minimum_shared_sd),
        maximum_shared_sd=np.where(high == 1, 0.0, (1 - high) * other.maximum_shared_sd),
    )


def _drawn(
    own: FloatArray, own_sd: FloatArray, other: FloatArray, other_sd: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weigh two values; give the mean, its error, and the weight of the first one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = other_sd**2 / (own_sd**2 + other_sd**2)
    is_anchor = (own == other) & (own_sd == other_sd)
    weight = np.where(is_anchor | ~np.isfinite(weight), 1.0, weight)
    value = np.where(weight == 1, own, weight * own + (1 - weight) * other)
    return value, own_sd * np.sqrt(weight), weight
