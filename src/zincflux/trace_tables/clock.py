"""Frames and times of the rows, and the time axis that they make."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.grid import Grid
from zincflux.trace_tables.roles import Roles, TimeColumn, filled_down
from zincflux.trace_tables.settings import TableInput
from zincflux.trace_tables.table import FloatArray, Mapped
from zincflux.trace_tables.words import TIME_UNITS_S


class RowTimes(NamedTuple):
    """When each row was measured.

    Attributes
    ----------
    frame
        Number of the frame, or the time where the table numbers none, shape (rows,).
    time_s
        Time of each row, s, shape (rows,).
    start_s
        Time of the first frame, s.
    mapping
        How it was found.
    """

    frame: FloatArray
    time_s: FloatArray
    start_s: float
    mapping: tuple[Mapped, ...]


class TimeAxis(NamedTuple):
    """Times of the frames since the first, s, shape (T,), and each row's frame, shape (rows,)."""

    time_s: FloatArray
    frame: NDArray[np.int64]


def row_times(
    grid: Grid,
    roles: Roles,
    settings: TableInput,
    label_frames: FloatArray | None = None,
    *,
    is_wide: bool,
) -> RowTimes:
    """Read the time and the frame of each row.

    A number that stands only in the first row of a block is repeated below it in a long table.

    Parameters
    ----------
    grid, roles, settings
        The table, its columns and what is named.
    label_frames
        Frames that ImageJ's labels name, where no column does.
    is_wide
        Whether each row is a frame.

    Raises
    ------
    ReaderError
        If a row has no time or frame, or a frame is no whole number.
    ExperimentError
        If nothing says when the frames were taken, or in which unit.

    Warns
    -----
    MetadataWarning
        If a setting overrides the table's times or their unit.
    """
    mapping: list[Mapped] = []
    frame = _frames(
        grid, roles, label_frames, mapping, is_wide=is_wide, is_named=settings.frame is not None
    )
    time_s = _times_s(grid, roles.time, settings, mapping, is_wide=is_wide)
    interval = settings.frame_interval_s
    if interval is not None:
        if roles.time is not None:
            warnings.warn(
                f"{grid.where}: the times in {grid.header[roles.time.column]!r} are replaced by "
                f"frames every {interval:g} s (table.frame_interval_s).",
                MetadataWarning,
                stacklevel=2,
            )
        if frame is None and time_s is not None:
            frame = np.unique(time_s, return_inverse=True)[1].astype(np.float64)
        if frame is None:
            frame = _row_order(grid, mapping, is_wide=is_wide)
        mapping.append(Mapped("frame_interval_s", (), "s", f"given: {interval:g} s"))
        return RowTimes(frame, (frame - np.nanmin(frame)) * interval, 0.0, tuple(mapping))
    if time_s is None:
        raise ExperimentError(
            f"{grid.where}: expected a column of time, found none among "
            f"{', '.join(filter(None, grid.header[:12]))}. Name it with --map time=COLUMN "
            "(table.time), or set table.frame_interval_s."
        )
    start = float(np.min(time_s))
    return RowTimes(time_s if frame is None else frame, time_s - start, start, tuple(mapping))


def axis_of(grid: Grid, times: RowTimes) -> TimeAxis:
    """Make the time axis: each frame once, in order.

    Raises
    ------
    ReaderError
        If a frame has two times, or time does not increase from frame to frame.
    """
    frames, first, index = np.unique(times.frame, return_index=True, return_inverse=True)
    axis = times.time_s[first]
    wrong = ~np.isclose(times.time_s, axis[index], rtol=1e-9, atol=1e-9)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ReaderError(
            f"{grid.where}, line {grid.lines[row]}: expected {axis[index[row]] + times.start_s:g} "
            f"s as in the other rows of frame {frames[index[row]]:g}, found "
            f"{times.time_s[row] + times.start_s:g} s. Correct it, or name the right columns with "
            "table.frame and table.time."
        )
    falls = np.flatnonzero(np.diff(axis) <= 0)
    if len(falls):
        row = int(first[falls[0] + 1])
        raise ReaderError(
            f"{grid.where}, line {grid.lines[row]}: expected a time after "
            f"{axis[falls[0]] + times.start_s:g} s, since frame {frames[falls[0] + 1]:g} comes "
            f"later, found {times.time_s[row] + times.start_s:g} s. Correct it, or name the right "
            "columns with table.frame and table.time."
        )
    return TimeAxis(axis - axis[0], index.reshape(-1))


def check_wide_order(grid: Grid, times: RowTimes) -> None:
    """Refuse a wide table whose rows do not follow each other in time.

    Raises
    ------
    ReaderError
        If a row is not later than the one above it.
    """
    for values, unit in ((times.frame, ""), (times.time_s + times.start_s, " s")):
        falls = np.flatnonzero(np.diff(values) <= 0)
        if len(falls):
            row = int(falls[0]) + 1
            raise ReaderError(
                f"{grid.where}, line {grid.lines[row]}: expected a time or frame after "
                f"{values[row - 1]:g}{unit}, found {values[row]:g}{unit}. Sort the rows; where "
                "they are of several cells, name these with --map cell=COLUMN (table.cell)."
            )


def _frames(
    grid: Grid,
    roles: Roles,
    label_frames: FloatArray | None,
    mapping: list[Mapped],
    *,
    is_wide: bool,
    is_named: bool,
) -> FloatArray | None:
    column = roles.frame
    if column is None and label_frames is not None:
        mapping.append(Mapped("frame", (), "", "the last number of ImageJ's labels"))
        return label_frames
    is_row_number = column is None and is_wide and roles.time is None
    column = roles.row_number if is_row_number else column
    if column is None:
        return None
    raw = grid.numbers(column)
    frame = raw if is_wide else filled_down(raw)
    for row in np.flatnonzero(~(frame == np.round(frame))):
        raise grid.refuse(column, int(row), "the number of a frame", "Correct it")
    how = "numbers the rows" if is_row_number else "named" if is_named else "its header"
    mapping.append(Mapped("frame", (grid.header[column],), "", how + _filled(raw, frame)))
    return frame


def _times_s(
    grid: Grid,
    time: TimeColumn | None,
    settings: TableInput,
    mapping: list[Mapped],
    *,
    is_wide: bool,
) -> FloatArray | None:
    if time is None:
        return None
    header = grid.header[time.column]
    raw, unit = grid.clock_s(time.column), "h:mm:ss"
    if raw is None:
        unit = _unit(grid, time, settings)
        raw = grid.numbers(time.column) * TIME_UNITS_S[unit]
    time_s = raw if is_wide else filled_down(raw)
    for row in np.flatnonzero(~np.isfinite(time_s)):
        raise grid.refuse(time.column, int(row), "a time", "Fill it in, or remove the row")
    how = "named" if settings.time is not None else "its header"
    if settings.frame_interval_s is None:
        mapping.append(Mapped("time", (header,), unit, how + _filled(raw, time_s)))
    return time_s


def _unit(grid: Grid, time: TimeColumn, settings: TableInput) -> str:
    header = grid.header[time.column]
    if settings.time_unit is not None and time.unit not in (None, settings.time_unit):
        warnings.warn(
            f"{grid.where}: the unit of {header!r} is replaced by {settings.time_unit} "
            "(table.time_unit).",
            MetadataWarning,
            stacklevel=2,
        )
    unit = settings.time_unit or time.unit
    if unit is None and settings.frame_interval_s is not None:
        return "s"
    if unit is None:
        raise ExperimentError(
            f"{grid.where}: expected the unit of the time in the header, such as 'Time (s)', found "
            f"{header!r}. Name it there or with --map time_unit=s (table.time_unit)."
        )
    return unit


def _row_order(grid: Grid, mapping: list[Mapped], *, is_wide: bool) -> FloatArray:
    if not is_wide:
        raise ExperimentError(
            f"{grid.where}: expected a column of frames or times in a table with a row per cell "
            f"and frame, found none among {', '.join(filter(None, grid.header[:12]))}. Name it "
            "with --map frame=COLUMN (table.frame)."
        )
    mapping.append(Mapped("frame", (), "", "the order of the rows"))
    return np.arange(len(grid.rows), dtype=np.float64)


def _filled(raw: FloatArray, full: FloatArray) -> str:
    return (
        ", repeated in the empty cells below" if np.isnan(raw).sum() > np.isnan(full).sum() else ""
    )
