"""Families in a layout → TraceTable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zincflux.grid import Grid
from zincflux.trace_tables.background import background_of
from zincflux.trace_tables.choice import Choice, named
from zincflux.trace_tables.columns import Ignored, length_factor, mapped_ignored
from zincflux.trace_tables.families import Family
from zincflux.trace_tables.layout import Layout
from zincflux.trace_tables.settings import TableInput
from zincflux.trace_tables.table import FloatArray, Mapped, TraceTable, number_cells


class Found(NamedTuple):
    """What was found in a table: families, channels among them, and columns without use."""

    families: Sequence[Family]
    choice: Choice
    ignored: Sequence[Ignored]


class Axis(NamedTuple):
    """Time axis, and how times, frames and cells were found."""

    time_s: FloatArray
    start_s: float
    mapping: tuple[Mapped, ...]


def assemble(
    grid: Grid, found: Found, layout: Layout, axis: Axis, settings: TableInput
) -> TraceTable:
    """Put the arrays together.

    Raises
    ------
    ReaderError
        If a cell of the table is no number.
    ExperimentError
        If a background or the unit of a length is not known.
    """
    choice = found.choice
    values = np.array([layout.block(family) for _, family, _ in choice.channels])
    mapping = [*axis.mapping, *_mapped_channels(choice)]
    background = _backgrounds(grid, found, layout, settings, mapping, values.shape)
    places = {
        key: _place(grid, found.families, layout, settings, key, mapping)
        for key in ("area", "x", "y")
    }
    blank = np.full(values.shape[1:], np.nan)
    used = {name for one in mapping for name in one.columns}
    mapping += mapped_ignored(grid, found.ignored, used)
    names = tuple(name or str(number) for number, name in enumerate(layout.names, start=1))
    return TraceTable(
        names=names,
        cell_id=number_cells(names),
        time_s=axis.time_s,
        start_s=axis.start_s,
        channels=choice.names,
        values=_turned(values) if choice.is_inverted else values,
        background=background,
        is_ratio=choice.is_ratio,
        area_um2=blank if places["area"] is None else places["area"],
        x_um=blank if places["x"] is None else places["x"],
        y_um=blank if places["y"] is None else places["y"],
        mapping=tuple(mapping),
    )


def _mapped_channels(choice: Choice) -> list[Mapped]:
    turned = ", 1/ratio is taken" if choice.is_inverted else ""
    return [Mapped(role, family.headers, "", how + turned) for role, family, how in choice.channels]


def _backgrounds(
    grid: Grid,
    found: Found,
    layout: Layout,
    settings: TableInput,
    mapping: list[Mapped],
    shape: tuple[int, ...],
) -> FloatArray:
    background = np.zeros(shape)
    if found.choice.is_ratio:
        return background
    for number, channel in enumerate(found.choice.channels):
        level, mapped = background_of(channel, found.families, layout, settings, grid.where)
        background[number] = level
        mapping += [mapped] if mapped else []
    return background


def _place(
    grid: Grid,
    families: Sequence[Family],
    layout: Layout,
    settings: TableInput,
    key: str,
    mapping: list[Mapped],
) -> FloatArray | None:
    """Area or a coordinate of the centroids in µm² or µm, shape (n, T)."""
    word = getattr(settings, key)
    usable = [one for one in families if one.quantity == key and not one.is_background]
    family = named(usable, word) if word else _fullest(usable, layout.names)
    if family is None:
        return None
    first = next(iter(family.cells.values()))
    factor, unit = length_factor(grid, first, settings, key)
    if np.isnan(factor):
        mapping.append(Mapped("ignored", family.headers, "", f"{key} without {unit}"))
        return None
    how = "named" if word else "the header says so"
    squared = key == "area"
    mapping.append(Mapped(key, family.headers, unit + "²" if squared else unit, how))
    return np.asarray(layout.block(family) * (factor**2 if squared else factor))


def _fullest(families: Sequence[Family], names: Sequence[str]) -> Family | None:
    """Find the family that has most of the cells; of equals one without a channel's name."""

    def rank(family: Family) -> tuple[int, bool]:
        return sum(name in family.cells for name in names), not family.channel

    return max(families, key=rank, default=None)


def _turned(values: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.where(values == 0, np.nan, 1 / values)
