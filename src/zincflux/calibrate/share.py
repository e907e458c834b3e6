"""Sharing: cells that lack an end of their own take what the other cells have in common."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zincflux.calibrate.calibration import Pooled
from zincflux.calibrate.pool import (
    FEWEST_CELLS,
    Ends,
    anchored,
    pool_intensities,
    pool_ratios,
    shrunk,
)
from zincflux.calibrate.settings import CalibrationSettings
from zincflux.errors import CalibrationWarning
from zincflux.indicators import Indicator

NO_CHANGE = "no change between minimum and maximum"
"""Problem of a cell without a working indicator: what others have in common says nothing of it."""

Mask = NDArray[np.bool_]


class Shared(NamedTuple):
    """Ends of all cells after sharing, why they are not a cell's own (n,), and the pool."""

    ends: Ends
    reason: NDArray[np.str_]
    pooled: Pooled


def share(
    ends: Ends,
    problem: NDArray[np.str_],
    indicator: Indicator,
    settings: CalibrationSettings,
    *,
    minimum_is_earlier: bool,
) -> Shared:
    """Pool the cells that were calibrated by themselves, and give their pool to those in need.

    Parameters
    ----------
    ends
        Ends of each cell; NaN where one is lacking.
    problem
        Why a cell was not calibrated by itself, shape (n,); empty where it was.
    indicator, settings
        The kind of the indicator and the scope decide what is pooled and who takes it.
    minimum_is_earlier
        Whether the minimum phase came first: the earlier end is trusted where one of both must be
        wrong, since the later phase is the one that cells do not survive.

    Warns
    -----
    CalibrationWarning
        If pooling was asked for and too few cells were calibrated.
    """
    own = problem == ""
    calibrated = Ends(*(values[own] for values in ends))
    enough = settings.scope == "per-cell" or _enough(own, settings.scope)
    everyone = settings.scope == "pooled" and enough
    if indicator.kind == "intensity":
        pooled, inverse = pool_intensities(calibrated)
        other = anchored(ends, inverse, _anchor(ends, own, minimum_is_earlier=minimum_is_earlier))
        what = "dynamic range"
    else:
        pooled = pool_ratios(calibrated)
        other = _pooled_ends(ends, pooled, keep_own=not everyone)
        what = "minimum and maximum"
    complete = np.isfinite(other.minimum) & np.isfinite(other.maximum) & (problem != NO_CHANGE)
    other = other.where(complete, Ends.nothing(len(own)))
    remedy = np.where(complete, f"; pooled {what} used", "; no calibration")
    if settings.scope == "shrunk" and enough:
        ends = shrunk(ends, other)
    return Shared(
        ends=ends.where(own & (not everyone), other),
        reason=np.where(own, "", np.char.add(problem, remedy)),
        pooled=pooled,
    )


def _enough(own: Mask, scope: str) -> bool:
    if 0 < own.sum() < FEWEST_CELLS:
        warnings.warn(
            f"calibration.scope = {scope!r} needs at least {FEWEST_CELLS} calibrated cells, found "
            f"{own.sum()}: each keeps its own minimum and maximum.",
            CalibrationWarning,
            stacklevel=4,
        )
    return bool(own.sum() >= FEWEST_CELLS)


def _anchor(ends: Ends, own: Mask, *, minimum_is_earlier: bool) -> Mask:
    """Decide whether the maximum is the end that the other one is made from, shape (n,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        better = ends.maximum_sd / np.abs(ends.maximum) <= ends.minimum_sd / np.abs(ends.minimum)
    return np.select(
        [np.isnan(ends.minimum), np.isnan(ends.maximum), own],
        [True, False, better],
        not minimum_is_earlier,
    ).astype(bool)


def _pooled_ends(ends: Ends, pooled: Pooled, *, keep_own: bool) -> Ends:
    """Take the pooled ends; where a cell lacks only one, its other one may stay."""
    lacks_minimum, lacks_maximum = np.isnan(ends.minimum), np.isnan(ends.maximum)
    one = (lacks_minimum ^ lacks_maximum) & keep_own
    minimum, maximum = one & ~lacks_minimum, one & ~lacks_maximum
    return Ends(
        minimum=np.where(minimum, ends.minimum, pooled.minimum),
        minimum_sd=np.where(minimum, ends.minimum_sd, pooled.minimum_sd),
        maximum=np.where(maximum, ends.maximum, pooled.maximum),
        maximum_sd=np.where(maximum, ends.maximum_sd, pooled.maximum_sd),
        covariance=np.where(one, 0.0, pooled.covariance),
        minimum_shared_sd=np.where(minimum, 0.0, pooled.minimum_se),
        maximum_shared_sd=np.where(maximum, 0.0, pooled.maximum_se),
    )
