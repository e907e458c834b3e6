"""File → grid → layout → TraceTable."""

from __future__ import annotations

from zincflux.errors import ExperimentError
from zincflux.grid import Grid, read_grid
from zincflux.trace_tables.columns import hints_of, trace_headings
from zincflux.trace_tables.long import read_long
from zincflux.trace_tables.roles import Roles, find_roles
from zincflux.trace_tables.settings import Kind, TableInput
from zincflux.trace_tables.table import TraceTable
from zincflux.trace_tables.wide import read_wide


def read_table(settings: TableInput, kind: Kind | None) -> TraceTable:
    """Read a table of traces; see `TableInput.read`."""
    grid = read_grid(settings.path, sheet=settings.sheet)
    roles = find_roles(grid, settings)
    layout = settings.layout or _layout(grid, roles, settings)
    if layout == "long":
        if roles.cell is None:
            raise ExperimentError(
                f"{grid.where}: expected a column that names the cells, found none among "
                f"{', '.join(filter(None, grid.header[:12]))}. Name it with --map cell=COLUMN "
                "(table.cell)."
            )
        return read_long(grid, roles, settings, kind)
    return read_wide(grid, roles, settings, kind)


def _layout(grid: Grid, roles: Roles, settings: TableInput) -> str:
    """Tell the layout: long where a column names cells, unless the headers number them."""
    if roles.cell is None:
        return "wide"
    if settings.cell is not None:
        return "long"
    headings, _ = trace_headings(grid, roles.used, hints_of(settings), is_wide=True)
    cells = [one.cell for one in headings if one.quantity == "signal" and one.is_known and one.cell]
    texts = grid.texts(roles.cell)
    is_each_once = len(set(texts)) == len(texts)
    return "wide" if len(set(cells)) > 1 and is_each_once else "long"
