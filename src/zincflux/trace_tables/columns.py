"""Which columns are traces: numbers that have no other role; and what the settings name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np

from zincflux.errors import ExperimentError
from zincflux.grid import Grid
from zincflux.trace_tables.headings import Heading, Hint, read_heading
from zincflux.trace_tables.roles import is_mostly_numeric
from zincflux.trace_tables.settings import TableInput
from zincflux.trace_tables.table import Mapped

ALL = "*"
"""What the settings write for signal where every column of numbers is a cell's trace."""

CONSTANT = "constant"
"""Why a column is not used whose numbers are all the same."""

HINTED = {
    "signal": Hint("signal"),
    "numerator": Hint("signal"),
    "denominator": Hint("signal"),
    "background": Hint("signal", is_background=True),
    "numerator_background": Hint("signal", is_background=True),
    "denominator_background": Hint("signal", is_background=True),
    "area": Hint("area"),
    "x": Hint("x"),
    "y": Hint("y"),
}


class Ignored(NamedTuple):
    """A column that is not used, and why."""

    column: int
    why: str


def hints_of(settings: TableInput, regions: Collection[str] = ()) -> dict[str, Hint]:
    """Words that the settings name, longest first; without those that name a region."""
    words = {getattr(settings, key): hint for key, hint in HINTED.items()}
    known = [word for word in words if word not in (None, ALL) and word.lower() not in regions]
    return {word: words[word] for word in sorted(known, key=len, reverse=True)}


def trace_headings(
    grid: Grid,
    used: Collection[int],
    hints: dict[str, Hint],
    *,
    is_wide: bool,
    loose_channels: bool = True,
    keep_constant: bool = False,
) -> tuple[list[Heading], list[Ignored]]:
    """Take apart the headers of all columns of numbers that have no other role."""
    headings: list[Heading] = []
    ignored: list[Ignored] = []
    for column, name in enumerate(grid.header):
        if column in used:
            continue
        heading = read_heading(column, name, hints, is_wide=is_wide, loose_channels=loose_channels)
        why = _useless(grid, heading)
        if why and not (keep_constant and why == CONSTANT):
            ignored.append(Ignored(column, why))
        else:
            headings.append(heading)
    return headings, ignored


def _useless(grid: Grid, heading: Heading) -> str:
    if not heading.name:
        return "no header"
    if not grid.distinct(heading.column):
        return "empty"
    if not is_mostly_numeric(grid, heading.column):
        return "text"
    return CONSTANT if not heading.is_known and is_constant(grid, heading.column) else ""


def is_constant(grid: Grid, column: int) -> bool:
    """Whether a column's numbers are all the same; two equal ones may be a trace."""
    return len(grid.distinct(column)) == 1 and sum(map(bool, grid.texts(column))) > 2


def length_factor(
    grid: Grid, heading: Heading, settings: TableInput, key: str
) -> tuple[float, str]:
    """Factor from a column of lengths to µm, NaN where it is not known, and the unit.

    Raises
    ------
    ExperimentError
        If the column is named by a setting, and its unit or the size of a pixel is not known.
    """
    unit = settings.length_unit or heading.unit
    if unit == "um":
        return 1.0, "µm"
    if unit == "px" and settings.pixel_size_um is not None:
        return settings.pixel_size_um, "px"
    missing = "table.length_unit" if unit is None else "table.pixel_size_um"
    if getattr(settings, key) is not None:
        raise ExperimentError(
            f"{grid.where}: expected {missing} for the {key} in {heading.name!r}, found none. Set "
            "it, or remove the key."
        )
    return np.nan, missing


def mapped_ignored(
    grid: Grid, ignored: Collection[Ignored], used: Collection[str]
) -> Iterator[Mapped]:
    """List every column whose header has no use, and why."""
    reasons = {one.column: one.why for one in ignored}
    grouped: dict[str, list[str]] = {}
    for column, name in enumerate(grid.header):
        if name not in used:
            why = reasons.get(column, "not needed")
            grouped.setdefault(why, []).append(name or f"(column {column + 1})")
    for why, names in grouped.items():
        yield Mapped("ignored", tuple(names), "", why)
