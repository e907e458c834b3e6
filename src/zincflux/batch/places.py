"""Where the results of a batch lie: a folder, or an address that fsspec opens."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from zincflux import __version__
from zincflux.batch.claims import (
    BATCH_FILE,
    Claims,
    claim,
    read_claims,
    refuse_taken,
    sweep,
    write_claims,
)
from zincflux.batch.lock import locked
from zincflux.batch.plan import MovieOutcome, Row, Sheet
from zincflux.batch.remote import RemoteFolder
from zincflux.errors import ResultsError
from zincflux.pipeline import Progress
from zincflux.results import read_run
from zincflux.results.study import Study
from zincflux.results.study_files import STUDY_FILE, STUDY_FILES, read_study


class Place(Protocol):
    """Where results go."""

    def of(self, row: Row) -> str:
        """Name the folder of a row."""
        ...

    def open(self, sheet: Sheet, *, overwrite: bool) -> AbstractContextManager[None]:
        """Take the folders of a sheet, and leave nothing half written behind."""
        ...

    def near(
        self, outcomes: Sequence[MovieOutcome]
    ) -> Generator[Progress, None, tuple[Path, AbstractContextManager[object]]]:
        """Bring finished results to a local folder; what ends with the context is cleaned up."""
        ...

    def earlier_study(self, sheet: Sheet, outcomes: Sequence[MovieOutcome]) -> Study | None:
        """Read the study that is there, if it was made from just this; else forget it."""
        ...

    def keep(
        self, folder: Path, sheet: Sheet, outcomes: Sequence[MovieOutcome]
    ) -> Iterator[Progress]:
        """Put the files of the study, which lie in the local folder, where they belong."""
        ...


@dataclass(frozen=True)
class LocalPlace:
    """A folder.

    Attributes
    ----------
    out
        Where the folders of the samples lie.
    """

    out: Path

    def of(self, row: Row) -> str:
        """Name the folder of a row."""
        return str(self.out / row.folder)

    @contextlib.contextmanager
    def open(self, sheet: Sheet, *, overwrite: bool) -> Iterator[None]:
        """Lock the folder, note what is the batch's own, clean up before and after.

        Raises
        ------
        ExperimentError
            If another batch is at work, or folders are taken.
        ResultsError
            If the folder cannot be written.
        """
        with locked(self.out):
            claim(sheet, self.out, overwrite=overwrite)
            sweep(self.out)
            try:
                yield
            finally:
                sweep(self.out)

    def near(
        self, outcomes: Sequence[MovieOutcome]
    ) -> Generator[Progress, None, tuple[Path, AbstractContextManager[object]]]:
        """Name the folder: the results are there."""
        yield from ()
        return self.out, contextlib.nullcontext()

    def earlier_study(self, sheet: Sheet, outcomes: Sequence[MovieOutcome]) -> Study | None:
        """Read the study that is there, if it was made from just this; else forget it."""
        claims = read_claims(self.out)
        is_whole = all((self.out / name).exists() for name in (STUDY_FILE, *claims.files))
        if is_whole and claims.study == made_from(sheet, outcomes):
            with contextlib.suppress(ResultsError):
                return read_study(self.out)
        write_claims(self.out, Claims(claims.samples))
        return None

    def keep(
        self, folder: Path, sheet: Sheet, outcomes: Sequence[MovieOutcome]
    ) -> Iterator[Progress]:
        """Leave the files of the study where they are, and note what they were made from."""
        claims = read_claims(self.out)
        files = tuple(name for name in sorted(STUDY_FILES) if (self.out / name).exists())
        write_claims(self.out, Claims(claims.samples, made_from(sheet, outcomes), files))
        yield from ()


def made_from(sheet: Sheet, outcomes: Sequence[MovieOutcome]) -> str:
    """Name by a hash everything that a study depends on."""
    movies = []
    for outcome in outcomes:
        row = outcome.row
        record = read_run(Path(outcome.folder)) or {}
        identity = None if outcome.status == "failed" else record.get("identity")
        movies.append([row.keys(), row.path, row.folder, outcome.reason, identity])
    content = [__version__, sheet.name, sheet.study.model_dump(mode="json"), movies]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@dataclass(frozen=True)
class RemotePlace:
    """An address such as ``s3://bucket/study``.

    Attributes
    ----------
    address
        Where the folders of the samples lie.
    """

    address: str

    def of(self, row: Row) -> str:
        """Name the folder of a row."""
        return f"{self.address.rstrip('/')}/{row.folder}"

    @contextlib.contextmanager
    def open(self, sheet: Sheet, *, overwrite: bool) -> Iterator[None]:
        """Note what is the batch's own. There are no locks: one batch at a time is up to the user.

        Raises
        ------
        ExperimentError
            If folders are taken.
        ResultsError
            If nothing can be written there.
        """
        folder = RemoteFolder.of(self.address)
        earlier = Claims.of(folder.read(BATCH_FILE), f"{self.address}/{BATCH_FILE}")
        taken = [] if overwrite else [row for row in sheet.rows if folder.holds(row.folder)]
        refuse_taken(sheet, earlier.samples, {row.folder: self.of(row) for row in taken})
        own = {row.folder: row.sample for row in sheet.rows}
        folder.write(BATCH_FILE, Claims({**earlier.samples, **own}).as_text())
        yield

    def near(
        self, outcomes: Sequence[MovieOutcome]
    ) -> Generator[Progress, None, tuple[Path, AbstractContextManager[object]]]:
        """Fetch all finished results into a temporary folder."""
        temporary = tempfile.TemporaryDirectory(prefix="zincflux-study-")
        finished = [outcome for outcome in outcomes if outcome.status != "failed"]
        for number, outcome in enumerate(finished, start=1):
            target = Path(temporary.name) / outcome.row.folder
            RemoteFolder.of(outcome.folder).fetch(target)
            yield Progress("fetch", number, len(finished))
        return Path(temporary.name), temporary

    def earlier_study(self, sheet: Sheet, outcomes: Sequence[MovieOutcome]) -> Study | None:
        """Find none: it is made anew."""
        return None

    def keep(
        self, folder: Path, sheet: Sheet, outcomes: Sequence[MovieOutcome]
    ) -> Iterator[Progress]:
        """Put the files of the study, the one that marks it complete last."""
        folders = {entry.name for entry in folder.iterdir() if (entry / "run.json").exists()}
        yield from RemoteFolder.of(self.address).put(
            folder, last=STUDY_FILE, own=STUDY_FILES, without=folders
        )
