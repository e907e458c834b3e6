"""Titration table: concentrations and signals, as plate readers and spreadsheets give them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from zincflux.errors import ExperimentError, ReaderError
from zincflux.grid import Grid, read_grid
from zincflux.movie import FloatArray
from zincflux.settings import Settings

UNITS_NM = {"pM": 1e-3, "nM": 1.0, "µM": 1e3, "uM": 1e3, "mM": 1e6, "M": 1e9}

# Both letters µ (U+00B5 and U+03BC) occur in exported headers.
_UNIT = re.compile(r"(?:^|[\s(\[_/,])([pnuµμm]?M)[)\]]?\s*$")
_REPLICATE = ("replicate", "rep", "run", "well")


class TitrationTable(Settings):
    """What of a titration's table its header does not say."""

    unit: Literal["pM", "nM", "µM", "uM", "mM", "M"] | None = Field(
        default=None, description="Unit of the concentrations, where the header names none"
    )
    buffer: tuple[str, ...] = Field(
        default=(),
        description="Columns of wells without indicator, subtracted from the signal (their mean); "
        "with numerator and denominator: one for each, in this order",
    )
    numerator: tuple[str, ...] = Field(
        default=(), description="Columns that are divided by the denominator's, one per replicate"
    )
    denominator: tuple[str, ...] = Field(
        default=(), description="Columns to divide by, one per replicate"
    )
    volume: str | None = Field(
        default=None, description="Column of the volume added before each row is read"
    )
    volume_start: float | None = Field(
        default=None,
        gt=0,
        description="Volume before the first addition, in the unit of the column volume; the "
        "first row of that column if not given",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.numerator) != len(self.denominator):
            raise ValueError(
                f"numerator and denominator: expected as many columns for one as for the other, "
                f"found {len(self.numerator)} and {len(self.denominator)}. Give both per replicate"
            )
        if self.numerator and len(self.buffer) not in (0, 2):
            raise ValueError(
                "buffer: with numerator and denominator expected two columns, one for each, found "
                f"{len(self.buffer)}. Give both or none"
            )
        if self.volume_start is not None and self.volume is None:
            raise ValueError(
                "volume_start: is of no use without the added volumes. Name their column with "
                "volume"
            )
        return self


@dataclass(frozen=True, eq=False)
class Titration:
    """Points of a titration.

    Attributes
    ----------
    concentration_nM
        Free or total metal, nM, shape (m,).
    signal
        Signal or ratio, after buffer and dilution, shape (m,).
    replicate
        Number of the replicate of each point, from 0, shape (m,).
    line
        Line of each point in the file, from 1, shape (m,).
    dilution
        Volume over the volume at the start, shape (m,); 1 where nothing was added.
    denominator
        Denominator of each ratio, corrected like a signal, shape (m,); NaN where not known.
    names
        Name of each replicate.
    source
        Name of the file.
    """

    concentration_nM: FloatArray
    signal: FloatArray
    replicate: NDArray[np.int64]
    line: NDArray[np.int64]
    dilution: FloatArray
    denominator: FloatArray
    names: tuple[str, ...]
    source: str = ""

    @classmethod
    def of(cls, concentration_nM: Sequence[float] | FloatArray, signal: FloatArray) -> Self:
        """Make a titration from arrays: signals of shape (m,) or, of r replicates, (m, r)."""
        signals = np.asarray(signal, dtype=np.float64)
        columns = signals.reshape(len(signals), -1)
        n_rows, n_replicates = columns.shape
        rows = np.repeat(np.arange(n_rows), n_replicates)
        one = np.ones(columns.size)
        return cls(
            concentration_nM=np.asarray(concentration_nM, dtype=np.float64)[rows],
            signal=columns.ravel(),
            replicate=np.tile(np.arange(n_replicates), n_rows),
            line=rows + 2,
            dilution=one,
            denominator=np.full(columns.size, np.nan),
            names=tuple(f"rep {number + 1}" for number in range(n_replicates)),
        )

    def describe(self, point: int) -> str:
        """Name one point by line, replicate and concentration."""
        place = f"line {self.line[point]}, {self.names[self.replicate[point]]}"
        return f"{place} ({self.concentration_nM[point]:g} nM)"


class _Series(NamedTuple):
    """Columns that make one replicate."""

    x: int
    signal: int
    denominator: int | None
    name: str


def read_titration(
    path: str | os.PathLike[str], settings: TitrationTable | None = None
) -> Titration:
    """Read a titration from a CSV, TSV, XLSX or Parquet file.

    The first line is the header; lines of remarks above it are skipped. The concentration stands
    in the first column, and in every other whose header is the same or names a unit; each further
    column is a replicate and belongs to the concentrations to its left. A column named replicate,
    run or well splits long tables. In text, fields are separated by tab, semicolon or comma;
    numbers may have a decimal comma except where the comma separates. Empty cells are skipped.

    Raises
    ------
    ReaderError
        If the file cannot be read, or a cell is not a number.
    ExperimentError
        If the unit is not known, or a column does not exist.
    """
    chosen = TitrationTable() if settings is None else settings
    grid = read_grid(path)
    series = _series(grid, chosen)
    dilution = _dilution(grid, chosen)
    blank = _blank(grid, chosen)
    parts = [_points(grid, one, chosen, dilution, blank) for one in series]
    columns = [np.concatenate(values) for values in zip(*parts, strict=True)]
    x, signal, denominator, line, factor = columns
    if not len(x):
        raise ReaderError(f"{grid.where}: expected rows of numbers below the header, found none.")
    number = np.repeat(np.arange(len(series)), [len(part[0]) for part in parts])
    names = tuple(one.name for one in series)
    split = _column_of(grid, _REPLICATE)
    if split is not None:
        number, names = _split(grid, split, line, number, names)
    return Titration(
        concentration_nM=x,
        signal=signal,
        replicate=number.astype(np.int64),
        line=line.astype(np.int64),
        dilution=factor,
        denominator=denominator,
        names=names,
        source=Path(path).name,
    )


def _column_of(grid: Grid, names: Sequence[str]) -> int | None:
    lowered = [name.lower() for name in grid.header]
    return next((lowered.index(name) for name in names if name in lowered), None)


def _series(grid: Grid, settings: TitrationTable) -> list[_Series]:
    if settings.numerator:
        pairs = zip(settings.numerator, settings.denominator, strict=True)
        return [
            _Series(
                0, grid.column(top, "--numerator"), grid.column(below, "--denominator"), f"{top}"
            )
            for top, below in pairs
        ]
    special = {grid.column(name, "--buffer") for name in settings.buffer}
    special |= {grid.column(settings.volume, "--volume")} if settings.volume else set()
    special |= {_column_of(grid, _REPLICATE)} - {None}  # type: ignore[arg-type]
    series, x = [], 0
    for column, name in enumerate(grid.header):
        if column == 0 or name == grid.header[0] or _UNIT.search(name):
            x = column
        elif column not in special and name:
            series.append(_Series(x, column, None, name))
    if not series:
        raise ReaderError(
            f"{grid.where}: expected a column of signals beside the concentrations, found none in "
            f"{', '.join(filter(None, grid.header))}."
        )
    return series


def _factor_nM(grid: Grid, column: int, settings: TitrationTable) -> float:
    if settings.unit is not None:
        return UNITS_NM[settings.unit]
    found = _UNIT.search(grid.header[column])
    if found is None:
        raise ExperimentError(
            f"{grid.where}: expected the unit of the concentrations in the header, such as "
            f"'zinc (nM)', found {grid.header[column]!r}. Name it there or with --unit."
        )
    return UNITS_NM[found[1].replace("μ", "µ")]


def _dilution(grid: Grid, settings: TitrationTable) -> FloatArray:
    """Volume at each row over the volume at the start."""
    if settings.volume is None:
        return np.ones(len(grid.rows))
    added = np.nan_to_num(grid.numbers(grid.column(settings.volume, "--volume")))
    total = np.cumsum(added)
    start = total[0] if settings.volume_start is None else settings.volume_start
    if settings.volume_start is not None:
        total = total + start
    if start <= 0 or (added < 0).any():
        raise ExperimentError(
            f"{grid.where}: expected volumes that are added, and in the first row of "
            f"{settings.volume!r} the volume at the start, found {added[0]:g} there and "
            f"{added.min():g} as the lowest. Correct the column, or set --volume-start."
        )
    return np.asarray(total / start)


def _blank(grid: Grid, settings: TitrationTable) -> tuple[FloatArray, FloatArray]:
    """Read the wells without indicator: at the signal, and at the denominator."""
    values = [grid.numbers(grid.column(name, "--buffer")) for name in settings.buffer]
    if not values:
        return np.zeros(len(grid.rows)), np.zeros(len(grid.rows))
    if settings.numerator:
        return values[0], values[1]
    both = np.array(values)
    known = np.isfinite(both)
    with np.errstate(invalid="ignore"):
        mean = np.where(known, both, 0).sum(axis=0) / known.sum(axis=0)
    return mean, mean


def _points(
    grid: Grid,
    one: _Series,
    settings: TitrationTable,
    dilution: FloatArray,
    blank: tuple[FloatArray, FloatArray],
) -> tuple[FloatArray, ...]:
    """Concentration, signal, denominator, line and dilution of one replicate's points."""
    x = grid.numbers(one.x) * _factor_nM(grid, one.x, settings)
    signal = grid.numbers(one.signal)
    filled = np.isfinite(signal)
    for index in np.flatnonzero(filled & ~(np.isfinite(x) & (x >= 0))):
        raise ReaderError(
            f"{grid.where}, line {grid.lines[index]}: expected a concentration of 0 or more "
            f"beside the signal in {one.name!r}, found {x[index]:g}. Correct it, or leave the "
            "signal's cell empty."
        )
    signal = signal - blank[0]
    below = np.full(len(x), np.nan)
    if one.denominator is None:
        signal = signal if settings.volume is None else signal * dilution
    else:
        below = (grid.numbers(one.denominator) - blank[1]) * dilution
        with np.errstate(divide="ignore", invalid="ignore"):
            signal = np.where(below > 0, signal * dilution / below, np.nan)
    for index in np.flatnonzero(filled & ~np.isfinite(signal)):
        raise ReaderError(
            f"{grid.where}, line {grid.lines[index]}: expected a buffer well, and of a ratio a "
            f"denominator above its buffer, beside {one.name!r}; found none. Fill it in, or leave "
            "the signal's cell empty."
        )
    lines = np.asarray(grid.lines, dtype=np.float64)
    return x[filled], signal[filled], below[filled], lines[filled], dilution[filled]


def _split(
    grid: Grid, column: int, line: FloatArray, number: NDArray[np.int64], names: tuple[str, ...]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Tell replicates apart by what stands in a column of a long table."""
    label = dict(zip(grid.lines, grid.texts(column), strict=True))
    word = grid.header[column]
    full = [
        f"{word} {label[int(at)]}" + (f", {names[index]}" if len(names) > 1 else "")
        for at, index in zip(line, number, strict=True)
    ]
    known = list(dict.fromkeys(full))
    return np.array([known.index(name) for name in full], dtype=np.int64), tuple(known)
