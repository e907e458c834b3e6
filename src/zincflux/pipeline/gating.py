"""The gate of a movie: every row's reporter, from the corrected traces."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from zincflux.gate import Gated, gate
from zincflux.pipeline.plan import Plan
from zincflux.pipeline.traces import Traces


class GatedCells(NamedTuple):
    """The gate of each cell in which the first region was found, and that of each row."""

    cells: Gated
    rows: Gated


def gate_cells(plan: Plan, traces: Traces) -> GatedCells | None:
    """Tell cells with reporter from those without; None where there is no gate.

    A cell's reporter is the median over the movie, in the first region that is measured; all
    regions of a cell are in one group.

    Raises
    ------
    ExperimentError
        If the minimum is not given and cannot be found.
    """
    whole = traces.region == plan.experiment.segment.regions[0]
    if plan.roles.reporter is None or not whole.any():
        return None
    bright = traces.corrected[plan.roles.reporter][whole]
    seen = np.isfinite(bright).any(axis=1)
    signal = np.full(len(bright), np.nan)
    signal[seen] = np.nanmedian(bright[seen], axis=1)
    found = gate(signal, plan.experiment.gate)
    ids = traces.cell_id[whole]
    order = np.argsort(ids)
    place = np.minimum(np.searchsorted(ids[order], traces.cell_id), len(ids) - 1)
    row = order[place]
    known = ids[row] == traces.cell_id
    rows = replace(
        found,
        signal=np.where(known, found.signal[row], np.nan),
        positive=known & found.positive[row],
    )
    return GatedCells(found, rows)
