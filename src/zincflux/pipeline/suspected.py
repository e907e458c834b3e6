"""The table of what is to be looked at: doubts about tracks, and about whole cells."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zincflux.columns import SUSPECTS
from zincflux.pipeline.assay import Assay
from zincflux.pipeline.judged import Judged
from zincflux.pipeline.plan import Plan
from zincflux.pipeline.traces import Traces
from zincflux.track import suspects

LEFT_OUT, DOUBTFUL = "left_out", "doubtful"
CERTAIN, UNSURE = 1.0, 0.5
"""Doubt of a cell that is left out automatically, and of one that only may be wrong."""


def suspected(assay: Assay, traces: Traces, cells: pd.DataFrame) -> pd.DataFrame:
    """List what may be wrong, and say what was judged to be right.

    Parameters
    ----------
    assay
        What was recorded.
    traces
        Arrays of the cells.
    cells
        The table of the cells, with ``excluded`` and ``reason``.

    Returns
    -------
    pandas.DataFrame
        Columns as in `zincflux.columns.SUSPECTS`: likely errors of tracks, the most doubtful first,
        then cells with a reason in the table of cells; those that are left out by hand are not
        listed. It is empty for a table of traces.
    """
    table = pd.DataFrame(columns=[column.name for column in SUSPECTS])
    if not isinstance(assay, Plan) or not len(traces.cell_id):
        return table
    parts = [_of_cells(assay, traces, cells)]
    if assay.follows:
        parts.insert(0, suspects(_tracks(assay, traces)))
    listed = [part for part in parts if len(part)]
    if not listed:
        return table
    table = pd.concat(listed, ignore_index=True)
    return with_accepted(table, traces.judged)


def with_accepted(table: pd.DataFrame, judged: Judged) -> pd.DataFrame:
    """Say in a table of suspects which of them were found to be right."""
    names = zip(table["cell_id"], table["frame"], table["kind"], strict=True)
    return table.assign(accepted=np.array([judged.accepts(*name) for name in names], dtype=bool))


def _tracks(plan: Plan, traces: Traces) -> pd.DataFrame:
    rows, t = np.nonzero(traces.seen)
    first = traces.region[rows] == plan.experiment.segment.regions[0]
    rows, t = rows[first], t[first]
    return pd.DataFrame(
        {
            "cell_id": traces.cell_id[rows],
            "parent_id": traces.parent_id[rows],
            "frame": t,
            "time_s": plan.time_s[t],
            "area_um2": traces.area_um2[rows, t],
            "y_um": traces.y_um[rows, t],
            "x_um": traces.x_um[rows, t],
            "intensity": traces.raw[list(plan.signal)].sum(axis=0)[rows, t],
        }
    )


def _of_cells(plan: Plan, traces: Traces, cells: pd.DataFrame) -> pd.DataFrame:
    """List the cells that are left out automatically, or doubtful."""
    own = cells[(cells["region"] == plan.experiment.segment.regions[0]) & (cells["reason"] != "")]
    own = own[~own["cell_id"].isin(list(traces.judged.left_out))]
    out, frame = own["excluded"].to_numpy(bool), own["first_frame"].to_numpy(np.int64)
    return pd.DataFrame(
        {
            "cell_id": own["cell_id"].to_numpy(np.int64),
            "frame": frame,
            "time_s": plan.time_s[frame],
            "kind": np.where(out, LEFT_OUT, DOUBTFUL),
            "doubt": np.where(out, CERTAIN, UNSURE),
            "detail": own["reason"].astype(str).to_numpy(),
        }
    )
