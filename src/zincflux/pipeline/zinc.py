"""From corrected traces to signal, F/F0 and free zinc, with a reason where there is no number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zincflux.calibrate import (
    Calibration,
    ZincEstimate,
    calibrate,
    free_zinc,
)
from zincflux.flux import baseline_mean, f_f0
from zincflux.movie import FloatArray
from zincflux.phases import frames_of, with_role
from zincflux.pipeline.assay import Assay
from zincflux.pipeline.suspicion import Suspicion, suspect
from zincflux.pipeline.systematic import Measured, signal_of, systematic_errors
from zincflux.pipeline.traces import Traces

INSIDE = 0.9
"""Part of a cell that must lie in the frame for its mean to be the cell's."""

SATURATED = 0.01
"""Part of a cell's pixels at the camera's limit that makes its mean too low."""

DIM = 5.0
"""A denominator smaller than this many times its standard error makes no ratio."""


_FEWEST_FRAMES = 10
_JUMP = 6.0
"""Times the median beyond which a second difference is a jump: 4 standard deviations."""

_MEDIAN_OF_NORMAL = 0.6745
"""Median absolute value of a standard normal variable."""


@dataclass(frozen=True, eq=False)
class Converted:
    """Signal and zinc of n rows over T frames.

    Attributes
    ----------
    signal, f_f0
        Shape (n, T).
    signal_sd, systematic_sd, shared_sd
        Standard deviation of the signal's noise, of the errors that do not average out over
        frames, and of the part of these that is the same in all cells, (n, T).
    f0
        Mean signal in the baseline, (n,).
    flag
        Why there is no number, (n, T); empty where there is one.
    zinc
        Free zinc with its interval.
    calibration
        What it was converted with, or None.
    defocused
        Frames out of focus, (T,).
    noise_inflation
        How much noisier each trace is than its camera noise says, (n,).
    suspicion
        What may be debris, dead or detached.
    """

    signal: FloatArray
    signal_sd: FloatArray
    systematic_sd: FloatArray
    shared_sd: FloatArray
    f0: FloatArray
    f_f0: FloatArray
    flag: NDArray[np.object_]
    zinc: ZincEstimate
    calibration: Calibration | None
    defocused: NDArray[np.bool_]
    noise_inflation: FloatArray
    suspicion: Suspicion

    @property
    def censored(self) -> NDArray[np.int8]:
        """Where zinc lies below (−1) or above (+1) the calibrated range; 0 elsewhere, (n, T)."""
        below = (self.flag == "below_min").astype(np.int8)
        above = (self.flag == "above_max").astype(np.int8)
        return np.asarray(above - below, dtype=np.int8)


def convert(assay: Assay, traces: Traces, defocused: NDArray[np.bool_]) -> Converted:
    """Convert every cell on its own: signal, F/F0, calibration, zinc.

    Parameters
    ----------
    assay
        What was recorded, and the settings.
    traces
        Corrected traces.
    defocused
        Frames out of focus, (T,).
    """
    signal, signal_sd, dim = _signal(assay, traces)
    suspicion = suspect(assay, traces)
    flag = _flags(traces, signal, dim, defocused)
    flag[suspicion.lost] = "lost"
    usable = flag == ""
    inflation = noise_inflation(np.where(usable, signal, np.nan), signal_sd)
    signal_sd = signal_sd * inflation[:, None]
    f0 = _f0(assay, np.where(usable, signal, np.nan))
    calibration = calibrate(
        signal,
        signal_sd,
        assay.time_s,
        assay.experiment.phases,
        usable=usable,
        cell_ids=traces.cell_id,
        indicator=assay.indicator,
        settings=assay.experiment.calibration,
    )
    errors = systematic_errors(assay, traces, Measured(signal, signal_sd, usable), calibration)
    zinc = free_zinc(
        signal,
        calibration,
        np.hypot(signal_sd, errors.all),
        assay.experiment.uncertainty,
        shared_signal_sd=errors.shared,
    )
    known = (flag != "") | (zinc.flag == "")
    flag = np.where(known, flag, zinc.flag)
    return Converted(
        signal=signal,
        signal_sd=signal_sd,
        systematic_sd=errors.all,
        shared_sd=errors.shared,
        f0=f0,
        f_f0=f_f0(signal, f0),
        flag=flag,
        zinc=zinc.where(usable),
        calibration=calibration,
        defocused=defocused,
        noise_inflation=inflation,
        suspicion=suspicion,
    )


def _signal(assay: Assay, traces: Traces) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Give signal, its standard error, and where the denominator is too dim; each (n, T)."""
    signal = signal_of(assay, traces.corrected)
    if len(assay.signal) == 1:
        return signal, traces.corrected_sd[assay.signal[0]], np.zeros(signal.shape, dtype=bool)
    lower = traces.corrected[assay.signal[1]]
    sd_upper, sd_lower = traces.corrected_sd[list(assay.signal)]
    dim = lower < DIM * sd_lower
    ratio = np.where(dim, np.nan, signal)
    with np.errstate(divide="ignore", invalid="ignore"):
        return ratio, np.hypot(sd_upper, ratio * sd_lower) / lower, dim


def _flags(
    traces: Traces, signal: FloatArray, dim: NDArray[np.bool_], blurred: NDArray[np.bool_]
) -> NDArray[np.object_]:
    """Give each row and frame the strongest reason against it, or an empty text."""
    shape = signal.shape
    flag = np.full(shape, "", dtype=object)
    reasons = {
        "dim_denominator": dim,
        "saturated_pixels": traces.clipped_fraction > SATURATED,
        "defocused": np.broadcast_to(blurred, shape),
        "off_edge": traces.inside_fraction < INSIDE,
        "lost": np.isnan(signal) & ~dim,
    }
    for reason, where in reasons.items():
        flag[where] = reason
    return flag


def _f0(assay: Assay, signal: FloatArray) -> FloatArray:
    """Mean signal in the first baseline, (n,); the first signal where no baseline is named."""
    baselines = with_role(assay.experiment.phases, "baseline")
    if baselines:
        return baseline_mean(signal, frames_of(baselines[0], assay.time_s))
    first = np.isfinite(signal).argmax(axis=1)
    return np.asarray(np.take_along_axis(signal, first[:, None], axis=1)[:, 0])


def noise_inflation(signal: FloatArray, signal_sd: FloatArray) -> FloatArray:
    """Compare the scatter of traces from frame to frame with what their camera noise predicts.

    The second difference of a trace cancels any steady change; its median absolute value, over
    that of normal noise of the predicted size, tells how much noisier the trace really is (cells
    that move under the mask, flicker of the lamp).

    Parameters
    ----------
    signal, signal_sd
        Traces and predicted standard errors, shape (n, T); NaN where there is no number.

    Returns
    -------
    numpy.ndarray
        Factor ≥ 1, shape (n,); 1 where there are too few frames to tell.
    """
    scatter = frame_scatter(signal, signal_sd)
    return np.asarray(np.fmax(scatter, 1.0))


def frame_scatter(signal: FloatArray, signal_sd: FloatArray) -> FloatArray:
    """Give what `noise_inflation` does, but also below 1, and NaN where there are too few frames.

    With a ``signal_sd`` of 1 it is the standard deviation of each trace's noise.
    """
    result = np.full(len(signal), np.nan)
    if signal.shape[1] < _FEWEST_FRAMES:
        return result
    middle, before, after = signal[:, 1:-1], signal[:, :-2], signal[:, 2:]
    variance = signal_sd[:, 1:-1] ** 2 + (signal_sd[:, :-2] ** 2 + signal_sd[:, 2:] ** 2) / 4
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.abs(middle - (before + after) / 2) / np.sqrt(variance)
    known = np.isfinite(score).sum(axis=1) >= _FEWEST_FRAMES - 2
    if known.any():
        score = np.where(np.isfinite(score), score, np.nan)[known]
        typical = np.nanmedian(score, axis=1, keepdims=True)
        # A jump from one phase to the next is no noise.
        result[known] = np.nanmedian(np.where(score > _JUMP * typical, np.nan, score), axis=1)
        result[known] /= _MEDIAN_OF_NORMAL
    return result
