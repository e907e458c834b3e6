"""What a format of exports is."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, fields
from pathlib import Path

from zincflux.errors import ResultsError
from zincflux.pipeline import Progress
from zincflux.results import Results

Steps = Generator[Progress, None, None]
"""Writing, piece by piece, so that progress is shown and it can be stopped."""


@dataclass(frozen=True)
class Options:
    """What can be chosen for some formats; None where the format is to choose.

    Attributes
    ----------
    fps
        Frames of a film per second.
    scale
        Pixels of a film per pixel of the movie.
    """

    fps: float | None = None
    scale: float | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """Names of what was chosen."""
        return tuple(one.name for one in fields(self) if getattr(self, one.name) is not None)


def _nothing(_: Path) -> None:
    """Need nothing."""


@dataclass(frozen=True)
class Export:
    """A format.

    Attributes
    ----------
    title
        Name for people, as it stands in a menu.
    meaning
        What is written, in a few words.
    write
        Writes results to a path that is free.
    other
        Names something at a place that no earlier export has put there; empty if there is
        nothing of the kind. Only then the place may be overwritten.
    endings
        Endings that the name of the file may have; none where a folder is written.
    options
        The names in `Options` that the format knows.
    with_labels
        Whether `write` needs the label images in memory, all at once.
    need
        Raises a `ResultsError` where a package is missing that writing to a path needs.
    proposal
        How the name of a folder could end.
    """

    title: str
    meaning: str
    write: Callable[[Results, Path, Options], Steps]
    other: Callable[[Path], str]
    endings: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    with_labels: bool = True
    need: Callable[[Path], object] = _nothing
    proposal: str = ""

    @property
    def proposed_ending(self) -> str:
        """How a name for this format could end: with the first ending that needs nothing else."""
        for ending in self.endings:
            try:
                self.need(Path(f"a{ending}"))
            except ResultsError:
                continue
            return ending
        return self.proposal

    @property
    def is_file(self) -> bool:
        """Whether a file is written, not a folder."""
        return bool(self.endings)
