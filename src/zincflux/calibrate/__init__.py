"""Calibration: from a signal to free zinc with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zincflux.calibrate.binding import Binding, resolve_binding
from zincflux.calibrate.borrowed import borrowed_calibration
from zincflux.calibrate.calibration import Calibration, Pooled
from zincflux.calibrate.convert import ZincEstimate, free_zinc
from zincflux.calibrate.given import (
    binding_of,
    constant_calibration,
    file_calibration,
    read_calibration,
)
from zincflux.calibrate.in_situ import CellSignals, calibrate_in_situ
from zincflux.calibrate.limits import finite_or_none
from zincflux.calibrate.reach import (
    Alternative,
    ZincRange,
    alternatives,
    shared_factor,
    zinc_ranges,
)
from zincflux.calibrate.settings import CalibrationSettings, Uncertainty
from zincflux.errors import ExperimentError
from zincflux.indicators import Indicator
from zincflux.movie import FloatArray
from zincflux.phases import Phase

__all__ = [
    "Alternative",
    "Binding",
    "Calibration",
    "CalibrationSettings",
    "CellSignals",
    "Pooled",
    "Uncertainty",
    "ZincEstimate",
    "ZincRange",
    "alternatives",
    "binding_of",
    "borrowed_calibration",
    "calibrate",
    "calibrate_in_situ",
    "constant_calibration",
    "file_calibration",
    "finite_or_none",
    "free_zinc",
    "read_calibration",
    "resolve_binding",
    "shared_factor",
    "zinc_ranges",
]


# Everything that calibrating needs: bundling it once more would only move the names.
def calibrate(  # noqa: PLR0913
    signal: FloatArray,
    signal_sd: FloatArray,
    time_s: FloatArray,
    phases: Sequence[Phase],
    *,
    usable: NDArray[np.bool_],
    cell_ids: ArrayLike,
    indicator: Indicator | None,
    settings: CalibrationSettings,
) -> Calibration | None:
    """Calibrate cells as the settings say.

    Parameters
    ----------
    signal, signal_sd
        Counts above background, or ratio, and the standard deviation of its error; shape (n, T).
    time_s
        Time of each frame in s, shape (T,).
    phases
        Closed phases of the movie.
    usable
        Where the signal may be used for minimum and maximum, shape (n, T).
    cell_ids
        Number of each cell, shape (n,).
    indicator
        The indicator, or None.
    settings
        How to calibrate.

    Returns
    -------
    Calibration or None
        None where there is no indicator, or the source is none.

    Raises
    ------
    CalibrationError, ExperimentError
        If the calibration cannot be made as the settings say.
    """
    if indicator is None:
        if settings != CalibrationSettings() and settings.source != "none":
            raise ExperimentError(
                "calibration: is given, but there is no indicator whose constants it needs. Set "
                "indicator, or remove [calibration]."
            )
        return None
    source = settings.resolve(phases)
    if source == "none":
        return None
    if source == "file":
        return file_calibration(cell_ids, indicator, settings)
    if source == "constants":
        binding = binding_of(indicator, settings)
        return constant_calibration(cell_ids, indicator, binding, settings)
    cells = CellSignals(
        cell_ids=np.asarray(cell_ids, dtype=np.int64),
        time_s=time_s,
        signal=signal,
        signal_sd=signal_sd,
        usable=usable,
    )
    if source == "experiment":
        return borrowed_calibration(cells, phases, indicator, settings)
    binding = binding_of(indicator, settings)
    return calibrate_in_situ(cells, phases, indicator, binding, settings)
