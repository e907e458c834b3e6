"""Calibration in the same cells: minimum and maximum from the phases of the movie."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zincflux.calibrate.binding import Binding
from zincflux.calibrate.calibration import Calibration
from zincflux.calibrate.plateau import Plateau, Stretch, highest, median, settled
from zincflux.calibrate.pool import Ends
from zincflux.calibrate.settings import CalibrationSettings
from zincflux.calibrate.share import NO_CHANGE, share
from zincflux.errors import CalibrationError, CalibrationWarning
from zincflux.indicators import Indicator
from zincflux.movie import FloatArray
from zincflux.phases import Phase, Role, check_inside, frames_of, with_role

HARMLESS_CHANGE = 0.01
"""Change along a plateau, over the cell's span from minimum to maximum, that does no harm."""

RESPONDS = 2.0
"""A change from minimum to maximum smaller than this many standard errors is none."""


MANY = 0.25
"""Share of cells without a calibration of their own that is worth a warning."""


@dataclass(frozen=True, eq=False)
class CellSignals:
    """Signals of n cells over T frames.

    Attributes
    ----------
    cell_ids
        Number of each cell, shape (n,).
    time_s
        Time of each frame in s, shape (T,).
    signal, signal_sd
        Counts above background, or ratio, and the standard deviation of its error from photons and
        camera (NaN where unknown), shape (n, T).
    usable
        Where the signal may be used, shape (n, T): not where the camera was saturated, the cell
        partly out of the frame, and so on.

    Raises
    ------
    ValueError
        If the shapes do not fit one another.
    """

    cell_ids: NDArray[np.int64]
    time_s: FloatArray
    signal: FloatArray
    signal_sd: FloatArray
    usable: NDArray[np.bool_]

    def __post_init__(self) -> None:
        shape = (len(self.cell_ids), len(self.time_s))
        for name in ("signal", "signal_sd", "usable"):
            found = np.shape(getattr(self, name))
            if found != shape:
                raise ValueError(f"{name}: expected shape (cells, frames) = {shape}, found {found}")

    def during(self, phase: Phase) -> Stretch:
        """Return the frames of one phase."""
        frames = frames_of(phase, self.time_s)
        return Stretch(
            time_s=self.time_s[frames],
            signal=self.signal[:, frames],
            signal_sd=self.signal_sd[:, frames],
            usable=self.usable[:, frames] & np.isfinite(self.signal[:, frames]),
        )


def calibrate_in_situ(
    cells: CellSignals,
    phases: Sequence[Phase],
    indicator: Indicator,
    binding: Binding,
    settings: CalibrationSettings,
) -> Calibration:
    """Calibrate each cell by its own minimum and maximum phase.

    The minimum is the level that the signal settles at, the maximum that of the plateau around the
    highest running mean (`plateau.settled`, `plateau.highest`); the roles keep their meaning where
    the signal falls with zinc. A cell that lacks an end, or whose ends are too close, takes what
    the others have in common: Rmin and Rmax of ratios; of intensities only the dynamic range,
    applied to the cell's own better-known end. With ``scope = "pooled"`` all cells do.

    Parameters
    ----------
    cells
        Signals of all cells.
    phases
        Closed phases, of which one has the role minimum and one maximum.
    indicator, binding, settings
        The indicator, its constants, and how to calibrate.

    Raises
    ------
    CalibrationError
        If there is not exactly one minimum and one maximum phase.
    ExperimentError
        If no frame lies in one of them.

    Warns
    -----
    CalibrationWarning
        If no cell, or few cells, could be calibrated by themselves.
    """
    low_phase, high_phase = _phase(phases, "minimum"), _phase(phases, "maximum")
    check_inside((low_phase, high_phase), cells.time_s)
    low, high = cells.during(low_phase), cells.during(high_phase)
    harmless = HARMLESS_CHANGE * _span(cells, low, high)
    fewest = settings.plateau_frames
    minimum = settled(low, fewest, harmless)
    maximum = highest(high, fewest, harmless, falls=indicator.turn_off)
    zeros = np.zeros(len(cells.cell_ids))
    ends = Ends(minimum.level, minimum.sd, maximum.level, maximum.sd, zeros, zeros, zeros)
    problem = _problems(ends, minimum, maximum, indicator, settings)
    _warn_failures(problem)
    earlier = low_phase.start_s < high_phase.start_s
    shared = share(ends, problem, indicator, settings, minimum_is_earlier=earlier)
    return Calibration(
        indicator=indicator.name,
        kind=indicator.kind,
        binding=binding,
        cell_ids=np.asarray(cells.cell_ids, dtype=np.int64),
        reason=shared.reason,
        pooled=shared.pooled,
        origin=f"in situ, {settings.scope}; minimum: plateau in the phase {low_phase.name!r}; "
        f"maximum: highest plateau in the phase {high_phase.name!r}",
        **shared.ends._asdict(),
    )


def _phase(phases: Sequence[Phase], role: Role) -> Phase:
    found = with_role(phases, role)
    if len(found) != 1:
        names = ", ".join(repr(phase.name) for phase in found) or "none"
        other = "Add it" if not found else "Give the others the role ignore"
        raise CalibrationError(
            f"phases: calibration in situ needs one phase with the role minimum (zinc-free) and "
            f"one with the role maximum (saturated); found for {role}: {names}. {other}, or set "
            "calibration.source."
        )
    return found[0]


def _span(cells: CellSignals, low: Stretch, high: Stretch) -> FloatArray:
    """Rough distance between both ends of each cell, to measure changes by; shape (n,)."""
    ends = []
    for stretch in (low, high):
        last = np.arange(stretch.signal.shape[1]) >= stretch.signal.shape[1] // 2
        ends.append(median(stretch.signal, stretch.usable & last))
    span = np.abs(ends[1] - ends[0])
    return np.asarray(np.where(np.isfinite(span), span, range_seen(cells)))


def range_seen(cells: CellSignals) -> FloatArray:
    """Give the range of all that was seen of each cell, for one that lacks an end; shape (n,)."""
    use = cells.usable & np.isfinite(cells.signal)
    middle = median(cells.signal, use)
    far = np.where(use, np.abs(cells.signal - middle[:, None]), 0.0)
    return np.asarray(2 * np.max(far, axis=1))


def _problems(
    ends: Ends,
    minimum: Plateau,
    maximum: Plateau,
    indicator: Indicator,
    settings: CalibrationSettings,
) -> NDArray[np.str_]:
    """Say of each cell why it cannot be calibrated by itself; empty where it can."""
    change = ends.minimum - ends.maximum if indicator.turn_off else ends.maximum - ends.minimum
    error = np.hypot(ends.minimum_sd, ends.maximum_sd)
    smaller, larger = (
        (ends.maximum, ends.minimum) if indicator.turn_off else (ends.minimum, ends.maximum)
    )
    low, high, join = minimum.problem, maximum.problem, np.char.add
    both = (low != "") & (high != "")
    return np.select(
        [
            both & (low == high),
            both,
            low != "",
            high != "",
            ~(change > RESPONDS * error),
            ~(larger >= settings.minimum_dynamic_range * smaller),
        ],
        [
            join("minimum and maximum: ", low),
            join(join("minimum: ", low), join(", maximum: ", high)),
            join("minimum: ", low),
            join("maximum: ", high),
            NO_CHANGE,
            f"dynamic range below {settings.minimum_dynamic_range:g}",
        ],
        "",
    )


def _warn_failures(problem: NDArray[np.str_]) -> None:
    """Warn where many cells could not be calibrated by themselves, or none."""
    failed = problem[problem != ""]
    if len(failed) == 0 or len(failed) <= MANY * len(problem):
        return
    kinds, counts = np.unique(failed, return_counts=True)
    found = "; ".join(f"{kind} ({count})" for kind, count in zip(kinds, counts, strict=True))
    warnings.warn(
        f"calibration: {len(failed)} of {len(problem)} cells could not be calibrated by "
        f"themselves: {found}. Check the times of the minimum and maximum phases, and whether "
        "the signal settles in them.",
        CalibrationWarning,
        stacklevel=3,
    )
