"""Reach: what an indicator can say at all, given the noise of this movie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from zincflux import response
from zincflux.calibrate.binding import Binding, half_saturation_of
from zincflux.calibrate.calibration import Calibration
from zincflux.calibrate.convert import QUANTILE, ZincEstimate, free_zinc
from zincflux.calibrate.shared_error import constants_ln_sd
from zincflux.indicators import Indicator, Record
from zincflux.movie import FloatArray

FACTORS = (2.0, 3.0)
"""An interval whose ends lie within this factor of the value is narrow enough to report."""

_GRID = expit(np.linspace(-9.0, 9.0, 1201))
_BINS = np.linspace(0.0, 1.0, 21)
_FEWEST = 5


@dataclass(frozen=True)
class ZincRange:
    """Range of free zinc in which both ends of the interval lie within a factor of the value.

    Attributes
    ----------
    factor
        The factor.
    low_nM, high_nM
        Ends of the range; NaN where no zinc can be told that well.
    """

    factor: float
    low_nM: float
    high_nM: float


@dataclass(frozen=True)
class Alternative:
    """What another published pair of K and n would make of the same signals.

    Attributes
    ----------
    record, source, confidence
        Name of the record, its citation, and how far that was checked.
    k_nM, hill
        Constants, K at half saturation.
    zinc_nM
        Zinc that it gives for each level asked for.
    """

    record: str
    source: str
    confidence: str
    k_nM: float
    hill: float
    zinc_nM: tuple[float, ...]


def zinc_ranges(
    zinc: ZincEstimate,
    signal_sd: FloatArray,
    calibration: Calibration,
    factors: Sequence[float] = FACTORS,
) -> tuple[ZincRange, ...]:
    """Find the zinc that a typical cell of this movie tells within given factors.

    The typical cell has the median errors of minimum, maximum and signal, all relative to its
    span; the noise of the signal is read off the frames near each saturation, since it grows with
    brightness.

    Parameters
    ----------
    zinc
        Converted signal of n cells over T frames.
    signal_sd
        Standard deviation of the signal's error, shape (n, T).
    calibration
        What it was converted with.
    factors
        Factors, each above 1.
    """
    span = np.abs(calibration.maximum - calibration.minimum)
    noise = _noise_by_saturation(zinc.saturation, signal_sd / span[:, None])
    if noise is None:
        return tuple(ZincRange(factor, np.nan, np.nan) for factor in factors)
    typical = _typical_cell(calibration, span)
    told = free_zinc(_GRID[None, :], typical, noise[None, :])
    with np.errstate(invalid="ignore"):
        upwards, downwards = told.high_nM / told.zinc_nM, told.zinc_nM / told.low_nM
    widest = np.where(
        np.isfinite(upwards) & np.isfinite(downwards), np.maximum(upwards, downwards), np.inf
    )[0]
    return tuple(_range(factor, told.zinc_nM[0][widest <= factor]) for factor in factors)


def _range(factor: float, zinc_nM: FloatArray) -> ZincRange:
    if not len(zinc_nM):
        return ZincRange(factor, np.nan, np.nan)
    return ZincRange(factor, float(zinc_nM.min()), float(zinc_nM.max()))


def _noise_by_saturation(fraction: FloatArray, relative_sd: FloatArray) -> FloatArray | None:
    """Median error of the signal over its span at each saturation of the grid."""
    known = np.isfinite(fraction) & np.isfinite(relative_sd)
    where: NDArray[np.intp] = np.digitize(np.clip(fraction[known], 0, 1), _BINS[1:-1])
    values = relative_sd[known]
    filled = [k for k in range(len(_BINS) - 1) if np.count_nonzero(where == k) >= _FEWEST]
    if not filled:
        return None
    middles = (_BINS[:-1] + _BINS[1:]) / 2
    medians = [float(np.median(values[where == k])) for k in filled]
    return np.asarray(np.interp(_GRID, middles[filled], medians), dtype=np.float64)


def _typical_cell(calibration: Calibration, span: FloatArray) -> Calibration:
    """Make one cell from 0 to 1 with the median errors of all."""
    return replace(
        calibration,
        cell_ids=np.zeros(1, dtype=np.int64),
        reason=np.array([""]),
        minimum=np.zeros(1),
        minimum_sd=_median(calibration.minimum_sd / span),
        maximum=np.ones(1),
        maximum_sd=_median(calibration.maximum_sd / span),
        covariance=_median(calibration.covariance / span**2),
        minimum_shared_sd=None,
        maximum_shared_sd=None,
    )


def _median(values: FloatArray) -> FloatArray:
    return np.atleast_1d(np.nanmedian(values))


def shared_factor(zinc_nM: float, binding: Binding) -> float:
    """Give the factor that K, n and β may move all cells by, at a level of zinc (95 %)."""
    constants = (binding.k_nM, binding.hill, binding.applied_beta)
    fraction = response.saturation_from_zinc(zinc_nM, *constants)
    with np.errstate(over="ignore"):
        return float(np.exp(QUANTILE * constants_ln_sd(fraction, binding)))


def alternatives(
    indicator: Indicator, binding: Binding, levels_nM: Sequence[float]
) -> tuple[Alternative, ...]:
    """Convert levels of zinc by every published record of the indicator.

    Parameters
    ----------
    indicator
        The indicator.
    binding
        Constants that the levels were found with.
    levels_nM
        Free zinc in nM.

    Returns
    -------
    tuple
        One entry per record, in the library's order; its zinc is NaN where it needs a β that is
        not known.
    """
    fraction = response.saturation_from_zinc(
        np.asarray(levels_nM, dtype=np.float64), binding.k_nM, binding.hill, binding.applied_beta
    )
    return tuple(_alternative(indicator, record, binding, fraction) for record in indicator.records)


def _alternative(
    indicator: Indicator, record: Record, binding: Binding, fraction: FloatArray
) -> Alternative:
    k_nM, _ = half_saturation_of(record)
    contains = record.k_includes_beta or indicator.kind == "intensity"
    beta = 1.0 if contains else binding.occupancy_beta
    zinc = response.zinc_from_saturation(fraction, k_nM, record.hill, beta)
    return Alternative(
        record=record.name,
        source=record.source,
        confidence=record.confidence,
        k_nM=k_nM,
        hill=record.hill,
        zinc_nM=tuple(float(value) for value in zinc),
    )
