"""TraceTable: traces of cells as arrays, and how they were found in their file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Mapped:
    """What a column was taken for.

    Attributes
    ----------
    role
        Name of the key that would say so, such as ``"time"``; ``"ignored"`` for unused columns.
    columns
        Headers of the columns.
    unit
        Unit that its numbers were taken in; empty where it has none.
    how
        Why.
    """

    role: str
    columns: tuple[str, ...]
    unit: str
    how: str


@dataclass(frozen=True, eq=False)
class TraceTable:
    """Traces of n cells over T frames.

    Attributes
    ----------
    names
        Name of each cell as the table has it, n of them.
    cell_id
        Number of each cell, shape (n,): the number in its name where all names have one and no
        two the same, otherwise 1 … n.
    time_s
        Time since the first frame, s, shape (T,), increasing.
    start_s
        Time that the table gives for the first frame, s.
    channels
        Name of each channel: of the signal, of numerator and denominator, or ``"ratio"``.
    values
        Signals as the table has them, shape (C, n, T); NaN where it has none.
    background
        What is to be subtracted from `values`, shape (C, n, T); 0 where the table has none.
    is_ratio
        Whether `values` is a ready ratio, numerator over denominator.
    area_um2, x_um, y_um
        Area and centroid, µm² and µm, shape (n, T); NaN where the table has none.
    mapping
        What each column was taken for.
    """

    names: tuple[str, ...]
    cell_id: NDArray[np.int64]
    time_s: FloatArray
    start_s: float
    channels: tuple[str, ...]
    values: FloatArray
    background: FloatArray
    is_ratio: bool
    area_um2: FloatArray
    x_um: FloatArray
    y_um: FloatArray
    mapping: tuple[Mapped, ...]


def number_cells(names: Sequence[str]) -> NDArray[np.int64]:
    """Take the numbers in the names of cells, or count from 1 where two are the same.

    Examples
    --------
    >>> number_cells(["Cell 12", "Cell 7"]).tolist(), number_cells(["a", "b1"]).tolist()
    ([12, 7], [1, 2])
    """
    found = [re.fullmatch(r"\D*0*([1-9]\d{0,17})\D*", name) for name in names]
    numbers = [int(one[1]) for one in found if one]
    if len(set(numbers)) == len(names):
        return np.array(numbers, dtype=np.int64)
    return np.arange(1, len(names) + 1, dtype=np.int64)
