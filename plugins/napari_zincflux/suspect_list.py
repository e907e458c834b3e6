"""What is to be looked at, in one table; no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from zincflux.pipeline import Analysis

CERTAIN, DOUBTFUL = 1.0, 0.5
"""Doubt of a cell that was left out automatically, and of one that only may be wrong."""

BY_HAND = "by hand: "


def suspects_of(analysis: Analysis) -> pd.DataFrame:
    """Join doubts about outlines and links with those about whole cells.

    Parameters
    ----------
    analysis
        The analysis.

    Returns
    -------
    pandas.DataFrame
        Columns as in `zincflux.columns.SUSPECTS`. Cells with a reason in the table of cells have
        the kind ``left_out`` or ``doubtful``; those that were left out by hand are not listed.
    """
    import pandas as pd

    cells = analysis.cells
    if "region" in cells:
        cells = cells[cells["region"] == "cell"]
    reason = cells["reason"].fillna("").astype(str)
    own = cells[(reason != "") & ~reason.str.startswith(BY_HAND)]
    frame = own["first_frame"].to_numpy()
    excluded = own["excluded"].to_numpy(bool)
    times = analysis.frames["time_s"].to_numpy()
    rows = pd.DataFrame(
        {
            "cell_id": own["cell_id"].to_numpy(),
            "frame": frame,
            "time_s": times[frame] if len(own) else pd.Series(dtype=float),
            "kind": ["left_out" if out else "doubtful" for out in excluded],
            "doubt": [CERTAIN if out else DOUBTFUL for out in excluded],
            "detail": own["reason"].astype(str).to_numpy(),
        }
    )
    parts = [part for part in (analysis.suspects, rows) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else analysis.suspects
