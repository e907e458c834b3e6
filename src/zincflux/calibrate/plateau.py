"""Plateaus: the level that a signal settles at in a calibration phase."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from zincflux.movie import FloatArray

Mask = NDArray[np.bool_]

SIGNIFICANCE = 0.05
RUNNING_FRAMES = 5
STILL_TO_COME = 10.0
"""A change still to come of more than this many tolerances means that no plateau was reached."""


TAIL = 0.5
"""Part of an approach in which the indicator answers to zinc in proportion."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """The signals of all cells in one phase.

    Attributes
    ----------
    time_s
        Time of each frame in s, shape (P,).
    signal, signal_sd
        Signal and its standard deviation from photon and camera noise, shape (n, P); a standard
        deviation of NaN is not known.
    usable
        Which of them may be used, shape (n, P).
    """

    time_s: FloatArray
    signal: FloatArray
    signal_sd: FloatArray
    usable: Mask

    def only(self, usable: Mask) -> Stretch:
        """Return the stretch with fewer usable frames."""
        return Stretch(self.time_s, self.signal, self.signal_sd, self.usable & usable)


@dataclass(frozen=True, eq=False)
class Plateau:
    """Level of each cell's plateau.

    Attributes
    ----------
    level, sd
        Level of the plateau and its standard error, shape (n,); NaN where there is none.
    frames
        Which frames are the plateau, shape (n, P).
    problem
        Why there is none, shape (n,); empty where there is one.
    """

    level: FloatArray
    sd: FloatArray
    frames: Mask
    problem: NDArray[np.str_]


def settled(stretch: Stretch, fewest: int, tolerance: FloatArray) -> Plateau:
    """Find where each signal has settled: the longest end of the phase without a slope.

    Frames are dropped from the start until the slope of those that remain is not significant (5 %,
    Student's t) against the noise from frame to frame, or until the change along them is within the
    tolerance. The scatter about the line would be no measure of that: a signal that bends, as every
    approach to a plateau does, would count as noisy and its slope as insignificant. The level is
    their mean. Where frames were dropped, the test has left a part of the approach that it could
    not see; what an exponential through the tail of the approach says of it is taken off the mean,
    and half of it is counted as error.

    The standard error comes from the scatter about the line or from the photon noise, whichever is
    larger, is widened for autocorrelation and few frames, and contains a slope that remains.

    Parameters
    ----------
    stretch
        The phase.
    fewest
        Fewest frames that make a plateau.
    tolerance
        Change along a plateau that does no harm, in units of the signal, shape (n,).
    """
    approach = _approach(stretch.only(_tail(stretch)))
    lines = _lines(stretch, _inflation(stretch))
    duration = stretch.time_s[-1] - stretch.time_s
    flat = lines.slope**2 <= lines.critical**2 * lines.slope_variance
    flat |= np.abs(lines.slope) * duration <= tolerance[:, None]
    enough = lines.n_frames >= fewest
    candidate = flat & enough & stretch.usable
    start = candidate.argmax(axis=1)
    frames = stretch.usable & (np.arange(len(duration)) >= start[:, None])
    dropped = (stretch.usable & ~frames).any(axis=1)
    left = np.where(dropped, _mean(approach, frames), 0.0)
    reached = candidate.any(axis=1) & (np.abs(left) <= STILL_TO_COME * tolerance)
    cell = np.arange(len(start))
    slope = np.maximum(lines.slope**2 - lines.slope_variance, 0) * duration**2 / 12
    # A slope that is left over is an error, except where the exponential has accounted for it.
    unexplained = np.where(left == 0, slope[cell, start], (left / 2) ** 2)
    variance = lines.variance[cell, start] + unexplained
    lacking = np.where(enough.any(axis=1), "no plateau", "too few usable frames")
    return Plateau(
        level=np.where(reached, _mean(stretch.signal, frames) - left, np.nan),
        sd=np.where(reached, np.sqrt(variance), np.nan),
        frames=frames & reached[:, None],
        problem=np.where(reached, "", lacking),
    )


def highest(stretch: Stretch, fewest: int, tolerance: FloatArray, *, falls: bool) -> Plateau:
    """Find the plateau around the highest running mean of each signal.

    The highest of many running means is noise-biased, and the highest frame even more. So it only
    says where the plateau is: the phase is cut where the running mean, after it, is significantly
    lower, and the level is that of the rest as in `settled`.

    Parameters
    ----------
    stretch
        The phase.
    fewest
        Fewest frames that make a plateau.
    tolerance
        Change along a plateau that does no harm, in units of the signal, shape (n,).
    falls
        Whether the signal falls with zinc: then the lowest running mean counts.
    """
    running, count = _running_mean(stretch.signal, stretch.usable)
    running = -running if falls else running
    known = count > RUNNING_FRAMES / 2
    top = np.where(known, running, -np.inf).argmax(axis=1)
    inflation = _inflation(stretch)
    noise = _noise(stretch, inflation)
    margin = np.maximum(3 * noise * np.sqrt(2 * inflation / RUNNING_FRAMES), tolerance)
    limit = running[np.arange(len(top)), top] - margin
    frame = np.arange(stretch.signal.shape[1])
    lower = known & (running < limit[:, None]) & (frame > top[:, None])
    end = np.where(lower, frame, len(frame)).min(axis=1)
    found = settled(stretch.only(frame < end[:, None]), fewest, tolerance)
    cut_short = (found.problem != "") & (stretch.usable.sum(axis=1) >= fewest)
    return replace(found, problem=np.where(cut_short, "no plateau", found.problem))


class _Lines(NamedTuple):
    """Straight lines through the usable frames from each frame to the last, shape (n, P)."""

    n_frames: FloatArray
    slope: FloatArray
    slope_variance: FloatArray
    variance: FloatArray
    critical: FloatArray


def _lines(stretch: Stretch, inflation: float) -> _Lines:
    use = stretch.usable
    # Centred and scaled, or the sums of squares lose the digits that the test needs.
    span = float(max(stretch.time_s[-1] - stretch.time_s[0], 1e-9))
    time = np.broadcast_to((stretch.time_s - stretch.time_s[-1]) / span, use.shape)
    signal = np.where(use, stretch.signal, 0.0) - _mean(stretch.signal, use)[:, None]
    count = _to_end(use.astype(np.float64))
    positive = np.maximum(count, 1)
    t, y, tt, ty, yy, photons = (
        _to_end(np.where(use, values, 0.0))
        for values in (
            *(time, signal, time**2, time * signal, signal**2),
            np.nan_to_num(stretch.signal_sd) ** 2,
        )
    )
    s_tt = tt - t**2 / positive
    s_tt = np.where(s_tt > 1e-12, s_tt, np.inf)
    s_ty = ty - t * y / positive
    slope = s_ty / s_tt
    scatter = np.maximum(yy - y**2 / positive - slope * s_ty, 0) / np.maximum(count - 2, 1)
    degrees = np.maximum(count / inflation - 2, 1)
    critical = np.asarray(stdtrit(degrees, 1 - SIGNIFICANCE / 2), dtype=np.float64)
    photons = photons / positive
    noise = _noise(stretch, inflation)[:, None] ** 2
    return _Lines(
        n_frames=count,
        slope=slope / span,
        slope_variance=np.maximum(noise, photons) * inflation / (s_tt * span**2),
        variance=np.maximum(scatter * (critical / 1.96) ** 2, photons) * inflation / positive,
        critical=critical,
    )


def _to_end(values: FloatArray) -> FloatArray:
    """Sum from each frame to the last, shape (n, P)."""
    return np.cumsum(values[:, ::-1], axis=1)[:, ::-1]


def _mean(values: FloatArray, use: Mask) -> FloatArray:
    total = np.where(use, values, 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(use.sum(axis=1), 1))


def _tail(stretch: Stretch) -> Mask:
    """Frames from which on less than `TAIL` of the change in the phase is still to come, (n, P).

    Near its end any approach is an exponential; before, the indicator's saturation bends it.
    """
    use = stretch.usable
    frame = np.arange(use.shape[1])
    end = _mean(stretch.signal, use & (frame >= 3 * len(frame) // 4))[:, None]
    start = np.take_along_axis(stretch.signal, use.argmax(axis=1)[:, None], axis=1)
    near = use & (np.abs(stretch.signal - end) <= TAIL * np.abs(start - end))
    return np.asarray(frame >= near.argmax(axis=1)[:, None])


def _approach(stretch: Stretch) -> FloatArray:
    """Exponential part, A·e^(−t/τ), of the exponential with offset that fits each signal best.

    τ is searched on a grid from one frame to the length of the phase; beyond, the offset is a
    guess. A and the offset are linear. An A of less than four standard errors counts as 0.
    """
    use = stretch.usable.astype(np.float64)
    time = stretch.time_s - stretch.time_s[0]
    if len(time) < 4:
        return np.zeros_like(use)
    tau = np.geomspace(np.median(np.diff(time)), time[-1], 24)
    basis = np.exp(-time[:, None] / tau)
    signal = np.where(stretch.usable, stretch.signal, 0.0)
    signal = np.where(stretch.usable, signal - _mean(signal, stretch.usable)[:, None], 0.0)
    count = np.maximum(use.sum(axis=1, keepdims=True), 1)
    s_bb = use @ basis**2 - (use @ basis) ** 2 / count
    s_by = signal @ basis
    amplitude = s_by / np.where(s_bb > 1e-9, s_bb, np.inf)
    explained = amplitude * s_by
    best = explained.argmax(axis=1)
    cell = np.arange(len(best))
    rest = (signal**2).sum(axis=1) - explained[cell, best]
    clear = explained[cell, best] * np.maximum(count[:, 0] - 3, 1) > 16 * rest
    return np.asarray(np.where(clear, amplitude[cell, best], 0.0)[:, None] * basis[:, best].T)


def _inflation(stretch: Stretch) -> float:
    """Factor (1 + ρ) / (1 − ρ) by which autocorrelation ρ widens the variance of a mean.

    From the second half of the phase, without its own parabola: what remains of the approach would
    pass for autocorrelation. One cell's few frames say little, so the median over cells is used,
    and only where it is significant; the bias of short series (Kendall 1954) is removed.
    """
    start = stretch.signal.shape[1] // 2
    complete = stretch.usable[:, start:].all(axis=1)
    frames = stretch.signal.shape[1] - start
    if not complete.any() or frames < 8:
        return 1.0
    basis, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, frames), 3))
    signal = stretch.signal[complete, start:]
    residual = signal - (signal @ basis) @ basis.T
    power = (residual**2).sum(axis=1)
    lagged = (residual[:, 1:] * residual[:, :-1]).sum(axis=1)
    raw = float(np.median(lagged / np.where(power > 0, power, 1.0)))
    correlation = (raw * frames + 3) / (frames - 5)
    error = 1.25 * frames**0.5 / (frames - 5) / len(residual) ** 0.5
    correlation = min(correlation, 0.8) if correlation > 2 * error else 0.0
    return (1 + correlation) / (1 - correlation)


def _noise(stretch: Stretch, inflation: float) -> FloatArray:
    """Noise of one frame of each cell, shape (n,).

    From x(t+1) − 2·x(t) + x(t−1), in which straight courses cancel; the median does not see kinks.
    Its variance is 2·(1 − ρ)·(3 − ρ) times that of the noise.
    """
    correlation = (inflation - 1) / (inflation + 1)
    middle = slice(1, -1)
    signal, use = stretch.signal, stretch.usable
    bend = np.abs(signal[:, 2:] - 2 * signal[:, middle] + signal[:, :-2])
    typical = median(bend, use[:, 2:] & use[:, middle] & use[:, :-2]) / 0.6745
    return np.asarray(np.nan_to_num(typical) / np.sqrt(2 * (1 - correlation) * (3 - correlation)))


def _running_mean(values: FloatArray, use: Mask) -> tuple[FloatArray, FloatArray]:
    """Mean and number of the usable frames within each window of `RUNNING_FRAMES`."""
    pad = RUNNING_FRAMES // 2

    def window_sum(x: FloatArray) -> FloatArray:
        padded = np.pad(x, ((0, 0), (pad, pad)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, RUNNING_FRAMES, axis=1)
        return np.asarray(windows.sum(axis=-1))

    count = window_sum(use.astype(np.float64))
    return window_sum(np.where(use, values, 0.0)) / np.maximum(count, 1), count


def median(values: FloatArray, use: Mask) -> FloatArray:
    """Median of the values to use in each row, shape (n,); NaN where there are none."""
    result = np.full(len(values), np.nan)
    some = use.any(axis=1)
    result[some] = np.nanmedian(np.where(use, values, np.nan)[some], axis=1)
    return result
