"""Results at an address: made in a temporary folder, then put there, complete or absent."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zincflux import __version__
from zincflux.correct.control import record_hashes
from zincflux.errors import ResultsError
from zincflux.experiment import Experiment
from zincflux.opening import addresses_of, files_of, open_recording
from zincflux.pipeline import Progress
from zincflux.readers.zarr_places import filesystem
from zincflux.results import CALIBRATION_FILE, LABELS_FORMATS, RESULT_FILES, Hashing
from zincflux.results.folder import RUN_FILE
from zincflux.settings import dumps
from zincflux.workflow import iter_run

_IDENTITY = "batch"
_FILES = "files"
_OF_A_RUN = (*RESULT_FILES, CALIBRATION_FILE, *LABELS_FORMATS.values())
"""All that a run may write; what a user has put beside it is kept."""


@dataclass(frozen=True)
class RemoteFolder:
    """A folder of a file system that fsspec knows.

    Attributes
    ----------
    address
        As the user writes it.
    """

    address: str
    _fs: Any
    _root: str

    @classmethod
    def of(cls, address: str) -> RemoteFolder:
        """Open the file system of an address.

        Raises
        ------
        ReaderError
            If fsspec, or the package for such an address, is not installed.
        """
        fs, root = filesystem(address.rstrip("/"))
        return cls(address.rstrip("/"), fs, root.rstrip("/"))

    def read(self, name: str) -> str | None:
        """Read a text; None where there is none."""
        with self._told():
            self._fs.invalidate_cache()
            try:
                return bytes(self._fs.cat_file(f"{self._root}/{name}")).decode()
            except FileNotFoundError:
                return None

    def write(self, name: str, text: str) -> None:
        """Write a text."""
        with self._told():
            self._fs.makedirs(self._root, exist_ok=True)
            self._fs.pipe_file(f"{self._root}/{name}", text.encode())

    def holds(self, name: str) -> bool:
        """Tell whether there is anything of that name."""
        with self._told():
            return bool(self._fs.exists(f"{self._root}/{name}"))

    def has(self, names: Collection[str]) -> bool:
        """Tell whether all of these files are there."""
        with self._told():
            found = set(self._fs.find(self._root))
            ends = {path.lstrip("/").removeprefix(self._root.lstrip("/") + "/") for path in found}
        return set(names) <= ends

    def fetch(self, folder: Path) -> None:
        """Copy all files to a local folder."""
        with self._told():
            start = self._root.lstrip("/") + "/"
            for path in self._fs.find(self._root):
                target = folder / path.lstrip("/").removeprefix(start)
                target.parent.mkdir(parents=True, exist_ok=True)
                self._fs.get_file(path, str(target))

    def put(
        self, folder: Path, *, last: str, own: Collection[str], without: Collection[str] = ()
    ) -> Generator[Progress, None, None]:
        """Copy all files of a local folder, the one that marks a complete set last.

        An earlier one goes first, so that no mixture looks complete; then the other files of the
        earlier set, which the new one may be without.

        Parameters
        ----------
        folder
            The new files.
        last
            Marks a complete set.
        own
            Files and folders at the top that such a set may hold: what is there of them is
            replaced or taken away. Others stay.
        without
            Folders that are not copied.

        Yields
        ------
        Progress
            After each file.
        """
        names = [name for name in files_in(folder) if name.split("/")[0] not in without]
        names.sort(key=lambda name: (name == last, name))
        with self._told():
            if self._fs.exists(f"{self._root}/{last}"):
                self._fs.rm_file(f"{self._root}/{last}")
            self._remove(set(own) - {last}, keep=set(names))
        for number, name in enumerate(names, start=1):
            with self._told():
                place = f"{self._root}/{name}"
                self._fs.makedirs(place.rpartition("/")[0], exist_ok=True)
                self._fs.put_file(str(folder / name), place)
            yield Progress("put", number, len(names))

    def _remove(self, own: Collection[str], *, keep: Collection[str]) -> None:
        """Take away folders, and files that nothing replaces."""
        self._fs.invalidate_cache()
        try:
            entries = self._fs.ls(self._root, detail=True)
        except FileNotFoundError:
            return
        for entry in entries:
            name = entry["name"].rstrip("/").rpartition("/")[2]
            if name not in own:
                continue
            if entry["type"] == "directory":
                self._fs.rm(f"{self._root}/{name}", recursive=True)
            elif name not in keep:
                self._fs.rm_file(f"{self._root}/{name}")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn whatever goes wrong at the address into one message."""
        try:
            yield
        except (OSError, ValueError, RuntimeError) as error:
            raise ResultsError(
                f"{self.address}: expected an address whose files can be read and written, found: "
                f"{str(error)[:300] or type(error).__name__}. Check it and your permissions."
            ) from error


def files_in(folder: Path) -> list[str]:
    """List the files below a folder by relative path with slashes."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def iter_remote_run(
    experiment: Experiment, address: str, **options: Any
) -> Generator[Progress, None, bool]:
    """Run one movie and put its results to an address.

    Parameters
    ----------
    experiment
        The settings.
    address
        Folder of the results.
    options
        ``jobs``, ``max_memory`` and ``labels_format``, as for `zincflux.workflow.iter_run`.

    Yields
    ------
    Progress
        After each piece of work.

    Returns
    -------
    bool
        Whether the results were up to date already, as the generator's return value.

    Raises
    ------
    ZincfluxError
        If a setting is wrong, an input cannot be read or the results cannot be written.
    """
    folder = RemoteFolder.of(address)
    earlier = _record(folder)
    if earlier is not None and _IDENTITY in earlier:
        recording, _ = open_recording(experiment)
        with Hashing([*files_of(experiment, recording), *addresses_of(experiment)]) as hashing:
            inputs = yield from hashing.wait()
        identity = _identity(experiment, inputs, options["labels_format"])
        if earlier[_IDENTITY] == identity and folder.has(earlier.get(_FILES, ())):
            return True
    with tempfile.TemporaryDirectory(prefix="zincflux-") as temporary:
        own = Path(temporary) / "results"
        outcome = yield from iter_run(experiment, own, **options)
        identity = _identity(experiment, outcome.record["inputs"], options["labels_format"])
        # Beside an address no path is relative.
        text = dumps(experiment, folder=None)
        (own / "experiment.toml").write_text(text, encoding="utf-8", newline="\n")
        record = outcome.record | {_IDENTITY: identity, _FILES: files_in(own)}
        text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (own / RUN_FILE).write_text(text, encoding="utf-8", newline="\n")
        yield from folder.put(own, last=RUN_FILE, own=_OF_A_RUN)
    return False


def _record(folder: RemoteFolder) -> dict[str, Any] | None:
    text = folder.read(RUN_FILE)
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _identity(experiment: Experiment, inputs: dict[str, str], labels_format: str) -> dict[str, Any]:
    """Give what results depend on: those with the same identity are the same."""
    return {
        "zincflux": __version__,
        "settings": dumps(experiment, folder=None, comments=False),
        "inputs": [*inputs.values(), *record_hashes(experiment.bleaching)],
        "labels_format": labels_format,
    }
