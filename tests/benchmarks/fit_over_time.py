"""Fit what the segmenter has learnt of films: how a cell looks, and what lies there around it.

``python tests/benchmarks/fit_over_time.py [--jobs 2] [--out likeness_over_time.json]`` takes nine
frames each of simulated films of all kinds of `tracking_scores`, and five frames each of images of
the Data Science Bowl 2018 that are set in motion: they sway, brighten and fade, get noise, and are
now and then out of focus (those of ``segmentation_data.is_held_back`` are left out). The first
round shows the network what the segmenter of single images finds around each candidate, the second
what the network of the first round finds, which is what it will see when it is used.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from fit_segmenter import binned_truth, diameter_px, fit_likeness, node_overlaps, worth, write
from scipy import ndimage
from segmentation_data import dsb, dsb_names
from tracking_scores import CASES, simulated

from zincflux.segment import over_time
from zincflux.segment.among_frames import Network
from zincflux.segment.candidates import Candidates
from zincflux.segment.company import COMPANY, REACH, company, members
from zincflux.segment.contrast import measure_contrast
from zincflux.segment.likeness import Likeness, learnt
from zincflux.segment.looks import LOOKS
from zincflux.segment.recut import recut
from zincflux.segment.sketches import Sketch, sketch

UNITS = 64
SEEDS = range(10, 20)
"""The rest of what is chosen was chosen on seeds 0 and 1, and is judged on seeds from 1000."""

SIMULATED_FRAMES, SWAYING_FRAMES = 9, 5
DIAMETER_FACTORS = (0.8, 1.0, 1.0, 1.25)
MINIMUM_CONTRAST = 0.2
WEIGHT_OF_SIMULATED = 3.0
"""The company that real nuclei have is made up; that of simulated cells comes of their motion."""

LARGEST_SIDE = 400


@dataclass(frozen=True)
class Film:
    """Frames (Y, X), what is true in each, and the diameter that the segmenter is told, pixels."""

    frames: list[np.ndarray]
    truth: list[np.ndarray]
    diameter_px: float


def names() -> list[tuple[str, str, int]]:
    """Name all films that are learnt from."""
    made = [("simulated", case, n) for n in SEEDS for case in CASES if not case.endswith("missed")]
    return made + [("swaying", name, 0) for name in dsb_names(held_back=False)[::2]]


def film(name: tuple[str, str, int]) -> Film:
    """Make one of `names`."""
    kind, what, seed = name
    rng = np.random.default_rng(zlib.crc32(f"{what}{seed}".encode()))
    return swaying(what, rng) if kind == "swaying" else wandering(what, seed, rng)


def wandering(case: str, seed: int, rng: np.random.Generator) -> Film:
    """Simulate cells that wander and divide."""
    made = simulated(case, seed)
    first = int(rng.integers(0, made.movie.n_frames - SIMULATED_FRAMES + 1))
    times = range(first, first + SIMULATED_FRAMES)
    frames = [np.asarray(made.movie.data[t], float).sum(0) for t in times]
    factor = float(rng.choice(DIAMETER_FACTORS))
    return Film(frames, [made.labels(t) for t in times], made.settings.diameter_px * factor)


def swaying(name: str, rng: np.random.Generator) -> Film:
    """Set a still image in motion."""
    shown = dsb(name)
    diameter = diameter_px(shown.truth)
    side = int(np.clip(12 * diameter, 128, LARGEST_SIDE))
    y0, x0 = (int(rng.integers(0, max(n - side, 0) + 1)) for n in shown.image.shape)
    part = np.s_[y0 : y0 + side, x0 : x0 + side]
    image, truth = shown.image[part].astype(float), shown.truth[part].astype(float)
    waves = [_wave(image.shape, diameter, rng) * rng.uniform(0, 0.12) for _ in range(4)]
    noise = rng.uniform(0, 0.05) * float(np.quantile(image - np.median(image), 0.98))
    blurred = rng.integers(0, 2 * SWAYING_FRAMES)
    place, frames, true = np.indices(image.shape).astype(float), [], []
    for t in range(SWAYING_FRAMES):
        turn = np.cos(0.5 * t), np.sin(0.5 * t)
        sway = [turn[0] * waves[k] + turn[1] * waves[k + 1] for k in (0, 2)]
        frame = ndimage.map_coordinates(image, place + sway, order=1, mode="reflect")
        true.append(ndimage.map_coordinates(truth, place + sway, order=0, mode="reflect"))
        if t == blurred:
            frame = ndimage.gaussian_filter(frame, rng.uniform(0.05, 0.15) * diameter)
        frames.append(frame * rng.uniform(0.9, 1.1) + rng.normal(0, noise, frame.shape))
        place += rng.normal(0, 0.05 * diameter, (2, 1, 1))
    factor = float(rng.choice(DIAMETER_FACTORS))
    return Film(frames, [one.astype(np.int64) for one in true], diameter * factor)


def _wave(shape: tuple[int, ...], diameter: float, rng: np.random.Generator) -> np.ndarray:
    wave = ndimage.gaussian_filter(rng.standard_normal(shape), diameter, mode="wrap")
    return wave / max(float(wave.std()), 1e-9) * diameter


def of_single_images(looks: np.ndarray) -> np.ndarray:
    """Judge candidates by their looks only."""
    return learnt()(looks[:, : len(LOOKS)])


def examples(name: tuple[str, str, int], network: Network) -> list[tuple[np.ndarray, np.ndarray]]:
    """Look at one film: what is seen of each candidate, and its overlap with a true cell."""
    shown = film(name)
    contrasts = [measure_contrast(frame, shown.diameter_px) for frame in shown.frames]
    frames = [c and sketch(c, MINIMUM_CONTRAST, network=network) for c in contrasts]
    if not all(frames):
        return []
    first = list(over_time.alone(frames))
    later = list(over_time.sweep(over_time.sweep(first)))
    rng = np.random.default_rng(0)
    n_chosen = 4 if name[0] == "simulated" else 2
    rows = []
    for stage in (first, later):
        windows = list(over_time.windows(stage, REACH))
        for t in rng.choice(len(stage), n_chosen, replace=False):
            truth = binned_truth(shown.truth[t], contrasts[t])
            around = over_time.around_of(windows[t], stage[t])
            for found, seen in _seen(stage[t].frame, around, bare=stage is first):
                iou = node_overlaps(found, contrasts[t], truth)
                rows.append((np.hstack([found.looks, seen]).astype(np.float32), iou))
    return rows


def _seen(
    frame: Sketch, around: dict[int, np.ndarray], *, bare: bool
) -> Iterator[tuple[Candidates, np.ndarray]]:
    """Give candidates and their company: the frame's own, those cut otherwise, own ones alone."""
    own, area = frame.own, frame.scene.area_px
    of_leaves = members(own.tree, area)
    yield own, company(of_leaves, own.pieces, around)
    for distance in (-1, 1):
        if distance in around:
            pieces = np.zeros_like(own.pieces)
            pieces.flat[own.inside] = recut(own.of_inside, own.inside, around[distance], area)
            found = frame.scene.candidates(pieces)
            yield found, company(members(found.tree, area), found.pieces, around)
    if bare:
        yield own, company(of_leaves, own.pieces, {})


def gather(network: Network, jobs: int) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Look at all films: what is seen, overlaps, and how much each candidate counts."""
    chosen = names()
    with ProcessPoolExecutor(jobs) as pool:
        found = list(pool.map(partial(examples, network=network), chosen, chunksize=4))
    return [
        (seen, iou, (WEIGHT_OF_SIMULATED if name[0] == "simulated" else 1.0) * len(iou) ** -0.5)
        for name, rows in zip(chosen, found, strict=True)
        for seen, iou in rows
    ]


def fit(table: list[tuple[np.ndarray, np.ndarray, float]]) -> Likeness:
    """Fit the network to all that was seen."""
    seen = np.concatenate([part for part, _, _ in table]).astype(np.float64)
    iou = np.concatenate([part for _, part, _ in table])
    weight = np.concatenate([np.full(len(part), each) for _, part, each in table])
    return fit_likeness(seen, worth(iou), weight / weight.mean(), UNITS)


def main() -> None:
    """Fit in two rounds, and write what was fitted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    table = gather(of_single_images, given.jobs)
    print(f"{sum(len(iou) for _, iou, _ in table)} candidates seen", flush=True)
    table += gather(fit(table), given.jobs)
    print(f"{sum(len(iou) for _, iou, _ in table)} candidates seen", flush=True)
    network = fit(table)
    if given.out:
        write(network, given.out, (*LOOKS, *COMPANY))


if __name__ == "__main__":
    main()
