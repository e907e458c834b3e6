"""The flux metrics of one response phase, for all cells at once."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zincflux.errors import ZincfluxWarning
from zincflux.flux.exponential import exponential_fit
from zincflux.flux.levels import (
    Codes,
    area_above,
    half_time,
    peak,
    ranked_median,
    running_mean,
)
from zincflux.flux.lines import MIN_FRAMES, line_fit
from zincflux.flux.load import ZincBuffer
from zincflux.flux.responders import responders
from zincflux.movie import FloatArray
from zincflux.phases import Phase, check_inside, frames_of
from zincflux.settings import Settings

Mask = NDArray[np.bool_]

PLATEAU_SHARE = 0.2
"""The plateau is the last fifth of the phase."""

MIN_PLATEAU_FRAMES = 3


class Flux(Settings):
    """How the responses are described by numbers."""

    rate_window_s: float = Field(
        default=30.0, gt=0, description="Length of the window of the initial rate, s"
    )
    smoothing_s: float | None = Field(
        default=None,
        ge=0,
        description="Running mean under peak and half time, s; three frames if not given, 0: none",
    )
    responder_k: float = Field(
        default=3.0,
        gt=0,
        description="A responder changes by more than this many standard deviations of the change",
    )
    responder_window_s: float | None = Field(
        default=None,
        gt=0,
        description="Window from the onset that is compared with the baseline, s; the whole phase "
        "if not given",
    )
    onset_delay_s: float = Field(
        default=0.0,
        ge=0,
        description="Time from the start of a phase until the solution reaches the cells, s",
    )


@dataclass(frozen=True, eq=False)
class CellTraces:
    """What the metrics are made from.

    Attributes
    ----------
    time_s
        Time of each frame in s, increasing, shape (T,).
    f_f0
        F/F0, shape (n, T); NaN where there is no number.
    zinc_nM
        Free zinc in nM, shape (n, T); NaN where there is no number. None without a calibration.
    codes
        Side of the frames beyond the calibrated range, −1 below, +1 above, 0 otherwise,
        shape (n, T). None means that there are none.
    """

    time_s: FloatArray
    f_f0: FloatArray
    zinc_nM: FloatArray | None = None
    codes: Codes | None = None

    def __post_init__(self) -> None:
        expected = (len(self.f_f0), len(self.time_s))
        for name in ("f_f0", "zinc_nM", "codes"):
            value = getattr(self, name)
            if value is not None and value.shape != expected:
                raise ValueError(f"{name}: expected shape (n, T) = {expected}, found {value.shape}")

    @property
    def calibrated(self) -> bool:
        """Whether any cell has zinc, or is known to lie beyond the calibrated range."""
        in_range = self.zinc_nM is not None and bool(np.isfinite(self.zinc_nM).any())
        return in_range or (self.codes is not None and bool(self.codes.any()))


@dataclass(frozen=True, eq=False)
class _Course:
    """One quantity within the phase: all frames (n, T), those of the phase and their levels."""

    movie: FloatArray
    movie_codes: Codes
    time_s: FloatArray
    values: FloatArray
    smoothed: FloatArray
    plateau: FloatArray

    @classmethod
    def of(
        cls, traces: CellTraces, values: FloatArray | None, inside: Mask, smoothing_s: float | None
    ) -> _Course:
        """Cut the phase out of a quantity; without values, of one that is unknown everywhere."""
        shape = traces.f_f0.shape
        codes = np.zeros(shape, dtype=np.int8)
        if values is not traces.f_f0 and traces.codes is not None:
            codes = traces.codes
        if values is None:
            values = np.full(shape, np.nan)
        time, part, sides = traces.time_s[inside], values[:, inside], codes[:, inside]
        last = time >= time[-1] - PLATEAU_SHARE * (time[-1] - time[0]) - _slack(time[-1])
        last[-MIN_PLATEAU_FRAMES:] = True
        return cls(
            movie=values,
            movie_codes=codes,
            time_s=time,
            values=part,
            smoothed=running_mean(time, part, sides, smoothing_s),
            plateau=ranked_median(part[:, last], sides[:, last]),
        )

    def level(self, frames: Mask) -> FloatArray:
        """Median over some frames of the movie."""
        return ranked_median(self.movie[:, frames], self.movie_codes[:, frames])


def response_metrics(
    traces: CellTraces,
    phase: Phase,
    before: Mask,
    flux: Flux,
    buffer: ZincBuffer | None = None,
) -> dict[str, NDArray[Any]]:
    """Describe the response of every cell in one phase.

    With t₀ the start of the phase and onset = t₀ + ``onset_delay_s``:

    - ``peak_zinc_nM``: highest running mean in the phase; ``peak_f_f0``: the one farthest from 1.
    - ``time_to_peak_s``: from t₀ to the peak of zinc, or of F/F0 where zinc has none.
    - ``plateau_zinc_nM``: median of the last fifth of the phase.
    - ``rate_nM_per_s`` with its 95 % interval and R², ``rate_f_f0_per_s``: slope by ordinary least
      squares over onset ≤ t ≤ onset + ``rate_window_s``, both ends included (`line_fit`).
      ``rate_window_s`` is shorter than asked for where the phase ends before it.
    - ``exponential_rate_nM_per_s``: b·k of y = a + b·(1 − e^(−k·(t − onset))) over the phase.
    - ``decay_rate_per_s``: k of the same equation from the peak on, where y falls.
    - ``half_time_s``: from t₀ to half of the way from the level before to the plateau; only of
      responders, since without a change there is no half of it.
    - ``auc_nM_s``: ∫ (zinc − level before) dt over the phase.
    - ``peak_normalised_rate_per_s``: slope over the peak of the phase.
    - ``residual_fraction``: plateau over the level in the last ``rate_window_s`` before t₀.
    - ``total_rate_uM_per_s``: slope of total zinc (`ZincBuffer.total_nM`) over the rate window,
      divided by 1000; for small changes dZ/dt · (1 + κ_endogenous + κ_D) / 1000.
    - ``kappa_indicator``: median of `ZincBuffer.kappa_indicator` over the rate window.
    - ``responder``: `responders`, from F/F0 in ``responder_window_s`` from the onset.

    Levels are medians, frames beyond the calibrated range rank lowest or highest, and what then
    lies beyond the range is NaN. Where no cell has zinc, ``decay_rate_per_s``, ``half_time_s``,
    ``peak_normalised_rate_per_s`` and ``residual_fraction`` are those of F/F0.

    Parameters
    ----------
    traces
        All frames of the movie.
    phase
        The response phase.
    before
        Frames that the response is compared with: those of the last baseline before it, shape (T,).
    flux
        Windows and thresholds.
    buffer
        What binds zinc in the cell; without it there is no total flux.

    Returns
    -------
    dict
        Arrays of shape (n,), keyed by the columns of `zincflux.columns.RESPONSES`.

    Raises
    ------
    ExperimentError
        If no frame lies in the phase.

    Warns
    -----
    ZincfluxWarning
        If the rate window holds fewer than three frames: there are no rates then; if the indicator
        binds more zinc than the cell itself.
    """
    check_inside([phase], traces.time_s)
    inside = frames_of(phase, traces.time_s)
    onset = phase.start_s + flux.onset_delay_s
    in_window = inside & _within(traces.time_s, onset, flux.rate_window_s)
    compared = inside & _within(traces.time_s, onset, flux.responder_window_s or np.inf)
    _check_window(phase, flux, int(in_window.sum()))
    f_f0 = _Course.of(traces, traces.f_f0, inside, flux.smoothing_s)
    zinc = _Course.of(traces, traces.zinc_nM, inside, flux.smoothing_s)
    shape = zinc if traces.calibrated else f_f0
    entry = _entry_frames(traces.time_s, inside, phase.start_s - flux.rate_window_s)
    responded = responders(traces.f_f0, before, compared, flux.responder_k)
    n_cells = len(traces.f_f0)
    rates = _rates(traces.time_s, zinc, f_f0, in_window, buffer)
    _check_load(phase, rates["kappa_indicator"], buffer)
    result: dict[str, NDArray[Any]] = {
        **_peaks(zinc, f_f0, phase.start_s),
        **rates,
        "plateau_zinc_nM": zinc.plateau,
        "rate_window_s": np.full(n_cells, _window_length(phase, flux, shape.time_s[-1])),
        "exponential_rate_nM_per_s": _exponential_rate(zinc, onset),
        "half_time_s": np.where(responded, _half_time(shape, phase.start_s, before), np.nan),
        "auc_nM_s": area_above(zinc.time_s, zinc.values, zinc.level(before)),
        "decay_rate_per_s": _decay_rate(shape),
        "residual_fraction": _quotient(shape.plateau, shape.level(entry)),
        "responder": responded,
    }
    slope, height = (
        ("rate_nM_per_s", "peak_zinc_nM") if shape is zinc else ("rate_f_f0_per_s", "peak_f_f0")
    )
    result["peak_normalised_rate_per_s"] = _quotient(result[slope], result[height])
    return result


def _within(time_s: FloatArray, start_s: float, length_s: float) -> Mask:
    """Both ends belong to a window, whatever the rounding of the time stamps."""
    slack = _slack(start_s)
    late_enough: Mask = time_s >= start_s - slack
    return late_enough & (time_s <= start_s + length_s + slack)


def _slack(moment_s: float) -> float:
    """Give the rounding to allow for where a frame lies on the edge of a window, s."""
    return 1e-9 * max(1.0, abs(moment_s))


def _check_window(phase: Phase, flux: Flux, n_frames: int) -> None:
    if n_frames < MIN_FRAMES:
        warnings.warn(
            f"flux.rate_window_s: the window of {flux.rate_window_s:g} s from "
            f"{phase.start_s + flux.onset_delay_s:g} s in phase {phase.name!r} holds {n_frames} "
            f"frame(s), but a slope with its interval needs {MIN_FRAMES}: this phase has no "
            "initial rate. Lengthen flux.rate_window_s, or record faster.",
            ZincfluxWarning,
            stacklevel=3,
        )


def _check_load(phase: Phase, kappa: FloatArray, buffer: ZincBuffer | None) -> None:
    """Say where the indicator, and not the cell, decides how free zinc moves."""
    known = kappa[np.isfinite(kappa)]
    if buffer is None or not len(known) or np.median(known) <= buffer.kappa_endogenous:
        return
    warnings.warn(
        f"indicator_load: in phase {phase.name!r} the indicator binds {np.median(known):.3g} zinc "
        f"ions for each free one, the cell itself {buffer.kappa_endogenous:.3g}: the rise of free "
        "zinc is limited by the dye. Compare total_rate_uM_per_s, not rate_nM_per_s, or load less.",
        ZincfluxWarning,
        stacklevel=3,
    )


def _window_length(phase: Phase, flux: Flux, last_s: float) -> float:
    end = last_s if phase.end_s is None else phase.end_s
    return min(flux.rate_window_s, max(end - phase.start_s - flux.onset_delay_s, 0.0))


def _peaks(zinc: _Course, f_f0: _Course, start_s: float) -> dict[str, FloatArray]:
    peak_zinc, moment_zinc = peak(zinc.time_s, zinc.smoothed)
    peak_f_f0, moment = peak(f_f0.time_s, f_f0.smoothed, away_from=1.0)
    return {
        "peak_zinc_nM": peak_zinc,
        "peak_f_f0": peak_f_f0,
        "time_to_peak_s": np.where(np.isfinite(peak_zinc), moment_zinc, moment) - start_s,
    }


def _rates(
    time_s: FloatArray, zinc: _Course, f_f0: _Course, frames: Mask, buffer: ZincBuffer | None
) -> dict[str, FloatArray]:
    time, free = time_s[frames], zinc.movie[:, frames]
    fit = line_fit(time, free)
    total = kappa = np.full_like(free, np.nan)
    if buffer is not None:
        total, kappa = buffer.total_nM(free), buffer.kappa_indicator(free)
    return {
        "rate_nM_per_s": fit.slope,
        "rate_low_nM_per_s": fit.low,
        "rate_high_nM_per_s": fit.high,
        "rate_r2": fit.r2,
        "rate_f_f0_per_s": line_fit(time, f_f0.movie[:, frames]).slope,
        "total_rate_uM_per_s": line_fit(time, total).slope / 1000.0,
        "kappa_indicator": ranked_median(kappa, np.zeros(kappa.shape, dtype=np.int8)),
    }


def _exponential_rate(zinc: _Course, onset_s: float) -> FloatArray:
    since = zinc.time_s - onset_s
    return exponential_fit(np.where(since >= 0, since, np.nan), zinc.values).initial_rate


def _half_time(course: _Course, start_s: float, before: Mask) -> FloatArray:
    level = course.level(before)
    return half_time(course.time_s, course.smoothed, start_s, level, course.plateau)


def _decay_rate(course: _Course) -> FloatArray:
    _, moment = peak(course.time_s, course.smoothed)
    since = course.time_s - moment[:, None]
    fit = exponential_fit(np.where(since >= 0, since, np.nan), course.values)
    return np.where(fit.change < 0, fit.rate_per_s, np.nan)


def _entry_frames(time_s: FloatArray, inside: Mask, from_s: float) -> Mask:
    """Frames just before the phase; its own first ones where the movie starts with it."""
    first = int(np.argmax(inside))
    index = np.arange(len(time_s))
    if first == 0:
        return index < MIN_PLATEAU_FRAMES
    recent = (time_s >= from_s - _slack(from_s)) | (index == first - 1)
    result: Mask = recent & (index < first)
    return result


def _quotient(value: FloatArray, reference: FloatArray) -> FloatArray:
    return value / np.where(reference > 0, reference, np.nan)
