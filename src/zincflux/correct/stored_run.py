"""The few facts that one run asks of the results folder of another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from zincflux.errors import ExperimentError
from zincflux.settings import read_toml


def read_table(folder: str, name: str, *, key: str, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read one table of a results folder.

    Parameters
    ----------
    folder
        Results folder.
    name
        Name of the table.
    key
        Key of the experiment that names the folder, for the message.
    columns
        Columns that it must have.

    Raises
    ------
    ExperimentError
        If the folder holds no such table, or the table lacks a column.
    """
    try:
        table = pd.read_parquet(Path(folder) / f"{name}.parquet")
    except (OSError, ValueError) as error:
        raise no_results(folder, key, error) from None
    missing = [repr(column) for column in columns if column not in table]
    if missing:
        raise no_results(folder, key, f"{name}.parquet without {', '.join(missing)}")
    return table


def read_record(folder: str, *, key: str) -> dict[str, Any]:
    """Read ``run.json`` of a results folder.

    Raises
    ------
    ExperimentError
        If the folder holds none.
    """
    try:
        content = json.loads((Path(folder) / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise no_results(folder, key, error) from None
    if not isinstance(content, dict):
        raise no_results(folder, key, "run.json holds no record")
    return content


def read_settings(folder: str, *, key: str) -> dict[str, Any]:
    """Read the resolved settings of a results folder as plain data.

    Raises
    ------
    ExperimentError
        If the folder holds none.
    """
    path = Path(folder) / "experiment.toml"
    if not path.is_file():
        raise no_results(folder, key, "no experiment.toml in it")
    try:
        return read_toml(path)
    except ExperimentError:
        raise no_results(folder, key, "an experiment.toml that is no TOML") from None


def no_results(folder: str, key: str, found: object) -> ExperimentError:
    """Make the message that a folder does not hold what a run leaves behind."""
    return ExperimentError(
        f"{key}: expected a results folder that zincflux run wrote, found: "
        f"{str(found).rstrip('. ')}. Check the path {folder}, or run that experiment first."
    )
