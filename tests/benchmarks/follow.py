"""Time a whole run of a movie of moving cells against the chain that most would write first.

``python tests/benchmarks/follow.py [--frames 100] [--cells 300]`` prints the ratio of the times and
how right the tracks are, in one run. The plain chain: in every frame Gaussian, Otsu, distance
transform, watershed (`plain_chain`, given the true diameter) and scikit-image's
``regionprops_table``, then laptrack; it writes the table of its traces as CSV.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from skimage.measure import regionprops_table

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "track"))
from ctc import graph, in_field, match, score, shown
from plain_chain import plain_chain
from tracking_scores import true_rows

import zincflux
from zincflux.synthetic import Simulation, SyntheticMovie, simulate

SEED = 1000
SCORES = ("DET", "LNK", "TRA", "edge_f1")


def by_zincflux(path: Path, out: Path, diameter_um: float) -> tuple[pd.DataFrame, np.ndarray]:
    """Run everything, with all cores; give the tracks and the label images."""
    settings = ["track.mode=follow", f"segment.diameter_um={diameter_um}", "channels.signal=0"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zincflux.run(path, out, assignments=settings)
    results = zincflux.read_results(out)
    assert results.labels is not None
    tracks = results.traces[["cell_id", "frame"]].assign(label=results.traces["cell_id"])
    return tracks.merge(results.cells[["cell_id", "parent_id"]]), results.labels


def by_plain_chain(path: Path, out: Path, diameter_px: float) -> tuple[pd.DataFrame, np.ndarray]:
    """Find, measure and link with what scikit-image and laptrack offer."""
    from laptrack import LapTrack

    labels, tables = [], []
    names = ("label", "area", "centroid", "mean_intensity")
    for t, frame in enumerate(tifffile.imread(path)):
        labels.append(plain_chain(frame, diameter_px))
        cells = regionprops_table(labels[-1], frame, properties=names)
        tables.append(pd.DataFrame(cells).assign(frame=t))
    rows = pd.concat(tables, ignore_index=True)
    linker = LapTrack(
        cutoff=diameter_px**2, gap_closing_cutoff=diameter_px**2, splitting_cutoff=diameter_px**2
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, splits, _ = linker.predict_dataframe(
            rows, ["centroid-0", "centroid-1"], only_coordinate_cols=False, frame_col="frame"
        )
    tracks = found.reset_index(drop=True).rename(columns={"track_id": "cell_id"})
    tracks["cell_id"] += 1
    tracks.to_csv(out, index=False)
    mother_of = dict(splits[["child_track_id", "parent_track_id"]].to_numpy() + 1)
    parents = tracks["cell_id"].map(mother_of).fillna(0).astype(int)
    return tracks.assign(parent_id=parents), np.stack(labels)


def judged(made: SyntheticMovie, tracks: pd.DataFrame, labels: np.ndarray) -> dict[str, float]:
    """Score tracks; slivers at the edge do not count."""
    margin = round(made.settings.diameter_px / 2)
    truth = [in_field(made.labels(t), margin) for t in range(made.movie.n_frames)]
    found = [in_field(image, margin) for image in labels]
    true, tracks = shown(true_rows(made), truth), shown(tracks, found)
    pairs = match(truth, found).merge(tracks[["frame", "label"]], on=["frame", "label"])
    return score(graph(true), graph(tracks), pairs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--cells", type=int, default=300)
    options = parser.parse_args()
    made = simulate(
        Simulation(
            kind="intensity",
            moving=True,
            n_cells=options.cells,
            n_frames=options.frames,
            frame_interval_s=60.0,
            shape_px=(1024, 1024),
            seed=SEED,
        )
    )
    n_cells = true_rows(made)["cell_id"].nunique()
    size, diameter = made.settings.pixel_size_um, made.settings.cell_diameter_um
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "movie.ome.tif"
        tifffile.imwrite(
            path,
            np.stack([made.movie.data[t][0] for t in range(options.frames)]),
            metadata={
                "axes": "TYX",
                "PhysicalSizeX": size,
                "PhysicalSizeXUnit": "µm",
                "PhysicalSizeY": size,
                "PhysicalSizeYUnit": "µm",
                "TimeIncrement": 60.0,
                "TimeIncrementUnit": "s",
            },
        )
        times = {}
        for way, work, given in (
            ("zincflux", by_zincflux, diameter),
            ("plain chain", by_plain_chain, diameter / size),
        ):
            start = time.perf_counter(), time.process_time()
            tracks, labels = work(path, Path(name) / way, given)
            times[way] = time.perf_counter() - start[0]
            cpu = time.process_time() - start[1]
            result = judged(made, tracks, labels)
            scores = ", ".join(f"{key} {result[key]:.3f}" for key in SCORES)
            print(
                f"{way}: {times[way]:.1f} s ({cpu:.1f} s of processor); {scores}; "
                f"{tracks['cell_id'].nunique()} tracks of {n_cells} cells",
                flush=True,
            )
    print(f"plain chain / zincflux: {times['plain chain'] / times['zincflux']:.1f}")


if __name__ == "__main__":
    main()
