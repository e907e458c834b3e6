"""Errors that all cells share: of the constants, of ends pooled or given, and of the signal."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from zincflux import response
from zincflux.calibrate.binding import Binding
from zincflux.calibrate.calibration import Calibration
from zincflux.movie import FloatArray


def constants_of(binding: Binding) -> response.Constants:
    """Give the constants with their errors; an error that is not known counts as none."""
    beta_sd = 0.0 if binding.k_includes_beta else (binding.beta_sd or 0.0)
    return response.Constants(
        hill=binding.hill,
        beta=binding.applied_beta,
        k_relative_sd=(binding.k_sd_nM or 0.0) / binding.k_nM,
        hill_sd=binding.hill_sd or 0.0,
        beta_relative_sd=beta_sd / binding.applied_beta,
        covariance_ln_k_hill=binding.covariance_ln_k_hill,
    )


def constants_ln_sd(fraction: FloatArray, binding: Binding) -> FloatArray:
    """Give σ(ln Z) from K, n and β alone, at saturations; NaN outside 0 to 1."""
    return response.log_zinc_sd(fraction, 0.0, 1.0, response.SignalSd(), constants_of(binding))


def shared_ln_sd(
    fraction: FloatArray, calibration: Calibration, signal_sd: ArrayLike = 0.0
) -> FloatArray:
    """Give σ(ln Z) from everything that is the same error in all cells.

    These are K, n and β, the error of an end that cells share (given as a constant, or pooled), and
    a part of the signal's error. The mean over many cells keeps all of it.

    Parameters
    ----------
    fraction
        Saturation, shape (n,) or (n, T), cells in the calibration's order.
    calibration
        The calibration.
    signal_sd
        Standard deviation of the shared part of the signal's error, broadcast to ``fraction``.

    Returns
    -------
    numpy.ndarray
        σ(ln Z), in the shape of ``fraction``; NaN outside 0 to 1.
    """
    column = (-1,) + (1,) * (fraction.ndim - 1)
    span = np.abs(calibration.maximum - calibration.minimum)
    minimum_sd, maximum_sd = (
        np.zeros(1) if sd is None else (sd / span).reshape(column)
        for sd in (calibration.minimum_shared_sd, calibration.maximum_shared_sd)
    )
    signal = np.broadcast_to(np.asarray(signal_sd, dtype=np.float64), fraction.shape)
    errors = response.SignalSd(signal / span.reshape(column), minimum_sd, maximum_sd)
    constants = constants_of(calibration.binding)
    return response.log_zinc_sd(fraction, 0.0, 1.0, errors, constants)
