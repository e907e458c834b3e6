"""What the indicator can say in this experiment, and how far its constants move the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zincflux.calibrate import (
    Alternative,
    ZincRange,
    alternatives,
    finite_or_none,
    shared_factor,
    zinc_ranges,
)
from zincflux.gate import Gated
from zincflux.phases import frames_of
from zincflux.pipeline.assay import Assay
from zincflux.pipeline.tables import exclusions
from zincflux.pipeline.traces import Traces
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
                {
                    "factor": r.factor,
                    "low_nM": finite_or_none(r.low_nM),
                    "high_nM": finite_or_none(r.high_nM),
                }
                for r in self.zinc_ranges
            ],
            "phases": list(self.phases),
            "zinc_nM": [finite_or_none(value) for value in self.zinc_nM],
            "shared_factors": [finite_or_none(value) for value in self.shared_factors],
            "alternatives": [
                {
                    "record": a.record,
                    "k_nM": a.k_nM,
                    "hill": a.hill,
                    "confidence": a.confidence,
                    "zinc_nM": [finite_or_none(value) for value in a.zinc_nM],
                }
                for a in self.alternatives
            ],
        }


def find_reach(
    assay: Assay, traces: Traces, converted: Converted, gated: Gated | None = None
) -> Reach | None:
    """Find what the indicator can say; None without a calibration.

    The medians are those of the first region, over the cells that summaries count; with a gate, of
    those that carry the reporter.
    """
    calibration, indicator = converted.calibration, assay.indicator
    if calibration is None or indicator is None:
        return None
    medians = _medians(assay, traces, converted, gated)
    levels = tuple(medians.values())
    error = np.hypot(converted.signal_sd, converted.systematic_sd)
    return Reach(
        zinc_ranges=zinc_ranges(converted.zinc, error, calibration),
        phases=tuple(medians),
        zinc_nM=levels,
        shared_factors=tuple(shared_factor(level, calibration.binding) for level in levels),
        alternatives=alternatives(indicator, calibration.binding, levels),
    )


def _medians(
    assay: Assay, traces: Traces, converted: Converted, gated: Gated | None
) -> dict[str, float]:
    """Median over cells of each cell's median, of the phases in which it lies in the range."""
    excluded, _ = exclusions(assay, traces, converted)
    used = ~excluded & (traces.region == assay.experiment.segment.regions[0])
    if gated is not None:
        used &= gated.positive
    beyond = np.where(converted.censored > 0, np.inf, -np.inf)
    ranked = np.where(converted.censored == 0, converted.zinc.zinc_nM, beyond)[used]
    result = {}
    for phase in assay.experiment.phases:
        inside = frames_of(phase, assay.time_s)
        if phase.role in ("baseline", "response") and inside.any():
            # Each equation is monotone: converting this median is converting each cell.
            median = _median([_median(row) for row in ranked[:, inside]])
            if np.isfinite(median):
                result[phase.name] = median
    return result


def _median(values: ArrayLike) -> float:
    """Median of what is known, which may lie beyond the range; NaN where nothing is."""
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    with np.errstate(invalid="ignore"):  # between −inf and +inf
        return float(np.median(known)) if len(known) else np.nan
