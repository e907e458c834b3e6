"""What was found of background, autofluorescence and bleaching, as it is stored and reported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zincflux.correct import control, unlabelled
from zincflux.correct.per_channel import per_channel
from zincflux.experiment import Experiment
from zincflux.pipeline.blank import blank_files
from zincflux.pipeline.frames import FrameRows
from zincflux.pipeline.survey import Survey
from zincflux.pipeline.traces import Traces


def files_of_other_dishes(experiment: Experiment) -> list[Path]:
    """List the files of blank, unlabelled and control dish that the results depend on.

    Of another run these are the tables, whose bytes are the same whenever it is; ``run.json`` is
    not, which holds times. Files that do not exist are left out: the plan says what is missing.

    Raises
    ------
    ReaderError
        If the blank cannot be read.
    """
    folders = (
        (experiment.background.unlabelled, unlabelled.TABLES),
        (experiment.bleaching.experiment, control.TABLES),
    )
    tables = [Path(folder, name) for folder, names in folders if folder for name in names]
    return [*blank_files(experiment), *(path for path in tables if path.exists())]


def corrections_of(found: Survey, frames: Sequence[FrameRows], traces: Traces) -> dict[str, Any]:
    """Give what was subtracted and divided out, with its standard deviations, as plain data.

    Returns
    -------
    dict
        ``background`` and ``bleaching``; numbers that do not exist are None.
    """
    plan, fits = found.plan, traces.bleaching
    bleaching = control.bleaching_record(
        plan.experiment.bleaching.method,
        dict(zip(plan.channels, fits or (), strict=fits is not None)),
        plan.time_s,
    )
    if plan.control is not None:
        settings = plan.experiment.bleaching
        bleaching["from"] = Path(plan.control.folder).name
        bleaching["scales_with"] = settings.scale()
        bleaching["between_dishes_sd"] = settings.between()
    return {"background": _background(found, frames), "bleaching": bleaching}


def _background(found: Survey, frames: Sequence[FrameRows]) -> dict[str, Any]:
    plan, blank, own = found.plan, found.blank, found.plan.autofluorescence
    settings = plan.experiment.background
    value_sd = per_channel(settings.value_sd or 0.0, plan.channels, key="background.value_sd")
    levels = np.array([rows.background.level for rows in frames])
    channels: dict[str, dict[str, float | None]] = {}
    for number, channel in enumerate(plan.channels):
        known = levels[:, number][np.isfinite(levels[:, number])]
        channels[channel] = {
            "level": float(np.median(known)) if len(known) else None,
            "level_sd": float(value_sd[number]),
            "autofluorescence": float(own.level[number]),
            "autofluorescence_sd": float(own.sd[number]),
            "autofluorescence_se": float(own.se[number]),
        }
        if blank is not None:
            change = float(blank.change_sd[number])
            channels[channel] |= {
                "level_sd": float(blank.level_se[number]),
                "uneven_sd": float(blank.uneven_sd[number]),
                "change_sd": change if np.isfinite(change) else None,
            }
    record: dict[str, Any] = {"method": settings.method, "channels": channels}
    if blank is not None:
        record["blank"] = {
            "from": Path(settings.blank or "").name,
            "n_frames": blank.n_frames,
            "n_tiles": blank.n_tiles,
        }
    if settings.unlabelled is not None:
        record["unlabelled"] = {"from": Path(settings.unlabelled).name, "n_cells": own.n_cells}
    return record
