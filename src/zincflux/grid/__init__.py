"""Grid: a table of any spreadsheet program, its cells not yet understood."""

from zincflux.grid.cells import Cell
from zincflux.grid.grid import Grid, read_grid

__all__ = ["Cell", "Grid", "read_grid"]
