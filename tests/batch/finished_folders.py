"""Finished folders of many samples, made from one real run by changing its numbers."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from zincflux.batch.finished import Sample

SCALED = ("rate_nM_per_s", "peak_zinc_nM", "plateau_zinc_nM", "auc_nM_s")


def make_sample(folder: Path, base: Path, keys: dict, *, factor: float = 1.0) -> Sample:
    """Copy a results folder as that of another sample whose zinc is ``factor`` times as much."""
    name = str(keys["sample"])
    own = folder / name
    shutil.copytree(base, own)
    responses = pd.read_parquet(own / "responses.parquet")
    for column in SCALED:
        responses[column] *= factor
    responses.to_parquet(own / "responses.parquet")
    traces = pd.read_parquet(own / "traces.parquet")
    traces["zinc_nM"] *= factor
    traces.to_parquet(own / "traces.parquet")
    return Sample(keys=keys, path=f"movies/{name}.tif", name=name, folder=own)


def make_study(folder: Path, base: Path) -> list[Sample]:
    """Two conditions, three days, two dishes; one dish has two fields."""
    samples = []
    rng = np.random.default_rng(3)
    for day in range(3):
        for condition, effect in (("control", 1.0), ("zinc", 2.0)):
            for dish in ("a", "b"):
                for field in range(2 if dish == "a" and day == 0 else 1):
                    keys = {
                        "sample": f"{condition}-{day}-{dish}-{field}",
                        "condition": condition,
                        "replicate": dish,
                        "experiment": f"day {day}",
                    }
                    factor = effect * float(np.exp(rng.normal(0, 0.1)))
                    samples.append(make_sample(folder, base, keys, factor=factor))
    return samples


def edit_table(sample: Sample, name: str, change) -> None:
    """Change a table of a finished folder."""
    path = sample.folder / f"{name}.parquet"
    table = pd.read_parquet(path)
    change(table)
    table.to_parquet(path)


def edit_run(sample: Sample, **changes) -> None:
    """Change ``run.json`` of a finished folder."""
    path = sample.folder / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, **changes}), encoding="utf-8")
