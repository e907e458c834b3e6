"""An analysis as the report needs it, from tables alone."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from pydantic import Field

from study_tables import CHANNELS, PHASES, Binding
from zincflux.edits import EditSummary
from zincflux.flux import Flux
from zincflux.gate import Gate, Gated
from zincflux.phases import Phase
from zincflux.pipeline import Reach
from zincflux.settings import Settings


class Background(Settings):
    method: str = Field(default="percentile", description="Method")


class Experiment(Settings):
    name: str = "uptake, dish 3"
    indicator: str = "FluoZin-3"
    phases: tuple[Phase, ...] = PHASES
    background: Background = Background()
    gate: Gate = Gate()
    flux: Flux = Flux()


@dataclass(frozen=True)
class Calibration:
    indicator: str = "FluoZin-3"
    kind: str = "intensity"
    binding: Binding = field(default_factory=Binding)
    origin: str = "in situ, per cell; minimum: plateau in the phase 'TPEN'"


@dataclass(frozen=True)
class Analysis:
    traces: pd.DataFrame
    cells: pd.DataFrame
    responses: pd.DataFrame
    frames: pd.DataFrame
    overview: np.ndarray
    labels: np.ndarray
    channels: tuple[str, ...] = CHANNELS
    calibration: Calibration | None = field(default_factory=Calibration)
    experiment: Experiment = field(default_factory=Experiment)
    reach: Reach | None = None
    pixel_size_um: float = 0.5
    warnings: tuple[str, ...] = ()
    mapping: tuple[dict[str, str], ...] = ()
    corrections: dict[str, object] = field(default_factory=dict)
    view: dict[str, object] | None = None
    gated: Gated | None = None
    edits: EditSummary = field(default_factory=EditSummary)
    counts: dict[str, int] = field(default_factory=lambda: {"n_cells": 24, "n_rows_below_min": 7})
    provenance: dict[str, dict[str, str]] = field(
        default_factory=lambda: {
            "versions": {"zincflux": "0.1.0", "numpy": "2.0.0"},
            "inputs": {"cells.ome.tif": "5d41402abc4b2a76b9719d911017c592" * 2},
        }
    )
