"""The four result tables, made from arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.calibrate import free_zinc
from zincflux.columns import CELLS, FRAMES, RESPONSES, SUSPECTS, TRACES, conform
from zincflux.flux import CellTraces, ranked_median, response_metrics
from zincflux.gate import Gated
from zincflux.movie import FloatArray
from zincflux.phases import Phase, frames_of, names_of_frames, with_role
from zincflux.pipeline.assay import Assay
from zincflux.pipeline.suspected import suspected
from zincflux.pipeline.traces import Traces
from zincflux.pipeline.zinc import Converted

SMALLEST_FRACTION = 0.5
"""Part of the movie's frames that a static cell must be measured in to count in summaries."""


def make_tables(
    assay: Assay,
    traces: Traces,
    converted: Converted,
    frames: pd.DataFrame,
    gated: Gated | None = None,
) -> dict[str, pd.DataFrame]:
    """Make the tables ``traces``, ``cells``, ``responses``, ``frames`` and ``suspects``.

    Parameters
    ----------
    assay
        What was recorded, and the settings.
    traces, converted
        Arrays of the cells.
    frames
        What is known of each frame; columns that are absent become empty.
    gated
        Which rows are of cells that carry the reporter, or None without a gate.
    """
    many = len(set(assay.experiment.segment.regions)) > 1
    cells = _cells(assay, traces, converted, gated)
    tables: dict[str, tuple[Any, Any]] = {
        "traces": (_traces(assay, traces, converted), TRACES),
        "cells": (cells, CELLS),
        "responses": (_responses(assay, traces, converted), RESPONSES),
        "frames": (frames, FRAMES),
        "suspects": (suspected(assay, traces, cells), SUSPECTS),
    }
    return {
        name: conform(table, columns, assay.channels, regions=many)
        for name, (table, columns) in tables.items()
    }


def _traces(assay: Assay, traces: Traces, converted: Converted) -> dict[str, Any]:
    """Columns with one row per cell and frame, from the cell's first frame to its last."""
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
    if len(set(traces.region)) > 1:
        planes["nucleus_over_cytosol"] = _nucleus_over_cytosol(traces, converted.signal)
    for number, channel in enumerate(assay.channels):
        planes[f"{channel}_raw"] = traces.raw[number]
        planes[f"{channel}_background"] = traces.background[number]
        planes[f"{channel}_corrected"] = traces.corrected[number]
    return data | {name: values[row, t] for name, values in planes.items()}


def _nucleus_over_cytosol(traces: Traces, signal: FloatArray) -> FloatArray:
    """Divide the signal of each nucleus by that of its cell's ring or cytosol, (n, T)."""
    result = np.full(signal.shape, np.nan)
    for region in ("ring", "cytosol"):
        outer = np.flatnonzero(traces.region == region)
        inner = np.flatnonzero(traces.region == "nucleus")
        _, at_inner, at_outer = np.intersect1d(
            traces.cell_id[inner], traces.cell_id[outer], return_indices=True
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = signal[inner[at_inner]] / signal[outer[at_outer]]
        result[inner[at_inner]] = np.where(np.isfinite(ratio), ratio, result[inner[at_inner]])
    return result


def _span(seen: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last frame of each row; an empty span (1, 0) where it was never seen."""
    n_frames = seen.shape[1]
    any_seen = seen.any(axis=1)
    first = np.where(any_seen, seen.argmax(axis=1), 1)
    last = np.where(any_seen, n_frames - 1 - seen[:, ::-1].argmax(axis=1), 0)
    return first, last


def _cells(assay: Assay, traces: Traces, converted: Converted, gated: Gated | None) -> pd.DataFrame:
    seen = traces.seen
    first, last = _span(seen)
    n_frames = seen.sum(axis=1)
    excluded, reason = exclusions(assay, traces, converted)
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
    if gated is not None:
        data |= {"reporter_signal": gated.signal, "group": gated.names}
    if calibration is not None:
        data["signal_min"], data["signal_max"] = calibration.minimum, calibration.maximum
        with np.errstate(divide="ignore", invalid="ignore"):
            data["dynamic_range"] = calibration.maximum / calibration.minimum
        data |= _baseline_zinc(assay, converted)
    return pd.DataFrame(data).sort_values(["cell_id", "region"], kind="stable")


def _mean(values: FloatArray) -> FloatArray:
    return np.asarray(np.ma.masked_invalid(values).mean(axis=1).filled(np.nan), dtype=np.float64)


def exclusions(
    assay: Assay, traces: Traces, converted: Converted
) -> tuple[NDArray[np.bool_], NDArray[np.object_]]:
    """Decide which cells summaries leave out, and say why; also say what is only doubtful."""
    n_frames = traces.seen.sum(axis=1)
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
    doubts = converted.suspicion
    by_hand, said = _left_out(traces)
    reason = _joined(doubts.reason, reason)
    reason = np.where(by_hand, _joined(reason, said), reason)
    return excluded | few | doubts.excluded | by_hand, reason


def _joined(first: Iterable[str], then: Iterable[str]) -> NDArray[np.object_]:
    """Join texts row by row, leaving out empty ones."""
    texts = ["; ".join(text for text in pair if text) for pair in zip(first, then, strict=True)]
    return np.array(texts, dtype=object)


def _left_out(traces: Traces) -> tuple[NDArray[np.bool_], list[str]]:
    """Tell which cells are left out by hand, and why."""
    reasons = [traces.judged.left_out.get(cell, "") for cell in traces.cell_id.tolist()]
    return np.array(reasons, dtype=object) != "", [f"by hand: {text}" for text in reasons]


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
    shared = _mean(np.where(usable, converted.shared_sd[:, inside], np.nan))
    error = np.hypot(sd / np.sqrt(np.maximum(usable.sum(axis=1), 1)), fixed)
    mean = free_zinc(
        _mean(signal)[:, None],
        converted.calibration,
        error[:, None],
        assay.experiment.uncertainty,
        shared_signal_sd=shared[:, None],
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


def count_rows(tables: dict[str, pd.DataFrame]) -> dict[str, int]:
    """Count what each filter left over."""
    traces, cells = tables["traces"], tables["cells"]
    flags = traces["flag"].value_counts().sort_index()
    with_zinc = traces.loc[traces["zinc_nM"].notna(), "cell_id"]
    excluded = cells.loc[cells["excluded"], "cell_id"]
    return {
        "n_frames": len(tables["frames"]),
        "n_cells": int(cells["cell_id"].nunique()),
        "n_excluded": int(excluded.nunique()),
        "n_with_zinc": int(with_zinc.nunique()),
        **count_suspects(tables["suspects"]),
        "n_rows": len(traces),
        **{f"n_rows_{flag if flag != '' else 'clean'}": int(n) for flag, n in flags.items()},
    }


def count_suspects(suspects: pd.DataFrame) -> dict[str, int]:
    """Count the suspects that are to be looked at, and those that were accepted."""
    accepted = int(suspects["accepted"].sum())
    return {"n_suspects": len(suspects) - accepted, "n_suspects_accepted": accepted}
