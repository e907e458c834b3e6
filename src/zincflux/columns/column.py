"""A column, and how a table gets exactly its columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

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
    rows: pd.DataFrame, table: Iterable[Column], channels: Sequence[str], *, regions: bool = False
) -> pd.DataFrame:
    """Give a table exactly its columns, in order and with their dtypes.

    Parameters
    ----------
    rows
        The data; a column that is absent becomes empty (NaN, "" or False).
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
    data = {}
    for column in expand(table, channels):
        if column.name in OF_REGIONS and not regions:
            continue
        if column.name in rows:
            values = rows[column.name]
        else:
            values = pd.Series([blank[column.dtype]] * len(rows), index=rows.index)
        dtype = "object" if column.dtype == "string" else column.dtype
        data[column.name] = values.astype(dtype)
    return pd.DataFrame(data).reset_index(drop=True)
