"""How far zincflux is from the truth, on simulated movies.

``python tests/benchmarks/accuracy.py [--seeds 20] [--out docs/validation/accuracy.md]`` simulates
movies, analyses them through the same function as the command line, compares the tables with the
truth and writes the page. The estimator never sees the truth, and the simulator shares no code
with it.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scores import holds, insert

import zincflux
from zincflux.experiment import Experiment
from zincflux.flux import line_fit
from zincflux.synthetic import Simulation, SyntheticMovie

MATCH_IOU = 0.5


@dataclass(frozen=True)
class Case:
    """One kind of movie, and how it is analysed.

    Attributes
    ----------
    name
        Row of the table.
    simulation
        Settings of the simulator; the seed is added.
    changes
        Keys of the experiment file that are changed, by section.
    true_masks
        Whether the analysis is given the true outlines.
    main
        Whether the case carries the claims, and so gets all seeds; the others get fewer.
    first_seed
        Seed of the first movie. Those from 0 on were looked at while the analysis was written.
    """

    name: str
    simulation: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    true_masks: bool = False
    main: bool = False
    first_seed: int = 0


CASES = (
    Case("as it is", main=True),
    Case("as it is, held back", main=True, first_seed=1000),
    Case("true outlines given", true_masks=True),
    Case("ends shrunk", changes={"calibration": {"scope": "shrunk"}}),
    Case("K entered 1.5 × too high", changes={"calibration": {"k_nM": 22.5}}),
    Case("background follows the dye", {"background_follows_dye": 0.5}),
    Case("3 frames out of focus after each addition", {"defocus_frames": 3, "defocus_um": 4.0}),
    Case("a fifth of the cells dies", {"dying_fraction": 0.2}),
    Case("bleaching not corrected", {"bleach_rate_per_s": (3e-4,)}, {"bleaching": {}}),
    Case("FRET, static", {"kind": "fret", "moving": False}, main=True),
    Case("FRET, static, true outlines", {"kind": "fret", "moving": False}, true_masks=True),
    Case(
        "FRET, moving and dividing",
        {"kind": "fret", "moving": True, "n_cells": 30},
        {"flux": {"rate_window_s": 360.0}},
    ),
)


def match(found: np.ndarray, truth: np.ndarray) -> dict[int, int]:
    """Pair found with true cells that overlap by more than half of their union."""
    n_found, n_truth = int(found.max()) + 1, int(truth.max()) + 1
    pairs = np.bincount(
        found.ravel().astype(np.int64) * n_truth + truth.ravel(), minlength=n_found * n_truth
    ).reshape(n_found, n_truth)
    union = pairs.sum(axis=1)[:, None] + pairs.sum(axis=0)[None, :] - pairs
    iou = np.where(union > 0, pairs / np.maximum(union, 1), 0.0)[1:, 1:]
    rows, columns = np.nonzero(iou > MATCH_IOU)
    return {int(row) + 1: int(column) + 1 for row, column in zip(rows, columns, strict=True)}


def analyse(case: Case, made: SyntheticMovie) -> zincflux.Analysis:
    """Analyse a simulated movie by the experiment file that the simulator writes beside it."""
    data = dict(made.experiment)
    for section, keys in case.changes.items():
        data[section] = {**data.get(section, {}), **keys} if keys else {}
    data["movie"] = {"path": "simulated"}
    experiment = Experiment.parse(data, where=case.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zincflux.ZincfluxWarning)
        if not case.true_masks:
            return zincflux.analyze(experiment, movie=made.movie, jobs=1)
        return _with_true_masks(experiment, made)


def _with_true_masks(experiment: Experiment, made: SyntheticMovie) -> zincflux.Analysis:
    import tempfile

    import tifffile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.tif"
        tifffile.imwrite(path, made.labels(0).astype(np.int32))
        segment = {"method": "labels", "labels": str(path)}
        given = Experiment.parse(
            {**experiment.model_dump(mode="json", exclude_none=True), "segment": segment},
            where="true masks",
        )
        return zincflux.analyze(given, movie=made.movie, jobs=1)


def compare(case: Case, seed: int) -> dict[str, float]:
    """Analyse one movie and compare it with the truth."""
    made = zincflux.simulate(Simulation(seed=seed, **case.simulation))
    analysis = analyse(case, made)
    pairs = pair(analysis, made)
    rows = join(analysis.traces, made.truth, pairs)
    result = _found(analysis, made, pairs)
    for role in ("response", "baseline"):
        names = [phase.name for phase in made.phases if phase.role == role]
        part = rows[rows["phase"].isin(names)]
        error = np.log(part["zinc_nM"] / part["zinc_nM_true"])
        result[f"error_{role}"] = float(error.abs().median())
        result[f"bias_{role}"] = float(error.median())
        result[f"covered_{role}"] = _coverage(part)
        result[f"number_{role}"] = float(part["zinc_nM"].notna().mean())
    return result | _rates(analysis, made, pairs)


def pair(analysis: zincflux.Analysis, made: SyntheticMovie) -> pd.DataFrame:
    """Pair cells with the truth: once for a static movie, else in every frame."""
    tables = []
    for t, labels in enumerate(analysis.label_images):
        matched = match(np.asarray(labels), made.labels(t))
        frames = range(made.movie.n_frames) if len(analysis.label_images) == 1 else [t]
        tables += [
            pd.DataFrame({"frame": frame, "cell_id": matched.keys(), "true_id": matched.values()})
            for frame in frames
        ]
    return pd.concat(tables, ignore_index=True)


def _found(
    analysis: zincflux.Analysis, made: SyntheticMovie, pairs: pd.DataFrame
) -> dict[str, float]:
    """Score detection (per frame) and links from one frame to the next."""
    last = len(analysis.label_images)
    n_found = sum(len(np.unique(labels)) - 1 for labels in analysis.label_images)
    n_true = int((made.truth["frame"] < last).sum())
    hits = int((pairs["frame"] < last).sum())
    true_links = pairs.merge(pairs.assign(frame=pairs["frame"] - 1), on=["frame", "true_id"])
    kept = (true_links["cell_id_x"] == true_links["cell_id_y"]).mean()
    return {"f1": 2 * hits / max(n_found + n_true, 1), "links": float(kept)}


def join(traces: pd.DataFrame, truth: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    matched = traces.merge(pairs, on=["cell_id", "frame"])
    return matched.merge(
        truth[["cell_id", "frame", "zinc_nM"]].rename(columns={"cell_id": "true_id"}),
        on=["true_id", "frame"],
        suffixes=("", "_true"),
    )


def _coverage(rows: pd.DataFrame) -> float:
    """Share of intervals and one-sided bounds that hold the truth."""
    stated, right = holds(rows["zinc_nM_true"], rows["zinc_low_nM"], rows["zinc_high_nM"])
    return float(right[stated].mean()) if stated.any() else np.nan


def _rates(
    analysis: zincflux.Analysis, made: SyntheticMovie, pairs: pd.DataFrame
) -> dict[str, float]:
    """Compare rates with the same regression on the true zinc, and with the true derivative."""
    phase = next(phase for phase in made.phases if phase.role == "response")
    first = pairs[pairs["frame"] == int(np.argmax(made.movie.require_time() >= phase.start_s))]
    found = analysis.responses.merge(first[["cell_id", "true_id"]], on="cell_id")
    window = analysis.experiment.flux.rate_window_s
    wide = made.truth.pivot(index="cell_id", columns="time_s", values="zinc_nM")
    time_s = wide.columns.to_numpy(np.float64)
    inside = (time_s >= phase.start_s) & (time_s <= phase.start_s + window)
    slope = pd.Series(line_fit(time_s[inside], wide.to_numpy()[:, inside]).slope, index=wide.index)
    derivative = made.cells.set_index("cell_id")["initial_rate_nM_per_s"]
    regression = found["rate_nM_per_s"] / found["true_id"].map(slope)
    exponential = found["exponential_rate_nM_per_s"] / found["true_id"].map(derivative)
    return {
        "rate_regression": float((regression - 1).abs().median()),
        "rate_exponential": float((exponential - 1).abs().median()),
    }


def _work(job: tuple[Case, int]) -> tuple[str, dict[str, float]]:
    case, seed = job
    return case.name, compare(case, seed)


def measure(seeds: int, others: int, only: str | None) -> Iterator[tuple[str, pd.DataFrame]]:
    """Run every case on its seeds, several movies at a time."""
    cases = [case for case in CASES if only is None or only in case.name]
    jobs = [
        (case, case.first_seed + number)
        for case in cases
        for number in range(seeds if case.main else others)
    ]
    collected: dict[str, list[dict[str, float]]] = {case.name: [] for case in cases}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for name, row in pool.map(_work, jobs):
            collected[name].append(row)
    for name, rows in collected.items():
        yield name, pd.DataFrame(rows)


COLUMNS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("F1", "f1", "{:.3f}".format),
    ("links", "links", "{:.3f}".format),
    ("abs ln error, rest", "error_baseline", "{:.3f}".format),
    ("abs ln error, response", "error_response", "{:.3f}".format),
    ("ln bias rest", "bias_baseline", "{:+.3f}".format),
    ("ln bias response", "bias_response", "{:+.3f}".format),
    ("coverage rest", "covered_baseline", "{:.1%}".format),
    ("coverage response", "covered_response", "{:.1%}".format),
    ("with a number, rest", "number_baseline", "{:.1%}".format),
    ("with a number, response", "number_response", "{:.1%}".format),
    ("rate, regression", "rate_regression", "{:.1%}".format),
    ("rate, exponential", "rate_exponential", "{:.1%}".format),
)


def table(results: list[tuple[str, pd.DataFrame]]) -> str:
    """Format the means over movies (worst movie for F1 in brackets) as Markdown."""
    lines = ["| movie | movies | " + " | ".join(title for title, *_ in COLUMNS) + " |"]
    lines.append("|---" * (len(COLUMNS) + 2) + "|")
    for name, rows in results:
        means = {key: float(rows[key].mean()) for _, key, _ in COLUMNS}
        cells = ["–" if np.isnan(means[key]) else write(means[key]) for _, key, write in COLUMNS]
        cells[0] += f" ({rows['f1'].min():.2f})"
        lines.append(f"| {name} | {len(rows)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--others", type=int, default=6, help="seeds of the cases beside the main")
    parser.add_argument("--only", help="part of a case's name")
    parser.add_argument("--out", type=Path, help="page to write the table into")
    options = parser.parse_args()
    start = time.perf_counter()
    results = list(measure(options.seeds, options.others, options.only))
    text = table(results)
    print(text)
    print(f"{options.seeds} seeds, {time.perf_counter() - start:.0f} s, {platform.platform()}")
    if options.out is not None:
        note = "Means over movies; seeds from 0 on, held back from 1000 on."
        insert(options.out, MARK, f"{text}\n\n{note}")


MARK = "<!-- made by tests/benchmarks/accuracy.py -->"

if __name__ == "__main__":
    main()
