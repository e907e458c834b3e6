"""Tables of a study as Parquet, exact, and as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from zincflux.columns import STUDY_TABLES, Column, conform

REASONS = (
    Column("sample", "string", "", "Name of the movie"),
    Column("reason", "string", "", "Why cells are excluded or doubtful"),
    Column("what", "string", "", "excluded or used"),
    Column("n_cells", "int64", "", "How many"),
)

STORED = {**STUDY_TABLES, "reasons": REASONS}
"""Tables by the name of their file."""

WITHOUT_CSV = ("cells", "responses", "courses", "heat_map")
"""Too long for a spreadsheet."""

_ARROW = {
    "int64": pa.int64(),
    "Int64": pa.int64(),
    "float64": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
}
_ROWS_OF_GROUP = 2**17

COMMANDS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\n", "'")
"""What a text begins with that some spreadsheet takes for a formula, and the mark against it."""


def plain_text(text: str) -> str:
    """Mark a text that a spreadsheet would take for a formula.

    An apostrophe is put before a text that begins with one of `COMMANDS`; taking one apostrophe
    away from the beginning gives the text back. Every end of a line becomes that of Linux: the
    others end a row for some spreadsheets, wherever they stand.

    Examples
    --------
    >>> plain_text("+Zn"), plain_text("Zn")
    ("'+Zn", 'Zn')
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(COMMANDS) else text


def write_tables(tables: dict[str, pd.DataFrame], aside: Path) -> None:
    """Write tables as Parquet, and the short ones as CSV.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    for name, table in tables.items():
        content = _arrow(table, STORED[name])
        pq.write_table(content, aside / f"{name}.parquet", row_group_size=_ROWS_OF_GROUP)
        if name not in WITHOUT_CSV:
            write_csv(table, aside / f"{name}.csv")


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the tables back.

    Raises
    ------
    OSError, ValueError
        If one is absent or damaged.
    """
    return {
        name: conform(
            pq.read_table(folder / f"{name}.parquet").to_pandas(), columns, (), regions=True
        )
        for name, columns in STORED.items()
    }


def write_csv(table: pd.DataFrame, path: Path, *, for_spreadsheets: bool = False) -> None:
    """Write a table as CSV in which no text can act as a formula.

    Parameters
    ----------
    table
        The table; texts are marked by `plain_text`, names of columns as well.
    path
        Where to.
    for_spreadsheets
        Whether to begin with the mark by which spreadsheets know UTF-8.
    """
    safe = table.copy(deep=False)
    for name in table:
        if not pd.api.types.is_numeric_dtype(table[name].dtype):
            safe[name] = [plain_text(str(value)) for value in table[name]]
    safe.columns = pd.Index([plain_text(str(name)) for name in table])
    encoding = "utf-8-sig" if for_spreadsheets else "utf-8"
    safe.to_csv(path, index=False, lineterminator="\n", encoding=encoding)


def _arrow(table: pd.DataFrame, columns: Iterable[Column]) -> pa.Table:
    schema = pa.schema([(column.name, _ARROW[column.dtype]) for column in columns])
    return pa.Table.from_pandas(table[schema.names], schema=schema, preserve_index=False)
