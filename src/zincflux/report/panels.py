"""Numbers by which the arms of a study are compared, one panel each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from zincflux.plot.style import zinc_unit
from zincflux.report.arms import records
from zincflux.report.page import clip
from zincflux.report.summary import METRIC_NAMES
from zincflux.results.study import Study
from zincflux.statistics import is_rate, subtract_control_rates

_OF_CELLS = {"baseline_zinc_nM": "Free zinc at rest", "dynamic_range": "Dynamic range"}


class Panel(NamedTuple):
    """One number of the cells that arms are compared by."""

    metric: str
    unit: str
    phase: str
    region: str

    @property
    def name(self) -> str:
        """Name for people."""
        known = METRIC_NAMES | _OF_CELLS
        words = [known.get(self.metric, self.metric), self.phase, self.region]
        return ", ".join(clip(word, 60) for word in words if word)

    def rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """Select the rows of a table of metrics."""
        same = np.ones(len(table), dtype=bool)
        for key in ("metric", "phase", "region"):
            same &= (table[key] == getattr(self, key)).to_numpy(dtype=bool)
        return table[same]

    def scale(self, values: np.ndarray) -> tuple[float, str]:
        """Give the factor to a unit with few digits, and that unit."""
        if "nM" not in self.unit:
            return 1.0, self.unit
        factor, unit = zinc_unit(values)
        return factor, self.unit.replace("nM", unit)


def panels_of(study: Study) -> list[Panel]:
    """List the numbers that arms are compared by, the headline first."""
    keys = study.conditions[["metric", "unit", "phase", "region"]].drop_duplicates()
    panels = [Panel(*map(str, row)) for row in records(keys)]
    order = list(study.metrics)

    def rank(panel: Panel) -> tuple[int, bool]:
        place = order.index(panel.metric) if panel.metric in order else len(order)
        return place, panel.phase not in (study.headline_phase, "")

    return sorted(panels, key=rank)


def cells_of(study: Study, panel: Panel) -> pd.DataFrame:
    """Give the cells that a panel summarises, with their ``value``; excluded ones left out."""
    table = study.responses if panel.phase else study.cells
    same = ~table["excluded"].to_numpy(dtype=bool)
    same &= (table["region"] == panel.region).to_numpy(dtype=bool)
    if panel.phase:
        same &= (table["phase"] == panel.phase).to_numpy(dtype=bool)
    cells = table[same].assign(value=table.loc[same, panel.metric].astype("float64"))
    control = study.settings.subtract_control
    if control is not None and is_rate(panel.metric):
        return subtract_control_rates(cells, control, study.settings.control_dose)
    return cells
