"""Which columns are time, frame and the name of the cell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zincflux.errors import ExperimentError
from zincflux.grid import Grid
from zincflux.trace_tables.settings import TableInput
from zincflux.trace_tables.table import FloatArray
from zincflux.trace_tables.words import (
    CELL_TIERS,
    FRAME,
    ROW_NUMBER,
    TIME,
    TIME_UNITS_S,
    plain,
    split_loose_unit,
    split_unit,
)


class TimeColumn(NamedTuple):
    """A column of times and the unit that its header names."""

    column: int
    unit: str | None
    is_clock: bool


class Roles(NamedTuple):
    """Columns that say when and which cell; None where there is none."""

    time: TimeColumn | None
    frame: int | None
    row_number: int | None
    cell: int | None
    others: frozenset[int]
    """Columns that might have had a role, but lost it to a better one."""

    @property
    def used(self) -> set[int]:
        """All columns that are no traces."""
        time = self.time.column if self.time else None
        own = {time, self.frame, self.row_number, self.cell}
        return {column for column in own | set(self.others) if column is not None}


def find_roles(grid: Grid, settings: TableInput) -> Roles:
    """Find time, frame, row number and cell, by what the settings name or by the headers.

    Raises
    ------
    ExperimentError
        If a named column does not exist, or two columns contradict each other.
    """
    times = _time_candidates(grid, settings)
    frames = _frame_candidates(grid, settings)
    cells = _cell_candidates(grid, settings)
    rows = [
        column
        for column, name in enumerate(grid.header)
        if plain(name) in ROW_NUMBER and _counts(grid, column)
    ]
    others = {one.column for one in times} | set(frames) | set(cells) | set(rows)
    return Roles(
        time=_agreed_time(grid, times),
        frame=_agreed_frame(grid, frames),
        row_number=rows[0] if rows else None,
        cell=cells[0] if cells else None,
        others=frozenset(others),
    )


def header_unit(name: str) -> tuple[str, str | None]:
    """Split a header of time into its words and its unit."""
    text, unit = split_unit(re.sub(r"[(\[]\s*(h+:)?m+:s+(\.\w+)?\s*[)\]]", "", name))
    if unit in TIME_UNITS_S:
        return plain(text), unit
    name = text
    loose, unit = split_loose_unit(name)
    return (plain(loose), unit) if unit in TIME_UNITS_S else (plain(name), None)


def filled_down(values: FloatArray) -> FloatArray:
    """Repeat each number in the gaps below it."""
    known = np.isfinite(values)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    return np.where(last >= 0, values[last], np.nan)


def is_mostly_numeric(grid: Grid, column: int) -> bool:
    """Whether at least half of what a column holds are numbers: then any other is an error."""
    return grid.share_of_numbers(column) >= 0.5


def _counts(grid: Grid, column: int) -> bool:
    """Whether a column numbers the rows."""
    if grid.share_of_numbers(column) < 1:
        return False
    return bool(np.all(np.diff(grid.numbers(column)) == 1))


def _time_candidates(grid: Grid, settings: TableInput) -> list[TimeColumn]:
    named = settings.time
    if named is not None:
        column = grid.column(named, f"--map time={named} (table.time)")
        return [TimeColumn(column, header_unit(named)[1], grid.clock_s(column) is not None)]
    found = []
    for column, name in enumerate(grid.header):
        words, unit = header_unit(name)
        if words not in TIME:
            continue
        is_clock = grid.clock_s(column) is not None
        if is_clock or is_mostly_numeric(grid, column):
            found.append(TimeColumn(column, unit, is_clock))
    full = [one for one in found if header_unit(grid.header[one.column])[0] != "t"]
    return full or found


def _agreed_time(grid: Grid, times: Sequence[TimeColumn]) -> TimeColumn | None:
    """Choose among columns of time: one with a unit; several must be the same time."""
    if not times:
        return None
    told = [one for one in times if one.unit is not None or one.is_clock] or list(times)
    first, *rest = told
    for other in rest:
        a, b = _elapsed_s(grid, first), _elapsed_s(grid, other)
        if not np.allclose(a, b, rtol=1e-3, atol=1e-3, equal_nan=True):
            raise ExperimentError(
                f"{grid.where}: expected one column of time, found "
                f"{grid.header[first.column]!r} and {grid.header[other.column]!r}, which differ. "
                "Name the right one with --map time=COLUMN (table.time)."
            )
    return first


def _elapsed_s(grid: Grid, time: TimeColumn) -> FloatArray:
    clock = grid.clock_s(time.column)
    if clock is not None:
        return np.asarray(clock - np.nanmin(clock))
    values = grid.numbers(time.column) * TIME_UNITS_S[time.unit or "s"]
    return np.asarray(values - np.nanmin(values))


def _frame_candidates(grid: Grid, settings: TableInput) -> list[int]:
    named = settings.frame
    if named is not None:
        return [grid.column(named, f"--map frame={named} (table.frame)")]
    found = []
    for words in FRAME:
        for column, name in enumerate(grid.header):
            if plain(name) == words and is_mostly_numeric(grid, column):
                found.append(column)
    return found


def _agreed_frame(grid: Grid, frames: Sequence[int]) -> int | None:
    """Choose among columns of frames: they must count the same, from wherever they start."""
    if not frames:
        return None
    first, *rest = frames
    for other in rest:
        apart = filled_down(grid.numbers(other)) - filled_down(grid.numbers(first))
        if len(np.unique(apart)) > 1:
            raise ExperimentError(
                f"{grid.where}: expected one column of frames, found {grid.header[first]!r} and "
                f"{grid.header[other]!r}, which disagree. Name the right one with --map "
                "frame=COLUMN (table.frame)."
            )
    return first


def _cell_candidates(grid: Grid, settings: TableInput) -> list[int]:
    """Columns that may name the cell, the best first.

    Raises
    ------
    ExperimentError
        If two of the same rank tell the rows apart in different ways.
    """
    if settings.layout == "wide":
        return []
    named = settings.cell
    if named is not None:
        return [grid.column(named, f"--map cell={named} (table.cell)")]
    ranked: list[int] = []
    for tier in CELL_TIERS:
        here = [
            column
            for column, name in enumerate(grid.header)
            if re.fullmatch(tier, plain(name)) and name and any(grid.texts(column))
        ]
        if not ranked and len(here) > 1 and not _tell_alike(grid, here):
            found = " and ".join(repr(grid.header[column]) for column in here)
            raise ExperimentError(
                f"{grid.where}: expected one column that names the cells, found {found}, which "
                "disagree. Name the right one with --map cell=COLUMN (table.cell)."
            )
        ranked += here
    return ranked


def _tell_alike(grid: Grid, columns: Sequence[int]) -> bool:
    """Whether columns tell the rows apart in the same way."""
    texts = [grid.texts(column) for column in columns]
    joined = set(zip(*texts, strict=True))
    return all(len(set(one)) == len(joined) for one in texts)
