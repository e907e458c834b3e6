"""Suspects: likely errors of segmentation and tracking, for a person to walk through."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from zincflux.movie import FloatArray
from zincflux.track.cells import BoolArray, IndexArray, near
from zincflux.track.history import History, history

COLUMNS = ("cell_id", "frame", "time_s", "kind", "doubt", "detail")

KINDS: dict[str, str] = {
    "merge": "a cell vanishes beside one that grows by as much: two cells under one outline",
    "split": "a cell appears beside one that shrinks by as much, and no division is noted",
    "swap": "two cells would fit better if they exchanged their names",
    "area_jump": "the area changes far more than it usually does in this movie",
    "intensity_jump": "the brightness changes far more than that of the other cells",
    "gap": "not found in a frame between others; cell 0 stands for all cells",
    "short_track": "seen in few frames only, away from the edge",
    "appears_inside": "starts in mid-movie, away from the edge, without a mother",
    "ends_inside": "ends in mid-movie, away from the edge, without daughters",
}
"""What each kind means; where several fit one cell and frame, the first stands for all."""

LEAST_Z = 5.0
"""Change, in spreads of this movie, from which it is listed."""

HALF_DOUBT_Z = 8.0
"""Change that gives a doubt of one half."""

TOUCHING = 1.5
"""Distance of the centres of two touching cells at most, over the sum of their radii."""

SAME_AREA = 0.3
"""Difference of the logarithms of one area and the sum of two that may still be the same."""

SHORT_FRAMES = 3
"""Frames up to which a track is short, if it neither touches an edge nor an end of the movie."""

BASE_DOUBT = {"gap": 0.45, "appears_inside": 0.5, "ends_inside": 0.5, "short_track": 0.55}
"""Doubt of events that are counted, not measured; lower where the movie has many of them."""


def suspects(tracks: pd.DataFrame) -> pd.DataFrame:
    """List likely errors, the most doubtful first.

    How large a change is, is told by the movie itself: changes are divided by the robust spread
    (1.48 times the median absolute change) of all cells and frames, so that quiet and lively
    movies give lists of like length.

    Parameters
    ----------
    tracks
        One row per cell and frame: ``cell_id``, ``frame``, ``area_um2``, ``y_um``, ``x_um``,
        ``parent_id``, and if known ``intensity`` and ``time_s``. Rows without an area are left
        out. In any order.

    Returns
    -------
    pandas.DataFrame
        ``cell_id`` (0: all cells), ``frame``, ``time_s`` (NaN if not given), ``kind`` (one of
        `KINDS`), ``doubt`` (0 to 1), ``detail``. One row for a cell and frame at most.

    Raises
    ------
    ValueError
        If a column is missing, or a cell occurs twice in a frame.

    Examples
    --------
    >>> rows = [(cell, t, 100.0, 30.0 * cell, 30.0 * cell, 0) for cell in (1, 2, 3)
    ...     for t in range(9) if (cell, t) != (2, 4)]
    >>> columns = ["cell_id", "frame", "area_um2", "y_um", "x_um", "parent_id"]
    >>> suspects(pd.DataFrame(rows, columns=columns))[["cell_id", "frame", "kind"]].values.tolist()
    [[2, 5, 'gap']]
    """
    past = history(tracks)
    if past.rows.empty:
        return _table([])
    found = [
        *_unions(past),
        _swaps(past),
        *_jumps(past),
        *_gaps(past),
        *_ends(past),
    ]
    return _table(found, _times(tracks))


def _row(
    cell: IndexArray, frame: IndexArray, kind: str, doubt: FloatArray, detail: Iterable[str]
) -> pd.DataFrame:
    columns = {"cell_id": cell, "frame": frame, "kind": kind, "doubt": doubt, "other": 0}
    return pd.DataFrame(columns | {"detail": pd.Series(list(detail), dtype=object)})


def _table(found: list[pd.DataFrame], time_s: pd.Series | None = None) -> pd.DataFrame:
    """Sort by doubt, and keep one row for each cell and frame: the first of `KINDS`."""
    nobody = np.zeros(0, np.intp)
    empty = _row(nobody, nobody, "", np.zeros(0), [])
    rows = pd.concat([empty, *(part for part in found if len(part))], ignore_index=True)
    rank = rows["kind"].map({kind: n for n, kind in enumerate(KINDS)}).astype(np.int64)
    rows = rows.assign(rank=rank)[~_explained(rows)]
    rows = rows.sort_values(["cell_id", "frame", "rank", "doubt"], ascending=[True] * 3 + [False])
    rows = rows.drop_duplicates(["cell_id", "frame"])
    rows = rows.assign(order=rows["doubt"].round(6))
    rows = rows.sort_values(["order", "rank", "frame", "cell_id"], ascending=[False] + [True] * 3)
    times = pd.Series(dtype=np.float64) if time_s is None else time_s
    rows = rows.assign(time_s=rows["frame"].map(times).astype(np.float64))
    rows = rows.astype({"cell_id": np.int64, "frame": np.int64, "doubt": np.float64})
    return rows[list(COLUMNS)].reset_index(drop=True)


def _explained(rows: pd.DataFrame) -> BoolArray:
    """Whether a row tells of an event of two cells what the row of the other cell tells."""
    events = rows.loc[rows["other"] > 0, ["other", "frame"]]
    after = pd.MultiIndex.from_arrays([events["other"], events["frame"]])
    before = pd.MultiIndex.from_arrays([events["other"], events["frame"] - 1])
    own = pd.MultiIndex.from_frame(rows[["cell_id", "frame"]])
    told = own.isin(after) | (own.isin(before) & (rows["kind"] == "ends_inside"))
    return np.asarray(told & (rows["other"] == 0).to_numpy())


def _times(tracks: pd.DataFrame) -> pd.Series | None:
    if "time_s" not in tracks:
        return None
    return tracks.drop_duplicates("frame").set_index("frame")["time_s"]


def _doubt(z: FloatArray) -> FloatArray:
    return np.asarray(z**2 / (z**2 + HALF_DOUBT_Z**2))


def _jumps(past: History) -> list[pd.DataFrame]:
    """Areas and intensities that jump; a cell that the edge cuts changes its area anyway."""
    inside = ~(past.at_edge[past.start] | past.at_edge[past.stop])
    change = np.abs(past.change)
    tables = []
    for name, kind, z in (
        ("area_um2", "area_jump", change[:, 2] * inside),
        ("intensity", "intensity_jump", change[:, 3]),
    ):
        found = np.flatnonzero(z > LEAST_Z)
        value = past.rows[name].to_numpy(np.float64)
        before, after = value[past.start[found]], value[past.stop[found]]
        detail = [f"{a:.4g} to {b:.4g}" for a, b in zip(before, after, strict=True)]
        stop = past.stop[found]
        tables.append(_row(past.cell[stop], past.frame[stop], kind, _doubt(z[found]), detail))
    return tables


def _unions(past: History) -> list[pd.DataFrame]:
    """Two cells that become one outline, and one outline that becomes two cells."""
    frame, last_frame = past.frame, int(past.frame.max())
    follows = np.zeros(frame.size, dtype=bool)
    follows[past.start] = True
    led = np.zeros(frame.size, dtype=bool)
    led[past.stop] = True
    born = past.rows["parent_id"].to_numpy() > 0
    mother = np.isin(past.cell, past.rows["parent_id"])
    vanishes = ~follows & (frame < last_frame) & ~(past.last & mother)
    comes = ~led & (frame > frame.min()) & ~(past.first & born)
    merge = _union(past, vanishes, past.start, past.stop, "merge")
    split = _union(past, comes, past.stop, past.start, "split")
    return [merge, split]


def _union(
    past: History, alone: BoolArray, here: IndexArray, there: IndexArray, kind: str
) -> pd.DataFrame:
    """Find rows `alone` beside a cell whose area, ``here`` to ``there``, takes theirs up."""
    area = past.rows["area_um2"].to_numpy(np.float64)
    radius = np.sqrt(area / np.pi)
    lone = np.flatnonzero(alone)
    reach = TOUCHING * 2 * float(radius.max())
    i, k = near(past.place[lone], past.frame[lone], past.place[here], past.frame[here], reach)
    one, other, whole = lone[i], here[k], there[k]
    way = past.place[one] - past.place[other]
    touch = np.hypot(way[:, 0], way[:, 1]) < TOUCHING * (radius[one] + radius[other])
    fit = np.abs(np.log((area[one] + area[other]) / area[whole])) < SAME_AREA
    grows = area[whole] > area[other]
    z = np.abs(past.change[k, 2])
    found = np.flatnonzero(touch & fit & grows & (z > LEAST_Z))
    one, other, whole = one[found], other[found], whole[found]
    words = {"merge": "cell {} ends beside it", "split": "cell {} starts beside it"}[kind]
    detail = [
        f"{words.format(cell)}, area {a:.4g} and {b:.4g} against {c:.4g} µm²"
        for cell, a, b, c in zip(past.cell[one], area[other], area[one], area[whole], strict=True)
    ]
    # Both kinds are shown in the later of the two frames, where the outlines are to be mended.
    frame = np.maximum(past.frame[whole], past.frame[other])
    table = _row(past.cell[other], frame, kind, _doubt(z[found] + LEAST_Z), detail)
    return table.assign(other=past.cell[one])


def _swaps(past: History) -> pd.DataFrame:
    """Pairs of cells side by side whose steps cost less if their names are exchanged."""
    radius = 2 * past.diameter_um
    place, frame = past.place[past.start], past.frame[past.start]
    a, b = near(place, frame, place, frame, radius)
    once = a < b
    a, b = a[once], b[once]
    own = _cost(past, a, a) + _cost(past, b, b)
    crossed = _cost(past, a, b) + _cost(past, b, a)
    z = np.sqrt(np.maximum(own - crossed, 0) / 2)
    found = np.flatnonzero(z > LEAST_Z)
    names = past.cell[past.start]
    one, other = names[a[found]], names[b[found]]
    detail = [f"with cell {cell}" for cell in other]
    later = past.frame[past.stop[a[found]]]
    return _row(one, later, "swap", _doubt(z[found]), detail).assign(other=other)


def _cost(past: History, a: IndexArray, b: IndexArray) -> FloatArray:
    """Cost of going on from the start of step ``a`` at the stop of step ``b``, in spreads²."""
    start, stop = past.start[a], past.stop[b]
    change = past.signal[stop] - past.signal[start] - past.shared[a]
    return np.asarray(np.nansum(change**2, axis=1))


def _gaps(past: History) -> list[pd.DataFrame]:
    """Frames in which a cell was missed, and frames in which all were."""
    cell, frame = past.cell, past.frame
    missed = frame[1:] - frame[:-1] - 1
    stop = np.flatnonzero((cell[1:] == cell[:-1]) & (missed > 0)) + 1
    seen = np.unique(frame)
    empty = np.setdiff1d(np.arange(seen[0], seen[-1]), seen)
    # What is missed because the whole frame is, is no error of the cell.
    own = (frame[stop] - frame[stop - 1] - 1) - (
        np.searchsorted(empty, frame[stop]) - np.searchsorted(empty, frame[stop - 1])
    )
    stop, own = stop[own > 0], own[own > 0]
    detail = [f"missed in {_frames(n)} before" for n in own]
    doubt = np.full(stop.size, _rarity("gap", stop.size, past))
    whole = _row(
        np.zeros(empty.size, np.intp),
        empty,
        "gap",
        np.full(empty.size, 0.9),
        ("no cell in this frame" for _ in empty),
    )
    return [_row(cell[stop], frame[stop], "gap", doubt, detail), whole]


def _ends(past: History) -> list[pd.DataFrame]:
    """Tracks that start or end inside the movie, and short ones."""
    cell, frame, inside = past.cell, past.frame, ~past.at_edge
    born = past.rows["parent_id"].to_numpy() > 0
    mother = np.isin(cell, past.rows["parent_id"])
    starts = past.first & (frame > frame.min()) & ~born
    stops = past.last & (frame < frame.max()) & ~mother
    length = past.rows.groupby("cell_id")["frame"].transform("size").to_numpy()
    alone = pd.Series(starts).groupby(cell).transform("any") & (length <= SHORT_FRAMES)
    short = stops & inside & alone.to_numpy(bool)
    tables = []
    for kind, chosen in (
        ("appears_inside", starts & inside),
        ("ends_inside", stops & inside),
        ("short_track", short),
    ):
        rows = np.flatnonzero(chosen)
        doubt = np.full(rows.size, _rarity(kind, rows.size, past))
        detail = [f"seen in {_frames(n)}" for n in length[rows]]
        tables.append(_row(cell[rows], frame[rows], kind, doubt, detail))
    return tables


def _frames(n: int) -> str:
    return "1 frame" if n == 1 else f"{n} frames"


def _rarity(kind: str, n: int, past: History) -> float:
    """Doubt of an event of a kind that the movie has ``n`` of."""
    n_cells = int(past.first.sum())
    return BASE_DOUBT[kind] * (1 - 0.5 * min(n / max(n_cells, 1), 1.0))
