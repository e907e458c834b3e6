"""The sample images against their truth: the whole chain, as a user first meets it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

import zincflux

SAMPLES = Path(__file__).parents[1] / "sample_images"

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::zincflux.ZincfluxWarning")]


def analyse(name: str) -> tuple[zincflux.Analysis, pd.DataFrame]:
    experiment = zincflux.load_experiment(SAMPLES / name / "experiment.toml")
    return zincflux.analyze(experiment), pd.read_csv(SAMPLES / name / "truth.csv")


def overlaps(found: np.ndarray, truth: np.ndarray) -> dict[int, int]:
    """True id of each found cell that shares more than half of their union."""
    n_truth = int(truth.max()) + 1
    pairs = np.bincount(
        found.ravel() * n_truth + truth.ravel(), minlength=(found.max() + 1) * n_truth
    )
    pairs = pairs.reshape(-1, n_truth)
    union = pairs.sum(axis=1)[:, None] + pairs.sum(axis=0)[None] - pairs
    rows, columns = np.nonzero(2 * pairs > union)
    return {int(r): int(c) for r, c in zip(rows, columns, strict=True) if r and c}


def test_zinc_uptake() -> None:
    analysis, truth = analyse("zinc_uptake")
    first = tifffile.imread(SAMPLES / "zinc_uptake" / "truth_labels.ome.tif", key=0)
    pairs = overlaps(np.asarray(analysis.labels, dtype=np.int64), first.astype(np.int64))
    assert len(pairs) >= 0.9 * first.max()
    rows = analysis.traces.assign(true_id=analysis.traces["cell_id"].map(pairs))
    rows = rows.merge(
        truth.rename(columns={"cell_id": "true_id", "zinc_nM": "true_nM"})[
            ["true_id", "frame", "true_nM"]
        ],
        on=["true_id", "frame"],
    )
    error = np.abs(np.log(rows["zinc_nM"] / rows["true_nM"])).groupby(rows["phase"]).median()
    assert error["Zn uptake"] < 0.07
    assert error["rest"] < 0.15
    known = rows[rows["phase"].isin(["rest", "Zn uptake"]) & rows["zinc_nM"].notna()]
    outside = (known["true_nM"] < known["zinc_low_nM"]) | (known["true_nM"] > known["zinc_high_nM"])
    assert outside.mean() < 0.15


def test_fret_dividing() -> None:
    analysis, _ = analyse("fret_dividing")
    scores, links = [], []
    before: dict[int, int] = {}
    for t in range(analysis.counts["n_frames"]):
        true = tifffile.imread(SAMPLES / "fret_dividing" / "truth_labels.ome.tif", key=t)
        found = np.asarray(analysis.label_images[t], dtype=np.int64)
        pairs = overlaps(found, true.astype(np.int64))
        scores.append(2 * len(pairs) / (len(np.unique(found)) + len(np.unique(true)) - 2))
        now = {true_id: cell for cell, true_id in pairs.items()}
        links += [now[cell] == before[cell] for cell in now.keys() & before.keys()]
        before = now
    assert np.mean(scores) > 0.75
    assert np.mean(links) > 0.95
    assert (analysis.cells["parent_id"] > 0).any()
