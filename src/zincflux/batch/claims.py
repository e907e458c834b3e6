"""Which folders a batch has written, so that it may replace them and clean up beside them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from zincflux.batch.names import same_folder
from zincflux.batch.plan import Sheet
from zincflux.batch.problems import Problems, column
from zincflux.errors import ExperimentError
from zincflux.results import write_text

BATCH_FILE = "batch.json"
"""Names the folders of samples that a batch has made; holds no times."""

STUDY = "study"
"""Name under which the files of the study are staged."""

_VERSION = 1


@dataclass(frozen=True)
class Claims:
    """What a batch has made in a folder.

    Attributes
    ----------
    samples
        Sample by the name of its folder.
    study
        What the files of the study were made from, as a hash; empty where they are not complete.
    files
        These files and folders.
    """

    samples: Mapping[str, str] = field(default_factory=dict)
    study: str = ""
    files: tuple[str, ...] = ()

    def as_text(self) -> str:
        """Write it for `BATCH_FILE`; no times, so that the same batch leaves the same bytes."""
        content: dict[str, Any] = {"zincflux_batch": _VERSION}
        if self.study:
            content["study"] = {"made_from": self.study, "files": list(self.files)}
        content["samples"] = dict(sorted(self.samples.items()))
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def of(cls, text: str | None, where: str) -> Self:
        """Read what `as_text` wrote; nothing is claimed where there is no text.

        Raises
        ------
        ExperimentError
            If the text was not written by a batch.
        """
        if text is None:
            return cls()
        try:
            content: Any = json.loads(text)
            if content["zincflux_batch"] != _VERSION:
                raise ValueError("another version")
            samples = {str(name): str(sample) for name, sample in content["samples"].items()}
            study = content.get("study") or {"made_from": "", "files": ()}
            return cls(samples, str(study["made_from"]), tuple(map(str, study["files"])))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise ExperimentError(
                f"{where}: expected the list of samples that a batch has written, found other "
                "content. Choose another --out, or remove the file."
            ) from None


def claim(sheet: Sheet, out: Path, *, overwrite: bool) -> None:
    """Note the folders of a sheet as the batch's own, before anything is written into them.

    Raises
    ------
    ExperimentError
        If folders hold files that no batch has written, and ``overwrite`` is not set.
    ResultsError
        If the note cannot be written.
    """
    earlier = read_claims(out)
    refuse_taken(sheet, earlier.samples, {} if overwrite else _taken(sheet, out))
    own = {row.folder: row.sample for row in sheet.rows}
    write_claims(out, replace(earlier, samples={**earlier.samples, **own}))


def refuse_taken(sheet: Sheet, earlier: Mapping[str, str], taken: Mapping[str, str]) -> None:
    """Refuse folders that are there and that no batch has made.

    Parameters
    ----------
    sheet
        What is to be run.
    earlier
        Folders that batches have made here.
    taken
        Where folders of samples are that hold anything.

    Raises
    ------
    ExperimentError
        If there are any.
    """
    known = {same_folder(name) for name in earlier}
    problems = Problems(str(sheet.path))
    for row in sheet.rows:
        if row.folder in taken and same_folder(row.folder) not in known:
            problems.add(
                row.line,
                column("sample"),
                f"{taken[row.folder]} is there already and no batch has made it. Rename the "
                "sample, choose another --out, or add --overwrite to replace results in it",
            )
    problems.settle()


def _taken(sheet: Sheet, out: Path) -> dict[str, str]:
    folders = {row.folder: out / row.folder for row in sheet.rows}
    return {name: str(folder) for name, folder in folders.items() if not _is_free(folder)}


def read_claims(out: Path) -> Claims:
    """Read what batches have made in a folder.

    Raises
    ------
    ExperimentError
        If the file of that name was not written by a batch.
    """
    file = out / BATCH_FILE
    try:
        text: str | None = file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        text = None
    except OSError as error:
        text = f"{error.strerror}"
    return Claims.of(text, str(file))


def write_claims(out: Path, claims: Claims) -> None:
    """Write what batches have made in a folder, where that has changed.

    Raises
    ------
    ResultsError
        If it cannot be written.
    """
    if claims != read_claims(out) or not (out / BATCH_FILE).exists():
        write_text(out / BATCH_FILE, claims.as_text())


def _is_free(folder: Path) -> bool:
    if not folder.is_symlink() and not folder.exists():
        return True
    return folder.is_dir() and not any(folder.iterdir())


def sweep(out: Path) -> None:
    """Take away what a batch that was killed has left half written.

    Only folders that were made for staging: beside the batch's list of samples, called after one
    of them, with the letters that staging adds.
    """
    names = [*read_claims(out).samples, STUDY, BATCH_FILE]
    for entry in out.iterdir():
        if _is_staging(entry, names):
            shutil.rmtree(entry, ignore_errors=True)


def _is_staging(entry: Path, names: Collection[str]) -> bool:
    found = re.fullmatch(r"\.(.+)-[a-z0-9_]{8}", entry.name, re.DOTALL)
    if found is None or found[1] not in names:
        return False
    return entry.is_dir() and not entry.is_symlink()
