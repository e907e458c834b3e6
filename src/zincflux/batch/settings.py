"""Settings of single movies: what all have in common, and what a row adds."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from zincflux.batch.cells import SETTINGS
from zincflux.errors import ExperimentError
from zincflux.experiment import Experiment, is_toml
from zincflux.readers.zarr_places import is_address
from zincflux.settings import InputPath, Settings, override, read_toml
from zincflux.statistics.settings import StudySettings

_RESOLVE = get_args(InputPath)[1]
_TEXTS = ("str", "str | None")


def _path_keys(model: type[Settings], prefix: str = "") -> Iterator[str]:
    """List the keys that hold a path, which starts from the folder of its file."""
    for name, field in model.model_fields.items():
        parts = [*field.metadata, *_flat(field.annotation)]
        inner = [part for part in parts if isinstance(part, type) and issubclass(part, Settings)]
        if inner:
            yield from _path_keys(inner[0], f"{prefix}{name}.")
        elif any(part is _RESOLVE for part in parts):
            yield f"{prefix}{name}"


def _flat(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in get_args(annotation):
        yield from _flat(argument)


PATH_KEYS = tuple(_path_keys(Experiment))
"""Keys that hold a path; ``indicator`` may hold one, too."""


@dataclass(frozen=True)
class Common:
    """What all movies of a sheet have in common.

    Attributes
    ----------
    data
        Plain settings, their paths absolute.
    where
        What they came from, as messages say it.
    assigned
        Keys that ``--set`` has set.
    assignments
        The assignments themselves, for rows that name an experiment file of their own.
    folder
        Folder that paths in the assignments start from.
    study
        How the movies are compared.
    """

    data: Mapping[str, Any]
    where: str
    assigned: tuple[str, ...]
    assignments: tuple[str, ...]
    folder: Path
    study: StudySettings


def read_common(file: Path | None, assignments: Sequence[str], sheet: Path) -> Common:
    """Read the settings that all movies have in common.

    Parameters
    ----------
    file
        An experiment file without ``movie.path``, which may hold ``[study]``.
    assignments
        ``KEY=VALUE`` texts that replace its keys.
    sheet
        The sheet; without a file, paths in the assignments start from its folder.

    Raises
    ------
    ExperimentError
        If the file cannot be read, or ``[study]`` is wrong.
    """
    if file is not None and not is_toml(file):
        raise ExperimentError(
            f"{file}: expected an experiment file with the settings that all movies have in "
            "common, whose name ends in .toml. Correct --settings."
        )
    folder = (sheet if file is None else file).resolve().parent
    data = override({} if file is None else read_toml(file), assignments)
    study = data.pop("study", {})
    where = "the common settings" if file is None else str(file)
    if not isinstance(study, dict):
        raise ExperimentError(f"{where}: study: expected a section, found {study!r}. Correct it.")
    own = tuple(text for text in assignments if not text.strip().startswith("study."))
    return Common(
        absolute(data, folder),
        where,
        tuple(text.partition("=")[0].strip() for text in own),
        own,
        folder,
        StudySettings.parse(study, where=f"{where}, [study]", folder=folder),
    )


def absolute(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Make every path in plain settings absolute."""
    result = dict(override(data, ()))
    for key in (*PATH_KEYS, "indicator"):
        *parents, last = key.split(".")
        place: Any = result
        for parent in parents:
            place = place.get(parent) if isinstance(place, dict) else None
        if isinstance(place, dict) and last in place:
            place[last] = _absolute(place[last], folder, only_files=key == "indicator")
    return result


def _absolute(value: Any, folder: Path, *, only_files: bool) -> Any:
    if isinstance(value, list):
        return [_absolute(one, folder, only_files=only_files) for one in value]
    if not isinstance(value, str) or is_address(value) or (only_files and not is_toml(value)):
        return value
    return os.path.normpath(folder / value)


def base_of(file: Path, common: Common) -> dict[str, Any]:
    """Read the experiment file of a row: it stands instead of the common settings.

    Raises
    ------
    ExperimentError
        If it cannot be read.
    """
    data = absolute(read_toml(file), file.resolve().parent)
    if not common.assignments:
        return data
    return absolute(override(data, common.assignments), common.folder)


def with_cell(data: dict[str, Any], key: str, text: str) -> None:
    """Set one key of plain settings to what a cell says, in place."""
    *parents, last = key.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
    data[last] = value_of(key, text)


def value_of(key: str, text: str) -> Any:
    """Read a cell as TOML where it is TOML, else as a word; keys that are texts stay texts."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    is_text = key in PATH_KEYS or (key in SETTINGS and SETTINGS[key].type in _TEXTS)
    return value if not is_text or isinstance(value, str | list) else text
