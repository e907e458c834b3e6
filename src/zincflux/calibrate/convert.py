"""Free zinc from a signal, with its 95 % interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zincflux import response
from zincflux.calibrate.calibration import Calibration
from zincflux.movie import FloatArray

QUANTILE = 1.959963984540054
"""Two-sided 95 % quantile of a normal variable."""


@dataclass(frozen=True, eq=False)
class ZincEstimate:
    """Free zinc of each value of a signal; all arrays have the signal's shape.

    Attributes
    ----------
    zinc_nM
        Free zinc in nM; NaN where ``flag`` says why.
    low_nM, high_nM
        Ends of the 95 % interval in nM; NaN where the interval has no such end, that is where it
        reaches beyond the calibrated range (low: no zinc at all would fit; high: any amount
        would). Below the range only ``high_nM`` may be a number, above it only ``low_nM``: the
        one-sided bound.
    saturation
        (S − S_min) / (S_max − S_min), also outside 0 to 1.
    occupancy
        Fraction of the indicator that is bound; NaN where β is not known, or outside the range.
    flag
        ``"below_min"``, ``"above_max"``, ``"no_calibration"``, or empty; also empty where the
        signal itself is NaN.
    """

    zinc_nM: FloatArray
    low_nM: FloatArray
    high_nM: FloatArray
    saturation: FloatArray
    occupancy: FloatArray
    flag: NDArray[np.str_]

    def where(self, condition: NDArray[np.bool_]) -> Self:
        """Blank all numbers (NaN) and flags where a condition is false."""
        return type(self)(
            zinc_nM=np.where(condition, self.zinc_nM, np.nan),
            low_nM=np.where(condition, self.low_nM, np.nan),
            high_nM=np.where(condition, self.high_nM, np.nan),
            saturation=np.where(condition, self.saturation, np.nan),
            occupancy=np.where(condition, self.occupancy, np.nan),
            flag=np.where(condition, self.flag, ""),
        )


def free_zinc(
    signal: ArrayLike, calibration: Calibration | None, signal_sd: ArrayLike = 0.0
) -> ZincEstimate:
    """Convert a signal to free zinc, each cell with its own calibration.

    The interval is Fieller's: it holds every saturation θ whose signal differs from the measured
    one by no more than 1.96 standard deviations of S − (1 − θ)·S_min − θ·S_max, mapped to zinc. In
    the middle of the range it agrees with first-order errors of ln Z (`response.log_zinc_sd`);
    near the ends it stays right, where these do not. It holds the errors of signal, minimum and
    maximum. The error of K and n is not in it: it is systematic, shared by all cells.

    Parameters
    ----------
    signal
        Counts above background, or ratio; shape (n,) or (n, T), cells in the calibration's order.
    calibration
        The calibration; None flags everything ``"no_calibration"``.
    signal_sd
        Standard deviation of the signal's error, broadcast to its shape; NaN where it is not
        known, which gives no interval.

    Raises
    ------
    ValueError
        If the signal has not as many rows as the calibration has cells.

    References
    ----------
    .. [1] Fieller EC. Some problems in interval estimation. J R Stat Soc B 1954;16:175.
    """
    values = np.asarray(signal, dtype=np.float64)
    if calibration is None:
        nothing = np.full(values.shape, np.nan)
        flag = np.where(np.isnan(values), "", "no_calibration")
        return ZincEstimate(nothing, nothing, nothing, nothing, nothing, flag)
    if values.ndim == 0 or len(values) != len(calibration.cell_ids):
        raise ValueError(
            f"free_zinc: expected a signal of {len(calibration.cell_ids)} cells along its first "
            f"axis, found shape {values.shape}"
        )
    column = (-1,) + (1,) * (values.ndim - 1)
    minimum, maximum = (ends.reshape(column) for ends in (calibration.minimum, calibration.maximum))
    fraction = response.saturation(values, minimum, maximum)
    binding = calibration.binding
    constants = (binding.k_nM, binding.hill, binding.applied_beta)
    below, above = fraction <= 0, fraction >= 1
    sd = np.asarray(signal_sd, dtype=np.float64)
    low, high = _interval(values, sd, calibration, column)
    # So far beyond an end that no zinc would fit, the bound is that of a signal at the end.
    low_of_end, high_of_end = _interval(np.where(below, minimum, maximum), sd, calibration, column)
    high = np.where(below & np.isnan(high), high_of_end, high)
    low = np.where(above & np.isnan(low), low_of_end, low)
    flag = np.select([below, above], ["below_min", "above_max"], "")
    uncalibrated = ~calibration.calibrated.reshape(column) & ~np.isnan(values)
    return ZincEstimate(
        zinc_nM=response.zinc_from_saturation(fraction, *constants),
        low_nM=np.where(below, np.nan, low),
        high_nM=np.where(above, np.nan, high),
        saturation=fraction,
        occupancy=response.occupancy(fraction, binding.occupancy_beta),
        flag=np.where(uncalibrated, "no_calibration", flag),
    )


def _interval(
    signal: FloatArray, signal_sd: FloatArray, calibration: Calibration, column: tuple[int, ...]
) -> tuple[FloatArray, FloatArray]:
    """Map the ends of Fieller's interval of the saturation to zinc in nM."""
    binding = calibration.binding
    constants = (binding.k_nM, binding.hill, binding.applied_beta)
    low, high = _fieller(signal, signal_sd, calibration, column)
    return (
        response.zinc_from_saturation(low, *constants),
        response.zinc_from_saturation(high, *constants),
    )


def _fieller(
    signal: FloatArray, signal_sd: FloatArray, calibration: Calibration, column: tuple[int, ...]
) -> tuple[FloatArray, FloatArray]:
    """Find the ends of the 95 % interval of the saturation; both NaN where it is the whole line.

    The roots of a·θ² − 2·b·θ + c, which is (S − S_min − θ·Δ)² less its 1.96² variances.
    """
    minimum, maximum, var_minimum, var_maximum, covariance = (
        values.reshape(column)
        for values in (
            *(calibration.minimum, calibration.maximum),
            *(calibration.minimum_sd**2, calibration.maximum_sd**2, calibration.covariance),
        )
    )
    span, above_minimum, q = maximum - minimum, signal - minimum, QUANTILE**2
    a = span**2 - q * (var_minimum + var_maximum - 2 * covariance)
    b = above_minimum * span - q * (var_minimum - covariance)
    c = above_minimum**2 - q * (signal_sd**2 + var_minimum)
    with np.errstate(invalid="ignore", divide="ignore"):
        # A rounding error below 0 would lose the interval where nothing has an error.
        root = np.sqrt(np.maximum(b**2 - a * c, 0.0))
        bounded = a > 0
        return (
            np.where(bounded, (b - root) / a, np.nan),
            np.where(bounded, (b + root) / a, np.nan),
        )
