"""What is known of each frame of a movie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from zincflux.focus import defocused
from zincflux.phases import names_of_frames
from zincflux.pipeline.frames import FrameRows
from zincflux.pipeline.survey import Survey
from zincflux.pipeline.traces import Traces


def frame_table(found: Survey, frames: Sequence[FrameRows], traces: Traces) -> pd.DataFrame:
    """Make one row per frame: drift, sharpness, background and bleaching."""
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
        "defocused": defocused(focus),
        "n_cells": [int((rows.raw["cell"].area_px > 0).sum()) for rows in frames],
    }
    for number, channel in enumerate(plan.channels):
        data[f"{channel}_background"] = [rows.background.level[number] for rows in frames]
        data[f"{channel}_background_sd"] = [rows.background.noise_sd[number] for rows in frames]
        data[f"{channel}_bleach_factor"] = (
            1.0 if traces.bleaching is None else traces.bleaching[number].factor
        )
    return pd.DataFrame(data)
