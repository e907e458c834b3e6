"""Small movies for tests of the chain: flat discs whose counts are known exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zincflux.experiment import Experiment
from zincflux.movie import Image, Movie

SIZE = 96
RADIUS = 8
CENTRES = ((20, 20), (20, 60), (60, 24), (66, 70))
INTERVAL_S = 5.0
PIXEL_UM = 1.0
BACKGROUND = 100.0

PHASES = (
    {"name": "rest", "role": "baseline", "start_s": 0},
    {"name": "zinc", "role": "response", "start_s": 50},
    {"name": "TPEN", "role": "minimum", "start_s": 125},
    {"name": "Zn", "role": "maximum", "start_s": 200},
)
LEVELS = (150.0, 600.0, 100.0, 1100.0)
"""Counts above background of a cell in each phase: zinc is 0.79 nM, then 15 nM, at K 15 nM."""


def discs(
    brightness: Sequence[float],
    shape: tuple[int, int] = (SIZE, SIZE),
    shift: tuple[int, int] = (0, 0),
) -> Image:
    """Draw one disc per brightness on an empty field."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = np.zeros(shape)
    for (cy, cx), value in zip(CENTRES, brightness, strict=False):
        inside = (y - cy - shift[0]) ** 2 + (x - cx - shift[1]) ** 2 <= RADIUS**2
        image[inside] = value
    return image


def levels(n_frames: int = 50) -> Image:
    """Counts of a cell of load 1 in each frame, by the phases above."""
    time_s = np.arange(n_frames) * INTERVAL_S
    starts = [phase["start_s"] for phase in PHASES]
    return np.array(LEVELS)[np.searchsorted(starts, time_s, side="right") - 1]


def dish(
    trace: Sequence[float] | None = None,
    *,
    loads: Sequence[float] = (1.0, 0.5, 2.0, 1.5),
    shifts: Sequence[tuple[int, int]] | None = None,
    noise: float = 1.0,
    dtype: type = np.uint16,
    seed: int = 0,
) -> Movie:
    """Make a one-channel movie; cell i shows ``loads[i]`` × ``trace`` above background."""
    rng = np.random.default_rng(seed)
    values = levels() if trace is None else np.asarray(trace)
    shifts = shifts or [(0, 0)] * len(values)
    frames = [
        discs([load * value for load in loads], shift=shift)
        for value, shift in zip(values, shifts, strict=True)
    ]
    data = (
        np.stack(frames)[:, None]
        + BACKGROUND
        + noise * rng.standard_normal((len(values), 1, SIZE, SIZE))
    )
    return movie_of(np.rint(data).astype(dtype) if np.dtype(dtype).kind in "ui" else data)


def movie_of(data: Image, channels: Sequence[str] = ("dye",)) -> Movie:
    """Wrap an array (T, C, Y, X)."""
    return Movie(
        data=data,
        channels=tuple(channels),
        pixel_size_um=PIXEL_UM,
        time_s=np.arange(len(data)) * INTERVAL_S,
        saturation_level=65535.0,
    )


def experiment_of(changes: Mapping[str, Any] | None = None) -> Experiment:
    """Make the experiment of such a movie, with sections replaced."""
    data: dict[str, Any] = {
        "movie": {"path": "array"},
        "indicator": "FluoZin-3",
        "phases": list(PHASES),
        "segment": {"diameter_um": 2 * RADIUS * PIXEL_UM},
        "calibration": {"k_nM": 15.0},
    }
    return Experiment.parse({**data, **(changes or {})}, where="test")
