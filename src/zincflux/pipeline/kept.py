"""What an analysis keeps so that it can be corrected without measuring everything again."""

from __future__ import annotations

import time
from dataclasses import dataclass

from zincflux.pipeline.frames import FrameRows
from zincflux.pipeline.places import Place
from zincflux.pipeline.survey import Survey


@dataclass(frozen=True, eq=False)
class Kept:
    """What was measured, before it was linked and converted.

    Attributes
    ----------
    found
        The survey of the movie, with the movie.
    frames
        The rows of every frame: about 70 bytes per cell and frame for one channel, and 500 more for
        the outlines where cells or the stage move.
    messages
        Doubts that arose until then.
    n_measured
        Cells measured from pixels for this analysis, summed over frames: fewer than there are where
        an earlier analysis was corrected.
    place
        Where static cells are, once that was needed.
    """

    found: Survey
    frames: tuple[FrameRows, ...]
    messages: tuple[str, ...] = ()
    n_measured: int = 0
    place: Place | None = None


class Clock:
    """Wall time of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def stage(self, name: str) -> None:
        """End a stage."""
        now = time.perf_counter()
        self.seconds[name] = round(now - self._last, 3)
        self._last = now
