"""Calibration borrowed from a sister dish: what its cells have in common, and how dishes differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from zincflux.calibrate.calibration import Calibration, Pooled
from zincflux.calibrate.given import check_direction, read_calibration
from zincflux.calibrate.in_situ import HARMLESS_CHANGE, RESPONDS, CellSignals, range_seen
from zincflux.calibrate.plateau import Plateau, highest, settled
from zincflux.calibrate.pool import Common, Ends, anchored
from zincflux.calibrate.settings import CalibrationSettings
from zincflux.errors import CalibrationError
from zincflux.indicators import Indicator
from zincflux.phases import Phase, check_inside, with_role


def borrowed_calibration(
    cells: CellSignals,
    phases: Sequence[Phase],
    indicator: Indicator,
    settings: CalibrationSettings,
) -> Calibration:
    """Calibrate cells by the calibration that another dish's run has stored.

    Of ratios both ends are borrowed. Of intensities only the dynamic range is: each cell supplies
    one end itself, from the minimum or the maximum phase of its own movie, since dishes differ in
    dye. The spread between cells that the other dish showed, and ``between_dishes_sd`` for what two
    dishes differ by, are in the errors of the borrowed ends; the latter is shared by all cells.

    Parameters
    ----------
    cells
        Signals of all cells.
    phases
        Closed phases; of an intensity one has the role minimum or maximum.
    indicator
        The indicator.
    settings
        Name the file, and how dishes differ.

    Raises
    ------
    CalibrationError
        If the file holds nothing to borrow, or the movie no end to apply a dynamic range to.
    ExperimentError
        If the file cannot be read, or no frame lies in the phase.
    """
    stored = read_calibration(settings.file, indicator)
    if indicator.kind == "intensity":
        plateau, at_maximum = _own_end(cells, phases, settings, falls=indicator.turn_off)
        return _with_range(cells, plateau, stored, settings, at_maximum=at_maximum)
    ends = stored.pooled
    if not ends.has_ends:
        raise _nothing_to_borrow(settings, "minimum and maximum of the ratio")
    check_direction(indicator, ends.minimum, ends.maximum)
    apart = settings.between_dishes_sd * abs(ends.maximum - ends.minimum)
    ends = replace(
        ends,
        minimum_sd=float(np.hypot(ends.minimum_sd, apart)),
        maximum_sd=float(np.hypot(ends.maximum_sd, apart)),
        minimum_se=float(np.hypot(np.nan_to_num(ends.minimum_se), apart)),
        maximum_se=float(np.hypot(np.nan_to_num(ends.maximum_se), apart)),
    )
    origin = _origin(stored, settings)
    return Calibration.uniform(indicator, stored.binding, cells.cell_ids, ends, origin)


def _origin(stored: Calibration, settings: CalibrationSettings) -> str:
    return f"borrowed from {Path(settings.file or '').name} ({stored.origin})"


def _nothing_to_borrow(settings: CalibrationSettings, what: str) -> CalibrationError:
    return CalibrationError(
        f"{settings.file}: expected {what}, with its spread, under [pooled]; found none. Name the "
        "calibration.toml of a dish in which at least three cells were calibrated."
    )


def _with_range(
    cells: CellSignals,
    plateau: Plateau,
    stored: Calibration,
    settings: CalibrationSettings,
    *,
    at_maximum: bool,
) -> Calibration:
    """Make the end that each cell lacks from its own other one and the borrowed dynamic range."""
    pooled = stored.pooled
    if not np.isfinite([pooled.dynamic_range, pooled.dynamic_range_spread]).all():
        raise _nothing_to_borrow(settings, "the dynamic range")
    between = settings.between_dishes_sd * pooled.dynamic_range
    pooled = Pooled(
        n_cells=pooled.n_cells,
        dynamic_range=pooled.dynamic_range,
        dynamic_range_se=float(np.hypot(pooled.dynamic_range_se, between)),
        dynamic_range_spread=pooled.dynamic_range_spread,
    )
    nothing = Ends.nothing(len(cells.cell_ids))
    ends = (
        nothing._replace(maximum=plateau.level, maximum_sd=plateau.sd)
        if at_maximum
        else nothing._replace(minimum=plateau.level, minimum_sd=plateau.sd)
    )
    value = 1 / pooled.dynamic_range
    inverse = Common(
        value, pooled.dynamic_range_se * value**2, pooled.dynamic_range_spread * value**2
    )
    made = anchored(ends, inverse, np.full(len(cells.cell_ids), at_maximum))
    # An end that is lost in its own noise would be multiplied by the dynamic range.
    clear = plateau.level > RESPONDS * plateau.sd
    problem = np.where(
        (plateau.problem == "") & ~clear, "not above the background", plateau.problem
    )
    found = np.isfinite(made.minimum) & np.isfinite(made.maximum) & (problem == "")
    made = made.where(found, nothing)
    name = "maximum" if at_maximum else "minimum"
    return Calibration(
        indicator=stored.indicator,
        kind=stored.kind,
        binding=stored.binding,
        cell_ids=np.asarray(cells.cell_ids, dtype=np.int64),
        reason=np.where(
            found, "", np.char.add(f"{name}: ", np.char.add(problem, "; no calibration"))
        ),
        pooled=pooled,
        origin=f"{name} of each cell; dynamic range {_origin(stored, settings)}",
        **made._asdict(),
    )


def _own_end(
    cells: CellSignals, phases: Sequence[Phase], settings: CalibrationSettings, *, falls: bool
) -> tuple[Plateau, bool]:
    """Find the level of the one calibration phase, and whether it is the maximum."""
    found = [*with_role(phases, "minimum"), *with_role(phases, "maximum")]
    if len(found) != 1:
        names = ", ".join(repr(phase.name) for phase in found) or "none"
        advice = (
            "Give one the role ignore, or set calibration.source = 'in-situ'"
            if found
            else "Record one of them, in which each cell shows its own brightness"
        )
        raise CalibrationError(
            "phases: a borrowed dynamic range is applied to one end of each cell, so one phase "
            f"with the role minimum or maximum is needed; found: {names}. {advice}."
        )
    (phase,) = found
    check_inside(found, cells.time_s)
    stretch = cells.during(phase)
    harmless = HARMLESS_CHANGE * range_seen(cells)
    if phase.role == "minimum":
        return settled(stretch, settings.plateau_frames, harmless), False
    return highest(stretch, settings.plateau_frames, harmless, falls=falls), True
