"""Experiments on the real recordings, and comparisons of what comes out."""

from __future__ import annotations

import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from zincflux import Analysis, Experiment, analyze
from zincflux.movie import Labels

FOLDER = Path(__file__).parent

UNKNOWN_SCALE = {"pixel_size_um": 1.0}
"""For files that tell no pixel size and whose source tells none: lengths are in pixels then."""


def committed(name: str, realdata: Path, **sections: Any) -> Experiment:
    """Read an experiment file of this folder; its paths start from that of the recordings.

    Sections replace those of the file.
    """
    data = tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
    return Experiment.parse({**data, **sections}, where=name, folder=realdata)


def run(realdata: Path, movie: dict[str, Any], **sections: Any) -> Analysis:
    """Analyse an experiment given as the sections of its file."""
    data = {"movie": movie, **sections}
    return analyze(Experiment.parse(data, where="test", folder=realdata))


def n_labels(labels: Labels) -> int:
    """Count the cells of a label image."""
    return int(np.count_nonzero(np.bincount(labels.ravel())[1:]))


def pairs(first: Labels, second: Labels, least_iou: float = 0.5) -> dict[int, int]:
    """Map the ids of two label images whose cells are the same by intersection over union."""
    n = int(second.max()) + 1
    joint = first.astype(np.int64) * n + second
    both = np.bincount(joint.ravel(), minlength=(int(first.max()) + 1) * n).reshape(-1, n)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    same = both > least_iou * either
    same[0] = same[:, 0] = False
    return {int(a): int(b) for a, b in zip(*np.nonzero(same), strict=True)}


def f1(first: Labels, second: Labels) -> float:
    """Agreement of two label images: F1 of the cells that are the same at IoU 0.5."""
    return 2 * len(pairs(first, second)) / (n_labels(first) + n_labels(second))


def same_links(first: Analysis, second: Analysis) -> float:
    """Share of the first one's links between frames that the second one has too.

    Only links between cells that both have outlined count: this judges the linking alone.
    """
    found, judged = 0, 0
    images = list(zip(first.label_images, second.label_images, strict=True))
    matched = [pairs(*image) for image in images]
    for before, after in pairwise(matched):
        shared = before.keys() & after.keys()
        judged += len(shared)
        found += sum(before[cell] == after[cell] for cell in shared)
    return found / judged


def breaks_inside(analysis: Analysis, margin_um: float) -> tuple[int, int]:
    """Count tracks that start without a mother, and that end without a daughter, in mid-field.

    Cells cannot appear or vanish there: each is a link that was missed, a cell that was not
    outlined in time, or a division that was not recognised.
    """
    cells, seen = analysis.cells, analysis.traces.dropna(subset=["y_um"])
    ends = seen.sort_values("frame").groupby("cell_id")[["y_um", "x_um"]].agg(["first", "last"])
    ends = ends.loc[cells["cell_id"]]
    far = np.array(analysis.labels.shape) * analysis.pixel_size_um - margin_um

    def inside(which: str) -> np.ndarray:
        place = ends.xs(which, axis=1, level=1).to_numpy()
        return ((place > margin_um) & (place < far)).all(axis=1)

    last = len(analysis.frames) - 1
    starts = (cells["first_frame"] > 0) & (cells["parent_id"] == 0)
    stops = (cells["last_frame"] < last) & ~cells["cell_id"].isin(cells["parent_id"])
    return int((starts & inside("first")).sum()), int((stops & inside("last")).sum())
