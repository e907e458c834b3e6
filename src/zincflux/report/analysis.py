"""The page of one movie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from zincflux.flux import false_positive_rate
from zincflux.phases import with_role
from zincflux.plot import (
    Told,
    calibration_figure,
    frames_figure,
    gate_figure,
    overlay_figure,
    to_jpeg,
    to_png,
)
from zincflux.plot.style import digits, time_unit, zinc_unit
from zincflux.report.corrections import correction_rows
from zincflux.report.page import data_uri, render_page
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
from zincflux.report.traces import Chart, traces_chart
from zincflux.report.view import view_text
from zincflux.settings import Settings, dumps

_COUNT_NAMES = {
    "n_frames": "frames",
    "n_cells": "cells found",
    "n_excluded": "cells excluded",
    "n_with_zinc": "cells with zinc",
    "n_suspects": "suspects to look at",
    "n_suspects_accepted": "suspects accepted by hand",
    "n_rows": "measurements (cell × frame)",
    "n_rows_clean": "measurements without a flag",
}


@dataclass(frozen=True)
class _Part:
    """What is shown of one measured region."""

    title: str
    chart: Chart
    unit: str
    levels: list[Level]
    responses: list[Response]


_FILES = {
    "traces.csv": "One row per cell and frame",
    "cells.csv": "One row per cell",
    "responses.csv": "One row per cell and response phase",
    "suspects.csv": "Cells and moments to look at, and which of them were accepted",
    "calibration.toml": "The calibration that was used",
    "experiment.toml": "The settings",
    "run.json": "Versions, hashes, warnings and counts",
}


def render_report(analysis: AnalysisLike, folder: Path | None = None) -> str:
    """Render an analysis as one HTML page.

    The page holds its style, script and figures, loads nothing, and is the same whenever the
    analysis is. Names of channels, phases and files are shown as text, whatever they hold.

    Parameters
    ----------
    analysis
        A finished analysis, also one without any cell.
    folder
        Folder that the page will be stored in: paths in the settings are written relative to it,
        and its files are linked. Without one, paths are absolute and there are no links.

    Returns
    -------
    str
        The HTML text, to be stored as UTF-8.
    """
    return render_page("analysis.html.j2", _content(analysis, folder))


def _content(analysis: AnalysisLike, folder: Path | None) -> dict[str, Any]:
    experiment, cells = analysis.experiment, analysis.cells
    first = of_region(cells, regions(cells)[0])
    parts = [(region, group) for region in regions(cells) for group in groups(cells)]
    return {
        "title": experiment.name or "Zinc analysis",
        "summary": _summary(analysis, first),
        "has_cells": len(cells) > 0,
        "has_zinc": analysis.calibration is not None,
        "reasons": reasons(first),
        "overlay_png": _overlay(analysis, first),
        "view": view_text(analysis.view),
        "gate": _gate(analysis, first),
        "n_edits": analysis.edits.summary()["applied"],
        "lost_edits": analysis.edits.summary()["not_applied"],
        "n_suspects": analysis.counts.get("n_suspects", 0),
        "n_accepted": analysis.counts.get("n_suspects_accepted", 0),
        "parts": [_part(analysis, region, group, len(parts)) for region, group in parts],
        "contents": _contents(analysis),
        "files_beside": _files(analysis, folder),
        "phases": experiment.phases,
        "has_responses": len(analysis.responses) > 0,
        "calibration": _calibration(analysis.calibration, first, told_of(analysis)),
        "reach": _reach(analysis.reach),
        "told": None if (told := told_of(analysis)) is None else digits(told.factor),
        "baselines": [phase.name for phase in with_role(experiment.phases, "baseline")],
        "background": experiment.background.method if not analysis.mapping else "as in the table",
        "mapping": analysis.mapping,
        "corrections": correction_rows(analysis.corrections),
        "flux": experiment.flux,
        "by_chance": digits(100 * false_positive_rate(experiment.flux.responder_k)),
        "frames_png": _frames(analysis),
        "warnings": analysis.warnings,
        "counts": [(_count_name(name), n) for name, n in analysis.counts.items()],
        "settings": dumps(
            cast("Settings", experiment),
            folder=None if folder is None else folder.resolve(),
            comments=False,
        ),
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
    return data_uri(to_png(figure))


def _contents(analysis: AnalysisLike) -> list[tuple[str, str]]:
    """List the sections that the page has: anchor and title."""
    zinc = "F/F0" if analysis.calibration is None else "Free zinc"
    has_cells = len(analysis.cells) > 0
    known = [
        ("table", "Table", bool(analysis.mapping)),
        ("cells", "Cells", analysis.overview is not None),
        ("reporter", "Reporter", analysis.gated is not None),
        ("traces", zinc, has_cells),
        ("responses", "Responses", has_cells and len(analysis.responses) > 0),
        ("calibration", "Calibration", True),
        ("corrections", "Corrections", True),
        ("counts", "Counts", True),
        ("provenance", "Settings and provenance", True),
    ]
    return [(anchor, title) for anchor, title, is_there in known if is_there]


def _files(analysis: AnalysisLike, folder: Path | None) -> list[tuple[str, str]]:
    """List the files that stand beside the page."""
    if folder is None:
        return []
    has_calibration = analysis.calibration is not None
    return [item for item in _FILES.items() if has_calibration or item[0] != "calibration.toml"]


def _overlay(analysis: AnalysisLike, cells: pd.DataFrame) -> str | None:
    if analysis.overview is None or analysis.labels is None or analysis.pixel_size_um is None:
        return None
    excluded = cells.loc[cells["excluded"].astype(bool), "cell_id"]
    figure = overlay_figure(
        # As it is stored: a page that is rendered again is the same.
        np.asarray(analysis.overview, dtype=np.float32),
        analysis.labels,
        analysis.pixel_size_um,
        excluded=excluded.tolist(),
    )
    return data_uri(to_jpeg(figure), "jpeg")


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


def _part(analysis: AnalysisLike, region: str, group: str, n_parts: int) -> _Part:
    cells = of_group(of_region(analysis.cells, region), group)
    traces = used_only(of_cells(of_region(analysis.traces, region), cells), cells)
    columns = columns_of(analysis, traces)
    phases = analysis.experiment.phases
    unit, in_phases = levels(traces, phases, columns[0])
    title = ", ".join(filter(None, (region, group and f"reporter {group}")))
    what = "Free zinc" if columns[0] == "zinc_nM" else "F/F0"
    return _Part(
        title=title,
        chart=traces_chart(
            traces,
            phases,
            columns,
            title=f"{what}: {title}" if title else what,
            told=told_of(analysis),
            n_charts=n_parts,
        ),
        unit=unit,
        levels=in_phases,
        responses=responses(
            used_only(of_cells(of_region(analysis.responses, region), cells), cells)
        ),
    )


def columns_of(analysis: AnalysisLike, traces: pd.DataFrame) -> list[str]:
    """Quantities to choose from, the one that the page is about first."""
    first = [] if analysis.calibration is None else ["zinc_nM"]
    known = [name for name in ("ratio", "signal") if traces[name].notna().any()]
    return [*first, "f_f0", *known[:1]]


def told_of(analysis: AnalysisLike) -> Told | None:
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
