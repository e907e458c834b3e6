"""Fit what the segmenter has learnt: in which order pieces are joined, and what a cell looks like.

``python tests/benchmarks/fit_segmenter.py [--jobs 2] [--out likeness.json]`` takes two thirds of
the Data Science Bowl 2018 images (``segmentation_data.is_held_back`` keeps the others out of
sight), simulated and drawn cells and clouds, each seen with the right cell diameter and with one
that is a fifth too small or a quarter too large. It prints the weights of `JoinWeights` and how
well the network does on images left out of its fit; with ``--out`` it writes the network.
"""

from __future__ import annotations

import argparse
import json
import zlib
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from scipy import ndimage
from segmentation_data import SIMULATED, Picture, dsb, dsb_names, field, simulated

from zincflux.segment.candidates import Candidates, find_candidates
from zincflux.segment.contrast import Contrast, bin_edges, measure_contrast
from zincflux.segment.hierarchy import JoinWeights, signs
from zincflux.segment.likeness import Likeness
from zincflux.segment.looks import LOOKS
from zincflux.segment.outline import edge_levels, pixels_of

UNITS = 24
EPOCHS = 30
BATCH = 512
DIAMETER_FACTORS = (0.8, 1.25)
MINIMUM_CONTRAST = 0.2
LARGEST = 6
"""Areas of a cell above which a candidate counts as none without being looked at."""
NONE = np.zeros(0, dtype=np.intp)


def names() -> list[str]:
    """Name all images that are learnt from."""
    fields = [f"field:{seed}" for seed in range(2000, 2016)]
    made = [f"simulated:{kind}:{seed}" for kind in SIMULATED for seed in range(5000, 5003)]
    shapes = [f"drawn:{seed}" for seed in range(40)] + [f"clouds:{seed}" for seed in range(12)]
    return [f"dsb:{name}" for name in dsb_names(held_back=False)] + fields + made + shapes


def picture(name: str) -> Picture:
    """Make or read one of `names`."""
    kind, *rest = name.split(":")
    if kind == "dsb":
        return dsb(rest[0])
    if kind == "field":
        return field(int(rest[0]))
    if kind == "simulated":
        return simulated(rest[0], int(rest[1]))
    rng = np.random.default_rng(int(rest[0]))
    return clouds(name, rng) if kind == "clouds" else drawn(name, rng)


def clouds(name: str, rng: np.random.Generator) -> Picture:
    """Draw uneven light with noise, and no cell."""
    light = sum(
        20 ** rng.uniform(1, 2)
        * ndimage.gaussian_filter(rng.normal(size=(256, 256)), scale)
        * scale
        for scale in rng.uniform(15, 60, 3)
    )
    return Picture(name, light + rng.normal(0, 5, light.shape), np.zeros((256, 256), np.int64))


def drawn(name: str, rng: np.random.Generator) -> Picture:
    """Draw smooth ellipses, often touching, from hardly any noise to much, up to 30 × unequal."""
    side, diameter = 256, rng.uniform(12, 45)
    y, x = np.mgrid[:side, :side].astype(float)
    labels, centres = np.zeros((side, side), dtype=np.int64), np.zeros((0, 2))
    for _ in range(200):
        place = rng.uniform(0, side, 2)
        if len(centres) and rng.random() < 0.6:
            angle = rng.uniform(0, 2 * np.pi)
            near = centres[rng.integers(len(centres))]
            place = near + rng.uniform(0.9, 1.2) * diameter * np.r_[np.sin(angle), np.cos(angle)]
        if np.hypot(*(centres - place).T).min(initial=np.inf) < 0.85 * diameter:
            continue
        turn, stretch = rng.uniform(0, np.pi), np.sqrt(rng.uniform(1, 2))
        u = (x - place[1]) * np.cos(turn) + (y - place[0]) * np.sin(turn)
        v = (y - place[0]) * np.cos(turn) - (x - place[1]) * np.sin(turn)
        mine = np.hypot(u / stretch, v * stretch) < diameter / 2 * rng.uniform(0.8, 1.2)
        labels[mine & (labels == 0)] = len(centres) + 1
        centres = np.vstack([centres, place])
        if len(centres) > rng.integers(2, 60):
            break
    load = np.r_[0, np.exp(rng.normal(0, rng.uniform(0, 1.2), len(centres)))]
    light = ndimage.gaussian_filter(load[labels], rng.uniform(0.3, 0.08 * diameter))
    noise = 10 ** rng.uniform(-4, -0.7)
    return Picture(name, light + rng.normal(0, noise, light.shape), labels)


def diameter_px(truth: np.ndarray) -> float:
    """Diameter of a disc of the median object's area; 20 where there is none."""
    area = np.bincount(truth.ravel())[1:]
    return 2 * np.sqrt(np.median(area[area > 0]) / np.pi) if area.any() else 20.0


def binned_truth(truth: np.ndarray, contrast: Contrast) -> np.ndarray:
    """Take the true label in the middle of each bin."""
    rows, columns = (
        (edges[:-1] + edges[1:]) // 2
        for edges in (bin_edges(n, contrast.bins) for n in truth.shape)
    )
    return truth[np.ix_(rows, columns)]


def node_overlaps(found: Candidates, contrast: Contrast, truth: np.ndarray) -> np.ndarray:
    """IoU of each candidate, trimmed to its outline, with the true cell it fits best."""
    area = np.bincount(truth.ravel(), minlength=2)
    pixel, node = pixels_of_nodes(found, contrast)
    _, value, slope = pixels_of(found.pieces, contrast)
    cell = truth[found.pieces > 0]
    bright = value[pixel] > edge_levels(node, value[pixel], slope[pixel])[node]
    pixel, node = pixel[bright], node[bright]
    pair, both = np.unique(node * area.size + cell[pixel], return_counts=True)
    size = np.bincount(node, minlength=len(found.tree.parent))
    owner, own = np.divmod(pair, area.size)
    iou = np.where(own > 0, both / (size[owner] + area[own] - both), 0)
    result = np.zeros(len(found.tree.parent))
    np.maximum.at(result, owner, iou)
    return result


def pixels_of_nodes(found: Candidates, contrast: Contrast) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of each candidate that is not too large, as places in `pixels_of`, and its number."""
    tree, n = found.tree, found.tree.n_leaves
    piece = found.pieces[found.pieces > 0]
    order = np.argsort(piece, kind="stable")
    pixels = np.split(order, np.cumsum(np.bincount(piece, minlength=n + 1)[1:])[:-1])
    for children, area in zip(tree.children[n:], tree.sums.inside[n:, 0], strict=True):
        too_large = area > LARGEST * contrast.cell_area_px
        pixels.append(NONE if too_large else np.concatenate([pixels[k] for k in children]))
    return np.concatenate(pixels), np.repeat(np.arange(len(pixels)), [p.size for p in pixels])


def majority(pieces: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the true label that most of each piece has, shape (n,)."""
    n = int(truth.max()) + 1
    key, count = np.unique(pieces.astype(np.int64) * n + truth, return_counts=True)
    order = np.argsort(count, kind="stable")
    label = np.zeros(int(pieces.max()) + 1, dtype=np.int64)
    label[key[order] // n] = key[order] % n
    return label[1:]


def examples(job: tuple[str, float], weights: JoinWeights) -> dict[str, np.ndarray] | None:
    """Look at one image: signs of its pairs of pieces, looks of its candidates, and the truth."""
    name, factor = job
    shown = picture(name)
    contrast = measure_contrast(shown.image, factor * diameter_px(shown.truth))
    found = contrast and find_candidates(contrast, MINIMUM_CONTRAST, weights)
    if contrast is None or found is None:
        return None
    truth = binned_truth(shown.truth, contrast)
    sums, own = found.tree.sums, majority(found.pieces, truth)
    first, second = own[sums.pairs].T
    judged = (first > 0) & (second > 0)
    pair_signs = signs(sums.inside, sums.pairs, sums.borders, contrast.cell_area_px)
    return {
        "pairs": pair_signs[judged],
        "same": (first == second)[judged],
        "looks": found.looks,
        "iou": node_overlaps(found, contrast, truth),
    }


def gather(weights: JoinWeights, jobs: int, step: int = 1) -> dict[str, list[np.ndarray]]:
    """Look at all images, or at every ``step``-th one."""
    chosen = names()[::step]
    off = [(name, DIAMETER_FACTORS[k % 2]) for k, name in enumerate(chosen)]
    work = [(name, 1.0) for name in chosen] + off
    with ProcessPoolExecutor(jobs) as pool:
        found = list(pool.map(partial(examples, weights=weights), work, chunksize=4))
    seen = [(job[0], one) for job, one in zip(work, found, strict=True) if one is not None]
    table = {key: [one[key] for _, one in seen] for key in ("pairs", "same", "looks", "iou")}
    return table | {"name": [name for name, _ in seen]}


def fit_join(pairs: list[np.ndarray], same: list[np.ndarray]) -> JoinWeights:
    """Fit a logistic regression by Newton's method; every image counts the same."""
    x = np.concatenate(pairs)
    x = np.column_stack([x, np.ones(len(x))])
    y = np.concatenate(same).astype(float)
    weight = np.concatenate([np.full(len(one), 1 / max(len(one), 1)) for one in same])
    factors = np.zeros(x.shape[1])
    for _ in range(25):
        p = 1 / (1 + np.exp(-np.clip(x @ factors, -30, 30)))
        slope = x.T @ (weight * (y - p)) - 1e-3 * factors
        curvature = (x * (weight * p * (1 - p))[:, None]).T @ x + 1e-3 * np.eye(len(factors))
        factors = factors + np.linalg.solve(curvature, slope)
    return JoinWeights(*np.round(factors[:-1], 1))


def fit_likeness(
    looks: np.ndarray, target: np.ndarray, weight: np.ndarray, units: int = UNITS
) -> Likeness:
    """Fit the network by stochastic gradient descent (Adam) with a slowly falling step."""
    rng = np.random.default_rng(0)
    middle = np.median(looks, axis=0)
    scale = np.maximum(looks.std(axis=0), 1e-6)
    x = np.clip((looks - middle) / scale, -4, 4).astype(np.float32)
    x = np.column_stack([x, np.ones(len(x), np.float32)])
    hidden = rng.normal(0, x.shape[1] ** -0.5, (x.shape[1], units)).astype(np.float32)
    output = rng.normal(0, units**-0.5, units + 1).astype(np.float32)
    first = [np.zeros_like(hidden), np.zeros_like(output)]
    second = [np.zeros_like(hidden), np.zeros_like(output)]
    step = 0
    total = EPOCHS * (len(x) // BATCH)
    for _ in range(EPOCHS):
        for batch in np.array_split(rng.permutation(len(x)), len(x) // BATCH):
            step += 1
            units = np.tanh(x[batch] @ hidden)
            p = 1 / (1 + np.exp(-(units @ output[:-1] + output[-1])))
            error = (weight[batch] * (p - target[batch]) / len(batch)).astype(np.float32)
            back = error[:, None] * output[:-1] * (1 - units**2)
            slopes = [
                x[batch].T @ back + 1e-5 * hidden,
                np.append(units.T @ error, error.sum()) + 1e-5 * output,
            ]
            rate = 4e-3 * 0.5 * (1 + np.cos(np.pi * step / (total + EPOCHS)))
            for k, values in enumerate((hidden, output)):
                first[k] += 0.1 * (slopes[k] - first[k])
                second[k] += 0.001 * (slopes[k] ** 2 - second[k])
                move = first[k] / (1 - 0.9**step)
                values -= rate * move / (np.sqrt(second[k] / (1 - 0.999**step)) + 1e-8)
    return Likeness(middle, scale, hidden.astype(float), output.astype(float))


def stack(table: dict[str, list[np.ndarray]], left_out: int | None) -> tuple[np.ndarray, ...]:
    """Candidates of all images but those of one fold: looks, truth, and how much each counts."""
    kept = [
        k for k, name in enumerate(table["name"]) if left_out is None or _fold(name) != left_out
    ]
    looks, iou = (np.concatenate([table[key][k] for k in kept]) for key in ("looks", "iou"))
    weight = np.concatenate(
        [np.full(len(table["iou"][k]), len(table["iou"][k]) ** -0.5) for k in kept]
    )
    return looks, worth(iou), weight / weight.mean()


def worth(iou: np.ndarray) -> np.ndarray:
    """Give a candidate half of its worth at an IoU of 0.5, and all of it from 0.85.

    With the same worth for all, a cell of which a piece is missing would be as good as the whole.
    """
    return np.where(iou > 0.5, np.clip(0.5 + (iou - 0.5) / 0.7, 0.5, 1), 0).astype(np.float32)


def _fold(name: str) -> int:
    return zlib.crc32(name.encode()) % 4


def log_loss(network: Likeness, table: dict[str, list[np.ndarray]], fold: int) -> float:
    """Mean surprise at the truth of the images of one fold."""
    kept = [k for k, name in enumerate(table["name"]) if _fold(name) == fold]
    looks, iou = (np.concatenate([table[key][k] for k in kept]) for key in ("looks", "iou"))
    p = np.clip(network(looks), 1e-6, 1 - 1e-6)
    target = worth(iou)
    return float(-np.mean(target * np.log(p) + (1 - target) * np.log(1 - p)))


def write(network: Likeness, path: Path, names: tuple[str, ...] = LOOKS) -> None:
    """Write the network, and the names of what it looks at, as text, four digits each."""
    parts = {name: getattr(network, name) for name in ("middle", "scale", "hidden", "output")}
    data = {"looks": list(names)} | {
        name: np.vectorize(lambda value: float(f"{value:.4g}"))(part).tolist()
        for name, part in parts.items()
    }
    text = json.dumps(data).replace("], [", "],\n[").replace('], "', '],\n"')
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def main() -> None:
    """Fit, print, and write what was fitted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    sample = gather(JoinWeights(), given.jobs, step=4)
    weights = fit_join(sample["pairs"], sample["same"])
    print(weights)
    table = gather(weights, given.jobs)
    held = fit_likeness(*stack(table, 0))
    print(f"log loss on images left out: {log_loss(held, table, 0):.4f}")
    if given.out:
        write(fit_likeness(*stack(table, None)), given.out)


if __name__ == "__main__":
    main()
