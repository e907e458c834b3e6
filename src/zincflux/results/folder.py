"""The folder of a finished analysis, written and read back."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import tifffile

from zincflux.calibrate import Calibration
from zincflux.columns import TABLES, expand
from zincflux.errors import ResultsError, ZincfluxError
from zincflux.experiment import Experiment, load_experiment
from zincflux.movie import Image, Labels
from zincflux.pipeline import Analysis
from zincflux.readers import read_labels
from zincflux.results.drawn import Drawn
from zincflux.results.images import write_label_stack
from zincflux.results.staging import move_into, writing
from zincflux.results.zarr_images import ImageFacts, write_zarr_labels
from zincflux.settings import dumps

RUN_FILE = "run.json"
"""Written last: a folder that holds it is complete."""

CALIBRATION_FILE = "calibration.toml"
"""Only there if a calibration was used."""

LABELS_FILE = "labels.ome.tif"
"""Only there if cells were measured in a movie."""

LABELS_ZARR = "labels.ome.zarr"
"""There instead of the TIFF if it was asked for."""

OVERVIEW_FILE = "overview.tif"
"""Only there if cells were measured in a movie: the image that the report draws them on."""

LABELS_FORMATS = {"tiff": LABELS_FILE, "zarr": LABELS_ZARR}
"""Names of the label images by format."""

RESULT_FILES = (
    *(f"{name}.parquet" for name in TABLES),
    *(f"{name}.csv" for name in TABLES if name != "frames"),
    LABELS_FILE,
    OVERVIEW_FILE,
    "report.html",
    "experiment.toml",
    RUN_FILE,
)
"""What every folder of results of a movie holds; of a table, all but the two images."""

_STALE = (CALIBRATION_FILE, LABELS_FILE, LABELS_ZARR, OVERVIEW_FILE)

_ARROW = {"int64": pa.int64(), "float64": pa.float64(), "string": pa.string(), "bool": pa.bool_()}


@dataclass(frozen=True, eq=False)
class Results:
    """What a results folder holds.

    Attributes
    ----------
    folder
        Where it was read from.
    traces, cells, responses, frames, suspects
        Tables; their columns are described in `zincflux.columns`.
    labels
        Label images, shape (1 or T, Y, X); None of results that were made from a table.
    labels_file
        Where they are stored; None where there are none.
    overview
        The image (Y, X) that static cells were found in, or the first frame, float32; None where
        it was not stored.
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
    suspects: pd.DataFrame
    labels: Labels | None
    calibration: Calibration | None
    experiment: Experiment
    run: dict[str, Any]
    labels_file: Path | None = None
    overview: Image | None = None

    @property
    def label_images(self) -> Sequence[Labels]:
        """Label images (Y, X), as `zincflux.Analysis` has them; none of a table.

        Those that are not in memory are read one at a time.
        """
        if self.labels is not None:
            return list(self.labels)
        if self.labels_file is None:
            return ()
        stored = read_labels(self.labels_file)
        return Drawn(stored.shape[0], stored.__getitem__)


def read_results(folder: str | os.PathLike[str], *, labels: bool = True) -> Results:
    """Read the results that `write_results` stored.

    Parameters
    ----------
    folder
        Where they are.
    labels
        Whether the label images are read, all at once; else they stay in ``labels_file``.

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
        experiment = load_experiment(where / "experiment.toml")
        stored = None if experiment.movie is None else _labels_file(where)
        return Results(
            folder=where,
            labels=_read_labels(stored) if stored is not None and labels else None,
            labels_file=stored,
            calibration=_read_calibration(where / CALIBRATION_FILE),
            experiment=experiment,
            run=run,
            overview=_read_overview(where / OVERVIEW_FILE),
            **tables,
        )
    except (OSError, ValueError, ZincfluxError, tifffile.TiffFileError) as error:
        raise ResultsError(
            f"{where}: the results are damaged: {error} Run the experiment again with --overwrite."
        ) from error


def _labels_file(folder: Path) -> Path:
    is_zarr = (folder / LABELS_ZARR).is_dir()
    return folder / (LABELS_ZARR if is_zarr else LABELS_FILE)


def _read_labels(path: Path) -> Labels:
    if path.is_dir():
        images = read_labels(path)
        return np.stack([images[t] for t in range(images.shape[0])])
    labels = tifffile.imread(path)
    return np.asarray(labels.reshape(-1, *labels.shape[-2:]), dtype=np.int32)


def _read_overview(path: Path) -> Image | None:
    # Results of earlier versions hold none.
    return np.asarray(tifffile.imread(path), dtype=np.float32) if path.exists() else None


def _read_calibration(path: Path) -> Calibration | None:
    return Calibration.from_toml(path.read_text(encoding="utf-8")) if path.exists() else None


def read_run(folder: Path) -> dict[str, Any] | None:
    """Read ``run.json`` of a results folder, or give None where there is none."""
    try:
        content = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def write_results(
    analysis: Analysis,
    aside: Path,
    folder: Path,
    *,
    report: str,
    record: Mapping[str, Any],
    labels_format: str = "tiff",
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
    labels_format
        One of `LABELS_FORMATS`.

    Raises
    ------
    ResultsError
        If a file cannot be written; the folder is then as it was before.
    """
    with writing(folder):
        for name in TABLES:
            _write_table(getattr(analysis, name), name, analysis.channels, aside)
        _write_labels(analysis, aside / LABELS_FORMATS[labels_format])
        _write_overview(analysis, aside / OVERVIEW_FILE)
        texts = {
            "experiment.toml": dumps(analysis.experiment, folder=folder.resolve()),
            "report.html": report,
            RUN_FILE: json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        }
        if analysis.calibration is not None:
            texts[CALIBRATION_FILE] = analysis.calibration.to_toml()
        for name, text in texts.items():
            (aside / name).write_text(text, encoding="utf-8", newline="\n")
        move_into(aside, folder, last=RUN_FILE, stale=_STALE)


def _write_labels(analysis: Analysis, path: Path) -> None:
    images, size = analysis.label_images, analysis.pixel_size_um
    if not images or size is None:
        return
    time_s = analysis.frames["time_s"].to_numpy(np.float64)[: len(images)]
    if path.name == LABELS_ZARR:
        write_zarr_labels(path, images, ImageFacts("labels", size, time_s))
    else:
        write_label_stack(path, images, (len(images), *images[0].shape), size, time_s)


def _write_overview(analysis: Analysis, path: Path) -> None:
    if analysis.overview is None:
        return
    pixels = np.ascontiguousarray(analysis.overview, dtype=np.float32)
    tifffile.imwrite(
        path, pixels, compression="zlib", predictor=True, photometric="minisblack", metadata=None
    )


def _write_table(table: pd.DataFrame, name: str, channels: Sequence[str], aside: Path) -> None:
    # Types are stated, since an empty column of texts has none and would not join with others.
    dtypes = {column.name: column.dtype for column in expand(TABLES[name], channels)}
    schema = pa.schema([(column, _ARROW[dtypes[column]]) for column in table.columns])
    content = pa.Table.from_pandas(table, schema=schema, preserve_index=False)
    pq.write_table(content, aside / f"{name}.parquet")
    if f"{name}.csv" in RESULT_FILES:
        _write_csv(content, aside / f"{name}.csv")


def _write_csv(content: pa.Table, path: Path) -> None:
    """Write a table in a tenth of the time that pandas takes; numbers keep all their digits."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(content.column_names)
    with open(path, "ab") as file:
        options = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
        pa.csv.write_csv(content, file, options)
