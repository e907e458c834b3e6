"""What follows from the values: dishes, conditions, tests, dose-response curves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from zincflux.batch.values import Values
from zincflux.columns import CONDITIONS, DISHES, DOSE_RESPONSE, TESTS, Column, conform
from zincflux.statistics import StudySettings, analyse, is_rate, subtract_control_rates


def summarise(values: Iterable[Values], settings: StudySettings) -> dict[str, pd.DataFrame]:
    """Make the tables ``dishes``, ``conditions``, ``tests`` and ``dose_response``.

    Parameters
    ----------
    values
        Metric by metric.
    settings
        How they are compared.
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in _TABLES}
    for one in values:
        table = one.table
        if settings.subtract_control is not None and is_rate(one.metric):
            table = subtract_control_rates(table, settings.subtract_control, settings.control_dose)
        made = analyse(table, settings, one.metric)
        for name in _TABLES:
            rows = getattr(made, name)
            parts[name].append(rows.assign(**one.told))
    return {name: _joined(parts[name], columns) for name, columns in _TABLES.items()}


def in_order(table: pd.DataFrame, conditions: Sequence[str]) -> pd.DataFrame:
    """Put the arms of each summary into the order of the sheet, doses rising."""
    told = [name for name in (*_TOLD, "quantity") if name in table]
    place = {name: number for number, name in enumerate(conditions)}
    keys = {
        "told": table.groupby(told, sort=False).ngroup(),
        "condition": table["condition"].map(place).fillna(-1),
        **{name: table[name] for name in ("dose_unit", "dose", "group") if name in table},
    }
    order = pd.DataFrame(keys).sort_values(list(keys), kind="stable").index
    return table.loc[order].reset_index(drop=True)


_TOLD = ("metric", "phase", "region")

_TABLES = {
    "dishes": DISHES,
    "conditions": CONDITIONS,
    "tests": TESTS,
    "dose_response": DOSE_RESPONSE,
}


def _joined(parts: list[pd.DataFrame], columns: Iterable[Column]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    rows = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
    return conform(rows, columns, (), regions=True)
