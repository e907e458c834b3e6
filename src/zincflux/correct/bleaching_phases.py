"""The phases that bleaching is fitted on: those in which zinc rests."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zincflux.correct.bleaching import Bleaching
from zincflux.errors import ExperimentError
from zincflux.movie import FloatArray
from zincflux.phases import Phase, frames_of, with_role


def check_bleaching_phases(settings: Bleaching, phases: Sequence[Phase]) -> tuple[Phase, ...]:
    """Find the phases that bleaching is fitted on.

    Parameters
    ----------
    settings
        The method and the names of the phases.
    phases
        All phases of the experiment.

    Returns
    -------
    tuple of Phase
        The phases to fit on; none unless the method is ``exponential``.

    Raises
    ------
    ExperimentError
        If a name is unknown, belongs to a response, or no phase is left.
    """
    if settings.method != "exponential":
        return ()
    by_name = {phase.name: phase for phase in phases}
    for name in settings.phases:
        if name not in by_name:
            near = difflib.get_close_matches(name, by_name, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ExperimentError(
                f"bleaching.phases: expected names of phases ({', '.join(map(repr, by_name))}), "
                f"found {name!r}.{hint}"
            )
        if by_name[name].role == "response":
            raise ExperimentError(
                f"bleaching.phases: {name!r} has the role response, in which zinc changes the "
                "signal. Bleaching is fitted where zinc rests: name a baseline, minimum or "
                "maximum phase."
            )
    chosen = tuple(by_name[name] for name in dict.fromkeys(settings.phases))
    chosen = chosen or with_role(phases, "baseline")
    if not chosen:
        raise ExperimentError(
            'bleaching.phases: method = "exponential" needs a phase in which zinc rests, found '
            'none with the role baseline. Name the phases, or set bleaching.method = "none".'
        )
    return chosen


def bleaching_groups(phases: Sequence[Phase], time_s: FloatArray) -> NDArray[np.intp]:
    """Tell which phase each frame is fitted in, as a number.

    Parameters
    ----------
    phases
        Phases from `check_bleaching_phases`, each with its end known or open.
    time_s
        Time of each frame in s, shape (T,).

    Returns
    -------
    numpy.ndarray
        Number of the phase, shape (T,); -1 outside them all.
    """
    groups = np.full(len(time_s), -1, dtype=np.intp)
    for number, phase in enumerate(phases):
        groups[frames_of(phase, time_s)] = number
    return groups
