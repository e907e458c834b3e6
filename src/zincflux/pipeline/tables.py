"""The four result tables, made from arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.calibrate import free_zinc
from zincflux.columns import CELLS, FRAMES, RESPONSES, TRACES, conform
from zincflux.flux import CellTraces, ranked_median, response_metrics
from zincflux.movie import FloatArray
from zincflux.phases import Phase, frames_of, names_of_frames, with_role
from zincflux.pipeline.assay import Assay
from zincflux.pipeline.traces import Traces
from zincflux.pipeline.zinc import Converted

SMALLEST_FRACTION = 0.5
"""Part of the movie's frames that a static cell must be measured in to count in summaries."""


def make_tables(
    assay: Assay, traces: Traces, converted: Converted, frames: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Make the tables ``traces``, ``cells``, ``responses`` and ``frames``.

    Parameters
    ----------
    assay
        What was recorded, and the settings.
    traces, converted
        Arrays of the cells.
    frames
        What is known of each frame; columns that are absent become empty.
    """
    many = len(set(assay.experiment.segment.regions)) > 1
    tables = {
        "traces": (_traces(assay, traces, converted), TRACES),
        "cells": (_cells(assay, traces, converted), CELLS),
        "responses": (_responses(assay, traces, converted), RESPONSES),
        "frames": (frames, FRAMES),
    }
    return {
        name: conform(table, columns, assay.channels, regions=many)
        for name, (table, columns) in tables.items()
    }


def _traces(assay: Assay, traces: Traces, converted: Converted) -> pd.DataFrame:
    """One row per cell and frame, from the cell's first frame to its last."""
    # Rows are put in order before they are drawn out: sorting the long table would copy it.
    order = np.lexsort((traces.region.astype(str), traces.cell_id))
    seen = traces.seen[order]
    frame = np.arange(seen.shape[1])
    first, last = _span(seen)
    place, t = np.nonzero((frame >= first[:, None]) & (frame <= last[:, None]))
    row = order[place]
    phase = np.array(names_of_frames(assay.experiment.phases, assay.time_s), dtype=object)
    data: dict[str, Any] = {
        "cell_id": traces.cell_id[row],
        "region": traces.region[row],
        "frame": t,
        "time_s": assay.time_s[t],
        "phase": phase[t],
    }
    planes = {
        "y_um": traces.y_um,
        "x_um": traces.x_um,
        "area_um2": traces.area_um2,
        "clipped_fraction": traces.clipped_fraction,
        "signal": converted.signal,
        "f_f0": converted.f_f0,
        "dff": converted.f_f0 - 1.0,
        "saturation": converted.zinc.saturation,
        "occupancy": converted.zinc.occupancy,
        "zinc_nM": converted.zinc.zinc_nM,
        "zinc_low_nM": converted.zinc.low_nM,
        "zinc_high_nM": converted.zinc.high_nM,
        "flag": converted.flag,
    }
    if assay.is_ratio:
        planes["ratio"] = converted.signal
    for number, channel in enumerate(assay.channels):
        planes[f"{channel}_raw"] = traces.raw[number]
        planes[f"{channel}_background"] = traces.background[number]
        planes[f"{channel}_corrected"] = traces.corrected[number]
    data |= {name: values[row, t] for name, values in planes.items()}
    return pd.DataFrame(data)


def _span(seen: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last frame of each row; an empty span (1, 0) where it was never seen."""
    n_frames = seen.shape[1]
    any_seen = seen.any(axis=1)
    first = np.where(any_seen, seen.argmax(axis=1), 1)
    last = np.where(any_seen, n_frames - 1 - seen[:, ::-1].argmax(axis=1), 0)
    return first, last


def _cells(assay: Assay, traces: Traces, converted: Converted) -> pd.DataFrame:
    seen = traces.seen
    first, last = _span(seen)
    n_frames = seen.sum(axis=1)
    excluded, reason = exclusions(assay, n_frames, converted)
    calibration = converted.calibration
    data: dict[str, Any] = {
        "cell_id": traces.cell_id,
        "region": traces.region,
        "parent_id": traces.parent_id,
        "first_frame": first,
        "last_frame": last,
        "n_frames": n_frames,
        "y_um": _mean(traces.y_um),
        "x_um": _mean(traces.x_um),
        "area_um2": _mean(traces.area_um2),
        "f0": converted.f0,
        "excluded": excluded,
        "reason": reason,
    }
    if calibration is not None:
        data["signal_min"], data["signal_max"] = calibration.minimum, calibration.maximum
        with np.errstate(divide="ignore", invalid="ignore"):
            data["dynamic_range"] = calibration.maximum / calibration.minimum
        data |= _baseline_zinc(assay, converted)
    return pd.DataFrame(data).sort_values(["cell_id", "region"], kind="stable")


def _mean(values: FloatArray) -> FloatArray:
    return np.asarray(np.ma.masked_invalid(values).mean(axis=1).filled(np.nan), dtype=np.float64)


def exclusions(
    assay: Assay, n_frames: NDArray[np.intp], converted: Converted
) -> tuple[NDArray[np.bool_], NDArray[np.object_]]:
    """Decide which cells summaries leave out, and say why; also say what is only doubtful."""
    excluded = np.zeros(len(n_frames), dtype=bool)
    reason = np.full(len(n_frames), "", dtype=object)
    if converted.calibration is not None:
        reason = converted.calibration.reason.astype(object)
        excluded |= ~np.isfinite(converted.calibration.minimum)
    few = np.zeros(len(n_frames), dtype=bool)
    if not assay.follows:
        few = n_frames < SMALLEST_FRACTION * len(assay.time_s)
    unscaled = np.isnan(converted.f0) & (reason == "")
    reason[unscaled] = "no F0: not measured in the baseline"
    reason[few] = "outside the frame for more than half of the movie"
    return excluded | few, reason


def _baseline_zinc(assay: Assay, converted: Converted) -> dict[str, FloatArray]:
    """Median free zinc in the baseline, and the interval of the cell's mean signal there."""
    baselines = with_role(assay.experiment.phases, "baseline")
    if not baselines:
        return {}
    inside = frames_of(baselines[0], assay.time_s)
    usable = np.isin(converted.flag[:, inside], ("", "below_min", "above_max"))
    signal = np.where(usable, converted.signal[:, inside], np.nan)
    sd = _mean(np.where(usable, converted.signal_sd[:, inside], np.nan))
    fixed = _mean(np.where(usable, converted.systematic_sd[:, inside], np.nan))
    error = np.hypot(sd / np.sqrt(np.maximum(usable.sum(axis=1), 1)), fixed)
    mean = free_zinc(
        _mean(signal)[:, None],
        converted.calibration,
        error[:, None],
        assay.experiment.uncertainty,
    )
    return {
        "baseline_zinc_nM": ranked_median(
            converted.zinc.zinc_nM[:, inside], converted.censored[:, inside]
        ),
        "baseline_zinc_low_nM": mean.low_nM[:, 0],
        "baseline_zinc_high_nM": mean.high_nM[:, 0],
        "baseline_zinc_shared_ln_sd": mean.shared_ln_sd[:, 0],
    }


def _responses(assay: Assay, traces: Traces, converted: Converted) -> pd.DataFrame:
    """One row per cell and response phase."""
    tables = [
        pd.DataFrame(
            {
                "cell_id": traces.cell_id,
                "region": traces.region,
                "phase": phase.name,
                **_response(assay, converted, phase),
            }
        )
        for phase in with_role(assay.experiment.phases, "response")
    ]
    if not tables:
        return pd.DataFrame({"cell_id": np.zeros(0, dtype=np.int64)})
    return pd.concat(tables).sort_values(["cell_id", "region"], kind="stable")


def _response(assay: Assay, converted: Converted, phase: Phase) -> dict[str, Any]:
    experiment = assay.experiment
    measured = np.isin(converted.flag, ("", "below_min", "above_max", "no_calibration"))
    cells = CellTraces(
        time_s=assay.time_s,
        f_f0=np.where(measured, converted.f_f0, np.nan),
        zinc_nM=None if converted.calibration is None else converted.zinc.zinc_nM,
        codes=converted.censored,
    )
    buffer = None
    if converted.calibration is not None:
        binding = converted.calibration.binding
        buffer = experiment.indicator_load.buffer(binding.k_nM, binding.hill)
    return dict(response_metrics(cells, phase, _before(assay, phase), experiment.flux, buffer))


def _before(assay: Assay, phase: Phase) -> NDArray[np.bool_]:
    """Frames of the last baseline that ends before a phase."""
    earlier = [
        baseline
        for baseline in with_role(assay.experiment.phases, "baseline")
        if baseline.start_s < phase.start_s
    ]
    if not earlier:
        return np.zeros(len(assay.time_s), dtype=bool)
    return frames_of(earlier[-1], assay.time_s)
