"""The figures of a study, as SVG and PDF."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from zincflux.plot import (
    courses_figure,
    dose_response_figure,
    heat_map_figure,
    superplot_figure,
    to_pdf,
    to_svg,
)
from zincflux.results.study import Study
from zincflux.results.study_wide import file_stem
from zincflux.statistics import is_rate, subtract_control_rates

_TOLD = ["metric", "unit", "phase", "region"]


def study_figures(study: Study) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Give the figures of a study: the name of the file without ending, and what draws it.

    ``superplot_…`` and, where there are doses, ``dose_response_…`` of every metric, phase and
    region; ``courses_…`` of every quantity and region; ``heat_map``.
    """
    phases = [phase for phase in dict.fromkeys(study.dishes["phase"]) if phase]
    for told, dishes in study.dishes.groupby(_TOLD, sort=False):
        metric, unit, phase, region = (str(part) for part in told)
        stem = file_stem(metric, phase, region, phases)
        same = {"metric": metric, "phase": phase, "region": region}
        conditions, curves = _same(study.conditions, same), _same(study.dose_response, same)
        values = _cells(study, metric, phase, region)
        yield (
            f"superplot_{stem}",
            partial(superplot_figure, values, dishes, conditions, metric, unit),
        )
        if len(curves):
            yield (
                f"dose_response_{stem}",
                partial(dose_response_figure, dishes, curves, metric, unit),
            )
    when = (study.phases, study.align_s)
    for told, courses in study.courses.groupby(["quantity", "region"], sort=False):
        quantity, region = (str(part) for part in told)
        name = "_".join(part for part in ("courses", quantity, region) if part)
        yield name, partial(courses_figure, courses, quantity, *when)
    for shown, cells in study.heat_map.groupby("quantity", sort=False):
        yield f"heat_map_{shown!s}", partial(heat_map_figure, cells, str(shown), *when)


def _same(table: pd.DataFrame, told: dict[str, str]) -> pd.DataFrame:
    for name, value in told.items():
        table = table[table[name] == value]
    return table


def _cells(study: Study, metric: str, phase: str, region: str) -> pd.DataFrame:
    """Give the used cells of one metric with their numbers."""
    table = study.responses if phase else study.cells
    table = table[~table["excluded"].to_numpy(bool) & (table["region"] == region).to_numpy(bool)]
    if phase:
        table = table[table["phase"] == phase]
    table = table.rename(columns={metric: "value"})
    control = study.settings.subtract_control
    if control is not None and is_rate(metric):
        return subtract_control_rates(table, control, study.settings.control_dose)
    return table


def write_figures(study: Study, folder: Path) -> None:
    """Write the figures of a study.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    for name, draw in study_figures(study):
        figure = draw()
        (folder / f"{name}.svg").write_bytes(to_svg(figure))
        (folder / f"{name}.pdf").write_bytes(to_pdf(figure))
