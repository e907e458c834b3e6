"""What a batch is: its rows, where they go, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from zincflux.experiment import Experiment
from zincflux.results.study import Study
from zincflux.statistics.settings import StudySettings

Status = Literal["done", "up to date", "failed"]


@dataclass(frozen=True)
class Row:
    """One movie of a sheet.

    Attributes
    ----------
    line
        Number of the row as the spreadsheet shows it.
    path
        The movie or experiment file as the sheet names it.
    folder
        Name of the folder of its results, safe on every file system.
    settings
        The whole experiment.
    needed_mb
        Memory that the run takes in one thread, MB, estimated from above; 0 for a table of traces.
    sample, condition, dose, dose_unit, replicate, experiment, batch, plate, well
        The keys; the dose is NaN where there is none, texts are then empty.
    """

    line: int
    path: str
    folder: str
    settings: Experiment
    needed_mb: float
    sample: str
    condition: str
    dose: float
    dose_unit: str
    replicate: str
    experiment: str
    batch: str
    plate: str
    well: str

    def keys(self) -> dict[str, str | float]:
        """Give the keys by column, in the order of the tables."""
        from zincflux.columns import KEYS

        return {column.name: getattr(self, column.name) for column in KEYS}


@dataclass(frozen=True)
class Sheet:
    """A table of movies that was checked as a whole.

    Attributes
    ----------
    path
        The file.
    name
        Title of the study.
    rows
        One per movie, in the order of the file.
    study
        How the movies are compared.
    """

    path: Path
    name: str
    rows: tuple[Row, ...]
    study: StudySettings


@dataclass(frozen=True)
class MovieOutcome:
    """What became of one movie.

    Attributes
    ----------
    row
        The movie.
    folder
        Folder or address of its results.
    status
        ``"done"``, ``"up to date"`` (nothing was to do), or ``"failed"``.
    reason
        Why it failed; empty otherwise.
    seconds
        Time it took, s; 0 where nothing was to do.
    """

    row: Row
    folder: str
    status: Status
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class BatchProgress:
    """How far a batch is.

    Attributes
    ----------
    sample
        The movie it is about; empty for steps of the whole batch.
    stage
        ``"check"`` (the sheet), a stage of the run of a movie, ``"done"``, ``"up to date"`` or
        ``"failed"`` at its end, or ``"study"`` (what all movies give together).
    done, total
        How far that stage is.
    finished, n_samples
        Movies that have ended, and all of them.
    """

    sample: str
    stage: str
    done: int
    total: int
    finished: int
    n_samples: int

    @property
    def has_ended(self) -> bool:
        """Whether this is the last news of a movie."""
        return self.stage in get_args(Status)


@dataclass(frozen=True)
class BatchOutcome:
    """What a batch came to.

    Attributes
    ----------
    out
        Folder or address of the results.
    outcomes
        What became of every movie, in the order of the sheet.
    study
        What all movies give together.
    """

    out: str
    outcomes: tuple[MovieOutcome, ...]
    study: Study

    @property
    def done(self) -> int:
        """Movies that were run."""
        return self._count("done")

    @property
    def failed(self) -> int:
        """Movies that failed."""
        return self._count("failed")

    @property
    def skipped(self) -> int:
        """Movies whose results were up to date."""
        return self._count("up to date")

    def _count(self, status: Status) -> int:
        return sum(outcome.status == status for outcome in self.outcomes)

    def summary(self) -> dict[str, Any]:
        """Give the keys that scripts rely on."""
        conditions = dict.fromkeys(outcome.row.condition for outcome in self.outcomes)
        return {
            "out": self.out,
            "done": self.done,
            "failed": self.failed,
            "skipped": self.skipped,
            "conditions": list(conditions),
            "failures": [
                {"sample": outcome.row.sample, "reason": outcome.reason}
                for outcome in self.outcomes
                if outcome.status == "failed"
            ],
            "warnings": [text for sample, text in self.study.warnings if not sample],
        }
