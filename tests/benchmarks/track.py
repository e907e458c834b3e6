"""How long linking takes, against a dense assignment of each pair of frames.

Run: ``python tests/benchmarks/track.py``
"""

import os
import platform
import sys
import time
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


def dense(rows: pd.DataFrame, max_step_um: float) -> None:
    """Assign each frame to the next by all squared distances; no gaps, no divisions."""
    frames = [f[["y_um", "x_um"]].to_numpy() for _, f in rows.groupby("frame")]
    for here, there in pairwise(frames):
        cost = cdist(here, there, "sqeuclidean")
        cost[cost > max_step_um**2] = FAR
        linear_sum_assignment(cost)


def main() -> None:
    """Print the machine, the times and their ratio."""
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, one thread used")
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, "
        f"pandas {pd.__version__}\n"
    )
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
