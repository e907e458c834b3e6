"""The figures of a movie as SVG, PDF and PNG."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from zincflux.export.kinds import Options, Steps
from zincflux.pipeline import Progress
from zincflux.plot import (
    calibration_figure,
    frames_figure,
    gate_figure,
    interval_figure,
    levels_figure,
    movie_heat_map_figure,
    overlay_figure,
    to_pdf,
    to_png,
    to_svg,
    traces_figure,
)
from zincflux.report.analysis import columns_of, told_of
from zincflux.report.summary import groups, of_cells, of_group, of_region, regions, used_only
from zincflux.rerender import StoredAnalysis, stored_analysis
from zincflux.results import Results

FILES = (
    r"((traces|interval|heat_map|phases)_.+|cells|calibration|reporter|corrections)\.(svg|pdf|png)"
)
"""Regular expression for the names of the files."""

PNG_DPI = 300
"""As journals ask of pictures with lines."""

Figures = Iterator[tuple[str, Callable[[], Any]]]
"""Name of the file without ending, and what draws it."""


def to_figures(results: Results, path: Path, _: Options) -> Steps:
    """Write a folder of figures, each as SVG, PDF and PNG.

    Of every region and group: the traces of every quantity with the phases, free zinc with its
    interval, a heat map, and the level of the cells in each phase. Of all cells: the picture with
    them, the calibration, the reporter and the corrections, where there are any.
    """
    path.mkdir()
    drawn = list(movie_figures(stored_analysis(results)))
    for done, (name, draw) in enumerate(drawn):
        yield Progress("figures", done, len(drawn))
        figure = draw()
        (path / f"{name}.svg").write_bytes(to_svg(figure))
        (path / f"{name}.pdf").write_bytes(to_pdf(figure))
        (path / f"{name}.png").write_bytes(to_png(figure, dpi=PNG_DPI))


def movie_figures(analysis: StoredAnalysis) -> Figures:
    """Give the figures of a finished analysis."""
    cells = analysis.cells
    for region in regions(cells):
        own = of_region(cells, region)
        for group in groups(own):
            yield from _part(analysis, of_group(own, group), region, group)
    yield from _rest(analysis, of_region(cells, regions(cells)[0]))


def _part(analysis: StoredAnalysis, cells: pd.DataFrame, region: str, group: str) -> Figures:
    """Give the figures of one region and group; excluded cells are left out."""
    traces = of_cells(of_region(analysis.traces, region), cells)
    traces = used_only(traces, analysis.cells)
    phases, told = analysis.experiment.phases, told_of(analysis)
    ending = "".join(f"_{part}" for part in (region, group) if part)
    columns = columns_of(analysis, traces)
    for column in columns:
        yield f"traces_{column}{ending}", partial(traces_figure, traces, phases, column, told=told)
    first = columns[0]
    if first == "zinc_nM":
        yield f"interval_{first}{ending}", partial(interval_figure, traces, phases, told=told)
    yield f"heat_map_{first}{ending}", partial(movie_heat_map_figure, traces, phases, first)
    if phases:
        yield f"phases_{first}{ending}", partial(levels_figure, traces, phases, first, told=told)


def _rest(analysis: StoredAnalysis, cells: pd.DataFrame) -> Figures:
    """Give the figures that are about all cells."""
    experiment = analysis.experiment
    size = analysis.pixel_size_um
    if analysis.overview is not None and analysis.labels is not None and size is not None:
        out = cells.loc[cells["excluded"].astype(bool), "cell_id"].tolist()
        picture = np.asarray(analysis.overview, dtype=np.float32)
        yield "cells", partial(overlay_figure, picture, analysis.labels, size, excluded=out)
    if analysis.calibration is not None:
        binding, told = analysis.calibration.binding, told_of(analysis)
        yield "calibration", partial(calibration_figure, cells, binding, told=told)
    if analysis.gated is not None:
        channel = str(experiment.gate.channel)
        yield "reporter", partial(gate_figure, cells, analysis.gated.minimum, channel)
    frames = (analysis.frames, analysis.channels, experiment.phases)
    yield "corrections", partial(frames_figure, *frames)
