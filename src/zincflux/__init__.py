"""From fluorescence time-lapse movies to calibrated free zinc per cell.

The names here are the public interface; each is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from zincflux.batch import run_batch
    from zincflux.buffers import compute_buffer
    from zincflux.calibrate import Calibration, calibrate_in_situ, free_zinc
    from zincflux.calibrate.titration import fit_titration
    from zincflux.edits import EditLog
    from zincflux.errors import ZincfluxError, ZincfluxWarning
    from zincflux.experiment import Experiment, load_experiment
    from zincflux.indicators import Indicator, load_indicator
    from zincflux.measure import measure_labels
    from zincflux.movie import Movie
    from zincflux.pipeline import (
        Analysis,
        analyze,
        iter_analyze,
        iter_frames,
        iter_reanalyze,
        reanalyze,
        zinc_images,
    )
    from zincflux.readers import movie_from_array, open_movie
    from zincflux.results import Results, read_results
    from zincflux.segment import Otsu, Watershed
    from zincflux.synthetic import Simulation, simulate
    from zincflux.track import link
    from zincflux.workflow import convert, run

_HOME = {
    "Analysis": "pipeline",
    "Calibration": "calibrate",
    "EditLog": "edits",
    "Experiment": "experiment",
    "Indicator": "indicators",
    "Movie": "movie",
    "Otsu": "segment",
    "Results": "results",
    "Simulation": "synthetic",
    "Watershed": "segment",
    "ZincfluxError": "errors",
    "ZincfluxWarning": "errors",
    "analyze": "pipeline",
    "calibrate_in_situ": "calibrate",
    "compute_buffer": "buffers",
    "convert": "workflow",
    "fit_titration": "calibrate.titration",
    "free_zinc": "calibrate",
    "iter_analyze": "pipeline",
    "iter_frames": "pipeline",
    "iter_reanalyze": "pipeline",
    "link": "track",
    "load_experiment": "experiment",
    "load_indicator": "indicators",
    "measure_labels": "measure",
    "movie_from_array": "readers",
    "open_movie": "readers",
    "read_results": "results",
    "reanalyze": "pipeline",
    "run": "workflow",
    "run_batch": "batch",
    "simulate": "synthetic",
    "zinc_images": "pipeline",
}

__all__ = [
    "Analysis",
    "Calibration",
    "EditLog",
    "Experiment",
    "Indicator",
    "Movie",
    "Otsu",
    "Results",
    "Simulation",
    "Watershed",
    "ZincfluxError",
    "ZincfluxWarning",
    "analyze",
    "calibrate_in_situ",
    "compute_buffer",
    "convert",
    "fit_titration",
    "free_zinc",
    "iter_analyze",
    "iter_frames",
    "iter_reanalyze",
    "link",
    "load_experiment",
    "load_indicator",
    "measure_labels",
    "movie_from_array",
    "open_movie",
    "read_results",
    "reanalyze",
    "run",
    "run_batch",
    "simulate",
    "zinc_images",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
