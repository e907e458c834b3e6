"""Static outlines that hold no living cell, or hold it no longer: debris, dead, detached."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray
from zincflux.phases import frames_of, with_role
from zincflux.pipeline.assay import Assay
from zincflux.pipeline.plan import Plan
from zincflux.pipeline.traces import Traces

Mask = NDArray[np.bool_]

ENOUGH_CELLS = 8
"""Cells from which what is usual in a movie is known."""

SMALL = 0.35
"""Area of debris, at most, over the median area."""

SHRUNK = 0.6
"""Area of a dead, rounded cell, at most, over the median area."""

BRIGHT = 2.0
"""Brightness of a dead cell, at least, over the median."""

UNMOVED = 0.25
"""Change between phases of what does not answer, at most, over the median change."""

MOVED = 0.3
"""Median change between phases, over the mean, from which it is known that living cells answer."""

CERTAIN = 2.0
"""Standard errors that are added to a change before it is called none."""

GONE = 0.1
"""Signal of a detached cell, at most, over what it was."""

FELL_ALONE = 0.2
"""Fall of a detached cell, at most, over that of the median cell in the same frames."""

FALL_FRAMES = 5
"""Frames within which a detached cell's signal falls."""

STAYS_FRAMES = 5
"""Frames for which it has to stay gone, at least, to the end of the movie."""

CLEAR = 10.0
"""Signal over its noise that a cell must have had to be missed."""

DEAD = "dead or a bleb: small and bright, and no answer to minimum or maximum"
DEBRIS = "debris: far smaller than the other cells, and no answer to minimum or maximum"
MAYBE_DEBRIS = "may be debris: far smaller than the other cells"
DETACHED = "detached or burst: its signal fell to the background and stayed there"


@dataclass(frozen=True, eq=False)
class Suspicion:
    """What is held against n rows over T frames.

    Attributes
    ----------
    reason
        What a row is suspected to be; empty where nothing is, (n,).
    excluded
        Where this is certain enough to leave the row out, (n,).
    lost
        Frames in which the outline holds no cell any more, (n, T).
    """

    reason: NDArray[np.object_]
    excluded: Mask
    lost: Mask

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> Suspicion:
        """Suspect nothing of traces of a shape (n, T)."""
        n = shape[0]
        return cls(np.full(n, "", dtype=object), np.zeros(n, bool), np.zeros(shape, bool))


def suspect(plan: Assay, traces: Traces) -> Suspicion:
    """Look for debris, dead and detached cells among static ones, each region by itself.

    Of cells that are followed, and of tables, nothing is suspected.
    """
    light = traces.corrected[list(plan.signal)].sum(axis=0)
    result = Suspicion.none(light.shape)
    if plan.follows or not isinstance(plan, Plan):
        return result
    light_sd = np.sqrt((traces.corrected_sd[list(plan.signal)] ** 2).sum(axis=0))
    signal, sd = (light, light_sd) if not plan.is_ratio else _ratio(plan, traces)
    cut, parts = _near_edge(plan, traces), _phase_halves(plan)
    for region in dict.fromkeys(traces.region.tolist()):
        rows = traces.region == region
        lost = detached(light[rows], light_sd[rows])
        kind = debris_or_dead(
            _median(traces.area_um2[rows], axis=1),
            _median(light[rows], axis=1),
            unmoved(signal[rows], sd[rows], parts),
        )
        kind[cut[rows] & (kind != DEAD)] = ""
        gone = lost.any(axis=1)
        result.lost[rows] = lost
        result.reason[rows] = np.where(gone, DETACHED, kind)
        result.excluded[rows] = np.isin(kind, (DEAD, DEBRIS)) & ~gone
    return result


def _ratio(plan: Plan, traces: Traces) -> tuple[FloatArray, FloatArray]:
    """Give the ratio and its standard error, (n, T) each; NaN where there is no light."""
    upper, lower = traces.corrected[list(plan.signal)]
    upper_sd, lower_sd = traces.corrected_sd[list(plan.signal)]
    lower = np.where(lower > 0, lower, np.nan)
    return upper / lower, np.hypot(upper_sd, upper / lower * lower_sd) / lower


def _near_edge(plan: Plan, traces: Traces) -> Mask:
    """Tell which rows the edge of the frame may cut: these are small for that reason, (n,)."""
    reach = np.sqrt(np.nanmedian(traces.area_um2) / np.pi) if traces.area_um2.size else 0.0
    height, width = (side * plan.pixel_size_um for side in plan.movie.frame_shape)
    with np.errstate(invalid="ignore"):
        outside = (
            (traces.y_um < reach)
            | (traces.x_um < reach)
            | (traces.y_um > height - reach)
            | (traces.x_um > width - reach)
        )
    return np.asarray(outside.any(axis=1))


def _phase_halves(plan: Plan) -> list[Mask]:
    """Second half of each phase, (T,) each; empty where no phase makes every living cell answer."""
    phases = plan.experiment.phases
    if not (with_role(phases, "minimum") or with_role(phases, "maximum")):
        return []
    halves = []
    for phase in phases:
        inside = np.flatnonzero(frames_of(phase, plan.time_s))
        half = np.zeros(len(plan.time_s), dtype=bool)
        half[inside[len(inside) // 2 :]] = True
        halves.append(half)
    return halves


def _median(values: FloatArray, axis: int) -> FloatArray:
    """Median of what is known, NaN where nothing is."""
    middle = np.ma.median(np.ma.masked_invalid(values), axis=axis)  # type: ignore[no-untyped-call]
    return np.asarray(np.ma.filled(middle, np.nan), dtype=np.float64)


def debris_or_dead(area: FloatArray, level: FloatArray, still: Mask) -> NDArray[np.object_]:
    """Suspect what is much smaller than the other cells, and say more where nothing changes it.

    Parameters
    ----------
    area
        Area of each row, shape (n,), in any unit.
    level
        Brightness above background, (n,).
    still
        Which rows answer nothing, as `unmoved` finds, (n,).

    Returns
    -------
    numpy.ndarray
        `DEAD`, `DEBRIS`, `MAYBE_DEBRIS` or an empty text, (n,).
    """
    kind = np.full(len(area), "", dtype=object)
    if np.count_nonzero(np.isfinite(area)) < ENOUGH_CELLS:
        return kind
    size = area / np.nanmedian(area)
    kind[size <= SMALL] = MAYBE_DEBRIS
    kind[still & (size <= SMALL)] = DEBRIS
    kind[still & (size <= SHRUNK) & (level >= BRIGHT * np.nanmedian(level))] = DEAD
    return kind


def unmoved(signal: FloatArray, sd: FloatArray, parts: list[Mask]) -> Mask:
    """Tell which rows surely do not change between parts of the movie while most do.

    Parameters
    ----------
    signal, sd
        Signal and its standard error, (n, T); NaN where not measured.
    parts
        Frames, (T,) each, between which the signal of every living cell differs; fewer than two
        tell nothing.

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    if len(parts) < 2:
        return np.zeros(len(signal), dtype=bool)
    known = np.isfinite(signal)
    filled, noise = np.where(known, signal, 0.0), np.where(known, sd, 0.0) ** 2
    n = np.stack([known[:, part].sum(axis=1) for part in parts])
    count = np.where(n > 0, n, np.nan)
    means = np.stack([filled[:, part].sum(axis=1) for part in parts]) / count
    errors = np.sqrt(np.stack([noise[:, part].sum(axis=1) for part in parts])) / count
    middle = means.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = (means.max(axis=0) - means.min(axis=0)) / middle
        error = np.hypot(*np.sort(errors, axis=0)[-2:]) / middle
        usual = np.nanmedian(change) if np.isfinite(change).any() else 0.0
        still = (middle > 0) & (change + CERTAIN * error < UNMOVED * usual)
    return np.asarray(still & (usual > MOVED))


def detached(signal: FloatArray, sd: FloatArray) -> Mask:
    """Find cells whose signal falls to the background within a few frames, and stays there.

    A fall that the other cells share, as under a chelator, is none: the cell must lose five times
    more than the median one. Where that cannot be told, nothing is said.

    Parameters
    ----------
    signal, sd
        Signal above background and its standard error, (n, T); NaN where not measured.

    Returns
    -------
    numpy.ndarray
        Frames without the cell, (n, T).
    """
    n, n_frames = signal.shape
    lost = np.zeros((n, n_frames), dtype=bool)
    if n < ENOUGH_CELLS or n_frames < 2 * FALL_FRAMES + STAYS_FRAMES:
        return lost
    smooth = _running_median(signal)
    usual = _median(smooth, axis=0)
    relative = smooth / np.where(usual > 0, usual, np.nan)
    later = _highest_from(smooth), _highest_from(relative)
    for t in range(FALL_FRAMES, n_frames - FALL_FRAMES - STAYS_FRAMES + 1):
        before, bright = smooth[:, t - 1], smooth[:, t - 1] > CLEAR * sd[:, t - 1]
        low = later[0][:, t + FALL_FRAMES] < GONE * before
        alone = later[1][:, t + FALL_FRAMES] < FELL_ALONE * relative[:, t - 1]
        new = bright & low & alone & ~lost.any(axis=1)
        fallen = (np.arange(n_frames) >= t) & ~(smooth >= before[:, None] / 2)
        lost[new] = np.maximum.accumulate(fallen[new], axis=1)
    return lost


def _running_median(values: FloatArray) -> FloatArray:
    """Median of three frames, of fewer where some are not known or at the ends."""
    padded = np.pad(values, ((0, 0), (1, 1)), constant_values=np.nan)
    return _median(np.stack([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]]), axis=0)


def _highest_from(values: FloatArray) -> FloatArray:
    """Highest value from each frame on, leaving out what is not known, (n, T)."""
    return np.asarray(np.fmax.accumulate(values[:, ::-1], axis=1)[:, ::-1])
