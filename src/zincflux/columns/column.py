"""A column, and how a table gets exactly its columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

Dtype = Literal["int64", "Int64", "float64", "string", "bool"]

CHANNEL = "<channel>"
"""Stands for the name of a channel in the columns that exist once per channel."""


@dataclass(frozen=True)
class Column:
    """One column of a result table.

    Attributes
    ----------
    name
        Name as written in the table; ``<channel>`` stands for each channel's name.
    dtype
        pandas dtype.
    unit
        Unit of the numbers; empty for names, counts and ratios.
    meaning
        What the number is.
    """

    name: str
    dtype: Dtype
    unit: str
    meaning: str


OF_REGIONS = ("region", "nucleus_over_cytosol")
"""Columns that only tables of several regions have."""


def expand(table: Iterable[Column], channels: Sequence[str]) -> list[Column]:
    """Give the columns of a table for the channels of a movie, in order.

    The columns that exist once per channel are grouped by channel.
    """
    result: list[Column] = []
    group: list[Column] = []
    for column in (*table, None):
        if column is not None and CHANNEL in column.name:
            group.append(column)
            continue
        for channel in channels if group else ():
            result += [
                Column(c.name.replace(CHANNEL, channel), c.dtype, c.unit, c.meaning) for c in group
            ]
        group = []
        if column is not None:
            result.append(column)
    return result


def conform(
    rows: pd.DataFrame | Mapping[str, Any],
    table: Iterable[Column],
    channels: Sequence[str],
    *,
    regions: bool = False,
) -> pd.DataFrame:
    """Give a table exactly its columns, in order and with their dtypes.

    Parameters
    ----------
    rows
        The data: a table, or arrays of one length by name; a column that is absent becomes empty
        (NaN, "" or False).
    table
        One of `zincflux.columns.TABLES`.
    channels
        Channel names of the movie.
    regions
        Whether several regions were measured: only then the table has the columns `OF_REGIONS`.
    """
    import numpy as np
    import pandas as pd

    blank = {"float64": np.nan, "string": "", "bool": False, "int64": 0, "Int64": pd.NA}
    n = len(next(iter(rows.values()), ())) if isinstance(rows, Mapping) else len(rows)
    index = pd.RangeIndex(n)
    data: dict[str, Any] = {}
    for column in expand(table, channels):
        if column.name in OF_REGIONS and not regions:
            continue
        dtype = "object" if column.dtype == "string" else column.dtype
        values = rows[column.name] if column.name in rows else [blank[column.dtype]] * n
        if isinstance(values, pd.Series):
            data[column.name] = values.set_axis(index).astype(dtype)
        elif isinstance(values, np.ndarray) and values.dtype == dtype and dtype != "object":
            data[column.name] = values
        else:
            # With its dtype given, pandas does not look through all texts to find one.
            data[column.name] = pd.Series(values, index=index, dtype=dtype, copy=False)
    return pd.DataFrame(data, index=index, copy=False)
