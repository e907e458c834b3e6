"""Movies that `rendered_coverage` judges intervals on, and how each is analysed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from accuracy import Case

from zincflux.synthetic import Simulation

K_NM, BETA = 15.0, 1.4
CONSTANTS_SD = {"k_nM": (0.13, "k_sd_nM"), "hill": (0.02, "hill_sd"), "beta": (0.05, "beta_sd")}
PAIRS = ((0.02, 0.5), (0.05, 0.95), (0.1, 0.9), (0.3, 0.7))
SENSORS = (
    ("intensity, n = 1", "intensity", 1.0),
    ("intensity, n = 0.29", "intensity", 0.29),
    ("ratio with β, n = 1", "fret", 1.0),
)
EXACT, DEFAULT = "only what is measured", "2 % of the signal added (default)"
SCOPES = ("per-cell", "shrunk", "pooled")


@dataclass(frozen=True)
class Film:
    """Movies of one kind.

    Attributes
    ----------
    name
        What the movies show.
    kind, hill
        Of the sensor.
    levels
        True saturation at rest, and after the uptake.
    looks
        How each movie is analysed; their keys of the experiment file are changed.
    simulation
        Settings of the simulator that differ from those of `settings`.
    movies
        Number of movies relative to the others.
    constants_differ
        Whether K, n and β are entered with errors, drawn for each movie.
    """

    name: str
    kind: str
    hill: float
    levels: tuple[float, float]
    looks: tuple[Case, ...]
    simulation: dict[str, Any] = field(default_factory=dict)
    movies: float = 1.0
    constants_differ: bool = False

    def zinc_nM(self, saturation: float) -> float:
        """Free zinc at a saturation."""
        return float(K_NM * (saturation / (1 - saturation)) ** (1 / self.hill))

    def settings(self, seed: int) -> Simulation:
        """Separate cells in focus, two levels of zinc that are the same in all of them."""
        rest, plateau = (self.zinc_nM(level) for level in self.levels)
        n_channels = 2 if self.kind == "fret" else 1
        base: dict[str, Any] = {
            **{"n_cells": 50, "shape_px": (208, 208), "cell_diameter_um": 10.0},
            **{"crowding": 0.0, "edge_cells": False, "debris": 0, "puncta": 0.3},
            **{"n_frames": 60, "frame_interval_s": 10.0, "phase_shares": (12, 12, 18, 18)},
            **{"k_nM": K_NM, "hill": self.hill, "beta": BETA},
            **{"dynamic_range": 2.5 if self.kind == "fret" else 10.0},
            **{"rest_nM": rest, "rest_spread": 0.0, "plateau_nM": plateau, "plateau_spread": 0.0},
            **{"chelated_nM": self.zinc_nM(1e-6), "saturating_nM": self.zinc_nM(1 - 1e-6)},
            **{"uptake_time_s": 0.05, "chelation_time_s": 0.02, "saturation_time_s": 0.05},
            **{"mixing_delay_s": 0.01, "defocus_frames": 0, "drift_um": 0.0},
            **{"background_unevenness": 0.0, "haze_fraction": 0.0},
            **{"bleach_rate_per_s": (0.0,) * n_channels},
        }
        return Simulation(kind=self.kind, seed=seed, **(base | self.simulation))

    def constants(self, seed: int) -> dict[str, float | bool]:
        """K, n and β as they are entered; with K of the sensor itself, so that β is applied."""
        ratio = self.kind == "fret"
        entered: dict[str, float | bool] = {"k_nM": K_NM, "hill": self.hill}
        if ratio:
            entered |= {"k_nM": K_NM * BETA ** (-1 / self.hill), "beta": BETA}
        if self.constants_differ:
            rng = np.random.default_rng([seed, 1])
            for key, (relative_sd, sd_key) in CONSTANTS_SD.items():
                error = relative_sd * rng.normal()
                entered[key] *= 1 + error if key == "hill" else float(np.exp(error))
                entered[sd_key] = relative_sd * entered[key]
        return entered | ({"k_includes_beta": False} if ratio else {})


def look(
    name: str, *, signal_error: float | None = 0.0, scope: str = "per-cell", given: bool = True
) -> Case:
    """Describe an analysis: with or without the default error, with or without given outlines."""
    changes: dict[str, dict[str, Any]] = {"calibration": {"scope": scope}}
    if signal_error is not None:
        changes["uncertainty"] = {"signal_error": signal_error}
    return Case(name, changes=changes, true_masks=given)


BOTH = (look(EXACT), look(DEFAULT, signal_error=None))
OUTLINES = (
    look(f"true outlines, {EXACT}"),
    look("true outlines, default", signal_error=None),
    look(f"own outlines, {EXACT}", given=False),
    look("own outlines, default", signal_error=None, given=False),
)


def as_simulated(*keys: str) -> dict[str, Any]:
    """Take the simulator's own defaults of some settings."""
    return {key: Simulation.model_fields[key].default for key in keys}


RINGS = replace(
    BOTH[0],
    name=f"{EXACT}, background in rings",
    changes={**BOTH[0].changes, "background": {"method": "ring"}},
)
_NUISANCES = (
    ("out-of-focus light (haze)", ("haze_fraction",), BOTH[:1]),
    ("uneven background that moves", ("background_unevenness",), (BOTH[0], RINGS)),
    ("bleaching, corrected from 12 frames at rest", ("bleach_rate_per_s",), BOTH[:1]),
    ("touching cells, vesicles", ("crowding", "puncta"), BOTH[:1]),
    ("stage drift, corrected", ("drift_um",), BOTH[:1]),
)
_ALL = tuple(key for _, keys, _ in _NUISANCES for key in keys)
_FIELD = ("n_cells", "shape_px", "cell_diameter_um", "edge_cells", "debris")
SHORT = {"n_frames": 28, "phase_shares": (4, 4, 10, 10)}
CALIBRATED_BRIEFLY = {"n_frames": 36, "phase_shares": (12, 12, 6, 6)}
ALL_SCOPES = tuple(look(scope, scope=scope) for scope in SCOPES)

SENSOR_FILMS = tuple(
    Film(name, kind, hill, levels, BOTH) for name, kind, hill in SENSORS for levels in PAIRS
)
CHAIN_FILMS = (
    Film("separate cells", "intensity", 1.0, (0.1, 0.9), OUTLINES),
    Film("28 frames instead of 60", "intensity", 1.0, (0.1, 0.9), BOTH[:1], SHORT),
    *(
        Film(name, "intensity", 1.0, (0.1, 0.9), looks, as_simulated(*keys))
        for name, keys, looks in _NUISANCES
    ),
    Film(
        "all of these", "intensity", 1.0, (0.1, 0.9), OUTLINES, as_simulated(*_ALL, *_FIELD), 0.84
    ),
    Film(
        "ratio with β, n = 0.29; K, n and β entered with errors",
        *("fret", 0.29, (0.1, 0.7), BOTH[:1], {"n_cells": 12, "shape_px": (112, 112)}, 4.3, True),
    ),
)
_BRIGHT = {"electrons_per_unit": 50.0, "autofluorescence_e": 5.0}
_DIM = {"electrons_per_unit": 3.0, "autofluorescence_e": 0.3}
SCOPE_FILMS = tuple(
    Film(name, kind, 1.0, (0.2, 0.6), ALL_SCOPES, {**light, **CALIBRATED_BRIEFLY})
    for name, kind, light in (
        ("intensity, bright", "intensity", _BRIGHT),
        ("intensity, dim", "intensity", _DIM),
        ("the same, uneven field", "intensity", {**_DIM, **as_simulated("background_unevenness")}),
        ("ratio, bright", "fret", {"electrons_per_unit": 150.0}),
        ("ratio, dim", "fret", {"electrons_per_unit": 16.0}),
    )
)
FILMS = SENSOR_FILMS + CHAIN_FILMS + SCOPE_FILMS
