"""Pictures with known cells: real ones (``ZINCFLUX_REALDATA``) and simulated ones."""

from __future__ import annotations

import hashlib
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

import zincflux
from zincflux.synthetic import Simulation

sys.path.insert(0, str(Path(__file__).parents[1] / "segment"))
from scores import field_of_cells

FRAMES = 8
"""Frames that are averaged: enough for the view that a static movie gives."""

SIMULATED = {
    "moderate": {"n_cells": 60},
    "confluent": {"n_cells": 170, "crowding": 0.9},
    "dim beside bright": {"n_cells": 100, "load_spread": 1.0},
    "contrast 3": {"n_cells": 60, "electrons_per_unit": 5.0},
    "contrast 100": {"n_cells": 60, "electrons_per_unit": 500.0},
    "irregular": {"n_cells": 70, "irregularity": 1.0},
    "dark nuclei": {"n_cells": 80, "nucleus_contrast": -0.6, "puncta": 0.3},
}
"""Kinds of simulated static movies."""


@dataclass(frozen=True)
class Picture:
    """An image (Y, X) with its true labels, and where nobody said what is true."""

    name: str
    image: np.ndarray
    truth: np.ndarray
    ignored: np.ndarray | None = None


def real_folder(name: str) -> Path:
    """Find a folder of real data, or say how to name the place."""
    root = os.environ.get("ZINCFLUX_REALDATA")
    if root is None:
        raise SystemExit("Set ZINCFLUX_REALDATA to the folder of the real data.")
    return Path(root, name)


def is_held_back(name: str) -> bool:
    """Tell whether an image is never looked at while anything is tuned: a third, by its name."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 3 == 0


def dsb_names(held_back: bool) -> list[str]:
    """Names of the images of the Data Science Bowl 2018 in one of the two parts."""
    folder = real_folder("dsb2018-fluorescence")
    names = sorted(path.name.removesuffix("_image.tif") for path in folder.glob("*_image.tif"))
    return [name for name in names if is_held_back(name) == held_back]


def dsb(name: str) -> Picture:
    """Read an image of the Data Science Bowl 2018."""
    folder = real_folder("dsb2018-fluorescence")
    image, truth = (tifffile.imread(folder / f"{name}_{kind}.tif") for kind in ("image", "labels"))
    return Picture(name, image, truth.astype(np.int64))


def excerpt() -> Iterator[Picture]:
    """Read one field with 125 nuclei."""
    folder = real_folder("dsb2018-excerpt")
    yield Picture(
        "excerpt",
        tifffile.imread(folder / "img2d.tif"),
        tifffile.imread(folder / "mask2d.tif").astype(np.int64),
    )


def laptrack() -> Iterator[Picture]:
    """Read six frames of dense nuclei."""
    folder = real_folder("laptrack-nuclei")
    images, labels = (
        tifffile.imread(folder / f"example_{kind}.tif") for kind in ("images", "label")
    )
    for t, (image, truth) in enumerate(zip(images, labels, strict=True)):
        yield Picture(f"frame {t}", image, truth.astype(np.int64))


def u2os() -> Iterator[Picture]:
    """Read the field of whole U2OS cells, with the places that were not annotated."""
    folder = real_folder("u2os-cellpainting")
    image, truth, ignore = (
        tifffile.imread(folder / f"u2os-cp_{kind}.tif") for kind in ("image", "labels", "ignore")
    )
    yield Picture("u2os", image, truth.astype(np.int64), ignore > 0)


def simulated(kind: str, seed: int) -> Picture:
    """Simulate the mean view of a static movie."""
    settings = Simulation(
        seed=seed, n_frames=FRAMES, drift_um=0.0, defocus_frames=0, **SIMULATED[kind]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zincflux.ZincfluxWarning)
        made = zincflux.simulate(settings)
    image = np.mean([made.movie.data[t][0] for t in range(FRAMES)], axis=0, dtype=np.float64)
    return Picture(f"{kind} {seed}", image, np.asarray(made.labels(0)).astype(np.int64))


def field(seed: int) -> Picture:
    """Draw a field of cells with haze, of random density, spread and brightness."""
    rng = np.random.default_rng(seed)
    image, truth = field_of_cells(
        seed,
        n=int(rng.integers(20, 110)),
        load_sd=rng.uniform(0.2, 0.9),
        photons=float(np.exp(rng.uniform(3, 6))),
    )
    return Picture(f"field {seed}", image, truth)
