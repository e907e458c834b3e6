"""The tables of a movie as CSV, Parquet and as one workbook, with what their columns mean."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from zincflux.columns import TABLES, expand
from zincflux.experiment import Experiment
from zincflux.export.kinds import Options, Steps
from zincflux.pipeline import Progress
from zincflux.rerender import channels_of
from zincflux.results import Results
from zincflux.results.study_tables import write_csv
from zincflux.results.study_workbook import iter_workbook
from zincflux.settings import keys

SHEETS = ("about", "settings", "phases", "cells", "responses", "traces", "frames", "suspects")
"""Sheets of a workbook, in their order; the meaning of the columns stands last."""

COLUMNS = "columns"

MOST_ROWS = 1_048_575
"""Rows below the header that a sheet can hold."""

_UNITS = ("nM", "uM", "pM", "um2", "um", "s", "px")


def to_csv(results: Results, path: Path, _: Options) -> Steps:
    """Write a folder of tables in which no text acts as a formula."""
    path.mkdir()
    tables = {**_stored(results), "phases": phases_table(results), COLUMNS: columns_table(results)}
    for done, (name, table) in enumerate(tables.items()):
        yield Progress("tables", done, len(tables))
        write_csv(table, path / f"{name}.csv", for_spreadsheets=True)


def to_parquet(results: Results, path: Path, _: Options) -> Steps:
    """Write a folder of tables, exact in every digit."""
    path.mkdir()
    for done, name in enumerate(TABLES):
        yield Progress("tables", done, len(TABLES))
        shutil.copyfile(results.folder / f"{name}.parquet", path / f"{name}.parquet")
    for name, table in (("phases", phases_table(results)), (COLUMNS, columns_table(results))):
        table.to_parquet(path / f"{name}.parquet", index=False)


def to_xlsx(results: Results, path: Path, _: Options) -> Steps:
    """Write one workbook with a sheet per table."""
    made = {
        "about": _about(results),
        "settings": _settings(results.experiment),
        "phases": phases_table(results),
        **_stored(results),
    }
    sheets = {name: made[name] for name in SHEETS} | {COLUMNS: columns_table(results)}
    total = sum(map(len, sheets.values()))
    elsewhere = "{name}.csv of zincflux export --to csv, since a sheet ends before"
    for done in iter_workbook(sheets, path, max_rows=MOST_ROWS, elsewhere=elsewhere):
        yield Progress("workbook", done, total)


def _stored(results: Results) -> dict[str, pd.DataFrame]:
    return {name: getattr(results, name) for name in TABLES}


def columns_table(results: Results) -> pd.DataFrame:
    """Say of every column of every table its unit and meaning."""
    channels = channels_of(results)
    rows = [
        (name, column.name, column.unit, column.meaning)
        for name, columns in TABLES.items()
        for column in expand(columns, channels)
        if column.name in getattr(results, name)
    ]
    return pd.DataFrame(rows, columns=["table", "column", "unit", "meaning"])


def phases_table(results: Results) -> pd.DataFrame:
    """List the phases; one that is open ends with the movie and has no end."""
    rows = [(p.name, p.role, p.start_s, p.end_s) for p in results.experiment.phases]
    table = pd.DataFrame(rows, columns=["name", "role", "start_s", "end_s"])
    return table.astype({"start_s": "float64", "end_s": "float64"})


def _about(results: Results) -> pd.DataFrame:
    """Tell what the tables are, what they were made from, and what is doubtful."""
    run = results.run
    rows: list[tuple[str, Any]] = [("experiment", results.experiment.name)]
    rows += [(f"version of {name}", text) for name, text in run.get("versions", {}).items()]
    rows += [("edge of a pixel (µm)", run.get("pixel_size_um"))]
    rows += [(name.replace("_", " "), n) for name, n in run.get("counts", {}).items()]
    rows += [("doubt", text) for text in run.get("warnings", [])]
    rows += [(f"SHA-256 of {name}", value) for name, value in run.get("inputs", {}).items()]
    return pd.DataFrame(rows, columns=["what", "value"], dtype=object)


def _settings(experiment: Experiment) -> pd.DataFrame:
    """List the settings with unit and meaning; phases have a sheet of their own."""
    meanings = {key.name: key.help for key in keys(Experiment)}
    data = experiment.model_dump(mode="json", exclude_none=True, exclude={"phases"})
    rows = [(key, value, _unit(key), meanings.get(key, "")) for key, value in _flat(data)]
    return pd.DataFrame(rows, columns=["key", "value", "unit", "meaning"], dtype=object)


def _flat(data: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield f"{prefix}{name}", json.dumps(value, ensure_ascii=False)
        else:
            yield f"{prefix}{name}", value


def _unit(key: str) -> str:
    """Read the unit off the end of a key, as all keys have it."""
    ending = next((unit for unit in _UNITS if key.endswith(f"_{unit}")), "")
    return ending.replace("um2", "µm²").replace("u", "µ")
