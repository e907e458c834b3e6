"""Wide tables: a row per frame, columns per cell."""

from __future__ import annotations

from zincflux.grid import Grid
from zincflux.trace_tables.assemble import Axis, Found, assemble
from zincflux.trace_tables.background import background_words
from zincflux.trace_tables.choice import choose
from zincflux.trace_tables.clock import axis_of, check_wide_order, row_times
from zincflux.trace_tables.columns import ALL, hints_of, trace_headings
from zincflux.trace_tables.doubts import check_unused
from zincflux.trace_tables.families import are_channels_loose, each_a_cell, families_of, settle_wide
from zincflux.trace_tables.layout import WideLayout, same_cells
from zincflux.trace_tables.roles import Roles
from zincflux.trace_tables.settings import Kind, TableInput
from zincflux.trace_tables.table import Mapped, TraceTable


def read_wide(grid: Grid, roles: Roles, settings: TableInput, kind: Kind | None) -> TraceTable:
    """Read a table with a row per frame.

    Raises
    ------
    ReaderError
        If a cell is wrong, or time does not increase.
    ExperimentError
        If the headers leave something open.

    Warns
    -----
    MetadataWarning
        If a column that may be a cell is not used.
    """
    found, regions = _found(grid, roles, settings, kind)
    times = row_times(grid, roles, settings, is_wide=True)
    check_wide_order(grid, times)
    cells = same_cells(grid, {role: family for role, family, _ in found.choice.channels})
    check_unused(grid, found, settings)
    layout = WideLayout(grid, [name for name in cells if name.lower() not in regions], regions)
    mapping = (*times.mapping, Mapped("cell", (), "", "the headers"))
    axis = Axis(axis_of(grid, times).time_s, times.start_s, mapping)
    return assemble(grid, found, layout, axis, settings)


def _found(
    grid: Grid, roles: Roles, settings: TableInput, kind: Kind | None
) -> tuple[Found, set[str]]:
    words = {word.lower() for word in background_words(settings)}
    used = roles.used
    plain, _ = trace_headings(grid, used, hints_of(settings, words), is_wide=True)
    regions = words & {
        heading.cell.lower()
        for heading in plain
        if not heading.is_background and heading.cell != heading.name
    }
    loose = are_channels_loose(plain)
    is_all = settings.signal == ALL
    headings, ignored = trace_headings(
        grid,
        used,
        hints_of(settings, regions),
        is_wide=True,
        loose_channels=loose,
        keep_constant=is_all,
    )
    if is_all:
        headings = each_a_cell(headings)
    else:
        is_named = settings.signal is not None or settings.numerator is not None
        is_ratiometric = kind in ("ratio", "fret")
        headings = settle_wide(grid, headings, is_ratiometric=is_ratiometric, is_named=is_named)
    families = families_of(grid, headings)
    return Found(families, choose(families, settings, kind, grid.where), ignored), regions
