"""From cells and responses of all movies to one number per cell for each metric."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from zincflux.columns import CELLS, RESPONSES
from zincflux.errors import ExperimentError

OF_ZINC = (
    "rate_nM_per_s",
    "peak_zinc_nM",
    "plateau_zinc_nM",
    "baseline_zinc_nM",
    "half_time_s",
    "auc_nM_s",
)
"""Metrics that are compared if none are named, where cells have zinc; the headline first."""

OF_SIGNAL = ("rate_f_f0_per_s", "peak_f_f0", "half_time_s")
"""The same where no cell has zinc."""

WITH_LOAD = "total_rate_uM_per_s"
"""The headline where the load of the indicator is known: the flux itself."""

_KEYS = ["condition", "dose", "dose_unit", "group", "experiment", "replicate"]
_UNITS = {column.name: column.unit for column in (*CELLS, *RESPONSES)}
_OF_RESPONSES = {c.name for c in RESPONSES if c.dtype == "float64"} - {"rate_window_s"}
_OF_CELLS = {c.name for c in CELLS if c.dtype == "float64"} - {"y_um", "x_um"}

METRICS = frozenset(_OF_CELLS | _OF_RESPONSES)
"""All that can be compared."""


@dataclass(frozen=True, eq=False)
class Values:
    """One metric of the used cells.

    Attributes
    ----------
    metric, unit, phase, region
        What the number is; the phase is empty for numbers of cells.
    table
        What `zincflux.statistics` starts from, with ``responder`` for metrics of responses.
    """

    metric: str
    unit: str
    phase: str
    region: str
    table: pd.DataFrame

    @property
    def told(self) -> dict[str, str]:
        """Columns that stand in front of every summary."""
        return {
            "metric": self.metric,
            "unit": self.unit,
            "phase": self.phase,
            "region": self.region,
        }


def choose_metrics(
    named: Sequence[str], cells: pd.DataFrame, responses: pd.DataFrame
) -> tuple[str, ...]:
    """Give the metrics that are compared: those that are named, or those that there are.

    Raises
    ------
    ExperimentError
        If a name is no number of a cell or response.
    """
    for name in named:
        if name not in METRICS:
            near = difflib.get_close_matches(name, sorted(METRICS), n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "The result tables list them."
            raise ExperimentError(
                f"study.metrics: expected numbers of cells or responses, found {name!r}. {hint}"
            )
    if named:
        return tuple(named)
    has_load = _is_there(WITH_LOAD, cells, responses)
    has_zinc = _is_there("peak_zinc_nM", cells, responses) or _is_there(
        "baseline_zinc_nM", cells, responses
    )
    usual = ((WITH_LOAD,) if has_load else ()) + (OF_ZINC if has_zinc else OF_SIGNAL)
    return tuple(name for name in usual if _is_there(name, cells, responses))


def _is_there(metric: str, cells: pd.DataFrame, responses: pd.DataFrame) -> bool:
    table = responses if metric in _OF_RESPONSES else cells
    beyond = table.get(_beyond(metric))
    return bool(
        table[metric].notna().any() or (beyond is not None and (beyond != "").to_numpy().any())
    )


def _beyond(metric: str) -> str:
    return f"{metric.removesuffix('_nM')}_beyond"


def values_of(
    metrics: Sequence[str], cells: pd.DataFrame, responses: pd.DataFrame
) -> Iterator[Values]:
    """Give the values of each metric, phase by phase and region by region.

    Parameters
    ----------
    metrics
        Names of columns of cells or responses.
    cells, responses
        Tables as in `zincflux.columns.STUDY_CELLS` and ``STUDY_RESPONSES``.

    Yields
    ------
    Values
        Of the cells that summaries count; nothing for a phase or region without any.
    """
    for metric in metrics:
        of_response = metric in _OF_RESPONSES
        table = responses if of_response else cells.assign(phase="")
        used = table[~table["excluded"].to_numpy(bool)]
        for (phase, region), rows in used.groupby(["phase", "region"], sort=False):
            yield Values(
                metric, _UNITS[metric], str(phase), str(region), _table(rows, metric, of_response)
            )


def _table(rows: pd.DataFrame, metric: str, of_response: bool) -> pd.DataFrame:
    table = rows[_KEYS].reset_index(drop=True)
    beyond = _beyond(metric)
    censored = rows[beyond].to_numpy(object) if beyond in rows else np.full(len(rows), "", object)
    number = rows[metric].to_numpy(np.float64)
    table["value"], table["censored"] = number, np.where(np.isfinite(number), "", censored)
    if of_response:
        table["responder"] = rows["responder"].to_numpy(bool)
    return table
