"""Long tables: a row per cell and frame."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from zincflux.errors import ExperimentError, ReaderError
from zincflux.grid import Grid
from zincflux.trace_tables.assemble import Axis, Found, assemble
from zincflux.trace_tables.background import background_words
from zincflux.trace_tables.choice import choose
from zincflux.trace_tables.clock import RowTimes, TimeAxis, axis_of, row_times
from zincflux.trace_tables.columns import ALL, hints_of, trace_headings
from zincflux.trace_tables.families import families_of
from zincflux.trace_tables.headings import Heading
from zincflux.trace_tables.layout import LongLayout
from zincflux.trace_tables.roles import Roles
from zincflux.trace_tables.settings import Kind, TableInput
from zincflux.trace_tables.table import FloatArray, Mapped, TraceTable
from zincflux.trace_tables.words import BACKGROUND, words_of


class RowCells(NamedTuple):
    """Name of each row's cell, the frames that ImageJ's labels give, and how it was found."""

    names: list[str]
    frames: FloatArray | None
    how: str


def read_long(grid: Grid, roles: Roles, settings: TableInput, kind: Kind | None) -> TraceTable:
    """Read a table with a row per cell and frame.

    Raises
    ------
    ReaderError
        If a cell is wrong, a row stands twice, or time does not increase.
    ExperimentError
        If the headers leave something open.
    """
    if settings.signal == ALL:
        raise ExperimentError(
            f"{grid.where}: expected the name of one column, since each row is a cell in a frame, "
            f"found signal = {ALL!r}. Name the column with table.signal."
        )
    column = 0 if roles.cell is None else roles.cell
    cells = _row_cells(grid, column, "its header" if settings.cell is None else "named")
    words = {word.lower() for word in background_words(settings)}
    regions = [name for name in dict.fromkeys(cells.names) if _is_region(name, words)]
    found = _found(grid, roles, settings, kind, words & {name.lower() for name in regions})
    times = row_times(grid, roles, settings, cells.frames, is_wide=False)
    axis = axis_of(grid, times)
    layout = _layout(grid, cells, regions, axis, times)
    mapping = (*times.mapping, Mapped("cell", (grid.header[column],), "", cells.how))
    return assemble(grid, found, layout, Axis(axis.time_s, times.start_s, mapping), settings)


def _row_cells(grid: Grid, column: int, how: str) -> RowCells:
    texts = grid.texts(column)
    names: list[str] = []
    for row, text in enumerate(texts):
        if not text and not names:
            raise grid.refuse(column, row, "the name of a cell", "Fill it in")
        names.append(text or names[-1])
    how += "" if all(texts) else ", repeated in the empty cells below"
    labels = [re.fullmatch(r".+:([^:]+):0*(\d+)", name) for name in names]
    parts = [label for label in labels if label is not None]
    if len(parts) < len(names):
        return RowCells(names, None, how)
    frames = np.array([float(part[2]) for part in parts])
    return RowCells([part[1] for part in parts], frames, "ImageJ's labels, file:region:frame")


def _is_region(name: str, words: set[str]) -> bool:
    """Whether a cell is background, as the settings or its name say."""
    parts = [word.text for word in words_of(name) if not word.text.isdigit()]
    return name.lower() in words or (bool(parts) and set(parts) <= BACKGROUND)


def _found(
    grid: Grid, roles: Roles, settings: TableInput, kind: Kind | None, regions: set[str]
) -> Found:
    used = roles.used | ({roles.row_number} if roles.row_number is not None else set())
    headings, ignored = trace_headings(grid, used, hints_of(settings, regions), is_wide=False)
    signals = [one for one in headings if one.quantity == "signal" and not one.is_background]
    if any(one.is_known for one in signals):
        headings = [one for one in headings if one not in signals or one.is_known]
    families = families_of(grid, _settled(headings))
    return Found(families, choose(families, settings, kind, grid.where), ignored)


def _settled(headings: Sequence[Heading]) -> list[Heading]:
    """Keep of columns of the same channel the one whose header says no more than that."""
    groups: dict[tuple[str, str, bool], list[Heading]] = {}
    for one in headings:
        groups.setdefault((one.quantity, one.channel, one.is_background), []).append(one)
    settled: list[Heading] = []
    for group in groups.values():
        plain = [one for one in group if not one.cell]
        if plain or len(group) == 1:
            settled += [replace(one, cell="") for one in plain or group]
        else:
            settled += [replace(one, cell="", channel=one.name.lower()) for one in group]
    return settled


def _layout(
    grid: Grid, cells: RowCells, regions: Sequence[str], axis: TimeAxis, times: RowTimes
) -> LongLayout:
    """Place each row by cell and frame, cells in the order of the table.

    Raises
    ------
    ReaderError
        If a cell stands twice in a frame.
    """
    names = [name for name in dict.fromkeys(cells.names) if name not in regions]
    numbers = {name: number for number, name in enumerate([*names, *regions])}
    cell = np.array([numbers[name] for name in cells.names], dtype=np.int64)
    n_frames = len(axis.time_s)
    place = cell * n_frames + axis.frame
    _, first, index = np.unique(place, return_index=True, return_inverse=True)
    twice = np.flatnonzero(first[index.reshape(-1)] != np.arange(len(place)))
    if len(twice):
        row = int(twice[0])
        raise ReaderError(
            f"{grid.where}, line {grid.lines[row]}: expected each cell once per frame, found "
            f"{cells.names[row]!r} in frame {times.frame[row]:g} a second time, after line "
            f"{grid.lines[int(first[index.reshape(-1)][row])]}. Remove one, or name the right "
            "columns with --map cell=COLUMN --map frame=COLUMN (table.cell, table.frame)."
        )
    return LongLayout(grid, cell, axis.frame, n_frames, names, len(regions))
