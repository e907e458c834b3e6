"""Whether the batch, from pixels to tables, finds the fold changes that a study was made with.

``python tests/benchmarks/study_recovery.py [--studies 6] [--out PAGE]``
simulates studies, runs the batch over their movies, and prints true and estimated fold changes.
Every seed is another study; none was used to choose anything.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scores import insert

from zincflux.batch import run_batch
from zincflux.results import read_study, write_study_simulation
from zincflux.synthetic import StudySimulation

METRIC = "rate_nM_per_s"
FIRST_SEED = 100
MARK = "<!-- made by tests/benchmarks/study_recovery.py -->"


def recovered(seed: int, folder: Path, jobs: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate one study and run it; give folds and EC50, true and estimated."""
    settings = StudySimulation(seed=seed)
    for _ in write_study_simulation(settings, folder / "made"):
        pass
    out = folder / "out"
    run_batch(
        folder / "made" / "sheet.csv", out, settings=folder / "made" / "settings.toml", jobs=jobs
    )
    study, truth = read_study(out), pd.read_csv(folder / "made" / "truth.csv")
    keys = ["condition", "dose", "dose_unit"]
    wanted = [*keys, "fold_change", "fold_low", "fold_high"]
    found = study.conditions[study.conditions["metric"] == METRIC][wanted]
    both = truth[[*keys, "fold_change"]].rename(columns={"fold_change": "true_fold"})
    folds = both.merge(found, on=keys, validate="1:1")
    folds = folds.merge(made_folds(folder / "made"), on=["condition", "dose"], validate="1:1")
    curves = study.dose_response[study.dose_response["metric"] == METRIC]
    ec50 = truth.groupby("condition", sort=False)["ec50"].first().rename("true_ec50").reset_index()
    columns = ["condition", "ec50", "ec50_low", "ec50_high", "note"]
    return (
        folds[folds["fold_change"].notna()].assign(study=seed),
        ec50.merge(curves[columns], on="condition").assign(study=seed),
    )


def made_folds(folder: Path) -> pd.DataFrame:
    """Give the folds of the cells that were drawn, day by day, as if each was measured exactly."""
    sheet = pd.read_csv(folder / "sheet.csv")
    rates = pd.read_csv(folder / "truth_cells.csv").groupby("sample")["initial_rate_nM_per_s"]
    dishes = sheet.merge(rates.median().rename("rate").reset_index(), on="sample")
    dishes["ln"] = np.log(dishes["rate"])
    days = dishes.pivot_table(index=["condition", "experiment"], columns="dose", values="ln")
    ratio = days.sub(days[0.0], axis=0).groupby("condition").mean()
    return np.exp(ratio).stack().rename("made_fold").reset_index()


def folds_table(folds: pd.DataFrame) -> list[str]:
    """Write the folds as a table."""
    lines = [
        "| study | arm | true fold | of the cells made | estimated (95 % interval) | holds it |",
        "|---|---|---|---|---|---|",
    ]
    for row in folds.itertuples():
        holds = "yes" if row.fold_low <= row.true_fold <= row.fold_high else "**no**"
        lines.append(
            f"| {row.study} | {row.condition}, {row.dose:g} {row.dose_unit} "
            f"| {row.true_fold:.2f} | {row.made_fold:.2f} | "
            f"{row.fold_change:.2f} ({row.fold_low:.2f} to {row.fold_high:.2f}) | {holds} |"
        )
    return lines


def ec50_table(ec50: pd.DataFrame) -> list[str]:
    """Write the EC50 as a table."""
    lines = ["| study | salt | true EC50 | estimated EC50 (95 % interval) |", "|---|---|---|---|"]
    for row in ec50.itertuples():
        told = f"{row.ec50:.3g} ({row.ec50_low:.3g} to {row.ec50_high:.3g})"
        told = told if row.ec50 == row.ec50 else f"none: {row.note}"
        lines.append(f"| {row.study} | {row.condition} | {row.true_ec50:g} | {told} |")
    return lines


def _bias(folds: pd.DataFrame, of: str) -> str:
    """Geometric mean of estimate over truth, with the error that studies tell."""
    ln = np.log(folds["fold_change"] / folds[of]).groupby(folds["study"]).mean()
    return f"{np.exp(ln.mean()):.3f} ± {np.exp(ln.mean()) * ln.sem():.3f} times"


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=6)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    folds, ec50 = [], []
    for seed in range(FIRST_SEED, FIRST_SEED + options.studies):
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            one, curve = recovered(seed, Path(folder), options.jobs)
        folds.append(one)
        ec50.append(curve)
        print(f"study {seed}: {time.perf_counter() - start:.0f} s", flush=True)
    every = pd.concat(folds)
    inside = (every["fold_low"] <= every["true_fold"]) & (every["true_fold"] <= every["fold_high"])
    lines = [
        f"{int(inside.sum())} of {len(every)} intervals hold the true fold change. The estimates "
        f"are on average {_bias(every, 'true_fold')} the true fold, and "
        f"{_bias(every, 'made_fold')} the fold of the cells that were made.",
        "",
        *folds_table(every),
        "",
        *ec50_table(pd.concat(ec50)),
    ]
    print("\n".join(lines))
    if options.out is not None:
        insert(options.out, MARK, "\n".join(lines))


if __name__ == "__main__":
    main()
