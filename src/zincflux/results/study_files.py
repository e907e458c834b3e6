"""The files of a study, written all or none, and read back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from zincflux.errors import ExperimentError, ResultsError
from zincflux.phases import Phase
from zincflux.results.staging import move_into, writing
from zincflux.results.study import Constants, Study
from zincflux.results.study_figures import write_figures
from zincflux.results.study_tables import (
    STORED,
    WITHOUT_CSV,
    read_tables,
    write_csv,
    write_tables,
)
from zincflux.results.study_wide import wide_tables
from zincflux.results.study_workbook import write_workbook
from zincflux.statistics.settings import StudySettings

STUDY_FILE = "study.json"
"""Written last: a folder that holds it holds a complete study."""

THUMBNAILS_FILE = "thumbnails.parquet"

WORKBOOK_FILE = "study.xlsx"

WIDE_FOLDER, FIGURES_FOLDER = "wide", "figures"

STUDY_FILES = (
    *(f"{name}.parquet" for name in STORED),
    *(f"{name}.csv" for name in STORED if name not in WITHOUT_CSV),
    THUMBNAILS_FILE,
    WORKBOOK_FILE,
    WIDE_FOLDER,
    FIGURES_FOLDER,
    "report.html",
    STUDY_FILE,
)
"""All files and folders of a study."""

_SHEETS = (
    "conditions",
    "tests",
    "dose_response",
    "dishes",
    "experiments",
    "quality",
    "reasons",
    "cells",
    "responses",
    "courses",
)


def write_study(study: Study, aside: Path, folder: Path, *, report: str) -> None:
    """Write every file of a study, and move them into place when all are complete.

    Parameters
    ----------
    study
        What is stored.
    aside
        The folder that `staging` gave.
    folder
        Where the files belong.
    report
        The HTML page.

    Raises
    ------
    ResultsError
        If a file cannot be written; the folder is then as it was before.
    """
    with writing(folder):
        tables = {name: getattr(study, name) for name in STORED}
        write_tables(tables, aside)
        _write_wide(study, aside / WIDE_FOLDER)
        write_workbook({name: tables[name] for name in _SHEETS}, aside / WORKBOOK_FILE)
        (aside / FIGURES_FOLDER).mkdir()
        write_figures(study, aside / FIGURES_FOLDER)
        _write_thumbnails(study, aside / THUMBNAILS_FILE)
        text = json.dumps(_record(study), indent=2, ensure_ascii=False, allow_nan=False)
        (aside / STUDY_FILE).write_text(f"{text}\n", encoding="utf-8", newline="\n")
        (aside / "report.html").write_text(report, encoding="utf-8", newline="\n")
        move_into(aside, folder, last=STUDY_FILE)


def read_study(folder: str | os.PathLike[str]) -> Study:
    """Read the study that `write_study` stored.

    Raises
    ------
    ResultsError
        If the folder holds no complete study.
    """
    where = Path(folder)
    if not (where / STUDY_FILE).exists():
        raise ResultsError(
            f"{where}: expected the folder of a study, found no {STUDY_FILE}. Give the folder "
            "that zincflux batch wrote."
        )
    try:
        record = json.loads((where / STUDY_FILE).read_text(encoding="utf-8"))
        return Study(
            name=record["name"],
            align_s=record["align_s"],
            headline_phase=record["headline_phase"],
            settings=StudySettings.parse(record["settings"], where=STUDY_FILE),
            warnings=tuple((sample, text) for sample, text in record["warnings"]),
            thumbnails=_read_thumbnails(where / THUMBNAILS_FILE),
            constants=tuple(Constants.of(one) for one in record["constants"]),
            phases=tuple(Phase.parse(one, where=STUDY_FILE) for one in record["phases"]),
            metrics=tuple(record["metrics"]),
            versions=record["versions"],
            **read_tables(where),
        )
    except (OSError, ValueError, KeyError, TypeError, ExperimentError) as error:
        raise ResultsError(
            f"{where}: the study is damaged: {error}. Run the batch again."
        ) from error


def _record(study: Study) -> dict[str, Any]:
    return {
        "name": study.name,
        "align_s": study.align_s,
        "headline_phase": study.headline_phase,
        "settings": study.settings.model_dump(mode="json", exclude_none=True),
        "metrics": list(study.metrics),
        "phases": [p.model_dump(mode="json", exclude_none=True) for p in study.phases],
        "constants": [one.plain() for one in study.constants],
        "warnings": [list(pair) for pair in study.warnings],
        "versions": dict(study.versions),
    }


def _write_wide(study: Study, folder: Path) -> None:
    folder.mkdir()
    for name, table in wide_tables(study):
        write_csv(table, folder / f"{name}.csv", for_spreadsheets=True)


def _write_thumbnails(study: Study, path: Path) -> None:
    names = list(study.thumbnails)
    content = {"sample": names, "png": [study.thumbnails[name] for name in names]}
    schema = pa.schema([("sample", pa.string()), ("png", pa.binary())])
    pq.write_table(pa.table(content, schema=schema), path)


def _read_thumbnails(path: Path) -> dict[str, bytes]:
    table = pq.read_table(path).to_pydict()
    return dict(zip(table["sample"], table["png"], strict=True))
