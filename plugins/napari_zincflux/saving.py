"""Settings and corrections as files; no Qt."""

from __future__ import annotations

import os
from pathlib import Path

import zincflux
from napari_zincflux.choices import STEPS, Choices
from zincflux import EditLog
from zincflux.experiment import load_experiment
from zincflux.results import write_text
from zincflux.settings import dumps


def toml_path(file: str | os.PathLike[str]) -> Path:
    """Give the whole path of an experiment file; ".toml" is added where it is not there."""
    name = os.fspath(file)
    if not name.lower().endswith(".toml"):
        name += ".toml"
    return Path(name).resolve()


def write_experiment(choices: Choices, log: EditLog, path: Path) -> Choices:
    """Write an experiment file and, beside it, its corrections.

    Returns
    -------
    Choices
        The choices as they stand there.

    Raises
    ------
    zincflux.ZincfluxError
        If a setting is wrong or a file cannot be written.
    """
    written = Choices(choices.data)
    written.data.pop("edits", None)
    beside = path.with_suffix(".edits.toml")
    # An older log would come back with the experiment.
    if len(log) or beside.is_file():
        write_text(beside, log.dumps())
    if len(log):
        written.set("edits.path", str(beside))
    write_text(path, dumps(written.experiment(), folder=path.parent))
    return written


def says_the_same(file: Path | None, choices: Choices, log: EditLog) -> bool:
    """Tell whether an experiment file says just what was chosen and corrected."""
    if file is None or not file.is_file():
        return False
    try:
        stored = load_experiment(file)
        same = Choices.of_experiment(stored).part(*STEPS) == choices.part(*STEPS)
        return same and stored.edits.load().edits == log.edits
    except zincflux.ZincfluxError:
        return False
