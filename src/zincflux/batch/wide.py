"""Traces of one movie as arrays, and what only they tell of its cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.batch.finished import Finished
from zincflux.flux.levels import running_mean
from zincflux.flux.responses import MIN_PLATEAU_FRAMES, PLATEAU_SHARE
from zincflux.movie import FloatArray
from zincflux.phases import Phase, frames_of, with_role

Mask = NDArray[np.bool_]
Texts = NDArray[np.object_]

WANTED = (
    "cell_id",
    "region",
    "frame",
    "signal",
    "f_f0",
    "zinc_nM",
    "clipped_fraction",
    "flag",
)


@dataclass(frozen=True, eq=False)
class Wide:
    """Traces of the rows of ``cells``, in its order.

    Attributes
    ----------
    time_s
        Shape (T,).
    zinc_nM
        Free zinc, −inf where it lies below the range and +inf above; NaN where it is unknown,
        shape (n, T).
    f_f0, signal, clipped_fraction
        Shape (n, T).
    """

    time_s: FloatArray
    zinc_nM: FloatArray
    f_f0: FloatArray
    signal: FloatArray
    clipped_fraction: FloatArray

    @classmethod
    def of(cls, finished: Finished) -> Self:
        """Read and lay out the traces of a movie."""
        long = finished.traces(WANTED)
        time_s = finished.frames["time_s"].to_numpy(np.float64)
        place = pd.MultiIndex.from_frame(finished.cells[["cell_id", "region"]])
        row = place.get_indexer(pd.MultiIndex.from_frame(long[["cell_id", "region"]]))
        known, t = row >= 0, long["frame"].to_numpy(np.intp)
        ranked = long["zinc_nM"].to_numpy(np.float64, copy=True)
        for flag, level in (("below_min", -np.inf), ("above_max", np.inf)):
            ranked[np.isnan(ranked) & (long["flag"] == flag).to_numpy(bool)] = level

        def spread(values: FloatArray) -> FloatArray:
            array = np.full((len(place), len(time_s)), np.nan)
            array[row[known], t[known]] = values[known]
            return array

        columns = ("f_f0", "signal", "clipped_fraction")
        rest = {name: spread(long[name].to_numpy(np.float64)) for name in columns}
        return cls(time_s=time_s, zinc_nM=spread(ranked), **rest)

    @property
    def codes(self) -> NDArray[np.int8]:
        """Side of the range, shape (n, T): −1 below, +1 above, 0 otherwise."""
        infinite = np.isinf(self.zinc_nM)
        return np.where(infinite, np.sign(self.zinc_nM), 0).astype(np.int8)


def middle(ranked: FloatArray) -> FloatArray:
    """Take the median of each column with −inf and +inf as lowest and highest, shape (T,).

    NaN where there is nothing, or where the median lies between −inf and +inf.
    """
    if not len(ranked):
        return np.full(ranked.shape[1:], np.nan)
    ordered = np.sort(ranked, axis=0)  # NaN goes last
    n = (~np.isnan(ordered)).sum(axis=0)
    low = np.take_along_axis(ordered, np.maximum((n - 1) // 2, 0)[None], axis=0)[0]
    high = np.take_along_axis(ordered, np.minimum(n // 2, len(ordered) - 1)[None], axis=0)[0]
    with np.errstate(invalid="ignore"):  # the middle of −inf and +inf
        result = (low + high) / 2
    return np.where(n > 0, result, np.nan)


def sides(level: FloatArray) -> Texts:
    """Name the side of the range for each level: below or above; empty for numbers."""
    return np.select([level == -np.inf, level == np.inf], ["below", "above"], "").astype(object)


def beyond_baseline(finished: Finished, wide: Wide) -> Texts:
    """Tell on which side of the range the zinc of each cell's baseline lies, shape (n,)."""
    baselines = with_role(finished.experiment.phases, "baseline")
    if not baselines:
        return np.full(len(wide.zinc_nM), "", dtype=object)
    return _beyond_median(wide, frames_of(baselines[0], wide.time_s))


def beyond_plateau(wide: Wide, phase: Phase) -> Texts:
    """Tell the same of the plateau in a phase, with the frames that `zincflux.flux` takes."""
    frames = np.flatnonzero(frames_of(phase, wide.time_s))
    time = wide.time_s[frames]
    late = time >= time[-1] - PLATEAU_SHARE * (time[-1] - time[0])
    late[-MIN_PLATEAU_FRAMES:] = True
    inside = np.zeros(len(wide.time_s), dtype=bool)
    inside[frames[late]] = True
    return _beyond_median(wide, inside)


def beyond_peak(wide: Wide, phase: Phase, smoothing_s: float | None) -> Texts:
    """Tell the same of the peak in a phase: the highest running mean."""
    inside = frames_of(phase, wide.time_s)
    values = np.where(np.isfinite(wide.zinc_nM), wide.zinc_nM, np.nan)[:, inside]
    smoothed = running_mean(wide.time_s[inside], values, wide.codes[:, inside], smoothing_s)
    return sides(np.fmax.reduce(smoothed, axis=1))


def _beyond_median(wide: Wide, frames: Mask) -> Texts:
    ranked = wide.zinc_nM[:, frames]
    enough = 2 * (~np.isnan(ranked)).sum(axis=1) > ranked.shape[1]
    return np.where(enough, sides(middle(ranked.T)), "").astype(object)


def leak_per_min(finished: Finished, wide: Wide) -> float:
    """Median over used cells of the relative slope of the signal before the first response.

    The slope is that of least squares over all frames of baseline phases before the first
    response, over their mean.
    """
    phases = finished.experiment.phases
    first = min((p.start_s for p in with_role(phases, "response")), default=np.inf)
    baselines = [p for p in with_role(phases, "baseline") if p.start_s < first]
    inside = np.zeros(len(wide.time_s), dtype=bool)
    for phase in baselines:
        inside |= frames_of(phase, wide.time_s) & (wide.time_s < first)
    signal = wide.signal[used_rows(finished)][:, inside]
    signal = signal[np.isfinite(signal).all(axis=1)]
    if inside.sum() < 3 or not len(signal):
        return float("nan")
    time = wide.time_s[inside] - wide.time_s[inside].mean()
    slope = signal @ time / (time @ time)
    mean = signal.mean(axis=1)
    relative = 60 * slope / np.where(mean != 0, mean, np.nan)
    known = relative[np.isfinite(relative)]
    return float(np.median(known)) if len(known) else float("nan")


def used_rows(finished: Finished) -> Mask:
    """Which rows of ``cells`` summaries count, shape (n,)."""
    return ~finished.cells["excluded"].to_numpy(bool)


def measured_frames(finished: Finished, time_s: FloatArray) -> Mask:
    """Frames in which zinc should lie in the range: those of baselines and responses."""
    phases = [p for p in finished.experiment.phases if p.role in ("baseline", "response")]
    if not phases:
        return np.ones(len(time_s), dtype=bool)
    return np.asarray(np.any([frames_of(p, time_s) for p in phases], axis=0))
