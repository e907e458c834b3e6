"""Equations between signal and free zinc, each with its inverse and its reference.

The signal is a fluorescence intensity or a ratio. K is the free zinc at half saturation, n the
Hill coefficient, β the brightness of free over bound indicator at the denominator's wavelength
(1 for intensities). Nothing here assumes that the signal rises with zinc.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


class SignalSd(NamedTuple):
    """Standard deviations of what is measured, in units of the signal; broadcast."""

    signal: ArrayLike = 0.0
    minimum: ArrayLike = 0.0
    maximum: ArrayLike = 0.0


class Constants(NamedTuple):
    """Constants of an indicator as far as the error of ln Z needs them; broadcast.

    Attributes
    ----------
    hill, beta
        Hill coefficient n, and β.
    k_relative_sd, beta_relative_sd
        Standard deviations of K and β over their values.
    hill_sd
        Standard deviation of n.
    covariance_ln_k_hill, covariance_ln_beta_hill
        Covariances of ln K and of ln β with n, where they were fitted together.
    """

    hill: ArrayLike = 1.0
    beta: ArrayLike = 1.0
    k_relative_sd: ArrayLike = 0.0
    hill_sd: ArrayLike = 0.0
    beta_relative_sd: ArrayLike = 0.0
    covariance_ln_k_hill: ArrayLike = 0.0
    covariance_ln_beta_hill: ArrayLike = 0.0


def _array(values: ArrayLike) -> FloatArray:
    return np.asarray(values, dtype=np.float64)


def saturation(signal: ArrayLike, minimum: ArrayLike, maximum: ArrayLike) -> FloatArray:
    """Place a signal between its ends: (S − S_min) / (S_max − S_min).

    Parameters
    ----------
    signal, minimum, maximum
        Signal, zinc-free signal, zinc-saturated signal, in the same units; broadcast.

    Returns
    -------
    numpy.ndarray
        Fraction of the way from minimum to maximum: below 0 or above 1 outside of them, NaN where
        both are equal. It is the bound fraction only where β = 1, see `occupancy`.
    """
    low = _array(minimum)
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction = (_array(signal) - low) / (_array(maximum) - low)
    return np.where(np.isfinite(fraction), fraction, np.nan)[()]


def saturation_from_zinc(
    zinc_nM: ArrayLike, k_nM: ArrayLike, hill: ArrayLike = 1.0, beta: ArrayLike = 1.0
) -> FloatArray:
    """Saturation of the signal at a free zinc concentration: Zⁿ / (Zⁿ + β·Kⁿ).

    Parameters
    ----------
    zinc_nM
        Free zinc in nM; NaN where it is negative.
    k_nM, hill, beta
        Half saturation of the indicator in nM, Hill coefficient, β; all above 0.

    Returns
    -------
    numpy.ndarray
        Saturation, 0 to 1.
    """
    zinc = _array(zinc_nM)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        free_over_bound = _array(beta) * (
            _array(k_nM) / np.where(zinc < 0, np.nan, zinc)
        ) ** _array(hill)
        return (1.0 / (1.0 + free_over_bound))[()]


def zinc_from_saturation(
    fraction: ArrayLike, k_nM: ArrayLike, hill: ArrayLike = 1.0, beta: ArrayLike = 1.0
) -> FloatArray:
    """Free zinc at a saturation of the signal: K·(β·s / (1 − s))^(1/n).

    Parameters
    ----------
    fraction
        Saturation s of the signal.
    k_nM, hill, beta
        Half saturation of the indicator in nM, Hill coefficient, β; all above 0.

    Returns
    -------
    numpy.ndarray
        Free zinc in nM; NaN where s ≤ 0 or s ≥ 1.

    Examples
    --------
    The zinc that a sensor with K = 5300 pM and n = 0.29 reports at three saturations, in pM:

    >>> zinc_from_saturation([0.076783, 0.228624, 0.281664], 5.3, hill=0.29).round(4) * 1000
    array([  1.,  80., 210.])
    """
    inside = _array(fraction)
    inside = np.where((inside > 0) & (inside < 1), inside, np.nan)
    odds = _array(beta) * inside / (1.0 - inside)
    with np.errstate(over="ignore"):
        return (_array(k_nM) * odds ** (1.0 / _array(hill)))[()]


def signal_from_zinc(
    zinc_nM: ArrayLike,
    minimum: ArrayLike,
    maximum: ArrayLike,
    k_nM: ArrayLike,
    hill: ArrayLike = 1.0,
    beta: ArrayLike = 1.0,
) -> FloatArray:
    """Signal of an indicator at a free zinc concentration.

    S = S_min + (S_max − S_min)·Zⁿ / (Zⁿ + β·Kⁿ)

    Parameters
    ----------
    zinc_nM
        Free zinc in nM; NaN where it is negative.
    minimum, maximum
        Zinc-free and zinc-saturated signal; ``maximum < minimum`` for an indicator that turns off.
    k_nM, hill, beta
        Half saturation of the indicator in nM, Hill coefficient, β; all above 0. A K that was read
        off a titration of the ratio (K_app) contains β already: then ``beta`` stays 1.

    Returns
    -------
    numpy.ndarray
        Signal in the units of minimum and maximum.

    References
    ----------
    .. [1] Grynkiewicz G, Poenie M, Tsien RY. J Biol Chem 1985;260:3440.
    .. [2] Hill AV. J Physiol 1910;40:iv.

    Examples
    --------
    >>> signal_from_zinc([0, 15, 135], 100, 1100, k_nM=15)
    array([ 100.,  600., 1000.])
    """
    low = _array(minimum)
    fraction = saturation_from_zinc(zinc_nM, k_nM, hill, beta)
    return (low + (_array(maximum) - low) * fraction)[()]


def zinc_from_signal(
    signal: ArrayLike,
    minimum: ArrayLike,
    maximum: ArrayLike,
    k_nM: ArrayLike,
    hill: ArrayLike = 1.0,
    beta: ArrayLike = 1.0,
) -> FloatArray:
    """Free zinc from a signal; the inverse of `signal_from_zinc`.

    Z = K·[β·(S − S_min) / (S_max − S)]^(1/n)

    Parameters
    ----------
    signal, minimum, maximum
        Signal, zinc-free signal, zinc-saturated signal, in the same units; ``maximum < minimum``
        for an indicator that turns off.
    k_nM, hill, beta
        Half saturation of the indicator in nM, Hill coefficient, β; all above 0. A K that was read
        off a titration of the ratio (K_app) contains β already: then ``beta`` stays 1.

    Returns
    -------
    numpy.ndarray
        Free zinc in nM; NaN where the signal is not between its ends.

    References
    ----------
    .. [1] Grynkiewicz G, Poenie M, Tsien RY. J Biol Chem 1985;260:3440.

    Examples
    --------
    >>> zinc_from_signal([100, 150, 600, 1000, 1100], 100, 1100, k_nM=15).round(4)
    array([     nan,   0.7895,  15.    , 135.    ,      nan])

    A ratio with β:

    >>> float(zinc_from_signal(1.2, 0.4, 6, k_nM=3, beta=5).round(3))
    2.5
    """
    value = _array(signal)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        odds = (value - _array(minimum)) / (_array(maximum) - value)
        odds = np.where((odds > 0) & np.isfinite(odds), odds, np.nan)
        return (_array(k_nM) * (_array(beta) * odds) ** (1.0 / _array(hill)))[()]


def occupancy(fraction: ArrayLike, beta: ArrayLike) -> FloatArray:
    """Fraction of the indicator that is bound, from the saturation s of a ratio.

    θ = β·s / (β·s + 1 − s)

    Parameters
    ----------
    fraction
        Saturation of the ratio, see `saturation`.
    beta
        β of the ratio; 1 for intensities.

    Returns
    -------
    numpy.ndarray
        Bound fraction; NaN where s is outside 0 to 1.

    References
    ----------
    .. [1] Grynkiewicz G, Poenie M, Tsien RY. J Biol Chem 1985;260:3440.
    """
    inside = _array(fraction)
    inside = np.where((inside >= 0) & (inside <= 1), inside, np.nan)
    bound = _array(beta) * inside
    return (bound / (bound + 1.0 - inside))[()]


def half_saturation(k_power: ArrayLike, hill: ArrayLike) -> FloatArray:
    """K at half saturation from the other Hill convention, θ = Zⁿ / (Kd + Zⁿ).

    Parameters
    ----------
    k_power
        Kd of that convention, in nMⁿ.
    hill
        Hill coefficient n.

    Returns
    -------
    numpy.ndarray
        K = Kd^(1/n), in nM.
    """
    return (_array(k_power) ** (1.0 / _array(hill)))[()]


def apparent_k(k_nM: ArrayLike, beta: ArrayLike, hill: ArrayLike = 1.0) -> FloatArray:
    """Half saturation of the ratio from that of the indicator: K_app = K·β^(1/n), in nM."""
    return (_array(k_nM) * _array(beta) ** (1.0 / _array(hill)))[()]


def k_without_beta(k_app_nM: ArrayLike, beta: ArrayLike, hill: ArrayLike = 1.0) -> FloatArray:
    """Half saturation of the indicator from that of the ratio: K = K_app·β^(−1/n), in nM."""
    return (_array(k_app_nM) * _array(beta) ** (-1.0 / _array(hill)))[()]


def zinc_range(
    k_nM: ArrayLike,
    hill: ArrayLike = 1.0,
    beta: ArrayLike = 1.0,
    limits: tuple[float, float] = (0.1, 0.9),
) -> tuple[FloatArray, FloatArray]:
    """Free zinc, in nM, at two saturations: the range in which an indicator is useful.

    Examples
    --------
    >>> low, high = zinc_range(15.0)
    >>> round(float(low), 3), round(float(high), 3)
    (1.667, 135.0)
    """
    low, high = (zinc_from_saturation(limit, k_nM, hill, beta) for limit in limits)
    return low, high


def log_zinc_sd(
    signal: ArrayLike,
    minimum: ArrayLike,
    maximum: ArrayLike,
    sd: SignalSd,
    constants: Constants | None = None,
) -> FloatArray:
    """Propagate errors to the standard deviation of ln Z, to first order.

    The errors of signal, minimum and maximum are taken as independent.

    Parameters
    ----------
    signal, minimum, maximum
        Signal, zinc-free signal, zinc-saturated signal, in the same units; broadcast.
    sd
        Their standard deviations.
    constants
        Hill coefficient, β, and how well the constants are known; n = β = 1, exactly, if not given.

    Returns
    -------
    numpy.ndarray
        σ(ln Z), which is nearly the relative error of Z while it is small; NaN where the signal is
        not between its ends.

    Examples
    --------
    >>> errors = SignalSd(signal=10, minimum=5, maximum=20)
    >>> float(log_zinc_sd(600, 100, 1100, errors, Constants(k_relative_sd=2 / 15)).round(3))
    0.145
    """
    c = Constants() if constants is None else constants
    n = _array(c.hill)
    value = _array(signal)
    above_minimum, below_maximum = value - _array(minimum), _array(maximum) - value
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        odds = above_minimum / below_maximum
        odds = np.where((odds > 0) & np.isfinite(odds), odds, np.nan)
        by_signal = (1 / above_minimum + 1 / below_maximum) / n
        by_hill = -np.log(_array(c.beta) * odds) / n**2
        variance = (
            (by_signal * _array(sd.signal)) ** 2
            + (_array(sd.minimum) / (n * above_minimum)) ** 2
            + (_array(sd.maximum) / (n * below_maximum)) ** 2
            + _array(c.k_relative_sd) ** 2
            + (by_hill * _array(c.hill_sd)) ** 2
            + (_array(c.beta_relative_sd) / n) ** 2
            + 2 * by_hill * _array(c.covariance_ln_k_hill)
            + 2 * by_hill / n * _array(c.covariance_ln_beta_hill)
        )
        return np.where(np.isnan(odds), np.nan, np.sqrt(variance))[()]


def buffering_capacity(zinc_nM: ArrayLike, dye_nM: ArrayLike, k_nM: ArrayLike) -> FloatArray:
    """Zinc that a dye binds per rise of free zinc, κ = D·K / (K + Z)².

    Parameters
    ----------
    zinc_nM
        Free zinc in nM.
    dye_nM, k_nM
        Total dye and its K (1:1 binding) in nM.

    Returns
    -------
    numpy.ndarray
        κ, without unit.

    References
    ----------
    .. [1] Neher E, Augustine GJ. J Physiol 1992;450:273.

    Examples
    --------
    >>> buffering_capacity([0.1, 1, 15, 100], 100_000, 15).round()
    array([6579., 5859., 1667.,  113.])
    """
    k = _array(k_nM)
    return (_array(dye_nM) * k / (k + _array(zinc_nM)) ** 2)[()]


def bound_fraction(total_zinc_nM: ArrayLike, dye_nM: ArrayLike, k_nM: ArrayLike) -> FloatArray:
    """Fraction of a dye that is bound where zinc is not buffered, so that the dye depletes it.

    [ZnD] = ½·[b − √(b² − 4·D·Z_t)] with b = D + Z_t + K, in a form without cancellation.

    Parameters
    ----------
    total_zinc_nM, dye_nM, k_nM
        Total zinc, total dye, and K (1:1 binding), in nM.

    Returns
    -------
    numpy.ndarray
        [ZnD] / D.

    Examples
    --------
    >>> bound_fraction([5, 15, 50], 15, 15).round(5)
    array([0.15287, 0.38197, 0.72302])
    """
    zinc, dye, k = _array(total_zinc_nM), _array(dye_nM), _array(k_nM)
    root = np.sqrt((dye - zinc) ** 2 + k * (k + 2 * (dye + zinc)))
    return (2 * zinc / (dye + zinc + k + root))[()]


def free_from_total(total_zinc_nM: ArrayLike, dye_nM: ArrayLike, k_nM: ArrayLike) -> FloatArray:
    """Free zinc, in nM, left beside a dye that is the only buffer; see `bound_fraction`."""
    zinc, dye, k = _array(total_zinc_nM), _array(dye_nM), _array(k_nM)
    b = dye - zinc + k
    root = np.sqrt(b**2 + 4 * k * zinc)
    # Either form loses all digits on one side of b = 0.
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(b > 0, 2 * k * zinc / (b + root), (root - b) / 2)[()]
