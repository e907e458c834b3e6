"""The real nuclei of laptrack-nuclei: pictures, outlines, and what becomes of each nucleus.

The outlines come with a number each, but most numbers do not follow the nuclei: the whole frame
moves by two thirds of a nucleus from picture to picture, and the numbers often go to whatever lies
nearest. So the links are read off by eye, in `nuclei_links.toml`, and the numbers are shown beside.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from ctc import Graph

from zincflux.measure import measure_labels


def pictures(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pictures and outlines, both (T, Y, X)."""
    folder = folder / "laptrack-nuclei"
    outlines = tifffile.imread(folder / "example_label.tif").astype(np.int32)
    return tifffile.imread(folder / "example_images.tif"), outlines


def by_eye() -> pd.DataFrame:
    """Tracks of the outlines by eye: ``frame``, ``label``, ``next_frame``, ``next_label``, …"""
    data = tomllib.loads((Path(__file__).parent / "nuclei_links.toml").read_text("utf-8"))
    rows = []
    for part in data["frames"]:
        t = part["frame"]
        rows += [(t, here, t + 1, there, False) for here, there in part["links"]]
        born = [(mother, child) for mother, *both in part["divisions"] for child in both]
        rows += [(t, mother, t + 1, child, True) for mother, child in born]
    columns = ["frame", "label", "next_frame", "next_label", "is_parent"]
    return pd.DataFrame(rows, columns=columns)


def cells_of(outlines: np.ndarray) -> pd.DataFrame:
    """``frame`` and ``label`` of every outline."""
    tables = [
        pd.DataFrame({"frame": t, "label": np.unique(image)[1:]})
        for t, image in enumerate(outlines)
    ]
    return pd.concat(tables, ignore_index=True).astype(np.int64)


def eye_graph(outlines: np.ndarray) -> Graph:
    """Graph of the links by eye."""
    return Graph(cells_of(outlines), by_eye())


def rows_of(images: np.ndarray, labels: np.ndarray, pixel_size_um: float = 1.0) -> pd.DataFrame:
    """Measure every frame (T, Y, X) as `track.link` takes it."""
    tables = []
    for frame, (image, outlines) in enumerate(zip(images, labels, strict=True)):
        table = measure_labels(image[None], outlines).to_frame(["seen"], pixel_size_um)
        table = table.rename(columns={"seen_raw": "intensity"}).assign(frame=frame)
        tables.append(table[["frame", "label", "y_um", "x_um", "area_um2", "intensity"]])
    return pd.concat(tables, ignore_index=True)
