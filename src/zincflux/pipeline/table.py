"""Analysis of traces that another program has measured."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.errors import CorrectionWarning, ExperimentError
from zincflux.experiment import Experiment
from zincflux.indicators import Indicator
from zincflux.movie import FloatArray
from zincflux.phases import check_inside, names_of_frames
from zincflux.pipeline.assay import Assay
from zincflux.pipeline.traces import Traces
from zincflux.pipeline.zinc import frame_scatter
from zincflux.trace_tables import TraceTable


def read_table(experiment: Experiment) -> TraceTable:
    """Read the table of an experiment, as its indicator asks for it.

    Raises
    ------
    ExperimentError
        If the experiment is about a movie, or the table may be read in more than one way.
    ReaderError
        If the table cannot be read.
    """
    if experiment.table is None:
        raise ExperimentError(
            "table: expected a table of traces, found an experiment about a movie. Set table.path."
        )
    indicator = experiment.load_indicator()
    return experiment.table.read(kind=None if indicator is None else indicator.kind)


def assay_of_table(experiment: Experiment, table: TraceTable) -> Assay:
    """Meet an experiment with its table.

    Raises
    ------
    ExperimentError
        If a phase lies outside the table's times, or the indicator needs other columns.
    """
    check_inside(experiment.phases, table.time_s)
    indicator = experiment.load_indicator()
    _check_kind(indicator, table)
    return Assay(
        experiment=experiment,
        indicator=indicator,
        channels=table.channels,
        signal=tuple(range(len(table.channels))),
        is_ratio=_is_ratio(table),
        time_s=table.time_s,
    )


def _is_ratio(table: TraceTable) -> bool:
    return table.is_ratio or len(table.channels) == 2


def mapping_of_table(table: TraceTable) -> tuple[dict[str, str], ...]:
    """Tell in words how the columns of a table were read."""
    return tuple(
        {
            "role": one.role,
            "columns": ", ".join(one.columns),
            "unit": one.unit,
            "how": one.how,
        }
        for one in table.mapping
    )


def _check_kind(indicator: Indicator | None, table: TraceTable) -> None:
    if indicator is None or (indicator.kind != "intensity") == _is_ratio(table):
        return
    if _is_ratio(table):
        raise ExperimentError(
            f"table: {indicator.name} is an intensity indicator, but the table was read as ratios. "
            "Name the column of the signal: table.signal, or --map signal=COLUMN."
        )
    raise ExperimentError(
        f"table: {indicator.name} is a {indicator.kind} indicator, but the table was read as "
        "intensities. Name the columns: table.numerator and table.denominator, or table.signal of "
        "a ready ratio."
    )


def traces_of_table(table: TraceTable) -> Traces:
    """Give the traces of a table what the traces of a movie have.

    The noise of each cell is the scatter of its own trace from frame to frame, since a table holds
    no pixels to tell it from.

    Warns
    -----
    CorrectionWarning
        If the traces are too short to tell their noise.
    """
    corrected = table.values - table.background
    n, n_frames = corrected.shape[1:]
    return Traces(
        cell_id=table.cell_id,
        parent_id=np.zeros(n, dtype=np.int64),
        region=np.full(n, "cell", dtype=object),
        y_um=table.y_um,
        x_um=table.x_um,
        area_um2=table.area_um2,
        inside_fraction=np.ones((n, n_frames)),
        clipped_fraction=np.full((n, n_frames), np.nan),
        raw=table.values,
        background=table.background,
        corrected=corrected,
        corrected_sd=_noise(corrected),
        bleaching=None,
    )


def _noise(corrected: FloatArray) -> FloatArray:
    """Give the noise of each value of (C, n, T): of its trace, or relatively that of others."""
    result = np.empty_like(corrected)
    silent = False
    for number, traces in enumerate(corrected):
        sd = frame_scatter(traces, np.ones_like(traces))
        size = np.abs(np.ma.masked_invalid(traces).mean(axis=1).filled(np.nan))
        told = np.isfinite(sd)
        silent |= not told.all()
        typical = float(np.nanmedian(sd[told] / size[told])) if told.any() else 0.0
        result[number] = np.where(told, sd, typical * size)[:, None]
    if silent:
        warnings.warn(
            "table: traces of fewer than 10 successive frames do not tell their own noise; it is "
            "taken from the other cells where there are some, and is missing from the intervals "
            "where there are none.",
            CorrectionWarning,
            stacklevel=2,
        )
    return result


def frames_of_table(assay: Assay, traces: Traces) -> pd.DataFrame:
    """Make one row per frame: time, phase, background and number of cells."""
    columns: dict[str, object] = {
        "frame": np.arange(len(assay.time_s)),
        "time_s": assay.time_s,
        "phase": names_of_frames(assay.experiment.phases, assay.time_s),
        "defocused": np.zeros(len(assay.time_s), dtype=bool),
        "n_cells": traces.seen.sum(axis=0),
    }
    for number, channel in enumerate(assay.channels):
        columns[f"{channel}_background"] = _column_means(traces.background[number])
        columns[f"{channel}_bleach_factor"] = 1.0
    return pd.DataFrame(columns)


def _column_means(values: FloatArray) -> NDArray[np.float64]:
    return np.asarray(np.ma.masked_invalid(values).mean(axis=0).filled(np.nan), dtype=np.float64)
