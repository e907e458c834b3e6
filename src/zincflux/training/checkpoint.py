"""Checkpoints: arrays by name, in NumPy's own format, which can hold no code."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import ResultsError
from zincflux.results import staging, writing

State = Mapping[str, NDArray[Any]]

_FACTS = "facts"

_DAMAGED = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    zipfile.BadZipFile,
)


def path_beside(out: Path) -> Path:
    """Give the checkpoint's file of a model that is being trained."""
    return out.with_name(f"{out.stem}.training.npz")


def save(path: Path, state: State, facts: Mapping[str, Any]) -> None:
    """Write a checkpoint; one that is there stays until the new one is whole.

    Parameters
    ----------
    path
        Where.
    state
        Arrays by name.
    facts
        What the training is, as plain data; it is only continued as the same.

    Raises
    ------
    ResultsError
        If it cannot be written.
    """
    with staging(path) as aside, writing(path):
        text = np.frombuffer(json.dumps(facts, sort_keys=True).encode(), np.uint8)
        np.savez(aside / path.name, **{_FACTS: text}, **state)  # type: ignore[arg-type] # keyword
        os.replace(aside / path.name, path)


def load(path: Path, facts: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Read a checkpoint of the same training.

    Raises
    ------
    ResultsError
        If there is none, it is damaged, or it is of another training.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            state = {name: file[name] for name in file.files}
            told = dict(json.loads(state.pop(_FACTS).tobytes()))
    except FileNotFoundError:
        raise ResultsError(
            f"{path}: expected the checkpoint of a training that was stopped, found none. Leave "
            "--resume out to begin."
        ) from None
    except _DAMAGED as error:
        raise ResultsError(
            f"{path}: expected a checkpoint, found a damaged file ({error}). Begin anew without "
            "--resume."
        ) from None
    plain = json.loads(json.dumps(facts))
    for key, value in plain.items():
        if told.get(key) != value:
            raise ResultsError(
                f"{path}: expected a checkpoint of the same training, found another {key} in it. "
                "Train with the same data and options, or begin anew without --resume."
            )
    return state
