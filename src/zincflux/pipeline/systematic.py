"""What lasting errors of the traces make of the signal, once minimum and maximum had their say."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from zincflux.calibrate import Calibration, calibrate
from zincflux.errors import ZincfluxWarning
from zincflux.movie import FloatArray
from zincflux.pipeline.assay import Assay
from zincflux.pipeline.sources import Source
from zincflux.pipeline.traces import Traces
from zincflux.response import saturation


class SignalErrors(NamedTuple):
    """Standard deviations of lasting errors of the signal, shape (n, T).

    Attributes
    ----------
    all
        Of all of them.
    shared
        Of those that are the same in all cells.
    """

    all: FloatArray
    shared: FloatArray


class Measured(NamedTuple):
    """What a conversion went by: signal and its noise (n, T), and where it may be used (n, T)."""

    signal: FloatArray
    signal_sd: FloatArray
    usable: NDArray[np.bool_]


def signal_of(assay: Assay, corrected: FloatArray) -> FloatArray:
    """Give the signal (n, T) of corrected traces (C, n, T)."""
    if len(assay.signal) == 1:
        return np.asarray(corrected[assay.signal[0]])
    upper, lower = corrected[list(assay.signal)]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(upper / lower)


def systematic_errors(
    assay: Assay, traces: Traces, measured: Measured, calibration: Calibration | None
) -> SignalErrors:
    """Give the errors of the signal that do not average out over frames.

    Foreign light and outline are a given share of the signal. Each lasting error of the traces is
    put on them at one standard deviation, and they are calibrated and placed between minimum and
    maximum once more; the change of the saturation, times S_max − S_min, is the error of the
    signal that is left of it. So an offset in all frames of an intensity, which cancels where a
    cell has its own minimum and maximum, costs nothing there, but does with ends from elsewhere
    and in ratios. The errors are added in quadrature.

    With ends that were pooled in this very dish, each cell is calibrated by itself here: what
    offsets do to the ends of its cells is in the spread of the pooled ones already. Of an offset
    that differs between cells that spread holds what it does to a typical cell; where it does more
    to a cell, a dim one, the rest is added.

    Parameters
    ----------
    assay
        What was recorded, and the settings.
    traces
        Corrected traces, and what may be wrong with them.
    measured
        The signal as it was converted.
    calibration
        What it was converted with, or None.
    """
    share = assay.experiment.uncertainty.signal_error * np.abs(measured.signal)
    nothing = np.zeros_like(share)
    if calibration is None or not traces.sources:
        return SignalErrors(share, nothing)
    with warnings.catch_warnings():  # doubts were voiced the first time
        warnings.simplefilter("ignore", ZincfluxWarning)
        again = _Again.of(assay, traces, measured, calibration)
        variance = {True: nothing.copy(), False: share**2}
        for source in traces.sources:
            variance[source.is_shared] += again.error(source) ** 2
    return SignalErrors(np.sqrt(variance[True] + variance[False]), np.sqrt(variance[True]))


@dataclass(frozen=True, eq=False)
class _Again:
    """A conversion that is done again with errors on the traces.

    Attributes
    ----------
    assay, traces, measured
        What was converted.
    ends
        What it was converted with.
    own
        Each cell calibrated by itself.
    pooled
        Which cells take an end from the others of this dish, (n,).
    """

    assay: Assay
    traces: Traces
    measured: Measured
    ends: Calibration
    own: Calibration
    pooled: NDArray[np.bool_]

    @classmethod
    def of(cls, assay: Assay, traces: Traces, measured: Measured, ends: Calibration) -> Self:
        settings = assay.experiment.calibration
        own = ends
        if settings.scope != "per-cell":
            own = _calibrated(assay, traces, measured) or ends
        here = settings.resolve(assay.experiment.phases) == "in-situ"
        return cls(assay, traces, measured, ends, own, _takes(ends) & here)

    def error(self, source: Source) -> FloatArray:
        """Error (n, T) of the signal that one source leaves, at one standard deviation."""
        signal = signal_of(self.assay, source.applied(self.traces.corrected))
        moved = self.own
        if source.is_fixed:
            measured = self.measured._replace(signal=signal)
            moved = _calibrated(self.assay, self.traces, measured) or moved
        left = self._change(signal, moved, self.own)
        # A cell that gets its ends in another way than before does not tell what the error did.
        alike = (moved.reason == self.own.reason)[:, None] & np.isfinite(left)
        left = np.where(alike, left, np.abs(signal - self.measured.signal))
        if not source.is_shared and self.pooled.any():
            own = (self.pooled & ~_takes(self.own))[:, None]
            beyond = self._beyond_spread(signal, moved)
            left = np.where(self.pooled[:, None], np.hypot(own * left, beyond), left)
        return np.asarray(np.nan_to_num(left))

    def _change(self, signal: FloatArray, moved: Calibration, ends: Calibration) -> FloatArray:
        """Change of the saturation in units of the signal, (n, T)."""
        change = _placed(signal, moved) - _placed(self.measured.signal, ends)
        return np.asarray(np.abs(change * _span(ends)))

    def _beyond_spread(self, signal: FloatArray, moved: Calibration) -> FloatArray:
        """Error by which a cell with pooled ends is worse off than a typical one, (n, T)."""
        scale = np.ones(len(signal))
        if self.ends.kind == "intensity":
            at_minimum = self.ends.minimum_shared_sd == 0
            with np.errstate(divide="ignore", invalid="ignore"):
                low, high = moved.minimum / self.own.minimum, moved.maximum / self.own.maximum
            scale = np.where(at_minimum, low, high)
        pool = replace(
            self.ends, minimum=self.ends.minimum * scale, maximum=self.ends.maximum * scale
        )
        part = np.nan_to_num(self._change(signal, pool, self.ends) / np.abs(_span(self.ends)))
        typical = np.median(part[self.ends.calibrated], axis=0)
        beyond = np.sqrt(np.maximum(part**2 - typical**2, 0.0)) * self._share()[:, None]
        return np.asarray(beyond * np.abs(_span(self.ends)))

    def _share(self) -> FloatArray:
        """How much of each cell's ends is the pool's, (n,): less than all where they are shrunk."""
        if self.assay.experiment.calibration.scope != "shrunk":
            return np.ones(len(self.pooled))
        # An end of weight w keeps the share w of its own variance.
        with np.errstate(divide="ignore", invalid="ignore"):
            minimum = (self.ends.minimum_sd / self.own.minimum_sd) ** 2
            maximum = (self.ends.maximum_sd / self.own.maximum_sd) ** 2
        kept = np.clip(np.nan_to_num(np.fmin(minimum, maximum)), 0.0, 1.0)
        return np.where(_takes(self.own), 1.0, 1.0 - kept)


def _takes(ends: Calibration) -> NDArray[np.bool_]:
    """Tell which cells have an end that others share, (n,)."""
    if ends.minimum_shared_sd is None or ends.maximum_shared_sd is None:
        return np.zeros(len(ends.cell_ids), dtype=bool)
    return np.asarray((ends.minimum_shared_sd > 0) | (ends.maximum_shared_sd > 0))


def _span(ends: Calibration) -> FloatArray:
    return np.asarray((ends.maximum - ends.minimum)[:, None])


def _calibrated(assay: Assay, traces: Traces, measured: Measured) -> Calibration | None:
    """Calibrate each cell by itself."""
    return calibrate(
        measured.signal,
        measured.signal_sd,
        assay.time_s,
        assay.experiment.phases,
        usable=measured.usable,
        cell_ids=traces.cell_id,
        indicator=assay.indicator,
        settings=assay.experiment.calibration.model_copy(update={"scope": "per-cell"}),
    )


def _placed(signal: FloatArray, ends: Calibration) -> FloatArray:
    return np.asarray(saturation(signal, ends.minimum[:, None], ends.maximum[:, None]))
