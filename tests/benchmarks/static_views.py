"""In which view the cells of static movies are found best, and what splitting by traces is worth.

``python tests/benchmarks/static_views.py [--seeds 20 21 …] [--kind NAME …] [--jobs 2]`` simulates
movies of several kinds, finds cells in the mean, maximum and standard deviation of their frames,
and in the view that ``projection = "auto"`` chooses, each without and with ``split_by_traces``, and
prints F1 at an overlap of 0.5, pooled over cells, with the standard error over movies of what the
choice gains. Then every pair of true cells that touch is joined, to see how many are split again,
and how many single cells are split by mistake. Settings were chosen on seeds 1 and 2.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import zincflux
from zincflux.phases import names_of_frames
from zincflux.segment import Watershed
from zincflux.segment.by_time import CoarseMovie, split_by_time
from zincflux.segment.views import KINDS, PHASE, Views, best_view
from zincflux.synthetic import Simulation

sys.path.insert(0, str(Path(__file__).parents[1] / "segment"))
from scores import counts

HELD_BACK = range(20, 26)
BASE: dict[str, Any] = {"n_frames": 40, "frame_interval_s": 15.0, "drift_um": 0.0}
MOVIES: dict[str, dict[str, Any]] = {
    "bright, all respond": {},
    "confluent": {"n_cells": 170, "crowding": 0.9},
    "dim": {"electrons_per_unit": 5.0},
    "brief pyrithione": {"phase_shares": (0.3, 0.3, 0.35, 0.05), "electrons_per_unit": 10.0},
    "few respond, no calibration": {
        "phase_shares": (0.3, 0.7, 0, 0),
        "responding_fraction": 0.4,
        "electrons_per_unit": 10.0,
    },
    "a third die": {"dying_fraction": 0.3},
    "dim beside bright": {"load_spread": 1.0, "n_cells": 100},
    "ends in TPEN": {"phase_shares": (0.2, 0.2, 0.6, 0.0)},
    "dim, drifting clouds": {"background_unevenness": 1.0, "electrons_per_unit": 8.0},
    "crowded, half respond": {"responding_fraction": 0.5, "n_cells": 120, "crowding": 0.9},
}
WAYS = tuple(product((*KINDS, "auto"), (False, True)))
"""View, and whether cells are split by traces."""


@dataclass(frozen=True)
class Row:
    """What one movie gave."""

    kind: str
    seed: int
    counts: dict[tuple[str, bool], tuple[int, int, int]]
    view: str
    singles: tuple[int, int]
    pairs: tuple[int, int]


def judge(job: tuple[str, int]) -> Row:
    """Simulate one movie, and score all ways to find its cells."""
    kind, seed = job
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zincflux.ZincfluxWarning)
        made = zincflux.simulate(Simulation(seed=seed, **BASE, **MOVIES[kind]))
    settings = made.settings
    phases = names_of_frames(made.phases, made.movie.require_time())
    views = Views((*KINDS, *(PHASE + phase.name for phase in made.phases)))
    coarse = CoarseMovie(settings.diameter_px)
    for t, phase in enumerate(phases):
        image = np.asarray(made.movie.data[t][0])
        views.update(image, phase)
        coarse.update(image)
    find = Watershed(diameter_um=settings.cell_diameter_um)
    seen, frames = views.result(), coarse.result()
    chosen = best_view(
        seen, lambda image: find(image, settings.pixel_size_um), settings.diameter_px
    )
    labels = {name: find(seen[name], settings.pixel_size_um) for name in KINDS}
    labels["auto"] = chosen.labels
    truth = np.asarray(made.labels(0))
    results = {}
    for name, split in WAYS:
        found = labels[name]
        if split:
            found = split_by_time(found, frames, settings.diameter_px)[0]
        results[name, split] = tuple(int(n) for n in counts(truth, found))
    joined, n_pairs = join_pairs(truth)
    return Row(
        kind,
        seed,
        results,
        chosen.name,
        (split_by_time(truth, frames, settings.diameter_px)[1], len(np.unique(truth)) - 1),
        (split_by_time(joined, frames, settings.diameter_px)[1], n_pairs),
    )


def join_pairs(truth: np.ndarray) -> tuple[np.ndarray, int]:
    """Give every cell and one that it touches the same label, each cell once; drop the others."""
    partner: dict[int, int] = {}
    for one, two in touching(truth):
        if one not in partner and two not in partner:
            partner |= {one: one, two: one}
    new = np.zeros(int(truth.max()) + 1, dtype=np.int32)
    for number, cell in enumerate(dict.fromkeys(partner.values()), start=1):
        new[[key for key, value in partner.items() if value == cell]] = number
    return new[truth], len(partner) // 2


def touching(truth: np.ndarray) -> Iterator[tuple[int, int]]:
    """List pairs of cells that touch along three pixels or more."""
    sides = [(truth[1:], truth[:-1]), (truth[:, 1:], truth[:, :-1])]
    pairs = np.concatenate(
        [np.stack([a, b], axis=-1)[(a != b) & (a > 0) & (b > 0)] for a, b in sides]
    )
    found, length = np.unique(np.sort(pairs, axis=1), axis=0, return_counts=True)
    yield from (tuple(pair) for pair, n in zip(found.tolist(), length, strict=True) if n >= 3)


def f1(rows: list[Row], way: tuple[str, bool]) -> float:
    """Pool F1 over movies."""
    matched, n_true, n_found = np.sum([row.counts[way] for row in rows], axis=0)
    return float(2 * matched / max(n_true + n_found, 1))


def gain(rows: list[Row], way: tuple[str, bool], other: tuple[str, bool]) -> tuple[float, float]:
    """Mean over movies of the difference in F1, and its standard error."""
    difference = np.array([f1([row], way) - f1([row], other) for row in rows])
    error = difference.std(ddof=1) / np.sqrt(len(rows)) if len(rows) > 1 else np.nan
    return float(difference.mean()), float(error)


def table(rows: list[Row]) -> list[str]:
    """Make the table, one line per kind of movie and one for all."""
    names = [f"{name}{', split' if split else ''}" for name, split in WAYS]
    lines = [
        f"| movies | {' | '.join(names)} | auto − mean | split − not (auto) | views chosen |",
        "|---" * (len(names) + 4) + "|",
    ]
    for kind in (*dict.fromkeys(row.kind for row in rows), "all"):
        part = [row for row in rows if kind in (row.kind, "all")]
        scores = [f"{f1(part, way):.3f}" for way in WAYS]
        gains = [
            "{:+.3f} ± {:.3f}".format(*gain(part, *pair))
            for pair in (
                (("auto", False), ("mean", False)),
                (("auto", True), ("auto", False)),
            )
        ]
        chosen = {view: [row.view for row in part].count(view) for view in {r.view for r in part}}
        views = (
            ", ".join(f"{view} {n}" for view, n in sorted(chosen.items())) if kind != "all" else ""
        )
        lines.append(f"| {kind} ({len(part)}) | {' | '.join(scores + gains)} | {views} |")
    return lines


def main() -> None:
    """Run the movies and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(HELD_BACK))
    parser.add_argument("--kind", nargs="+", choices=MOVIES, default=list(MOVIES))
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    jobs = list(product(given.kind, given.seeds))
    with ProcessPoolExecutor(given.jobs) as pool:
        rows = list(pool.map(judge, jobs))
    print(f"{platform.machine()}, {os.cpu_count()} cores, zincflux {zincflux.__version__}")
    print(f"seeds {given.seeds}; F1 at an overlap of 0.5\n")
    print("\n".join(table(rows)))
    split, single = np.sum([row.singles for row in rows], axis=0)
    parted, joined = np.sum([row.pairs for row in rows], axis=0)
    print(f"\ntrue cells split by mistake: {split} of {single}")
    print(f"joined pairs of touching cells split again: {parted} of {joined}")


if __name__ == "__main__":
    main()
