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
from zincflux.pipeline.traces import Traces
from zincflux.response import saturation

INSIDE = 0.9
"""Part of a cell that must lie in the frame for its mean to be the cell's."""

SATURATED = 0.01
"""Part of a cell's pixels at the camera's limit that makes its mean too low."""

DIM = 5.0
"""A denominator smaller than this many times its standard error makes no ratio."""


_FEWEST_FRAMES = 10
_MEDIAN_OF_NORMAL = 0.6745
"""Median absolute value of a standard normal variable."""


@dataclass(frozen=True, eq=False)
class Converted:
    """Signal and zinc of n rows over T frames.

    Attributes
    ----------
    signal, f_f0
        Shape (n, T).
    signal_sd, systematic_sd
        Standard deviation of the signal's noise, and of the errors that do not average out over
        frames, (n, T).
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
    """

    signal: FloatArray
    signal_sd: FloatArray
    systematic_sd: FloatArray
    f0: FloatArray
    f_f0: FloatArray
    flag: NDArray[np.object_]
    zinc: ZincEstimate
    calibration: Calibration | None
    defocused: NDArray[np.bool_]
    noise_inflation: FloatArray

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
    flag = _flags(traces, signal, dim, defocused)
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
    systematic_sd = _systematic(assay, traces, signal, calibration)
    error = np.hypot(signal_sd, systematic_sd)
    zinc = free_zinc(signal, calibration, error, assay.experiment.uncertainty)
    known = (flag != "") | (zinc.flag == "")
    flag = np.where(known, flag, zinc.flag)
    return Converted(
        signal=signal,
        signal_sd=signal_sd,
        systematic_sd=systematic_sd,
        f0=f0,
        f_f0=f_f0(signal, f0),
        flag=flag,
        zinc=zinc.where(usable),
        calibration=calibration,
        defocused=defocused,
        noise_inflation=inflation,
    )


def _signal(assay: Assay, traces: Traces) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Give signal, its standard error, and where the denominator is too dim; each (n, T)."""
    if len(assay.signal) == 1:
        (channel,) = assay.signal
        signal = traces.corrected[channel]
        return signal, traces.corrected_sd[channel], np.zeros(signal.shape, dtype=bool)
    upper, lower = traces.corrected[list(assay.signal)]
    sd_upper, sd_lower = traces.corrected_sd[list(assay.signal)]
    dim = lower < DIM * sd_lower
    lower = np.where(dim, np.nan, lower)
    ratio = upper / lower
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


def _systematic(
    assay: Assay, traces: Traces, signal: FloatArray, calibration: Calibration | None
) -> FloatArray:
    """Give the error (n, T) of the signal that stays the same from frame to frame.

    Foreign light and outline are a given share of the signal. An error δk of the bleaching rate
    changes S, S_min and S_max together; what remains of it in the saturation θ is that of
    S by δk·[(1 − θ)·S_min·(t − t_min) + θ·S_max·(t − t_max)].
    """
    result = assay.experiment.uncertainty.signal_error * np.abs(signal)
    if calibration is None or traces.bleaching is None:
        return result
    rates = [traces.bleaching[c].rate_se for c in assay.signal]
    rate_se = float(np.sqrt(np.nansum(np.square(rates))))
    theta = np.clip(
        saturation(signal, calibration.minimum[:, None], calibration.maximum[:, None]), 0, 1
    )
    since = [assay.time_s - centre for centre in _centres(assay)]
    low, high = (1 - theta) * calibration.minimum[:, None], theta * calibration.maximum[:, None]
    return np.hypot(result, rate_se * np.abs(low * since[0] + high * since[1]))


def _centres(assay: Assay) -> tuple[float, float]:
    """Middle of the phase that minimum and maximum were measured in, s; 0 for ends from elsewhere.

    Of an intensity with a borrowed dynamic range both ends stem from the one phase that it has.
    """
    phases = assay.experiment.phases
    source = assay.experiment.calibration.resolve(phases)
    middles = [
        float(assay.time_s[frames_of(phase, assay.time_s)].mean())
        for role in ("minimum", "maximum")
        for phase in with_role(phases, role)
    ]
    if source == "in-situ" or (source == "experiment" and not assay.is_ratio):
        return middles[0], middles[-1]
    return 0.0, 0.0


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
        result[known] = np.nanmedian(np.where(np.isfinite(score), score, np.nan)[known], axis=1)
        result[known] /= _MEDIAN_OF_NORMAL
    return result
