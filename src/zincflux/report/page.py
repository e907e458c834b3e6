"""Render the page from the template."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from zincflux.flux import false_positive_rate
from zincflux.phases import with_role
from zincflux.plot import (
    Told,
    calibration_figure,
    frames_figure,
    gate_figure,
    overlay_figure,
    to_png,
    traces_figure,
)
from zincflux.plot.style import digits, time_unit, zinc_unit
from zincflux.report.corrections import correction_rows
from zincflux.report.protocols import AnalysisLike, BindingLike, CalibrationLike, ReachLike
from zincflux.report.summary import (
    NOTHING,
    Level,
    Response,
    groups,
    levels,
    of_cells,
    of_group,
    of_region,
    reasons,
    regions,
    responses,
    used_only,
)
from zincflux.report.view import view_text
from zincflux.settings import Settings, dumps

_COUNT_NAMES = {
    "n_frames": "frames",
    "n_cells": "cells found",
    "n_excluded": "cells excluded",
    "n_with_zinc": "cells with zinc",
    "n_rows": "measurements (cell × frame)",
    "n_rows_clean": "measurements without a flag",
}


@dataclass(frozen=True)
class _Part:
    """What is shown of one measured region."""

    title: str
    traces_png: str
    unit: str
    levels: list[Level]
    responses: list[Response]


def render_report(analysis: AnalysisLike) -> str:
    """Render an analysis as one HTML page.

    The page holds its style and its figures, loads nothing, and is the same whenever the analysis
    is. Names of channels, phases and files are escaped.

    Parameters
    ----------
    analysis
        A finished analysis, also one without any cell.

    Returns
    -------
    str
        The HTML text, to be stored as UTF-8.
    """
    environment = Environment(
        loader=PackageLoader("zincflux", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(_content(analysis))


def _content(analysis: AnalysisLike) -> dict[str, Any]:
    experiment, cells = analysis.experiment, analysis.cells
    first = of_region(cells, regions(cells)[0])
    column = "f_f0" if analysis.calibration is None else "zinc_nM"
    return {
        "title": experiment.name or "Zinc analysis",
        "summary": _summary(analysis, first),
        "has_cells": len(cells) > 0,
        "has_zinc": analysis.calibration is not None,
        "reasons": reasons(first),
        "overlay_png": _overlay(analysis, first),
        "view": view_text(analysis.view),
        "gate": _gate(analysis, first),
        "n_edits": analysis.edits.applied,
        "lost_edits": analysis.edits.not_applied,
        "parts": [
            _part(analysis, region, group, column)
            for region in regions(cells)
            for group in groups(cells)
        ],
        "phases": experiment.phases,
        "has_responses": len(analysis.responses) > 0,
        "calibration": _calibration(analysis.calibration, first, _told(analysis)),
        "reach": _reach(analysis.reach),
        "told": None if (told := _told(analysis)) is None else digits(told.factor),
        "baselines": [phase.name for phase in with_role(experiment.phases, "baseline")],
        "background": experiment.background.method if not analysis.mapping else "as in the table",
        "mapping": analysis.mapping,
        "corrections": correction_rows(analysis.corrections),
        "flux": experiment.flux,
        "by_chance": digits(100 * false_positive_rate(experiment.flux.responder_k)),
        "frames_png": _frames(analysis),
        "warnings": analysis.warnings,
        "counts": [(_count_name(name), n) for name, n in analysis.counts.items()],
        "settings": dumps(cast("Settings", experiment), comments=False),
        "versions": analysis.provenance.get("versions", {}),
        "inputs": analysis.provenance.get("inputs", {}),
    }


def _summary(analysis: AnalysisLike, cells: pd.DataFrame) -> str:
    if not len(cells):
        return "No cells were found."
    n = len(cells)
    n_used = n - int(cells["excluded"].astype(bool).sum())
    parts = [f"{n} cell{'' if n == 1 else 's'} found", f"{n - n_used} excluded"]
    if analysis.calibration is not None:
        used = used_only(analysis.traces, cells)
        n_zinc = used.loc[used["zinc_nM"].notna(), "cell_id"].nunique()
        parts.append(f"zinc in {n_zinc} of the {n_used} used")
    time_s = analysis.frames["time_s"].to_numpy(dtype=np.float64)
    span = float(np.ptp(time_s)) if len(time_s) else 0.0
    factor, unit = time_unit(span)
    return ", ".join(parts) + f"; {len(time_s)} frames over {digits(span * factor)} {unit}."


def _count_name(name: str) -> str:
    if name in _COUNT_NAMES:
        return _COUNT_NAMES[name]
    if name.startswith("n_rows_"):
        return "measurements flagged " + name.removeprefix("n_rows_")
    return name.replace("_", " ")


def _data_uri(figure: Figure) -> str:
    return "data:image/png;base64," + base64.b64encode(to_png(figure)).decode("ascii")


def _overlay(analysis: AnalysisLike, cells: pd.DataFrame) -> str | None:
    if analysis.overview is None or analysis.labels is None or analysis.pixel_size_um is None:
        return None
    excluded = cells.loc[cells["excluded"].astype(bool), "cell_id"]
    figure = overlay_figure(
        analysis.overview, analysis.labels, analysis.pixel_size_um, excluded=excluded.tolist()
    )
    return _data_uri(figure)


def _gate(analysis: AnalysisLike, cells: pd.DataFrame) -> dict[str, Any] | None:
    if analysis.gated is None:
        return None
    channel = str(analysis.experiment.gate.channel)
    figure = gate_figure(cells, analysis.gated.minimum, channel)
    return {
        "png": _data_uri(figure),
        "minimum": digits(analysis.gated.minimum),
        "is_estimated": analysis.gated.is_estimated,
        "n_positive": int((cells["group"] == "positive").sum()),
        "n_negative": int((cells["group"] == "negative").sum()),
        "n_unmeasured": int((cells["group"] == "").sum()),
    }


def _part(analysis: AnalysisLike, region: str, group: str, column: str) -> _Part:
    cells = of_group(of_region(analysis.cells, region), group)
    traces = used_only(of_cells(of_region(analysis.traces, region), cells), cells)
    unit, in_phases = levels(traces, analysis.experiment.phases, column)
    return _Part(
        title=", ".join(filter(None, (region, group and f"reporter {group}"))),
        traces_png=_data_uri(
            traces_figure(traces, analysis.experiment.phases, column, told=_told(analysis))
        ),
        unit=unit,
        levels=in_phases,
        responses=responses(
            used_only(of_cells(of_region(analysis.responses, region), cells), cells)
        ),
    )


def _told(analysis: AnalysisLike) -> Told | None:
    """Zinc that is told within the smallest factor, to be marked in figures."""
    ranges = () if analysis.reach is None else analysis.reach.zinc_ranges
    known = [Told(r.factor, r.low_nM, r.high_nM) for r in ranges if np.isfinite(r.low_nM)]
    return known[0] if known else None


def _calibration(
    calibration: CalibrationLike | None, cells: pd.DataFrame, told: Told | None
) -> dict[str, Any] | None:
    if calibration is None:
        return None
    binding = calibration.binding
    return {
        "indicator": calibration.indicator,
        "kind": calibration.kind,
        "k": _with_sd(binding.k_nM, binding.k_sd_nM),
        "confidence": binding.confidence,
        "hill": _with_sd(binding.hill, binding.hill_sd),
        "beta": _beta(binding),
        "with_beta": not binding.k_includes_beta and binding.beta not in (None, 1.0),
        "source": binding.source,
        "doi": binding.doi,
        "origin": calibration.origin,
        "png": _data_uri(calibration_figure(cells, binding, told=told)),
    }


def _with_sd(value: float, sd: float | None) -> str:
    return digits(value) if sd is None else f"{digits(value)} ± {digits(sd)}"


def _reach(reach: ReachLike | None) -> dict[str, Any] | None:
    """Write what the indicator can say, and what other constants would say, for people."""
    if reach is None:
        return None
    scale, unit = zinc_unit([value for r in reach.zinc_ranges for value in (r.low_nM, r.high_nM)])
    zinc_scale, zinc_name = zinc_unit(reach.zinc_nM)
    return {
        "ranges": [
            (
                digits(r.factor),
                f"{digits(r.low_nM * scale)} to {digits(r.high_nM * scale)} {unit}"
                if np.isfinite(r.low_nM)
                else "no zinc at all",
            )
            for r in reach.zinc_ranges
        ],
        "phases": reach.phases,
        "unit": zinc_name,
        "zinc": [digits(value * zinc_scale) for value in reach.zinc_nM],
        "shared": [digits(value) for value in reach.shared_factors],
        "alternatives": [
            {
                "record": a.record,
                "confidence": a.confidence,
                "k": digits(a.k_nM),
                "hill": digits(a.hill),
                "zinc": [
                    digits(value * zinc_scale) if np.isfinite(value) else NOTHING
                    for value in a.zinc_nM
                ],
            }
            for a in reach.alternatives
        ],
    }


def _beta(binding: BindingLike) -> str:
    if binding.k_includes_beta:
        return "contained in K"
    return "not used" if binding.beta is None else digits(binding.beta)


def _frames(analysis: AnalysisLike) -> str:
    phases = analysis.experiment.phases
    return _data_uri(frames_figure(analysis.frames, analysis.channels, phases))
