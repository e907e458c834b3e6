"""Wide tables of one movie, a column per cell, as Prism and other programs want them pasted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from zincflux.columns import CHANNEL, RESPONSES, TRACES, expand
from zincflux.errors import ResultsError
from zincflux.export.kinds import Options, Steps
from zincflux.export.tables import phases_table
from zincflux.pipeline import Progress
from zincflux.report.summary import of_region, regions
from zincflux.rerender import channels_of
from zincflux.results import Results
from zincflux.results.study_tables import write_csv
from zincflux.results.study_wide import file_part

_NOT_WIDE = ("time_s", "rate_window_s")
"""Numbers that are the same for all cells."""

_PART = r"\d+[A-Za-z0-9-]*"
"""How `file_part` names a channel."""

_STEMS = "|".join(
    [
        *(c.name.replace(CHANNEL, _PART) for c in TRACES if c.dtype == "float64"),
        *(f"response_{c.name}" for c in RESPONSES if c.dtype == "float64"),
    ]
)

FILES = rf"(({_STEMS})(_[a-z]+)*|phases)\.csv"
"""Regular expression for the names of the files."""


def to_prism(results: Results, path: Path, _: Options) -> Steps:
    """Write a table per quantity: times down and cells across; and one per number of a response.

    Cells that are excluded stand in tables of their own, so that nobody takes their mean.
    """
    tables = dict(wide_tables(results))
    if not tables.keys() - {"phases"}:
        raise ResultsError(
            f"{results.folder}: expected cells with numbers, found none. The report says why."
        )
    path.mkdir()
    for done, (name, table) in enumerate(tables.items()):
        yield Progress("tables", done, len(tables))
        write_csv(table, path / f"{name}.csv", for_spreadsheets=True)


def wide_tables(results: Results) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give the tables by the name of their file, without ending."""
    cells = results.cells
    out = set(cells.loc[cells["excluded"].astype(bool), "cell_id"])
    for region in regions(results.traces):
        traces = of_region(results.traces, region)
        responses = of_region(results.responses, region)
        left_out = traces["cell_id"].isin(out)
        for kind, rows in (("", traces[~left_out]), ("excluded", traces[left_out])):
            for column, stem in _quantities(results, rows):
                yield _name(stem, region, kind), _over_time(rows, column)
        kept = responses[~responses["cell_id"].isin(out)]
        for metric in expand(RESPONSES, ()):
            is_number = metric.dtype == "float64" and metric.name not in _NOT_WIDE
            if is_number and kept[metric.name].notna().any():
                yield _name(f"response_{metric.name}", region), _by_phase(kept, metric.name)
    if results.experiment.phases:
        yield "phases", phases_table(results)


def _name(stem: str, region: str, kind: str = "") -> str:
    return "_".join(part for part in (stem, region, kind) if part)


def _quantities(results: Results, rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Give the columns that hold numbers of cells, with names for files."""
    channels = channels_of(results)
    # The name of a channel may hold what no name of a file may.
    safe = {channel: file_part(channel, n) for n, channel in enumerate(channels)}
    named = {
        column.name: stand_in.name
        for column, stand_in in zip(
            expand(TRACES, channels), expand(TRACES, list(safe.values())), strict=True
        )
        if column.dtype == "float64" and column.name not in _NOT_WIDE
    }
    for column, stem in named.items():
        if column in rows and rows[column].notna().any():
            yield column, stem


def _over_time(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Put times below one another, and cells side by side."""
    wide = rows.pivot(index="time_s", columns="cell_id", values=column)
    wide = wide.sort_index().sort_index(axis=1)
    table = wide.astype(np.float64).reset_index()
    table.columns = pd.Index(["time_s", *(f"cell {cell}" for cell in wide.columns)])
    return table


def _by_phase(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Put cells below one another, and phases side by side."""
    phases = list(dict.fromkeys(rows["phase"]))
    wide = rows.pivot(index="cell_id", columns="phase", values=column)[phases]
    table = wide.astype(np.float64).reset_index()
    table.columns = pd.Index(["cell_id", *phases])
    return table
