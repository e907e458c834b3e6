"""What the indicator can say in this experiment, and how far its constants move the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zincflux.calibrate import (
    Alternative,
    ZincRange,
    alternatives,
    shared_factor,
    zinc_ranges,
)
from zincflux.flux import ranked_median
from zincflux.phases import frames_of
from zincflux.pipeline.plan import Plan
from zincflux.pipeline.zinc import Converted


@dataclass(frozen=True)
class Reach:
    """Limits of what the indicator says of zinc.

    Attributes
    ----------
    zinc_ranges
        Zinc that a typical cell's interval tells within a factor of 2, and of 3.
    phases
        Baseline and response phases with a median.
    zinc_nM
        Median over cells of each cell's median zinc, one per phase.
    shared_factors
        Factor that K, n and β may move all cells by (95 %), one per phase.
    alternatives
        What the published records of the indicator would make of these medians.
    """

    zinc_ranges: tuple[ZincRange, ...]
    phases: tuple[str, ...]
    zinc_nM: tuple[float, ...]
    shared_factors: tuple[float, ...]
    alternatives: tuple[Alternative, ...]

    def summary(self) -> dict[str, Any]:
        """Give plain data, as stored in ``run.json``; an end that does not exist is None."""
        return {
            "zinc_ranges_nM": [
                {"factor": r.factor, "low_nM": _plain(r.low_nM), "high_nM": _plain(r.high_nM)}
                for r in self.zinc_ranges
            ],
            "phases": list(self.phases),
            "zinc_nM": list(self.zinc_nM),
            "shared_factors": list(self.shared_factors),
            "alternatives": [
                {
                    "record": a.record,
                    "k_nM": a.k_nM,
                    "hill": a.hill,
                    "confidence": a.confidence,
                    "zinc_nM": [_plain(value) for value in a.zinc_nM],
                }
                for a in self.alternatives
            ],
        }


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None


def find_reach(plan: Plan, converted: Converted) -> Reach | None:
    """Find what the indicator can say; None without a calibration."""
    calibration, indicator = converted.calibration, plan.indicator
    if calibration is None or indicator is None:
        return None
    medians = {
        name: value for name, value in _medians(plan, converted).items() if np.isfinite(value)
    }
    levels = tuple(medians.values())
    error = np.hypot(converted.signal_sd, converted.systematic_sd)
    return Reach(
        zinc_ranges=zinc_ranges(converted.zinc, error, calibration),
        phases=tuple(medians),
        zinc_nM=levels,
        shared_factors=tuple(shared_factor(level, calibration.binding) for level in levels),
        alternatives=alternatives(indicator, calibration.binding, levels),
    )


def _medians(plan: Plan, converted: Converted) -> dict[str, float]:
    """Median over cells of each cell's median, which may lie beyond the range: NaN there."""
    codes = converted.censored
    result = {}
    for phase in plan.experiment.phases:
        inside = frames_of(phase, plan.time_s)
        if phase.role in ("baseline", "response") and inside.any():
            of_cells = ranked_median(converted.zinc.zinc_nM[:, inside], codes[:, inside])
            known = of_cells[np.isfinite(of_cells)]
            # Each equation is monotone, so that converting this median is converting each cell.
            result[phase.name] = float(np.median(known)) if len(known) else np.nan
    return result
