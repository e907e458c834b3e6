"""Files that are complete or absent: written aside, then renamed."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from zincflux.errors import ResultsError


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """Give a folder beside ``folder`` to write into; it never outlives the block.

    Raises
    ------
    ResultsError
        If nothing can be written there.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise ResultsError(
            f"{folder}: results cannot be written here: {error.strerror or error}. "
            "Choose another folder with --out."
        ) from error
    try:
        yield aside
    except OSError as error:
        raise ResultsError(
            f"{folder}: writing the results failed: {error.strerror or error}. "
            "No file was left behind; make room or choose another folder with --out."
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file aside and rename it, so that it is complete or absent.

    Raises
    ------
    ResultsError
        If it cannot be written.
    """
    with staging(path) as aside:
        (aside / path.name).write_text(text, encoding="utf-8", newline="\n")
        os.replace(aside / path.name, path)
