"""Free zinc from a signal, with its 95 % interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zincflux import response
from zincflux.calibrate.calibration import Calibration
from zincflux.calibrate.monte_carlo import Draws, monte_carlo_interval
from zincflux.calibrate.settings import Uncertainty
from zincflux.calibrate.shared_error import constants_ln_sd, shared_ln_sd
from zincflux.movie import FloatArray

Interval = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
"""From a signal and the standard deviation of its error to both ends of its zinc, in nM."""

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
    shared_ln_sd
        Standard deviation of ln Z that all cells share (K, n, β, pooled ends, and what of the
        signal's error is shared). It is in the interval of each cell, and stays in that of any mean
        over cells; NaN outside the range.
    flag
        ``"below_min"``, ``"above_max"``, ``"no_calibration"``, or empty; also empty where the
        signal itself is NaN.
    """

    zinc_nM: FloatArray
    low_nM: FloatArray
    high_nM: FloatArray
    saturation: FloatArray
    occupancy: FloatArray
    shared_ln_sd: FloatArray
    flag: NDArray[np.str_]

    def where(self, condition: NDArray[np.bool_]) -> Self:
        """Blank all numbers (NaN) and flags where a condition is false."""
        return type(self)(
            zinc_nM=np.where(condition, self.zinc_nM, np.nan),
            low_nM=np.where(condition, self.low_nM, np.nan),
            high_nM=np.where(condition, self.high_nM, np.nan),
            saturation=np.where(condition, self.saturation, np.nan),
            occupancy=np.where(condition, self.occupancy, np.nan),
            shared_ln_sd=np.where(condition, self.shared_ln_sd, np.nan),
            flag=np.where(condition, self.flag, ""),
        )


def free_zinc(
    signal: ArrayLike,
    calibration: Calibration | None,
    signal_sd: ArrayLike = 0.0,
    uncertainty: Uncertainty | None = None,
    *,
    shared_signal_sd: ArrayLike = 0.0,
) -> ZincEstimate:
    """Convert a signal to free zinc, each cell with its own calibration.

    The analytic interval is Fieller's [1]_ for signal, minimum and maximum: it holds every
    saturation θ whose signal differs from the measured one by no more than 1.96 standard deviations
    of S − (1 − θ)·S_min − θ·S_max, mapped to zinc. In the middle of the range it agrees with
    first-order errors of ln Z (`response.log_zinc_sd`); near the ends it stays right, where these
    do not. The errors of K, n and β are joined to it in ln Z, distance by distance [2]_. Monte
    Carlo draws all errors instead.

    Parameters
    ----------
    signal
        Counts above background, or ratio; shape (n,) or (n, T), cells in the calibration's order.
    calibration
        The calibration; None flags everything ``"no_calibration"``.
    signal_sd
        Standard deviation of the signal's error, broadcast to its shape; NaN where it is not
        known, which gives no interval.
    uncertainty
        How the interval is found; analytic if not given. Its ``signal_error`` is not applied here.
    shared_signal_sd
        Part of ``signal_sd`` that is the same error in all cells, broadcast; for
        `ZincEstimate.shared_ln_sd` only.

    Raises
    ------
    ValueError
        If the signal has not as many rows as the calibration has cells.

    References
    ----------
    .. [1] Fieller EC. Some problems in interval estimation. J R Stat Soc B 1954;16:175.
    .. [2] Zou GY, Donner A. Construction of confidence limits about effect measures: a general
       approach. Stat Med 2008;27:1693.
    """
    values = np.asarray(signal, dtype=np.float64)
    if calibration is None:
        nothing = np.full(values.shape, np.nan)
        flag = np.where(np.isnan(values), "", "no_calibration")
        return ZincEstimate(nothing, nothing, nothing, nothing, nothing, nothing, flag)
    if values.ndim == 0 or len(values) != len(calibration.cell_ids):
        raise ValueError(
            f"free_zinc: expected a signal of {len(calibration.cell_ids)} cells along its first "
            f"axis, found shape {values.shape}"
        )
    column = (-1,) + (1,) * (values.ndim - 1)
    minimum, maximum = (ends.reshape(column) for ends in (calibration.minimum, calibration.maximum))
    fraction = response.saturation(values, minimum, maximum)
    binding = calibration.binding
    below, above = fraction <= 0, fraction >= 1
    sd = np.broadcast_to(np.asarray(signal_sd, dtype=np.float64), values.shape)
    interval = _method(calibration, uncertainty or Uncertainty())
    low, high = interval(values, sd)
    # So far beyond an end that no zinc would fit, the bound is that of a signal at the end.
    lost = (below & np.isnan(high)) | (above & np.isnan(low))
    if lost.any():
        at_end = np.where(lost, np.where(below, minimum, maximum), np.nan)
        low_of_end, high_of_end = interval(at_end, sd)
        high = np.where(below & lost, high_of_end, high)
        low = np.where(above & lost, low_of_end, low)
    flag = np.select([below, above], ["below_min", "above_max"], "")
    uncalibrated = ~calibration.calibrated.reshape(column) & ~np.isnan(values)
    return ZincEstimate(
        zinc_nM=response.zinc_from_saturation(
            fraction, binding.k_nM, binding.hill, binding.applied_beta
        ),
        low_nM=np.where(below, np.nan, low),
        high_nM=np.where(above, np.nan, high),
        saturation=fraction,
        occupancy=response.occupancy(fraction, binding.occupancy_beta),
        shared_ln_sd=shared_ln_sd(fraction, calibration, shared_signal_sd),
        flag=np.where(uncalibrated, "no_calibration", flag),
    )


def _method(calibration: Calibration, uncertainty: Uncertainty) -> Interval:
    """Give the function that finds the ends of the interval of zinc, in nM."""
    if uncertainty.method == "analytic":
        return lambda signal, sd: _analytic(signal, sd, calibration)
    draws = Draws(calibration.binding, uncertainty.draws, uncertainty.seed)
    return lambda signal, sd: monte_carlo_interval(signal, sd, calibration, draws)


def _analytic(
    signal: FloatArray, signal_sd: FloatArray, calibration: Calibration
) -> tuple[FloatArray, FloatArray]:
    """Map the ends of Fieller's interval to zinc, and join the errors of the constants."""
    binding = calibration.binding
    constants = (binding.k_nM, binding.hill, binding.applied_beta)
    column = (-1,) + (1,) * (signal.ndim - 1)
    fraction = response.saturation(
        signal, calibration.minimum.reshape(column), calibration.maximum.reshape(column)
    )
    middle = response.zinc_from_saturation(fraction, *constants)
    inside = np.isfinite(middle)
    ends = []
    for end, sign in zip(_fieller(signal, signal_sd, calibration, column), (-1, 1), strict=True):
        zinc = response.zinc_from_saturation(end, *constants)
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.where(inside, np.log(zinc / middle), 0.0)
            # Without a value between the ends, the constants shift the bound itself.
            at = np.where(inside, fraction, end)
            shared = QUANTILE * constants_ln_sd(at, binding)
            joined = np.exp(sign * np.hypot(distance, shared))
        ends.append(np.where(inside, middle, zinc) * joined)
    return ends[0], ends[1]


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
