"""Sample data: simulated movies, whose cells and zinc are known."""

from __future__ import annotations

from typing import Any

from napari_zincflux.layers import (
    Axes,
    LayerData,
    labels_layer,
    lazy_frames,
    movie_layers,
    tracks_layer,
)


def uptake() -> list[LayerData]:
    """Simulate zinc uptake with an intensity indicator, calibrated at the end of the movie."""
    return _layers(kind="intensity")


def fret() -> list[LayerData]:
    """Simulate moving and dividing cells with a FRET indicator."""
    return _layers(kind="fret", moving=True)


def _layers(**settings: Any) -> list[LayerData]:
    """Give the simulated movie with its true labels, and tracks where the cells move."""
    import zincflux

    made = zincflux.simulate(zincflux.Simulation(seed=1, **settings))
    movie = made.movie
    axes = Axes.of(movie.pixel_size_um, movie.time_s)
    labels = lazy_frames(made.labels, movie.n_frames, movie.frame_shape, "int32")
    layers = [*movie_layers(movie), labels_layer(labels, made.cells, axes)]
    if made.settings.moving:
        layers.append(tracks_layer(made.truth, made.cells, axes))
    return layers
