"""One finished results folder, read for a study; never all of its traces with the rest."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from zincflux.columns import KEYS
from zincflux.errors import ExperimentError, ResultsError
from zincflux.experiment import Experiment, load_experiment
from zincflux.phases import Phase, with_role
from zincflux.results import CALIBRATION_FILE, read_run
from zincflux.results.study import Constants

OF_DISH = ("condition", "dose", "dose_unit", "experiment", "replicate")
"""Keys that fields of one dish share."""

KEY_NAMES = tuple(column.name for column in KEYS)


@dataclass(frozen=True)
class Sample:
    """One row of the sheet, and where its results are.

    Attributes
    ----------
    keys
        Values of `zincflux.columns.KEYS` by name; what is absent is empty.
    path
        The movie, as the sheet names it.
    name
        Name of the folder of its results, below that of the study.
    folder
        The folder of its finished results; None if it failed.
    reason
        Why it failed.
    """

    keys: Mapping[str, str | float]
    path: str
    name: str
    folder: Path | None
    reason: str = ""

    @property
    def sample(self) -> str:
        """Its unique name."""
        return str(self.keys.get("sample", self.name))

    @property
    def dish(self) -> tuple[str, ...]:
        """What fields of one dish have in common; names of dishes may come again in other arms."""
        keys = self.filled_keys
        # As texts: a dose that is absent is no number, which equals nothing.
        return tuple(str(keys[name]) for name in OF_DISH)

    @property
    def filled_keys(self) -> dict[str, str | float]:
        """All keys, in order."""
        blank = {c.name: np.nan if c.dtype == "float64" else "" for c in KEYS}
        given = {name: self.keys.get(name) for name in KEY_NAMES}
        filled = {n: blank[n] if value is None else value for n, value in given.items()}
        return {**filled, "sample": self.sample, "replicate": filled["replicate"] or self.sample}


@dataclass(frozen=True, eq=False)
class Finished:
    """What a results folder holds, but for the traces.

    Attributes
    ----------
    sample
        Which one.
    folder
        The folder.
    run
        Content of ``run.json``.
    experiment
        Its settings.
    cells, responses, frames
        Tables as the run wrote them; ``region`` is always there, empty where there is only one.
    """

    sample: Sample
    folder: Path
    run: Mapping[str, Any]
    experiment: Experiment
    cells: pd.DataFrame
    responses: pd.DataFrame
    frames: pd.DataFrame

    @property
    def response_phases(self) -> tuple[Phase, ...]:
        """Phases that have responses, in order."""
        return with_role(self.experiment.phases, "response")

    def traces(self, wanted: tuple[str, ...]) -> pd.DataFrame:
        """Read some columns of the traces; ``region`` is empty where there is only one.

        Raises
        ------
        ResultsError
            If they cannot be read.
        """
        with reading(self.folder):
            file = pq.ParquetFile(self.folder / "traces.parquet")
            known = set(file.schema_arrow.names)
            table = file.read([name for name in wanted if name in known]).to_pandas()
        return _with_region(table)

    def constants(self) -> Constants:
        """Tell what its numbers were made with."""
        experiment = self.experiment
        is_movie = experiment.table is None
        return Constants(
            samples=(self.sample.sample,),
            background=experiment.background.method if is_movie else "",
            segmentation=experiment.segment.method if is_movie else "",
            bleaching=experiment.bleaching.method if is_movie else "",
            drift=experiment.drift.method if is_movie else "",
            rate_window_s=experiment.flux.rate_window_s,
            responder_k=experiment.flux.responder_k,
            **self._binding(),
        )

    def _binding(self) -> dict[str, Any]:
        """Read the head of the calibration; its tables of cells are not needed."""
        path = self.folder / CALIBRATION_FILE
        if not path.exists():
            return {}
        with reading(self.folder):
            # The tables of cells may be long, and stand at the end.
            head = path.read_text(encoding="utf-8").partition("\n[cells]")[0]
            stored = tomllib.loads(head)
            binding = stored["binding"]
            names = ("k_nM", "hill", "beta", "k_includes_beta", "source", "doi", "confidence")
            return {name: stored[name] for name in ("indicator", "kind", "origin")} | {
                name: binding[name] for name in names if name in binding
            }


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Turn the failure to read a folder into one message."""
    try:
        yield
    except (OSError, ValueError, KeyError, ExperimentError) as error:
        raise ResultsError(
            f"{folder}: the results are damaged: {error}. Delete the folder and run the batch "
            "again."
        ) from error


def read_finished(sample: Sample) -> Finished:
    """Read the finished results of a sample.

    Raises
    ------
    ResultsError
        If the folder holds no complete results.
    """
    folder = sample.folder
    run = None if folder is None else read_run(folder)
    if folder is None or run is None:
        raise ResultsError(
            f"{sample.name}: expected a folder with finished results, found none at "
            f"{folder or sample.name}. Run the batch again."
        )
    with reading(folder):
        tables = {
            name: _with_region(pd.read_parquet(folder / f"{name}.parquet"))
            for name in ("cells", "responses", "frames")
        }
        return Finished(
            sample=sample,
            folder=folder,
            run=run,
            experiment=load_experiment(folder / "experiment.toml"),
            **tables,
        )


def _with_region(table: pd.DataFrame) -> pd.DataFrame:
    return table if "region" in table else table.assign(region="")
