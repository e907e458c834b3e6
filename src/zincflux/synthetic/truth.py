"""Truth: the tables and the experiment file that belong to a synthetic movie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.movie import FloatArray, Labels
from zincflux.phases import Phase
from zincflux.synthetic.kinetics import Kinetics
from zincflux.synthetic.settings import Simulation

RATE_WINDOW_S = 30.0
"""Window of the initial rate that zincflux takes by default."""

SLOPE_FRAMES = 3
"""Intervals that a window must hold for a slope with its interval."""


def frame_table(
    labels: Iterable[Labels],
    time_s: FloatArray,
    values: Mapping[str, FloatArray],
    death_frame: FloatArray,
    pixel_size_um: float,
) -> pd.DataFrame:
    """Make the table with one row for each cell and each frame that shows it.

    Parameters
    ----------
    labels
        Label image of each frame in turn, (Y, X).
    time_s
        Time of each frame in s, shape (T,).
    values
        Further columns, each of shape (T, n).
    death_frame
        Frame in which each cell begins to die, shape (n,).
    pixel_size_um
        Edge of a pixel in µm.
    """
    n_cells = len(death_frame)
    found = [_regions(image, n_cells) for image in labels]
    frame = np.repeat(np.arange(len(found)), [len(cell) for cell, *_ in found])
    cell, area, y, x = (np.concatenate(part) for part in zip(*found, strict=True))
    columns = {name: array[frame, cell] for name, array in values.items()}
    return pd.DataFrame(
        {
            "cell_id": cell + 1,
            "frame": frame,
            "time_s": time_s[frame],
            **columns,
            "y_um": y * pixel_size_um,
            "x_um": x * pixel_size_um,
            "area_um2": area * pixel_size_um**2,
            "alive": frame < death_frame[cell],
        }
    )


def _regions(
    labels: Labels, n_cells: int
) -> tuple[NDArray[np.intp], FloatArray, FloatArray, FloatArray]:
    """Index, area and centroid of the cells in a label image, in pixels."""
    place = np.flatnonzero(labels)
    cell = labels.ravel()[place] - 1
    area = np.bincount(cell, minlength=n_cells).astype(np.float64)
    row, column = np.divmod(place, labels.shape[1])
    shown = np.flatnonzero(area)
    y, x = (np.bincount(cell, axis, n_cells)[shown] / area[shown] for axis in (row, column))
    return shown, area[shown], y, x


def cell_table(
    truth: pd.DataFrame,
    parent: NDArray[np.intp],
    kinetics: Kinetics,
    phases: Sequence[Phase],
    facts: Mapping[str, FloatArray],
) -> pd.DataFrame:
    """Make the table with one row for each cell.

    Parameters
    ----------
    truth
        The table of `frame_table`.
    parent
        Index of each cell's mother, −1 for none, shape (n,).
    kinetics
        Of the cells.
    phases
        Tell when the uptake starts.
    facts
        Further columns, each of shape (n,).
    """
    n_cells = len(parent)
    ids = np.arange(1, n_cells + 1)
    frames = truth.groupby("cell_id")["frame"].agg(["min", "max"]).reindex(ids)
    responses = [phase.start_s for phase in phases if phase.role == "response"]
    start_s = responses[0] if responses else np.nan
    return pd.DataFrame(
        {
            "cell_id": ids,
            "parent_id": parent + 1,
            "first_frame": frames["min"].to_numpy(np.int64),
            "last_frame": frames["max"].to_numpy(np.int64),
            "rest_zinc_nM": kinetics.rest_nM,
            "plateau_zinc_nM": kinetics.plateau_nM,
            "onset_s": start_s + kinetics.delay_s,
            "uptake_rate_per_s": kinetics.uptake_per_s,
            "initial_rate_nM_per_s": kinetics.initial_rate_nM_per_s,
            **facts,
        }
    )


def experiment_of(settings: Simulation, phases: Sequence[Phase]) -> dict[str, Any]:
    """Write the experiment file that suits the movie, as plain data without its path."""
    fret = settings.kind == "fret"
    names = settings.channels
    signal = {"numerator": names[1], "denominator": names[0]} if fret else {"signal": names[0]}
    roles = {phase.role for phase in phases}
    experiment: dict[str, Any] = {
        "schema_version": 1,
        "indicator": "ZapCY2" if fret else "FluoZin-3",
        "channels": signal,
        "phases": [phase.model_dump(mode="json", exclude_none=True) for phase in phases],
        "camera": {
            "offset": settings.offset,
            "gain_e": settings.gain_e,
            "read_noise_e": settings.read_noise_e,
        },
        "background": {"method": "percentile"},
        "segment": {"method": "watershed", "diameter_um": settings.cell_diameter_um},
        "track": {"mode": "follow" if settings.moving else "static"},
    }
    # Wandering cells give nothing to register; linking takes their common movement out.
    if settings.drift_um > 0 and not settings.moving:
        experiment["drift"] = {"method": "phase-correlation"}
    if any(settings.bleach_rate_per_s) and "baseline" in roles:
        rest = [phase.name for phase in phases if phase.role == "baseline"]
        experiment["bleaching"] = {"method": "exponential", "phases": rest}
    if settings.frame_interval_s * SLOPE_FRAMES > RATE_WINDOW_S:
        experiment["flux"] = {"rate_window_s": settings.frame_interval_s * SLOPE_FRAMES}
    constants: dict[str, Any] = {"k_nM": settings.k_nM, "hill": settings.hill}
    if fret:
        constants |= {"k_includes_beta": True, "beta": settings.beta}
    # Cells that come, go and divide rarely see both ends of the calibration themselves.
    scope = "pooled" if settings.moving else "per-cell"
    in_situ = {"minimum", "maximum"} <= roles
    experiment["calibration"] = (
        {"source": "in-situ", "scope": scope, **constants} if in_situ else {"source": "none"}
    )
    return experiment
