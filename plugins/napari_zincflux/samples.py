"""Sample data: simulated movies, whose cells and zinc are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_zincflux.layers import (
    Axes,
    LayerData,
    labels_layer,
    movie_layers,
    tracks_layer,
)
from napari_zincflux.lazy_stacks import lazy_frames
from napari_zincflux.places import cache_folder

SEED = 1


def uptake() -> list[LayerData]:
    """Simulate zinc uptake with an intensity indicator, calibrated at the end of the movie."""
    return _layers("zinc uptake", kind="intensity")


def fret() -> list[LayerData]:
    """Simulate moving and dividing cells with a FRET indicator."""
    return _layers("dividing cells", kind="fret", moving=True)


def _layers(name: str, **settings: Any) -> list[LayerData]:
    """Give the simulated movie and, hidden, its true labels, and tracks where the cells move."""
    import zincflux

    made = zincflux.simulate(zincflux.Simulation(seed=SEED, **settings))
    folder = stored(made, cache_folder() / "samples" / name.replace(" ", "_"))
    movie = zincflux.open_movie(folder / "movie.ome.tif")
    axes = Axes.of(movie.pixel_size_um, movie.time_s)
    labels = lazy_frames(made.labels, movie.n_frames, movie.frame_shape, "int32")
    images = movie_layers(
        movie, place=folder / "movie.ome.tif", experiment=folder / "experiment.toml"
    )
    truth = [labels_layer(labels, made.cells, axes, name="true cells")]
    if made.settings.moving:
        truth.append(tracks_layer(made.truth, made.cells, axes, name="true tracks"))
    for _, options, _ in truth:
        options["visible"] = False
    return [*images, *truth]


def stored(made: Any, folder: Path) -> Path:
    """Write a simulated movie with its experiment file, so that all that a user does with it lasts.

    Parameters
    ----------
    made
        What `zincflux.simulate` returns.
    folder
        Where it goes; a movie of the same version that is there already is kept.

    Returns
    -------
    pathlib.Path
        The folder that holds ``movie.ome.tif`` and ``experiment.toml``.
    """
    import zincflux
    from zincflux.results import write_simulation

    place = folder / zincflux.__version__
    if not (place / "experiment.toml").is_file():
        for _ in write_simulation(made, place, overwrite=True):
            pass
    return place
