"""One batch at a time in a folder: a lock that ends with its process, however that ends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from zincflux.errors import ExperimentError
from zincflux.results.staging import writing

LOCK_FILE = ".zincflux-batch.lock"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other batches out of a folder.

    The file of the lock stays: what counts is that the system holds it for a process.

    Raises
    ------
    ExperimentError
        If another batch is at work there.
    ResultsError
        If the folder cannot be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT)
    try:
        if not _take(handle):
            raise ExperimentError(
                f"{folder}: another batch writes into this folder at the moment. Wait until it "
                "has ended, or choose another --out."
            )
        yield
    finally:
        os.close(handle)


def _take(handle: int) -> bool:
    """Take the lock of an open file; False if another process has it."""
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        import msvcrt

        take = getattr(msvcrt, "locking")  # noqa: B009 - known to type checkers on Windows only
        try:
            take(handle, getattr(msvcrt, "LK_NBLCK"), 1)  # noqa: B009
        except OSError:
            return False
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network drive without locks: the user has to mind
        return True
    return True
