"""From movies and tables to napari's layers: pure functions, no Qt."""

from __future__ import annotations

import warnings
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_zincflux.lazy_stacks import lazy_frames, moved_frames

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from zincflux import Movie, Results

    FloatArray = NDArray[np.float64]

LayerData = tuple[Any, dict[str, Any], str]
"""Data, keyword arguments and type of a layer, as napari's readers return them."""

COLORMAPS = ("green", "magenta", "cyan", "yellow", "gray")
UNEVEN = 0.5
"""Steps by which a frame may be off an even time axis before that axis would tell another frame."""

METADATA_KEY = "zincflux"
"""Key of the layers' metadata under which the dock finds what a layer belongs to."""

SAMPLED_FRAMES = 5
SAMPLED_PIXELS = 100_000
TRACK_FEATURES = ("signal", "f_f0", "saturation", "zinc_nM")


class Axes(NamedTuple):
    """Scale and units of the axes (t, y, x)."""

    scale: tuple[float, float, float]
    units: tuple[str, str, str]

    @classmethod
    def of(cls, pixel_size_um: float | None, time_s: FloatArray | None) -> Axes:
        """Make axes in µm and s; one without known size counts pixels or frames.

        Parameters
        ----------
        pixel_size_um
            Edge of a pixel.
        time_s
            Time of each frame, shape (T,). Uneven times make an axis that counts frames: no
            straight axis tells them.
        """
        step = even_step_s(time_s)
        space = pixel_size_um or 1.0
        unit = "µm" if pixel_size_um else "pixel"
        return cls((step or 1.0, space, space), ("s" if step else "pixel", unit, unit))

    def kwargs(self, ndim: int = 3) -> dict[str, Any]:
        """Give the keyword arguments of a layer that has the last ``ndim`` of the axes."""
        return {
            "scale": self.scale[-ndim:],
            "units": self.units[-ndim:],
            "axis_labels": ("t", "y", "x")[-ndim:],
        }


def even_step_s(time_s: FloatArray | None) -> float | None:
    """Give the time between frames in s where it is even, else None.

    Parameters
    ----------
    time_s
        Time of each frame, shape (T,).
    """
    if time_s is None or len(time_s) < 2:
        return None
    step = float(time_s[-1] - time_s[0]) / (len(time_s) - 1)
    off = np.abs(np.asarray(time_s) - time_s[0] - step * np.arange(len(time_s)))
    return step if off.max() < UNEVEN * step else None


def contrast_limits(movie: Movie, channel: int) -> tuple[float, float]:
    """Estimate contrast limits from a few frames and pixels, not from the whole movie.

    Parameters
    ----------
    movie
        The movie.
    channel
        Number of the channel.

    Returns
    -------
    tuple
        The percentiles 0.5 and 99.8; always increasing.
    """
    chosen = np.unique(np.linspace(0, movie.n_frames - 1, SAMPLED_FRAMES).astype(int))
    height, width = movie.frame_shape
    stride = max(1, int(np.sqrt(len(chosen) * height * width / SAMPLED_PIXELS)))
    pixels = np.concatenate(
        [movie.frame(int(t))[channel, ::stride, ::stride].ravel() for t in chosen]
    )
    finite = pixels[np.isfinite(pixels)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(finite, [0.5, 99.8]))
    return (low, high) if high > low else (low, low + 1.0)


def movie_layers(
    movie: Movie, *, name: str = "", place: str | Path = "", experiment: str | Path = ""
) -> list[LayerData]:
    """Give one lazy image layer (t, y, x) per channel.

    Parameters
    ----------
    movie
        The movie; read only as it is shown.
    name
        Prefix of the layers' names.
    place, experiment
        What the user opened, and the experiment file that belongs to it; the dock goes on there.
    """
    stack = lazy_frames(movie.frame, movie.n_frames, movie.data.shape[1:], movie.data.dtype)
    alone = len(movie.channels) == 1
    colormaps = cycle(("gray",) if alone else COLORMAPS)
    layers: list[LayerData] = []
    for number, (channel, colormap) in enumerate(zip(movie.channels, colormaps, strict=False)):
        options = {
            "name": f"{name} {channel}".strip(),
            "colormap": colormap,
            "blending": "translucent" if alone else "additive",
            "contrast_limits": contrast_limits(movie, number),
            "metadata": {
                "time_s": movie.time_s,
                "format": movie.source.format,
                "paths": [str(path) for path in movie.source.paths],
                METADATA_KEY: {"movie": str(place), "experiment": str(experiment)},
            },
            **Axes.of(movie.pixel_size_um, movie.time_s).kwargs(),
        }
        layers.append((stack[:, number], options, "image"))
    return layers


def results_layers(results: Results, *, movie: Movie | None = None) -> list[LayerData]:
    """Give the layers of finished results: the movie where it can be read, labels, tracks.

    Parameters
    ----------
    results
        What `zincflux.read_results` returns.
    movie
        The movie, where it is open already.

    Raises
    ------
    zincflux.ZincfluxError
        If the results were made from a table, so that there is nothing to draw.

    Warns
    -----
    UserWarning
        If the movie cannot be read; labels and tracks are shown without it.
    """
    import zincflux

    if results.labels is None:
        raise zincflux.ZincfluxError(
            f"{results.folder}: expected results of a movie, found results of a table of traces, "
            "which hold no pictures. Open report.html in it instead."
        )
    images: list[LayerData] = []
    try:
        source = results.experiment.movie
        images = movie_layers(
            movie or results.experiment.open_movie(), place=str(source.path) if source else ""
        )
    except zincflux.ZincfluxError as error:
        warnings.warn(f"The movie is not shown. {error}", stacklevel=2)
    stored = results.labels_file or results.folder / "labels.ome.tif"
    pixel_size_um = zincflux.open_movie(stored).pixel_size_um
    axes = Axes.of(pixel_size_um, results.frames["time_s"].to_numpy())
    labels = moved_frames(results.labels, results.frames, axes.scale[1])
    layers = [*images, labels_layer(labels, results.cells, axes)]
    for _, options, _ in layers:
        mark = options.setdefault("metadata", {}).setdefault(METADATA_KEY, {})
        mark["results"] = str(results.folder)
    # Cells that stay in place have no tracks worth drawing.
    if len(results.labels) > 1:
        layers.append(tracks_layer(results.traces, results.cells, axes))
    return layers


def labels_layer(labels: Any, cells: pd.DataFrame, axes: Axes, *, name: str = "cells") -> LayerData:
    """Give a label layer whose features are the table of the cells.

    Parameters
    ----------
    labels
        Label images, int32 array-like (1 or T, Y, X); a single one is shown in every frame.
    cells
        One row per cell; where several regions were measured, the whole cells are shown.
    axes
        Scale and units.
    name
        Name of the layer.
    """
    whole = cells[cells["region"] == "cell"] if "region" in cells else cells
    # The column named index ties a row to the label with that value.
    features = whole.rename(columns={"cell_id": "index"}).reset_index(drop=True)
    shown = labels[0] if len(labels) == 1 else labels
    # Faint, so that the movie underneath is seen.
    options = {"name": name, "features": features, "opacity": 0.35, **axes.kwargs(shown.ndim)}
    return shown, options, "labels"


def tracks_layer(
    traces: pd.DataFrame, cells: pd.DataFrame, axes: Axes, *, name: str = "tracks"
) -> LayerData:
    """Give the paths of the cells, with a branch at each division.

    Parameters
    ----------
    traces
        One row per cell and frame, with its centroid.
    cells
        One row per cell, with its parent.
    axes
        Scale and units of the movie.
    name
        Name of the layer.
    """
    rows = traces[traces["region"] == "cell"] if "region" in traces else traces
    rows = rows[rows["y_um"].notna()].sort_values(["cell_id", "frame"])
    size = axes.scale[1]
    data = np.column_stack(
        [rows["cell_id"], rows["frame"], rows["y_um"] / size, rows["x_um"] / size]
    ).astype(np.float64)
    features = rows[[name for name in TRACK_FEATURES if name in rows]].reset_index(drop=True)
    followed = set(rows["cell_id"])
    graph = {
        int(cell): [int(parent)]
        for cell, parent in zip(cells["cell_id"], cells["parent_id"], strict=True)
        if cell in followed and parent in followed
    }
    options = {"name": name, "features": features, "graph": graph, **axes.kwargs()}
    return data, options, "tracks"
