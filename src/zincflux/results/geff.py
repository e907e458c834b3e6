"""Tracks as a graph: one node per cell and frame, edges from frame to frame and to daughters.

References
----------
Graph Exchange File Format (GEFF), https://liveimagetrackingtools.org/geff
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.columns import TRACES
from zincflux.errors import ResultsError

IntArray = NDArray[np.int64]

MARK = b'"made_by": "zincflux"'
"""Stands among what is told of the graph, by which an earlier export is known."""

_NAMES = {
    "frame": "t",
    "y_um": "y",
    "x_um": "x",
    "cell_id": "cell_id",
    "time_s": "time",
    "area_um2": "area",
    "signal": "signal",
    "zinc_nM": "zinc",
    "zinc_low_nM": "zinc_low",
    "zinc_high_nM": "zinc_high",
}
"""Name of a node's property by column of the traces; its unit is stated beside it."""

_UNITS = {"s": "second", "µm": "micrometer", "µm²": "micrometer^2"}
"""Units as GEFF spells them."""


def need_geff() -> None:
    """Make sure that GEFF can be written; called before work is done for it.

    Raises
    ------
    ResultsError
        If a package is not installed.
    """
    try:
        import geff.core_io  # noqa: F401 - only whether it is there
        import geff_spec  # noqa: F401
    except ModuleNotFoundError as error:
        raise ResultsError(
            f"GEFF: expected the package {error.name}, which is not installed. "
            'Install it: pip install "zincflux[formats]"'
        ) from None


def write_geff(
    traces: pd.DataFrame, cells: pd.DataFrame, path: Path, *, region: str = "cell"
) -> None:
    """Write the tracks of cells, with what was measured, as a GEFF graph (zarr).

    Parameters
    ----------
    traces, cells
        Tables of the results.
    path
        Folder to write; by custom its name ends in ``.geff``.
    region
        The region whose places and values are taken, where the table has several.

    Raises
    ------
    ResultsError
        If the package geff is not installed.
    OSError
        If it cannot be written.
    """
    need_geff()
    from geff.core_io import write_arrays
    from geff_spec import Axis, GeffMetadata, PropMetadata

    nodes = _nodes(traces, region)
    mothers = _parents(cells)
    edges = _edges(nodes, mothers)
    metadata = GeffMetadata(
        directed=True,
        axes=[
            Axis(name="t", type="time", unit="frame"),
            Axis(name="y", type="space", unit="micrometer"),
            Axis(name="x", type="space", unit="micrometer"),
        ],
        node_props_metadata={
            _NAMES[column.name]: PropMetadata(
                identifier=_NAMES[column.name],
                dtype=column.dtype,
                unit=_UNITS.get(column.unit, column.unit) or None,
                description=column.meaning,
            )
            for column in TRACES
            if column.name in _NAMES
        },
        edge_props_metadata={},
        track_node_props={"tracklet": "tracklet", "lineage": "lineage"},
        extra={"made_by": "zincflux"},
    )
    properties = _measured(nodes) | _trees(nodes, edges)
    ids = np.arange(len(nodes), dtype=np.uint64)
    write_arrays(path, ids, properties, edges.astype(np.uint64), {}, metadata)


def _nodes(traces: pd.DataFrame, region: str) -> pd.DataFrame:
    """Take the rows of a region with a place, by cell and frame."""
    # Chosen before those without a place go: else a track would jump from region to region.
    rows = traces[traces["region"] == region] if "region" in traces else traces
    rows = rows.dropna(subset=["y_um", "x_um"])
    return rows.sort_values(["cell_id", "frame"], ignore_index=True)


def _parents(cells: pd.DataFrame) -> pd.Series[int]:
    born = cells[cells["parent_id"] != 0].drop_duplicates("cell_id")
    return born.set_index("cell_id")["parent_id"]


def _edges(nodes: pd.DataFrame, mothers: pd.Series[int]) -> IntArray:
    """Join each node to the cell's next one, and the last of a mother before a birth to it."""
    cell, frame = nodes["cell_id"].to_numpy(np.int64), nodes["frame"].to_numpy(np.int64)
    follows = np.flatnonzero(np.diff(cell) == 0)
    edges = [np.stack([follows, follows + 1], axis=1)]
    first = np.flatnonzero(np.r_[True, np.diff(cell) != 0]) if cell.size else follows
    mother = mothers.reindex(cell[first]).fillna(0).to_numpy(np.int64)
    # Both are sorted by cell and frame: one number per node makes the search a single one.
    span = int(frame.max(initial=0)) + 1
    before = np.searchsorted(cell * span + frame, mother * span + frame[first]) - 1
    is_known = (mother > 0) & (before >= 0) & (cell[np.maximum(before, 0)] == mother)
    edges.append(np.stack([before, first], axis=1)[is_known])
    return np.concatenate(edges)


def _trees(nodes: pd.DataFrame, edges: IntArray) -> dict[str, Any]:
    """Give numbers to lineages, and to the unbranched stretches within them."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(nodes)
    is_single = np.bincount(edges[:, 0], minlength=n)[edges[:, 0]] == 1

    def parts(of: IntArray) -> dict[str, Any]:
        links = coo_array((np.ones(len(of)), tuple(of.T)), shape=(n, n))
        number = connected_components(links, directed=False)[1] if n else np.zeros(0)
        return {"values": number.astype(np.int64), "missing": None}

    return {"tracklet": parts(edges[is_single]), "lineage": parts(edges)}


def _measured(nodes: pd.DataFrame) -> dict[str, Any]:
    """Give each property as values and, where some are unknown, a mask of those."""
    result = {}
    for column, name in _NAMES.items():
        values = nodes[column].to_numpy()
        missing = np.isnan(values)
        result[name] = {"values": values, "missing": missing if missing.any() else None}
    return result
