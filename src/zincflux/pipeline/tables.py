"""The four result tables, made from arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.calibrate import free_zinc
from zincflux.columns import CELLS, FRAMES, RESPONSES, TRACES, conform
from zincflux.flux import CellTraces, ranked_median, response_metrics
from zincflux.movie import FloatArray
from zincflux.phases import Phase, frames_of, names_of_frames, with_role
from zincflux.pipeline.frames import FrameRows
from zincflux.pipeline.plan import Plan
from zincflux.pipeline.survey import Survey
from zincflux.pipeline.traces import Traces
from zincflux.pipeline.zinc import Converted

SMALLEST_FRACTION = 0.5
"""Part of the movie's frames that a static cell must be measured in to count in summaries."""


def make_tables(
    found: Survey, frames: Sequence[FrameRows], traces: Traces, converted: Converted
) -> dict[str, pd.DataFrame]:
    """Make the tables ``traces``, ``cells``, ``responses`` and ``frames``."""
    plan = found.plan
    many = len(set(plan.experiment.segment.regions)) > 1
    tables = {
        "traces": (_traces(plan, traces, converted), TRACES),
        "cells": (_cells(plan, traces, converted), CELLS),
        "responses": (_responses(plan, traces, converted), RESPONSES),
        "frames": (_frames(found, frames, traces, converted), FRAMES),
    }
    return {
        name: conform(table, columns, plan.channels, regions=many)
        for name, (table, columns) in tables.items()
    }


def _traces(plan: Plan, traces: Traces, converted: Converted) -> pd.DataFrame:
    """One row per cell and frame, from the cell's first frame to its last."""
    # Rows are put in order before they are drawn out: sorting the long table would copy it.
    order = np.lexsort((traces.region.astype(str), traces.cell_id))
    seen = ~np.isnan(traces.area_um2[order])
    frame = np.arange(seen.shape[1])
    first, last = _span(seen)
    place, t = np.nonzero((frame >= first[:, None]) & (frame <= last[:, None]))
    row = order[place]
    phase = np.array(names_of_frames(plan.experiment.phases, plan.time_s), dtype=object)
    data: dict[str, Any] = {
        "cell_id": traces.cell_id[row],
        "region": traces.region[row],
        "frame": t,
        "time_s": plan.time_s[t],
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
    if plan.roles.is_ratio:
        planes["ratio"] = converted.signal
    for number, channel in enumerate(plan.channels):
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


def _cells(plan: Plan, traces: Traces, converted: Converted) -> pd.DataFrame:
    seen = ~np.isnan(traces.area_um2)
    first, last = _span(seen)
    n_frames = seen.sum(axis=1)
    excluded, reason = exclusions(plan, n_frames, converted)
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
        data |= _baseline_zinc(plan, converted)
    return pd.DataFrame(data).sort_values(["cell_id", "region"], kind="stable")


def _mean(values: FloatArray) -> FloatArray:
    return np.asarray(np.ma.masked_invalid(values).mean(axis=1).filled(np.nan), dtype=np.float64)


def exclusions(
    plan: Plan, n_frames: NDArray[np.intp], converted: Converted
) -> tuple[NDArray[np.bool_], NDArray[np.object_]]:
    """Decide which cells summaries leave out, and say why; also say what is only doubtful."""
    excluded = np.zeros(len(n_frames), dtype=bool)
    reason = np.full(len(n_frames), "", dtype=object)
    if converted.calibration is not None:
        reason = converted.calibration.reason.astype(object)
        excluded |= ~np.isfinite(converted.calibration.minimum)
    few = np.zeros(len(n_frames), dtype=bool)
    if not plan.follows:
        few = n_frames < SMALLEST_FRACTION * len(plan.time_s)
    unscaled = np.isnan(converted.f0) & (reason == "")
    reason[unscaled] = "no F0: not measured in the baseline"
    reason[few] = "outside the frame for more than half of the movie"
    return excluded | few, reason


def _baseline_zinc(plan: Plan, converted: Converted) -> dict[str, FloatArray]:
    """Median free zinc in the baseline, and the interval of the cell's mean signal there."""
    baselines = with_role(plan.experiment.phases, "baseline")
    if not baselines:
        return {}
    inside = frames_of(baselines[0], plan.time_s)
    usable = np.isin(converted.flag[:, inside], ("", "below_min", "above_max"))
    signal = np.where(usable, converted.signal[:, inside], np.nan)
    sd = _mean(np.where(usable, converted.signal_sd[:, inside], np.nan))
    fixed = _mean(np.where(usable, converted.systematic_sd[:, inside], np.nan))
    error = np.hypot(sd / np.sqrt(np.maximum(usable.sum(axis=1), 1)), fixed)
    mean = free_zinc(
        _mean(signal)[:, None],
        converted.calibration,
        error[:, None],
        plan.experiment.uncertainty,
    )
    return {
        "baseline_zinc_nM": ranked_median(
            converted.zinc.zinc_nM[:, inside], converted.censored[:, inside]
        ),
        "baseline_zinc_low_nM": mean.low_nM[:, 0],
        "baseline_zinc_high_nM": mean.high_nM[:, 0],
        "baseline_zinc_shared_ln_sd": mean.shared_ln_sd[:, 0],
    }


def _responses(plan: Plan, traces: Traces, converted: Converted) -> pd.DataFrame:
    """One row per cell and response phase."""
    tables = [
        pd.DataFrame(
            {
                "cell_id": traces.cell_id,
                "region": traces.region,
                "phase": phase.name,
                **_response(plan, converted, phase),
            }
        )
        for phase in with_role(plan.experiment.phases, "response")
    ]
    if not tables:
        return pd.DataFrame({"cell_id": np.zeros(0, dtype=np.int64)})
    return pd.concat(tables).sort_values(["cell_id", "region"], kind="stable")


def _response(plan: Plan, converted: Converted, phase: Phase) -> dict[str, Any]:
    experiment = plan.experiment
    measured = np.isin(converted.flag, ("", "below_min", "above_max", "no_calibration"))
    cells = CellTraces(
        time_s=plan.time_s,
        f_f0=np.where(measured, converted.f_f0, np.nan),
        zinc_nM=None if converted.calibration is None else converted.zinc.zinc_nM,
        codes=converted.censored,
    )
    buffer = None
    if converted.calibration is not None:
        binding = converted.calibration.binding
        buffer = experiment.indicator_load.buffer(binding.k_nM, binding.hill)
    return dict(response_metrics(cells, phase, _before(plan, phase), experiment.flux, buffer))


def _before(plan: Plan, phase: Phase) -> NDArray[np.bool_]:
    """Frames of the last baseline that ends before a phase."""
    earlier = [
        baseline
        for baseline in with_role(plan.experiment.phases, "baseline")
        if baseline.start_s < phase.start_s
    ]
    if not earlier:
        return np.zeros(len(plan.time_s), dtype=bool)
    return frames_of(earlier[-1], plan.time_s)


def _frames(
    found: Survey, frames: Sequence[FrameRows], traces: Traces, converted: Converted
) -> pd.DataFrame:
    plan = found.plan
    focus = np.array([rows.focus for rows in frames])
    middle = np.nanmedian(focus) if np.isfinite(focus).any() else np.nan
    data: dict[str, Any] = {
        "frame": np.arange(len(frames)),
        "time_s": plan.time_s,
        "phase": names_of_frames(plan.experiment.phases, plan.time_s),
        "drift_y_um": found.shifts_px[:, 0] * plan.pixel_size_um,
        "drift_x_um": found.shifts_px[:, 1] * plan.pixel_size_um,
        "focus": focus / middle,
        "defocused": converted.defocused,
        "n_cells": [int((rows.raw["cell"].area_px > 0).sum()) for rows in frames],
    }
    for number, channel in enumerate(plan.channels):
        data[f"{channel}_background"] = [rows.background.level[number] for rows in frames]
        data[f"{channel}_background_sd"] = [rows.background.noise_sd[number] for rows in frames]
        data[f"{channel}_bleach_factor"] = (
            1.0 if traces.bleaching is None else traces.bleaching[number].factor
        )
    return pd.DataFrame(data)
