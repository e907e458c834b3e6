"""The summaries in the report: over the cells that are used, never of a mean trace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from zincflux.columns import RESPONSES
from zincflux.movie import FloatArray
from zincflux.phases import Phase, frames_of
from zincflux.plot.style import digits, zinc_unit

NOTHING = "–"

METRIC_NAMES = {
    "peak_zinc_nM": "Peak zinc",
    "plateau_zinc_nM": "Plateau zinc",
    "peak_f_f0": "Peak F/F0",
    "time_to_peak_s": "Time to peak",
    "rate_nM_per_s": "Initial rate",
    "rate_r2": "R² of the initial rate",
    "exponential_rate_nM_per_s": "Exponential initial rate",
    "rate_f_f0_per_s": "Initial rate of F/F0",
    "half_time_s": "Half time",
    "auc_nM_s": "Area under the curve",
    "decay_rate_per_s": "Decay rate",
    "peak_normalised_rate_per_s": "Initial rate over peak",
    "residual_fraction": "Residual fraction",
    "total_rate_uM_per_s": "Total flux",
    "kappa_indicator": "κ of the indicator",
}
"""Names of the numbers of a response for people."""


@dataclass(frozen=True)
class Level:
    """One phase: the level of the cells in it, and how many frames lie beyond the range."""

    phase: str
    role: str
    quartiles: tuple[str, str, str]
    n_cells: int
    below: str
    above: str
    no_number: str


@dataclass(frozen=True)
class Metric:
    """One number of the responses, over the cells that have it."""

    name: str
    meaning: str
    unit: str
    quartiles: tuple[str, str, str]
    n_cells: int


@dataclass(frozen=True)
class Response:
    """One response phase."""

    phase: str
    metrics: tuple[Metric, ...]
    n_cells: int
    responders: str


def used_only(table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Leave out the rows of excluded cells."""
    excluded = cells.loc[cells["excluded"].astype(bool), "cell_id"]
    return table[~table["cell_id"].isin(excluded)]


def of_region(table: pd.DataFrame, region: str) -> pd.DataFrame:
    """Select one region, where the table tells several apart."""
    return table[table["region"] == region] if region else table


def regions(table: pd.DataFrame) -> list[str]:
    """List the regions of a table; one nameless region where there is only one."""
    if "region" not in table or not len(table):
        return [""]
    return [str(name) for name in table["region"].unique()]


def groups(table: pd.DataFrame) -> list[str]:
    """List the groups that a gate made, the one with the reporter first; one nameless without."""
    known = set(table["group"]) if "group" in table else set()
    return [name for name in ("positive", "negative") if name in known] or [""]


def of_group(table: pd.DataFrame, group: str) -> pd.DataFrame:
    """Select the cells of one group."""
    return table[table["group"] == group] if group else table


def of_cells(table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Select the rows of some cells."""
    return table[table["cell_id"].isin(cells["cell_id"])]


def reasons(cells: pd.DataFrame) -> list[tuple[str, str, int]]:
    """Count the cells that are excluded, or used but doubtful, by reason.

    Returns
    -------
    list
        ``(reason, "excluded" or "used", cells)``, excluded ones and frequent reasons first.
    """
    counts = Counter(
        (str(reason) or "no reason given", "excluded" if out else "used")
        for reason, out in zip(cells["reason"], cells["excluded"].astype(bool), strict=True)
        if out or reason
    )
    rows = [(reason, what, n) for (reason, what), n in counts.items()]
    return sorted(rows, key=lambda row: (row[1], -row[2], row[0]))


def levels(traces: pd.DataFrame, phases: Sequence[Phase], column: str) -> tuple[str, list[Level]]:
    """Give the level of the cells in each phase.

    Each cell is summarised by the median of its frames, then the quartiles over cells are taken;
    both rank what lies beyond the range lowest or highest.

    Returns
    -------
    unit, levels
        Unit of the quartiles; one entry per phase that is not ignored.
    """
    is_zinc = column.endswith("_nM")
    scale, unit = zinc_unit(_numbers(traces, column)) if is_zinc else (1.0, "")
    shown = [phase for phase in phases if phase.role != "ignore"]
    return unit, [_level(traces, phase, column, scale) for phase in shown]


def _level(traces: pd.DataFrame, phase: Phase, column: str, scale: float) -> Level:
    rows = traces[frames_of(phase, _numbers(traces, "time_s"))]
    flag = rows["flag"].astype(str)
    below, above = flag == "below_min", flag == "above_max"
    values = rows[column].astype("float64") * scale
    missing = values.isna()
    if column.endswith("_nM"):
        values = values.mask(missing & below, -np.inf).mask(missing & above, np.inf)
    else:
        below, above = below & missing, above & missing
    with np.errstate(invalid="ignore"):  # the middle of −inf and +inf
        of_cells = values.groupby(rows["cell_id"]).median()
    other = missing & ~below & ~above
    return Level(
        phase=phase.name,
        role=phase.role,
        quartiles=_quartiles(np.asarray(of_cells, dtype=np.float64)),
        n_cells=int(of_cells.notna().sum()),
        below=_percent(below.to_numpy(dtype=bool)),
        above=_percent(above.to_numpy(dtype=bool)),
        no_number=_percent(other.to_numpy(dtype=bool)),
    )


def responses(table: pd.DataFrame) -> list[Response]:
    """Summarise each response phase over the cells that have a number."""
    scale, unit = zinc_unit(_numbers(table, "peak_zinc_nM"))
    by_phase = table.groupby("phase", sort=False)
    return [_response(str(phase), rows, scale, unit) for phase, rows in by_phase]


def _response(phase: str, rows: pd.DataFrame, scale: float, unit: str) -> Response:
    columns = {column.name: column for column in RESPONSES}
    metrics = []
    for key, name in METRIC_NAMES.items():
        column = columns[key]
        values = _numbers(rows, key)
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        if "nM" in column.unit:
            values = values * scale
        metrics.append(
            Metric(
                name=name,
                meaning=column.meaning,
                unit=column.unit.replace("nM", unit),
                quartiles=_quartiles(values),
                n_cells=len(values),
            )
        )
    n = len(rows)
    hits = int(rows["responder"].astype(bool).sum())
    return Response(phase, tuple(metrics), n, f"{hits} of {n} ({100 * hits / n:.0f} %)")


def _numbers(table: pd.DataFrame, column: str) -> FloatArray:
    return np.asarray(table[column].to_numpy(dtype=np.float64))


def _quartiles(values: FloatArray) -> tuple[str, str, str]:
    """Write lower quartile, median and upper quartile; a word where one lies beyond the range."""
    ranked = np.sort(values[~np.isnan(values)])
    if not len(ranked):
        return (NOTHING, NOTHING, NOTHING)
    positions = np.array([0.25, 0.5, 0.75]) * (len(ranked) - 1)
    low, high = ranked[np.floor(positions).astype(int)], ranked[np.ceil(positions).astype(int)]
    part = positions % 1
    with np.errstate(invalid="ignore"):  # between a number and what lies beyond the range
        between = np.where(low == high, low, low + part * (high - low))
    first, second, third = (_word(value) for value in between)
    return (first, second, third)


def _word(value: float) -> str:
    if np.isnan(value):
        return "beyond range"
    if np.isinf(value):
        return "above range" if value > 0 else "below range"
    return digits(value).replace("-", "−")


def _percent(which: np.ndarray) -> str:
    if not len(which) or not which.any():
        return "0"
    share = 100 * float(which.mean())
    return f"{share:.0f}" if share >= 1 else "<1"
