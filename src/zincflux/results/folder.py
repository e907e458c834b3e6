"""The folder of a finished analysis, written and read back."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile

from zincflux.calibrate import Calibration
from zincflux.columns import TABLES
from zincflux.errors import ResultsError
from zincflux.experiment import Experiment, load_experiment
from zincflux.movie import Labels
from zincflux.pipeline import Analysis
from zincflux.results.images import write_label_stack
from zincflux.settings import dumps

RUN_FILE = "run.json"
"""Written last: a folder that holds it is complete."""


@dataclass(frozen=True, eq=False)
class Results:
    """What a results folder holds.

    Attributes
    ----------
    folder
        Where it was read from.
    traces, cells, responses, frames
        Tables; their columns are described in `zincflux.columns`.
    labels
        Label images, shape (1 or T, Y, X).
    calibration
        The calibration that was used, or None.
    experiment
        The resolved settings.
    run
        Versions, hashes of the inputs, warnings, counts, timings.
    """

    folder: Path
    traces: pd.DataFrame
    cells: pd.DataFrame
    responses: pd.DataFrame
    frames: pd.DataFrame
    labels: Labels
    calibration: Calibration | None
    experiment: Experiment
    run: dict[str, Any]


def read_results(folder: str | os.PathLike[str]) -> Results:
    """Read the results that `write_results` stored.

    Raises
    ------
    ResultsError
        If the folder holds no complete results.
    """
    where = Path(folder)
    run = read_run(where)
    if run is None:
        raise ResultsError(
            f"{where}: expected a results folder of zincflux, found no {RUN_FILE}. "
            "Give the folder that zincflux run wrote."
        )
    try:
        tables = {name: pd.read_parquet(where / f"{name}.parquet") for name in TABLES}
        labels = tifffile.imread(where / "labels.ome.tif")
        calibration = where / "calibration.toml"
        return Results(
            folder=where,
            labels=labels.reshape(-1, *labels.shape[-2:]),
            calibration=Calibration.from_toml(calibration.read_text(encoding="utf-8"))
            if calibration.exists()
            else None,
            experiment=load_experiment(where / "experiment.toml"),
            run=run,
            **tables,
        )
    except (OSError, ValueError) as error:
        raise ResultsError(
            f"{where}: the results are damaged: {error}. Run the experiment again with --overwrite."
        ) from error


def read_run(folder: Path) -> dict[str, Any] | None:
    """Read ``run.json`` of a results folder, or give None where there is none."""
    try:
        content = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def write_results(
    analysis: Analysis, aside: Path, folder: Path, *, report: str, record: Mapping[str, Any]
) -> None:
    """Write every file of a finished analysis, and move them into place when all are complete.

    Parameters
    ----------
    analysis
        What is stored.
    aside
        The folder that `staging` gave.
    folder
        Where the results belong.
    report
        The HTML page.
    record
        What ``run.json`` holds.
    """
    for name in TABLES:
        table: pd.DataFrame = getattr(analysis, name)
        table.to_parquet(aside / f"{name}.parquet", index=False)
        if name != "frames":
            table.to_csv(aside / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")
    images = analysis.label_images
    time_s = analysis.frames["time_s"].to_numpy(np.float64)[: len(images)]
    shape = (len(images), *analysis.labels.shape)
    write_label_stack(aside / "labels.ome.tif", images, shape, analysis.pixel_size_um, time_s)
    texts = {
        "experiment.toml": dumps(analysis.experiment, folder=folder.resolve()),
        "report.html": report,
        RUN_FILE: json.dumps(record, indent=2, ensure_ascii=False) + "\n",
    }
    if analysis.calibration is not None:
        texts["calibration.toml"] = analysis.calibration.to_toml()
    for name, text in texts.items():
        (aside / name).write_text(text, encoding="utf-8", newline="\n")
    _move(aside, folder)


def _move(aside: Path, folder: Path) -> None:
    """Move complete files into place; the file that marks a complete folder goes first, comes last.

    Without it, an interrupted move is not mistaken for finished results.
    """
    folder.mkdir(exist_ok=True)
    (folder / RUN_FILE).unlink(missing_ok=True)
    names = sorted(path.name for path in aside.iterdir())
    if "calibration.toml" not in names:
        (folder / "calibration.toml").unlink(missing_ok=True)
    for name in sorted(names, key=lambda name: name == RUN_FILE):
        os.replace(aside / name, folder / name)
