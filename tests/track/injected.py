"""Tracks with errors put in on purpose, to see whether they are found."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from zincflux.synthetic import Simulation, simulate


@lru_cache(maxsize=8)
def true_tracks(seed: int, n_cells: int = 40, n_frames: int = 40) -> pd.DataFrame:
    """True tracks of a simulated movie, with noise of outlines (4 %) and brightness (3 %)."""
    side = round(48 * np.sqrt(n_cells))
    made = simulate(
        Simulation(
            kind="fret", moving=True, n_cells=n_cells, n_frames=n_frames, shape_px=(side, side),
            division_rate_per_h=0.2, seed=seed,
        )
    )  # fmt: skip
    rows = made.truth.merge(made.cells[["cell_id", "parent_id", "dye_load"]], on="cell_id")
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1, (2, len(rows)))
    rows["area_um2"] *= np.exp(0.04 * noise[0])
    rows["intensity"] = 100 * rows["dye_load"] * np.exp(0.03 * noise[1])
    columns = ["cell_id", "frame", "time_s", "area_um2", "intensity", "y_um", "x_um", "parent_id"]
    return rows[columns]


def inject(
    tracks: pd.DataFrame, seed: int, n: int = 4
) -> tuple[pd.DataFrame, set[tuple[int, int, str]]]:
    """Merge two cells for good, swap two for good, and drop a cell for two frames, n times each.

    Returns
    -------
    rows : pandas.DataFrame
        The tracks with errors.
    errors : set
        Cell, frame and kind of error; both cells of a pair are named, either finds it.
    """
    rng = np.random.default_rng(seed)
    rows, errors, used = tracks.copy(), set(), set()
    frames = rng.permutation(np.arange(5, int(rows["frame"].max()) - 5))
    for number, frame in enumerate(frames[: 3 * n]):
        kind = ("merge", "swap", "gap")[number % 3]
        pair = _pair(rows, int(frame), used, rng)
        if pair is None:
            continue
        used |= set(pair)
        rows = {"merge": _merge, "swap": _swap, "gap": _drop}[kind](rows, int(frame), *pair)
        at = frame + 2 if kind == "gap" else frame
        named = pair[:1] if kind == "gap" else pair
        errors |= {(number, (cell, int(at)), kind) for cell in named}
    return rows, errors


def _pair(rows, frame, used, rng):
    """Two cells near each other, inside, that live on around the frame and have no errors yet."""
    now = rows[rows["frame"] == frame].set_index("cell_id")
    span = rows.groupby("cell_id")["frame"].agg(["min", "max"])
    whole = span[(span["min"] <= frame - 4) & (span["max"] >= frame + 4)].index
    place = now[["y_um", "x_um"]]
    inner = ((place > 25) & (place < place.max() - 25)).all(axis=1)
    mothers = set(rows["parent_id"])
    able = [c for c in now.index[inner] if c in whole and c not in used and c not in mothers]
    for one in rng.permutation(able):
        away = np.hypot(*(place.loc[able] - place.loc[one]).to_numpy().T)
        order = np.argsort(away)
        if len(able) > 1 and away[order[1]] < 25:
            return int(one), int(able[order[1]])
    return None


def _merge(rows, frame, one, other):
    late = rows["frame"] >= frame
    taken = rows[late & (rows["cell_id"] == other)].set_index("frame")
    mine = rows.index[late & (rows["cell_id"] == one)]
    both = mine[rows.loc[mine, "frame"].isin(taken.index)]
    theirs = taken.loc[rows.loc[both, "frame"]]
    area = rows.loc[both, "area_um2"].to_numpy(), theirs["area_um2"].to_numpy()
    for name in ("y_um", "x_um", "intensity"):
        values = rows.loc[both, name].to_numpy() * area[0] + theirs[name].to_numpy() * area[1]
        rows.loc[both, name] = values / (area[0] + area[1])
    rows.loc[both, "area_um2"] = area[0] + area[1]
    return rows[~(late & (rows["cell_id"] == other))]


def _swap(rows, frame, one, other):
    late = rows["frame"] >= frame
    names = rows["cell_id"].where(~late, rows["cell_id"].replace({one: other, other: one}))
    parents = rows.drop_duplicates("cell_id").set_index("cell_id")["parent_id"]
    return rows.assign(cell_id=names, parent_id=names.map(parents))


def _drop(rows, frame, one, other):
    return rows[~((rows["cell_id"] == one) & rows["frame"].isin([frame, frame + 1]))]


def found_errors(listed: pd.DataFrame, errors) -> tuple[int, int]:
    """How many of the first k suspects are errors that were put in, and k, the number of these."""
    k = len({number for number, *_ in errors})
    places = {place: number for number, place, _ in errors}
    first = listed.head(k)
    hits = {places.get((c, f)) for c, f in zip(first["cell_id"], first["frame"], strict=True)}
    return len(hits - {None}), k
