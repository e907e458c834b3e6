"""How long linking takes, and how right it is, against peers and a dense assignment.

Run: ``python tests/benchmarks/track.py``. trackpy and laptrack take part where they are installed.
"""

import importlib.metadata
import importlib.util
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

sys.path.insert(0, str(Path(__file__).parents[1]))
from cases import links, wander
from zincflux.track import link

FAR = 1e6
REACH = 16.0
"""Farthest step that the peers are given: the median diameter of the cells, µm."""

MEMORY = 2
"""Frames that a cell may be missed for, for all."""

REPEATS = 3


def dense(rows: pd.DataFrame, max_step_um: float) -> None:
    """Assign each frame to the next by all squared distances; no gaps, no divisions."""
    frames = [f[["y_um", "x_um"]].to_numpy() for _, f in rows.groupby("frame")]
    for here, there in pairwise(frames):
        cost = cdist(here, there, "sqeuclidean")
        cost[cost > max_step_um**2] = FAR
        linear_sum_assignment(cost)


def by_trackpy(rows: pd.DataFrame) -> pd.DataFrame:
    """Link with trackpy, with its default linker."""
    import trackpy

    trackpy.quiet()
    spots = rows.rename(columns={"y_um": "y", "x_um": "x"})
    found = trackpy.link(spots, REACH, memory=MEMORY)
    return found.rename(columns={"particle": "cell_id"})


def by_laptrack(rows: pd.DataFrame) -> pd.DataFrame:
    """Link with laptrack: squared distances, gaps closed, no splitting."""
    from laptrack import LapTrack

    linker = LapTrack(
        cutoff=REACH**2,
        gap_closing_cutoff=REACH**2,
        gap_closing_max_frame_count=MEMORY,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, *_ = linker.predict_dataframe(
            rows, ["y_um", "x_um"], only_coordinate_cols=False, frame_col="frame"
        )
    return found.reset_index().rename(columns={"track_id": "cell_id"})


def by_zincflux(rows: pd.DataFrame) -> pd.DataFrame:
    """Link with zincflux, all keys as they come."""
    return link(rows[["frame", "label", "y_um", "x_um", "area_um2"]])


def timed(linker: Callable[[pd.DataFrame], pd.DataFrame], rows: pd.DataFrame, repeats: int):
    """Best time of a few, and what was found."""
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        tracks = linker(rows)
        best = min(best, time.perf_counter() - start)
    return best, tracks


def peers(n_frames: int, step_px: float) -> None:
    """Print times and correctness for 500 cells with a diameter of 16 px, 2 % of them missed."""
    rows = wander(500, n_frames, step_um=step_px, missed=0.02)
    true = links(rows, "cell")
    print(f"500 cells × {n_frames} frames, steps of {step_px} px (sd along an axis), 2 % missed:")
    ours = np.nan
    for name, linker in (
        ("zincflux", by_zincflux),
        ("trackpy", by_trackpy),
        ("laptrack", by_laptrack),
    ):
        if importlib.util.find_spec(name) is None:
            print(f"  {name:<16} not installed")
            continue
        seconds, tracks = timed(linker, rows, 1 if name == "laptrack" else REPEATS)
        ours = seconds if name == "zincflux" else ours
        found = links(tracks, "cell_id")
        f1 = 2 * len(true & found) / (len(true) + len(found))
        print(
            f"  {name:<9} {importlib.metadata.version(name) if name != 'zincflux' else '':<6} "
            f"{seconds:6.2f} s = {seconds / ours:5.1f} × zincflux; edge F1 {f1:.5f}; "
            f"{tracks['cell_id'].nunique()} tracks of 500"
        )


def main() -> None:
    """Print the machine, the times and their ratio."""
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, one thread used")
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, "
        f"pandas {pd.__version__}\n"
    )
    for n_frames, step_px in ((200, 2.0), (50, 4.0)):
        peers(n_frames, step_px)
    for n_cells, n_frames, step_um in ((500, 500, 1), (500, 500, 2), (500, 500, 4), (3000, 40, 2)):
        rows = wander(n_cells, n_frames, step_um=step_um, missed=0.02)
        start = time.perf_counter()
        tracks = link(rows)
        ours = time.perf_counter() - start
        start = time.perf_counter()
        dense(rows, 16.0)
        theirs = time.perf_counter() - start
        true, found = links(rows, "cell"), links(tracks, "cell_id")
        print(
            f"{n_cells} cells × {n_frames} frames, steps of {step_um} µm (spacing 25): "
            f"link {ours:5.2f} s, dense {theirs:5.2f} s = {theirs / ours:4.1f} × link; "
            f"true links found {len(true & found) / len(true):.2%}, "
            f"links that are true {len(true & found) / len(found):.2%}"
        )


if __name__ == "__main__":
    main()
