"""Layout: where the numbers of a family stand, by cell and frame."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import ExperimentError
from zincflux.grid import Grid
from zincflux.trace_tables.families import Family
from zincflux.trace_tables.table import FloatArray


class Layout(Protocol):
    """A table's way from families to arrays."""

    @property
    def names(self) -> Sequence[str]:
        """Name of each cell, n of them."""
        ...

    def block(self, family: Family) -> FloatArray:
        """Numbers of one family, shape (n, T); NaN where it has none."""
        ...

    def region(self, family: Family) -> FloatArray | None:
        """Numbers of the region of the background in one family, shape (T,)."""
        ...


@dataclass(frozen=True, eq=False)
class WideLayout:
    """Each row is a frame, each cell has a column per family."""

    grid: Grid
    names: Sequence[str]
    regions: Collection[str]

    def block(self, family: Family) -> FloatArray:
        """Numbers of one family; of one without cells the same for every cell."""
        cells = family.cells
        if len(cells) == 1 and (family.is_background or len(self.names) == 1):
            only = next(iter(cells.values()))
            return np.tile(self.grid.numbers(only.column), (len(self.names), 1))
        empty = np.full(len(self.grid.rows), np.nan)
        return np.array(
            [
                self.grid.numbers(cells[name].column) if name in cells else empty
                for name in self.names
            ]
        )

    def region(self, family: Family) -> FloatArray | None:
        """Numbers of the named region."""
        found = [heading for name, heading in family.cells.items() if name.lower() in self.regions]
        return _mean([self.grid.numbers(heading.column) for heading in found])


@dataclass(frozen=True, eq=False)
class LongLayout:
    """Each row is a cell in a frame.

    Attributes
    ----------
    cell
        Number of each row's cell, from 0, shape (rows,); those of regions come last.
    frame
        Number of each row's frame, from 0, shape (rows,).
    n_frames
        Number of frames T.
    names
        Name of each cell.
    n_regions
        Number of regions of background.
    """

    grid: Grid
    cell: NDArray[np.int64]
    frame: NDArray[np.int64]
    n_frames: int
    names: Sequence[str]
    n_regions: int

    def block(self, family: Family) -> FloatArray:
        """Numbers of one family."""
        return self._all(family)[: len(self.names)]

    def region(self, family: Family) -> FloatArray | None:
        """Numbers of the regions, their mean."""
        return _mean(list(self._all(family)[len(self.names) :]))

    def _all(self, family: Family) -> FloatArray:
        values = np.full((len(self.names) + self.n_regions, self.n_frames), np.nan)
        only = next(iter(family.cells.values()))
        values[self.cell, self.frame] = self.grid.numbers(only.column)
        return values


def same_cells(grid: Grid, families: Mapping[str, Family]) -> list[str]:
    """Names of the cells, which all channels must have.

    Raises
    ------
    ExperimentError
        If a cell is missing in a channel.
    """
    first, *rest = families
    names = list(families[first].cells)
    for other in rest:
        apart = set(names) ^ set(families[other].cells)
        if apart:
            name = sorted(apart)[0]
            lacking = other if name in names else first
            raise ExperimentError(
                f"{grid.where}: expected a column of every cell in both channels, found no "
                f"{lacking} of {name!r}. Add it, or remove the other."
            )
    return names


def _mean(traces: Sequence[FloatArray]) -> FloatArray | None:
    if not traces:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a frame without any is NaN
        return np.asarray(np.nanmean(np.array(traces), axis=0))
