"""Static cells: found in one view of the movie, and split where their courses differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from zincflux.errors import ExperimentError
from zincflux.movie import Image, Labels
from zincflux.phases import frames_of, names_of_frames
from zincflux.pipeline.plan import Plan
from zincflux.segment.by_time import CoarseMovie, split_by_time
from zincflux.segment.projection import Projection
from zincflux.segment.views import AUTO, KINDS, MOST_PHASES, PHASE, View, Views, best_view


@dataclass(frozen=True, eq=False)
class Still:
    """The cells of a static movie.

    Attributes
    ----------
    view
        What they were found in.
    labels
        Label image (Y, X), after splitting.
    n_split
        Outlines that were split in two by their courses; None where none was to be.
    """

    view: View
    labels: Labels
    n_split: int | None

    def summary(self) -> dict[str, Any]:
        """Give what ``run.json`` holds under ``view``."""
        return {**self.view.summary(), "n_split_by_traces": self.n_split}


class Sight:
    """What the frames of a movie leave for its cells to be found in; of moving cells, the first.

    Parameters
    ----------
    plan
        The plan.
    chosen
        The frames that will be added.
    """

    def __init__(self, plan: Plan, chosen: Sequence[int]) -> None:
        segment = plan.experiment.segment
        self._diameter_px = segment.number_um() / plan.pixel_size_um
        self._phases = names_of_frames(plan.experiment.phases, plan.time_s)
        self._follows = plan.follows
        self._views = Views(KINDS[:1] if plan.follows else view_names(plan))
        self._stain = None if plan.roles.nucleus is None else Projection("mean")
        self._coarse = None
        if segment.splits_by_traces and not plan.follows:
            self._coarse = CoarseMovie(self._diameter_px)
            most = self._coarse.most_frames(plan.movie.frame_shape)
            self._kept = {chosen[place] for place in spread(len(chosen), most)}

    def wants(self, t: int) -> bool:
        """Tell whether frame ``t`` counts."""
        return t == 0 or not self._follows

    def update(self, t: int, image: Image, stain: Image | None) -> None:
        """Add the registered image (Y, X) of frame ``t``, and that of the nuclear stain."""
        self._views.update(image, self._phases[t])
        if self._stain is not None and stain is not None:
            self._stain.update(stain)
        if self._coarse is not None and t in self._kept:
            self._coarse.update(image)

    def first(self) -> Image:
        """Return the first view (Y, X): of moving cells the first frame."""
        return next(iter(self._views.result().values()))

    def stain(self) -> Image | None:
        """Return the mean of the nuclear stain (Y, X), where there is one."""
        return None if self._stain is None else self._stain.result()

    def find(self, find: Callable[[Image], Labels]) -> Still:
        """Find static cells, given what finds those of an image."""
        view = best_view(self._views.result(), find, self._diameter_px)
        if self._coarse is None:
            return Still(view, view.labels, None)
        labels, n_split = split_by_time(view.labels, self._coarse.result(), self._diameter_px)
        return Still(view, labels, n_split)


def spread(n: int, most: int) -> list[int]:
    """Choose at most ``most`` of ``n`` frames, evenly."""
    return [int(t) for t in np.unique(np.linspace(0, n - 1, min(n, most)).round())]


def viewed_frames(plan: Plan, most: int) -> list[int]:
    """Choose at most ``most`` frames of the movie, and as many of the phase that is looked at."""
    chosen = spread(plan.movie.n_frames, most)
    name = plan.experiment.segment.projection
    for phase in plan.experiment.phases:
        if name == PHASE + phase.name:
            inside = np.flatnonzero(frames_of(phase, plan.time_s))
            chosen = sorted({*chosen, *inside[spread(len(inside), most)].tolist()})
    return chosen


def view_names(plan: Plan) -> tuple[str, ...]:
    """Name the views that the cells of a static movie are looked for in.

    Raises
    ------
    ExperimentError
        If the view of a phase is asked for that there is not.
    """
    segment, phases = plan.experiment.segment, plan.experiment.phases
    name = segment.projection
    if name == AUTO:
        if segment.method == "labels":
            return KINDS[:1]
        # Of many phases the longest have the least noise.
        longest = sorted(
            (phase for phase in phases if phase.role != "ignore"),
            key=lambda phase: -np.count_nonzero(frames_of(phase, plan.time_s)),
        )[:MOST_PHASES]
        return (*KINDS, *(PHASE + phase.name for phase in phases if phase in longest))
    named = [phase.name for phase in phases]
    if name not in (*KINDS, *(PHASE + phase for phase in named)):
        near = get_close_matches(name.removeprefix(PHASE), named, n=1)
        hint = f"There are: {', '.join(named) or 'none'}."
        if near:
            hint = f"Did you mean {PHASE + near[0]!r}?"
        raise ExperimentError(
            f"segment.projection: expected mean, max, sd, auto or the name of a phase after "
            f"{PHASE!r}, found {name!r}. {hint}"
        )
    return (name,)
