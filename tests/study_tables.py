"""Tables as a real experiment gives them, from a simple model, to look at and to test with."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from zincflux.columns import CELLS, FRAMES, RESPONSES, TRACES, conform
from zincflux.phases import Phase, close, names_of_frames

PHASES = close(
    [
        Phase(name="rest", role="baseline", start_s=0, end_s=60),
        Phase(name="Zn + pyrithione", role="response", start_s=60, end_s=300),
        Phase(name="EDTA wash", role="response", start_s=300, end_s=460),
        Phase(name="TPEN", role="minimum", start_s=460, end_s=560),
        Phase(name="Zn saturation", role="maximum", start_s=580, end_s=700),
    ]
)
CHANNELS = ("FluoZin-3", "H2B")


@dataclass(frozen=True)
class Binding:
    """Constants of FluoZin-3."""

    k_nM: float = 15.0
    hill: float = 1.0
    beta: float | None = None
    k_includes_beta: bool = False
    k_sd_nM: float | None = None
    hill_sd: float | None = None
    confidence: str = "read in the source"
    source: str = "Gee et al., J Am Chem Soc 2002;124:776"
    doi: str = "10.1021/ja011774y"


def zinc_course(time_s, uptake_nM, rate, rng):
    """Rest, uptake, washing out, chelation, saturation: free zinc of each cell, (n, T)."""
    n = len(uptake_nM)
    rest = rng.lognormal(np.log(1.2), 0.25, n)[:, None]
    up = 1 - np.exp(-rate[:, None] * np.clip(time_s - 60, 0, None))
    zinc = rest + uptake_nM[:, None] * up
    at_wash = rest + uptake_nM[:, None] * (1 - np.exp(-rate[:, None] * 240))
    fall = np.exp(-0.012 * np.clip(time_s - 300, 0, None))
    zinc = np.where(time_s >= 300, rest + (at_wash - rest) * fall, zinc)
    zinc = np.where(time_s >= 460, zinc * np.exp(-0.15 * (time_s - 460)), zinc)
    return np.where(time_s >= 575, 5000.0, zinc)


def make_tables(n_cells=48, *, scale=1.0, seed=4):
    """All four tables of n cells; zinc times ``scale``."""
    rng = np.random.default_rng(seed)
    time = np.arange(0, 700, 5.0)
    uptake, rate = (
        rng.lognormal(np.log(14), 0.45, n_cells),
        rng.lognormal(np.log(0.02), 0.3, n_cells),
    )
    true = zinc_course(time, uptake, rate, rng)
    saturation = true / (15 + true) + rng.normal(0, 0.012, true.shape)
    inside = (saturation > 0) & (saturation < 1)
    safe = np.where(inside, saturation, 0.5)
    zinc = np.where(inside, scale * 15 * safe / (1 - safe), np.nan)
    flag = np.where(saturation <= 0, "below_min", np.where(saturation >= 1, "above_max", ""))
    low = rng.normal(120, 20, n_cells)[:, None]
    dynamic = rng.normal(9, 1.2, n_cells)[:, None]
    signal = low * (1 + (dynamic - 1) * saturation)
    f0 = signal[:, time < 60].mean(axis=1)
    y, x = rng.uniform(10, 200, (2, n_cells))
    index = np.repeat(np.arange(n_cells), len(time))
    traces = pd.DataFrame(
        {
            "cell_id": index + 1,
            "frame": np.tile(np.arange(len(time)), n_cells),
            "time_s": np.tile(time, n_cells),
            "phase": np.tile(names_of_frames(PHASES, time), n_cells),
            "y_um": y[index],
            "x_um": x[index],
            "signal": signal.ravel(),
            "f_f0": (signal / f0[:, None]).ravel(),
            "zinc_nM": zinc.ravel(),
            "flag": flag.ravel(),
        }
    )
    return {
        "traces": conform(traces, TRACES, CHANNELS),
        "cells": conform(_cells(f0, low, dynamic, scale * true, rng), CELLS, CHANNELS),
        "responses": conform(_responses(uptake, rate, scale), RESPONSES, CHANNELS),
        "frames": conform(_frames(time, n_cells, rng), FRAMES, CHANNELS),
    }


def _cells(f0, low, dynamic, true, rng):
    n = len(f0)
    excluded = np.arange(n) % 11 == 7
    return pd.DataFrame(
        {
            "cell_id": np.arange(n) + 1,
            "n_frames": 140,
            "f0": f0,
            "signal_min": low[:, 0],
            "signal_max": (low * dynamic)[:, 0],
            "dynamic_range": np.where(excluded, 1.4, dynamic[:, 0]),
            "baseline_zinc_nM": true[:, 0],
            "baseline_zinc_low_nM": true[:, 0] * 0.8,
            "baseline_zinc_high_nM": true[:, 0] * 1.25,
            "excluded": excluded,
            "reason": np.where(excluded, "dynamic range below 2", ""),
        }
    )


def _responses(uptake, rate, scale):
    n = len(uptake)
    rows = []
    for name, sign in (("Zn + pyrithione", 1), ("EDTA wash", -1)):
        slope = sign * scale * uptake * rate
        rows.append(
            pd.DataFrame(
                {
                    "cell_id": np.arange(n) + 1,
                    "phase": name,
                    "peak_zinc_nM": np.where(np.arange(n) == 3, np.nan, scale * uptake),
                    "peak_f_f0": 1 + uptake / 10,
                    "rate_nM_per_s": slope,
                    "rate_window_s": 30.0,
                    "rate_r2": 0.98,
                    "half_time_s": np.log(2) / rate,
                    "decay_rate_per_s": np.nan if sign > 0 else 0.012,
                    "responder": uptake > 8,
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def _frames(time, n_cells, rng):
    focus = 1 + rng.normal(0, 0.03, len(time))
    focus[[12, 13]] = 0.55
    return pd.DataFrame(
        {
            "frame": np.arange(len(time)),
            "time_s": time,
            "phase": names_of_frames(PHASES, time),
            "drift_y_um": 0.004 * time + rng.normal(0, 0.05, len(time)),
            "drift_x_um": -0.002 * time + rng.normal(0, 0.05, len(time)),
            "FluoZin-3_background": 130 + 0.02 * time + rng.normal(0, 0.6, len(time)),
            "FluoZin-3_background_sd": 5.0,
            "FluoZin-3_bleach_factor": np.exp(-0.0002 * time),
            "H2B_background": 104 + rng.normal(0, 0.6, len(time)),
            "H2B_background_sd": 4.0,
            "H2B_bleach_factor": 1.0,
            "focus": focus,
            "defocused": focus < 0.8,
            "n_cells": n_cells,
        }
    )


def make_field(n_cells=48, size=420, seed=4):
    """An image of blurred cells of unequal brightness, and its label image."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((size, size))
    labels = np.zeros((size, size), dtype=np.int32)
    image = rng.normal(100, 4, (size, size)) + 0.03 * columns
    side = int(np.ceil(np.sqrt(n_cells)))
    for cell in range(n_cells):
        y, x = ((np.array(divmod(cell, side)) + 0.5) * size / side) + rng.normal(0, 5, 2)
        radius = rng.uniform(15, 24)
        wave = 1 + 0.12 * np.cos(3 * np.arctan2(rows - y, columns - x) + rng.uniform(0, 6))
        distance = np.hypot(rows - y, 1.2 * (columns - x)) / (radius * wave)
        labels[(distance < 1) & (labels == 0)] = cell + 1
        image += rng.lognormal(5.2, 0.5) / (1 + np.exp(14 * (distance - 0.95)))
    return image, labels
