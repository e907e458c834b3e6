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
def staging(target: Path) -> Iterator[Path]:
    """Give a folder beside ``target`` to write into; it never outlives the block.

    Parameters
    ----------
    target
        File or folder that will be written. Folders above it that are absent are made, and taken
        away again if nothing is put into them.

    Raises
    ------
    ResultsError
        If nothing can be written there.
    """
    place = target.resolve()  # "." and ".." have neither a name nor a parent
    absent: list[Path] = []
    aside: Path | None = None
    try:
        with writing(target):
            absent += [parent for parent in place.parents if not parent.exists()]
            place.parent.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
        yield aside
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
        for parent in absent:
            with contextlib.suppress(OSError):
                parent.rmdir()


@contextlib.contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn the failure to write ``target`` into one message.

    Raises
    ------
    ResultsError
        If an `OSError` passes.
    """
    try:
        yield
    except OSError as error:
        file = next((parent for parent in target.parents if parent.is_file()), None)
        if file is not None:
            raise ResultsError(
                f"{target}: expected a folder above it, but {file} is a file. "
                "Choose another place with --out."
            ) from error
        reason = error if error.errno is None else os.strerror(error.errno)
        raise ResultsError(
            f"{target}: this cannot be written: {reason}. Nothing was left half written. "
            "Make room, close programs that have its files open, or choose another place "
            "with --out."
        ) from error


def move_into(aside: Path, folder: Path, *, last: str, stale: tuple[str, ...] = ()) -> None:
    """Move complete files into a folder, all of them or none.

    Parameters
    ----------
    aside
        The folder that `staging` gave: every file in it is moved.
    folder
        Where the files go; made if it is not there.
    last
        The file that marks a complete set: an earlier one goes first, the new one comes last, so
        that even a power cut leaves no mixture that looks complete.
    stale
        Files of an earlier set, which are taken away even where no new one replaces them.

    Raises
    ------
    OSError
        If a file cannot be moved, for example because another program has it open.
    """
    new = sorted((path.name for path in aside.iterdir()), key=lambda name: (name == last, name))
    old = [last, *sorted({*new, *stale} - {last})]
    earlier = aside / "earlier"
    earlier.mkdir()
    with contextlib.ExitStack() as undo:
        if not folder.exists():
            folder.mkdir()
            undo.callback(folder.rmdir)
        for name in old:
            if (folder / name).exists():
                os.replace(folder / name, earlier / name)
                undo.callback(os.replace, earlier / name, folder / name)
        for name in new:
            os.replace(aside / name, folder / name)
            undo.callback(os.replace, folder / name, aside / name)
        undo.pop_all()


def write_text(path: Path, text: str) -> None:
    """Write a text file aside and rename it, so that it is complete or absent.

    Raises
    ------
    ResultsError
        If it cannot be written.
    """
    with staging(path) as aside, writing(path):
        (aside / path.name).write_text(text, encoding="utf-8", newline="\n")
        os.replace(aside / path.name, path)
