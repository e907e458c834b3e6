"""Time courses: from cells to dishes on one time grid, and single cells for the heat map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.batch.finished import Finished
from zincflux.batch.wide import Wide, middle, sides, used_rows
from zincflux.columns import COURSES, conform
from zincflux.errors import ExperimentError
from zincflux.movie import FloatArray
from zincflux.phases import Phase, with_role
from zincflux.statistics.courses import pool_courses

ARM = ["condition", "dose", "dose_unit", "group"]

MAX_POINTS = 400
"""Most points of a course: more than a figure shows."""

QUANTITIES = ("zinc_nM", "f_f0")
"""Columns of the traces that are followed, where there are numbers."""


def aligned_start(finished: Finished, align_phase: str | None) -> float:
    """Find the time in a movie that is 0 in the courses, s.

    The start of the named phase; of the first response phase if none is named; 0 without one.

    Raises
    ------
    ExperimentError
        If the movie has no phase of that name.
    """
    phases = finished.experiment.phases
    if align_phase is None:
        return next((p.start_s for p in with_role(phases, "response")), 0.0)
    found = next((p.start_s for p in phases if p.name == align_phase), None)
    if found is None:
        names = ", ".join(repr(p.name) for p in phases) or "none"
        raise ExperimentError(
            f"study.align_phase: expected a phase of every movie, found {align_phase!r}, which "
            f"{finished.sample.sample} does not have; it has: {names}. Correct the name."
        )
    return found


@dataclass(frozen=True)
class Grid:
    """Times that all movies are put on.

    A frame belongs to the nearest time; nothing is interpolated, since what lies beyond the range
    cannot be.

    Attributes
    ----------
    step_s
        Distance of two times: the longest frame interval of all movies.
    first
        Number of the first time; number 0 is the start of the phase that all are aligned to.
    n
        How many there are.
    """

    step_s: float
    first: int
    n: int

    @classmethod
    def of(cls, times: Sequence[FloatArray]) -> Self:
        """Make the grid that holds all movies, given their frames' times since the alignment."""
        intervals = [float(np.median(np.diff(t))) for t in times if len(t) > 1]
        # Stored times are rounded, and their median interval with them: 5 s, not 4.999999 s.
        step = float(f"{max(intervals, default=1.0):.6g}")
        low = min((float(t[0]) for t in times), default=0.0)
        high = max((float(t[-1]) for t in times), default=0.0)
        step *= max(1, int(np.ceil((high - low) / step / MAX_POINTS)))
        first, last = _number(np.array([low, high]), step)
        return cls(step_s=step, first=int(first), n=int(last - first) + 1)

    @property
    def time_s(self) -> FloatArray:
        """The times, shape (n,)."""
        return np.asarray(self.step_s * np.arange(self.first, self.first + self.n))

    def put(self, time_s: FloatArray, ranked: FloatArray) -> FloatArray:
        """Put traces (cells, T) on the grid; the median where several frames share a time."""
        number = _number(time_s, self.step_s) - self.first
        result = np.full((len(ranked), self.n), np.nan)
        once = np.bincount(number, minlength=self.n)
        alone = once[number] == 1
        result[:, number[alone]] = ranked[:, alone]
        for shared in np.flatnonzero(once > 1):
            result[:, shared] = middle(ranked[:, number == shared].T)
        return result


def _number(time_s: FloatArray, step_s: float) -> NDArray[np.intp]:
    # Half a step belongs to the later time, whatever the rounding of the time stamps.
    return np.floor(time_s / step_s + 0.5 + 1e-9).astype(np.intp)


@dataclass(frozen=True, eq=False)
class Course:
    """One quantity of the used cells of one movie, on the grid.

    Attributes
    ----------
    group, region, quantity
        What of which cells.
    ranked
        Shape (cells, n); −inf below and +inf above the range.
    """

    group: str
    region: str
    quantity: str
    ranked: FloatArray


def courses_of(finished: Finished, wide: Wide, grid: Grid, start_s: float) -> Iterator[Course]:
    """Give the courses of one movie."""
    used = used_rows(finished)
    names = finished.cells[["group", "region"]].astype(str)
    for (group, region), rows in names[used].groupby(["group", "region"], sort=True):
        for quantity in QUANTITIES:
            values = getattr(wide, quantity)[rows.index.to_numpy()]
            if not np.isnan(values).all():
                yield Course(
                    str(group), str(region), quantity, grid.put(wide.time_s - start_s, values)
                )


def dish_courses(
    keys: Mapping[str, Any], courses: Sequence[Course], grid: Grid
) -> Iterator[pd.DataFrame]:
    """Summarise the cells of one dish, whatever number of movies they are from.

    Parameters
    ----------
    keys
        ``condition``, ``dose``, ``dose_unit``, ``experiment`` and ``replicate`` of the dish.
    courses
        Of all its movies.
    grid
        The times.

    Yields
    ------
    pandas.DataFrame
        For each group, region and quantity one row per time with a cell: the keys, ``time_s``,
        ``value`` (median over cells; −inf or +inf where it lies beyond the range), ``n_cells``,
        ``n_below``, ``n_above``.
    """
    for kind in sorted({(c.group, c.region, c.quantity) for c in courses}):
        same = [c.ranked for c in courses if (c.group, c.region, c.quantity) == kind]
        ranked = np.concatenate(same)
        level = middle(ranked)
        n_cells = (~np.isnan(ranked)).sum(axis=0)
        table = pd.DataFrame(
            {
                **keys,
                **dict(zip(("group", "region", "quantity"), kind, strict=True)),
                "time_s": grid.time_s,
                "value": level,
                "n_cells": n_cells,
                "n_below": (ranked == -np.inf).sum(axis=0),
                "n_above": (ranked == np.inf).sum(axis=0),
            }
        )
        yield table[n_cells > 0]


def pool(courses: Sequence[pd.DataFrame], alpha: float) -> pd.DataFrame:
    """Pool the courses of all dishes; the columns are `zincflux.columns.COURSES`."""
    if not courses:
        return conform(pd.DataFrame(), COURSES, (), regions=True)
    parts = []
    every = pd.concat(courses, ignore_index=True)
    keys = [*ARM, "time_s"]
    for (quantity, region), own in every.groupby(["quantity", "region"], sort=True):
        rows = pool_courses(own, alpha).assign(quantity=str(quantity), region=str(region))
        sums = own.groupby(keys, dropna=False)[["n_cells", "n_below", "n_above"]].sum()
        shares = pd.DataFrame(
            {f"share_{side}": sums[f"n_{side}"] / sums["n_cells"] for side in ("below", "above")}
        )
        parts.append(rows.merge(shares.reset_index(), on=keys, how="left", validate="1:1"))
    return conform(pd.concat(parts, ignore_index=True), COURSES, (), regions=True)


def cell_courses(
    finished: Finished, wide: Wide, grid: Grid, start_s: float, chosen: pd.DataFrame
) -> pd.DataFrame:
    """Give the courses of chosen cells of one movie, one row per cell and time.

    Parameters
    ----------
    finished, wide
        The movie.
    grid
        The times.
    start_s
        Time in the movie that is 0 there.
    chosen
        ``cell_id``, ``region``, ``rank`` and the columns of the arm.
    """
    place = pd.MultiIndex.from_frame(finished.cells[["cell_id", "region"]])
    rows = place.get_indexer(pd.MultiIndex.from_frame(chosen[["cell_id", "region"]]))
    has_zinc = not np.isnan(wide.zinc_nM).all()
    quantity = "zinc_nM" if has_zinc else "f_f0"
    ranked = grid.put(wide.time_s - start_s, getattr(wide, quantity)[rows])
    number = np.repeat(np.arange(len(chosen)), grid.n)
    table = chosen.iloc[number].reset_index(drop=True)
    level = ranked.ravel()
    return table.assign(
        quantity=quantity,
        time_s=np.tile(grid.time_s, len(chosen)),
        value=np.where(np.isfinite(level), level, np.nan),
        beyond=sides(level),
    )


@dataclass(frozen=True)
class Protocol:
    """What was done in one movie, and when.

    Attributes
    ----------
    sample
        The movie.
    phases
        Its phases.
    start_s
        Time in the movie that is 0 in the courses, s.
    end_s
        Time of its last frame, s.
    """

    sample: str
    phases: Sequence[Phase]
    start_s: float
    end_s: float

    def differs(self, other: Self, step_s: float) -> bool:
        """Tell whether another movie was treated differently, or at other times.

        Times count from the alignment of each movie, and may differ by one step of the grid. Phases
        that are open to the end of both movies end alike.
        """
        if [(p.name, p.role) for p in self.phases] != [(p.name, p.role) for p in other.phases]:
            return True
        gaps_s = []
        for own, its in zip(self.phases, other.phases, strict=True):
            gaps_s.append((own.start_s - self.start_s) - (its.start_s - other.start_s))
            if own.end_s is not None or its.end_s is not None:
                gaps_s.append(self._end(own) - other._end(its))
        # A thousandth of a step allows for the rounding of stored times.
        return bool(np.any(np.abs(gaps_s) > 1.001 * step_s))

    def _end(self, phase: Phase) -> float:
        return (self.end_s if phase.end_s is None else phase.end_s) - self.start_s
