"""Columns of a wide table that are not taken for cells, but may be cells all the same."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Sequence

from zincflux.errors import ExperimentError, MetadataWarning
from zincflux.grid import Grid
from zincflux.trace_tables.assemble import Found
from zincflux.trace_tables.columns import ALL, CONSTANT, is_constant
from zincflux.trace_tables.families import Family
from zincflux.trace_tables.headings import Heading
from zincflux.trace_tables.settings import TableInput
from zincflux.trace_tables.words import GEOMETRY, MEAN, words_of


def check_unused(grid: Grid, found: Found, settings: TableInput) -> None:
    """Let no column that may be a cell be dropped in silence.

    Raises
    ------
    ExperimentError
        If columns headed as places or areas, such as "Cell X", are of none of the cells.

    Warns
    -----
    MetadataWarning
        If such columns are not like the signal's, or a column with a cell's header is constant.
    """
    signals = [one for _, family, _ in found.choice.channels for one in family.cells.values()]
    doubtful = [
        one
        for family in found.families
        if _is_doubtful(family, signals, settings)
        for one in family.cells.values()
        if one.unit not in ("um", "px") and _may_be_named(one, settings)
    ]
    cells = [one for one in doubtful if _is_like(grid, one, signals)]
    if cells:
        keys = sorted({one.quantity for one in cells})
        raise ExperimentError(
            f"{grid.where}: expected places and areas of the cells, found {_listed(cells)} beside "
            f"{_listed(signals)}: as places they belong to none of these, and they may be cells. "
            "If every column is a cell write --map 'signal=*' (table.signal); if they are places "
            f"confirm it with {' '.join(f'--map {key}=COLUMN' for key in keys)} "
            f"({', '.join(f'table.{key}' for key in keys)}) and table.length_unit, or rename them."
        )
    unused = [one.name for one in doubtful] + list(_constant_cells(grid, found, signals))
    if unused:
        warnings.warn(
            f"{grid.where}: {', '.join(map(repr, unused))} may be headed as a cell, but is not "
            "used: expected numbers that change, or a header like the others'. Write --map "
            "'signal=*' (table.signal) if every column is a cell.",
            MetadataWarning,
            stacklevel=2,
        )


def _is_doubtful(family: Family, signals: Sequence[Heading], settings: TableInput) -> bool:
    """Whether a family of places has no cell in common with the signals, and no key names it."""
    if family.quantity not in GEOMETRY or family.is_background:
        return False
    names = {one.cell for one in signals}
    if getattr(settings, family.quantity) is not None or _has_any(family, signals):
        return False
    is_told = settings.signal is None and all(one.is_known for one in signals)
    is_sure = settings.length_unit is not None or (is_told and not family.channel)
    return not (is_sure and len(names) == len(family.cells) == 1)


def _has_any(family: Family, signals: Sequence[Heading]) -> bool:
    return any(one.cell in family.cells or one.name in family.cells for one in signals)


def _may_be_named(heading: Heading, settings: TableInput) -> bool:
    """Whether a header has the word that names the signals, where one does."""
    named = [settings.signal, settings.numerator, settings.denominator]
    words = [_texts(word) for word in named if word is not None and word != ALL]
    return not words or any(one <= _texts(heading.name) for one in words)


def _is_like(grid: Grid, heading: Heading, signals: Sequence[Heading]) -> bool:
    """Whether a column changes, and its header has a measure where those of all signals have."""
    if is_constant(grid, heading.column):
        return False
    are_measures = all(_texts(one.name) & MEAN for one in signals)
    return not are_measures or bool(_texts(heading.name) & MEAN)


def _constant_cells(grid: Grid, found: Found, signals: Sequence[Heading]) -> Iterator[str]:
    """Find headers of constant columns: any where cells have any name, else those alike."""
    is_any = not all(one.is_known for one in signals)
    common = {word for one in signals for word in _texts(one.name) if not word[0].isdigit()}
    for column, why in found.ignored:
        name = grid.header[column]
        if why == CONSTANT and (is_any or _texts(name) & common):
            yield name


def _texts(name: str) -> set[str]:
    return {word.text for word in words_of(name)}


def _listed(headings: Collection[Heading]) -> str:
    names = [repr(one.name) for one in headings]
    return ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
