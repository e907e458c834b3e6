"""A sheet, one row per movie, read and checked as a whole before anything runs."""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zincflux.batch.cells import (
    KEY_COLUMNS,
    PATH,
    SETTINGS,
    Cells,
    number,
    plain_number,
    read_cells,
)
from zincflux.batch.inputs import check_inputs
from zincflux.batch.names import folder_name, same_folder
from zincflux.batch.plan import BatchProgress, Row, Sheet
from zincflux.batch.problems import Problems, column, shown
from zincflux.batch.settings import Common, absolute, base_of, read_common, value_of, with_cell
from zincflux.batch.study_check import check_keys, check_study
from zincflux.errors import ExperimentError
from zincflux.experiment import Experiment, is_toml, title
from zincflux.grid.cells import looks_grouped
from zincflux.readers.zarr_places import is_address
from zincflux.steps import complete

_TITLE = 200
"""Most letters of ``name`` in an experiment."""


@dataclass
class _Reading:
    """The state of reading one sheet."""

    path: Path
    common: Common
    cells: Cells
    problems: Problems
    samples: dict[str, int] = field(default_factory=dict)
    folders: dict[str, tuple[str, int]] = field(default_factory=dict)
    phases: dict[int, list[str]] = field(default_factory=dict)


def read_sheet(
    path: str | os.PathLike[str],
    settings: str | os.PathLike[str] | None = None,
    assignments: Sequence[str] = (),
) -> Sheet:
    """Read a sheet and check all of it: nothing that is wrong there stops a batch half-way.

    Parameters
    ----------
    path
        CSV, TSV or XLSX with one row per movie.
    settings
        An experiment file without ``movie.path``: what all movies have in common. It may hold
        ``[study]``.
    assignments
        ``KEY=VALUE`` texts that replace keys of it.

    Raises
    ------
    ExperimentError
        If anything is wrong, with every problem by row and column.
    ReaderError
        If the sheet cannot be read as a table.
    """
    return complete(iter_sheet(path, settings, assignments))


def iter_sheet(
    path: str | os.PathLike[str],
    settings: str | os.PathLike[str] | None = None,
    assignments: Sequence[str] = (),
) -> Generator[BatchProgress, None, Sheet]:
    """Do what `read_sheet` does, step by step.

    Yields
    ------
    BatchProgress
        After each movie that was opened.

    Returns
    -------
    Sheet
        As the generator's return value.
    """
    file = Path(path)
    problems = Problems(str(file))
    common = read_common(None if settings is None else Path(settings), assignments, file)
    cells = read_cells(file, problems)
    reading = _Reading(file, common, cells, problems)
    _check_columns(reading)
    rows = []
    for n, (line, row) in enumerate(cells.rows.items(), start=1):
        rows.append(_row(reading, line, row))
        yield BatchProgress("", "check", n, len(cells.rows), 0, len(cells.rows))
    complete = [row for row in rows if row is not None]
    check_keys(cells.rows, problems)
    check_study(common.study, cells.rows, reading.phases, common.where, problems)
    problems.settle()
    return Sheet(file, str(common.data.get("name") or file.stem), tuple(complete), common.study)


def _check_columns(reading: _Reading) -> None:
    """Refuse what concerns the sheet as a whole."""
    problems, common = reading.problems, reading.common
    for name in sorted(set(reading.cells.columns) & set(common.assigned)):
        problems.add(
            None,
            column(name),
            "this setting is a column of the sheet and is set with --set as well. Leave one out",
        )
    for section in ("movie", "table"):
        values = common.data.get(section)
        if isinstance(values, dict) and "path" in values:
            problems.add(
                None,
                common.where,
                f"{section}.path: the movies are named by the sheet's column 'path'. Remove it",
            )
    for name in reading.cells.columns:
        texts = [row[name] for row in reading.cells.rows.values() if name in row]
        is_plain = name == PATH or (name in KEY_COLUMNS and name != "dose")
        grouped = looks_grouped(texts) if reading.cells.decimal_comma and not is_plain else None
        if grouped is not None:
            lines = [n for n, row in reading.cells.rows.items() if row.get(name) == grouped]
            problems.add(
                lines[0],
                column(name),
                f"the comma in {shown(str(grouped))} may mark decimals or group thousands. Write "
                "the column without grouped thousands",
            )


def _row(reading: _Reading, line: int, cells: Mapping[str, str]) -> Row | None:
    """Check one row; None where it is not complete enough to be run."""
    path = cells.get(PATH)
    if path is None:
        reading.problems.add(line, column(PATH), "expected a movie, found an empty cell")
        return None
    data = _data(reading, line, cells)
    sample = cells.get("sample") or _title(path, data)
    folder = _check_name(reading, line, sample)
    dose = _dose(reading, line, cells)
    if data is None:
        return None
    data["name"] = str(data.get("name") or sample)[:_TITLE]
    experiment = _experiment(reading, line, cells, data)
    needed_mb = None
    if experiment is not None:
        reading.phases[line] = [phase.name for phase in experiment.phases]
        needed_mb = check_inputs(experiment, line, cells, reading.common.where, reading.problems)
    if needed_mb is None or dose is None or experiment is None:
        return None
    texts = {name: cells.get(name, "") for name in KEY_COLUMNS if name not in ("sample", "dose")}
    texts["replicate"] = texts["replicate"] or sample
    return Row(line, path, folder, experiment, needed_mb, sample=sample, dose=dose, **texts)


def _data(reading: _Reading, line: int, cells: Mapping[str, str]) -> dict[str, Any] | None:
    """Put the settings of a row together: what all have in common, then its own cells."""
    path, common = cells[PATH], reading.common
    folder = reading.path.resolve().parent
    own: dict[str, Any] = {}
    try:
        for key, text in cells.items():
            if key in SETTINGS:
                plain = plain_number(text, decimal_comma=reading.cells.decimal_comma)
                with_cell(own, key, plain)
        if is_toml(path):
            base = base_of(folder / path, common)
        else:
            base = {key: value for key, value in common.data.items() if key != "name"}
            own.setdefault("movie", {})["path"] = value_of("movie.path", path)
    except ExperimentError as error:
        reading.problems.add(line, column(PATH), str(error).removesuffix("."))
        return None
    return _merged(base, absolute(own, folder))


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in own.items():
        before = result.get(key)
        both = isinstance(value, Mapping) and isinstance(before, Mapping)
        result[key] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return result


def _title(path: str, data: Mapping[str, Any] | None) -> str:
    """Name a sample that the sheet gives no name, after its movie or experiment."""
    if is_toml(path):
        return str((data or {}).get("name") or Path(path).stem)
    return title(path.rstrip("/") if is_address(path) else path.strip('[]"').split('"')[0])


def _check_name(reading: _Reading, line: int, sample: str) -> str:
    """Give the folder of a sample; refuse names and folders that are taken."""
    earlier = reading.samples.setdefault(sample, line)
    if earlier != line:
        reading.problems.add(
            line,
            column("sample"),
            f"{shown(sample)} is the name of row {earlier} already. Give every movie a name of its "
            "own",
        )
        return ""
    folder = folder_name(sample)
    other, other_line = reading.folders.setdefault(same_folder(folder), (sample, line))
    if other_line != line:
        reading.problems.add(
            line,
            column("sample"),
            f"{shown(sample)} and {shown(other)} in row {other_line} would share the folder "
            f"{shown(folder)} on some computers. Rename one",
        )
    return folder


def _dose(reading: _Reading, line: int, cells: Mapping[str, str]) -> float | None:
    text = cells.get("dose")
    if text is None:
        return math.nan
    dose = number(text, decimal_comma=reading.cells.decimal_comma)
    if dose is None or not math.isfinite(dose) or dose < 0:
        reading.problems.add(
            line,
            column("dose"),
            f"expected a number of 0 or more, found {shown(text)}. Write its unit into the column "
            "dose_unit, or leave the cell empty",
        )
        return None
    return dose


def _experiment(
    reading: _Reading, line: int, cells: Mapping[str, str], data: Mapping[str, Any]
) -> Experiment | None:
    """Make the experiment of a row; note everything that is wrong about its settings."""
    try:
        return Experiment.parse(data, where="row", folder=reading.path.resolve().parent)
    except ExperimentError as error:
        message = str(error).removeprefix("row: ")
    elsewhere = cells[PATH] if is_toml(cells[PATH]) else reading.common.where
    for part in message.split("\n"):
        key = part.partition(":")[0]
        found = next((name for name in SETTINGS if key == name or key.startswith(f"{name}.")), "")
        if found in cells:
            text = part.removeprefix(found).removeprefix(":").strip()
            reading.problems.add(line, column(found), text)
        elif key.startswith("movie.path"):
            reading.problems.add(line, column(PATH), part)
        else:
            reading.problems.add(line, elsewhere, part)
    return None
