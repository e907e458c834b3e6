"""Phases: what was done to the cells, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from zincflux.errors import ExperimentError
from zincflux.movie import FloatArray, clean_name
from zincflux.settings import Settings

Role = Literal["baseline", "response", "minimum", "maximum", "ignore"]


class Phase(Settings):
    """A stretch of the movie between two interventions; its end is not part of it."""

    name: Annotated[str, AfterValidator(clean_name)] = Field(
        min_length=1, max_length=80, description="Name shown in tables and plots"
    )
    role: Role = Field(
        description="baseline (F0), response (measured), minimum (zinc-free, as under TPEN), "
        "maximum (saturated) or ignore"
    )
    start_s: float = Field(ge=0, description="Start, s since the first frame")
    end_s: float | None = Field(
        default=None, gt=0, description="End, s; the next phase or the movie's end if not given"
    )


def close(phases: Sequence[Phase]) -> tuple[Phase, ...]:
    """Sort phases by start and give each open one the start of the next as its end.

    The last one may stay open.

    Raises
    ------
    ExperimentError
        If phases overlap, share a name, or end before they start.
    """
    ordered = sorted(phases, key=lambda phase: phase.start_s)
    names = [phase.name for phase in ordered]
    for name in names:
        if names.count(name) > 1:
            raise ExperimentError(f"phases: two phases are named {name!r}. Give each its own name.")
    closed = []
    for number, phase in enumerate(ordered):
        following = ordered[number + 1] if number + 1 < len(ordered) else None
        end = phase.end_s
        if end is None and following is not None:
            end = following.start_s
        if end is not None and end <= phase.start_s:
            raise ExperimentError(
                f"phases: {phase.name!r} starts at {phase.start_s:g} s and ends at {end:g} s. "
                "Expected an end after the start."
            )
        if following is not None and end is not None and end > following.start_s:
            raise ExperimentError(
                f"phases: {phase.name!r} ends at {end:g} s but {following.name!r} starts at "
                f"{following.start_s:g} s. Phases must not overlap."
            )
        closed.append(phase.model_copy(update={"end_s": end}))
    return tuple(closed)


def frames_of(phase: Phase, time_s: FloatArray) -> NDArray[np.bool_]:
    """Tell which frames lie in a phase: start ≤ time < end.

    Parameters
    ----------
    phase
        The phase; an open end means the end of the movie.
    time_s
        Time of each frame in s, shape (T,).

    Returns
    -------
    numpy.ndarray
        Booleans, shape (T,).
    """
    end = np.inf if phase.end_s is None else phase.end_s
    return (time_s >= phase.start_s) & (time_s < end)


def check_inside(phases: Sequence[Phase], time_s: FloatArray) -> None:
    """Make sure that every phase holds at least one frame.

    Raises
    ------
    ExperimentError
        If a phase lies outside the movie or between two frames.
    """
    for phase in phases:
        if not frames_of(phase, time_s).any():
            end = "its end" if phase.end_s is None else f"{phase.end_s:g} s"
            raise ExperimentError(
                f"phases: {phase.name!r} runs from {phase.start_s:g} s to {end}, but no frame lies "
                f"there: the movie has {len(time_s)} frames from {time_s[0]:g} s to "
                f"{time_s[-1]:g} s. Correct start_s and end_s, or movie.frame_interval_s."
            )


def names_of_frames(phases: Sequence[Phase], time_s: FloatArray) -> list[str]:
    """Name the phase of every frame; an empty name between phases.

    Parameters
    ----------
    phases
        Closed phases.
    time_s
        Time of each frame in s, shape (T,).
    """
    names = np.full(len(time_s), "", dtype=object)
    for phase in phases:
        names[frames_of(phase, time_s)] = phase.name
    return list(names)


def with_role(phases: Sequence[Phase], role: Role) -> tuple[Phase, ...]:
    """Select the phases of one role, in order."""
    return tuple(phase for phase in phases if phase.role == role)
