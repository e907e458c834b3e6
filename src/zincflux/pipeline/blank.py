"""The blank dish of an experiment, opened beside its movie and measured like it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zincflux.correct.blank import BlankLevel, BlankTiles
from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.experiment import Experiment
from zincflux.movie import Image, Movie
from zincflux.pipeline.exposure import EXPOSURE_TOLERANCE, check_exposure
from zincflux.readers import MovieInput
from zincflux.readers.axes import KeyNeeded

MOST_FRAMES = 60
"""Frames of a blank movie that are read, spread evenly."""

FlatField = Callable[[Image], Image]
"""Dark and flat field of a frame (C, Y, X)."""

_KEY = "background.blank"


@dataclass(frozen=True, eq=False)
class Blank:
    """A blank dish.

    Attributes
    ----------
    movie
        Its frames; one, of an image.
    indices
        Numbers in it of the measured channels.
    """

    movie: Movie
    indices: tuple[int, ...]

    def read(self, t: int) -> Image:
        """Read the measured channels of frame ``t``, shape (C, Y, X)."""
        return self.movie.frame(t)[list(self.indices)]

    @property
    def frames(self) -> list[int]:
        """Frames that are read."""
        n = self.movie.n_frames
        return [int(t) for t in np.unique(np.linspace(0, n - 1, min(n, MOST_FRAMES)).round())]


def open_blank(experiment: Experiment, movie: Movie, indices: Sequence[int]) -> Blank | None:
    """Open the blank that the settings name, and see that it was taken like the movie.

    Parameters
    ----------
    experiment
        The settings.
    movie
        The movie that it is a blank of.
    indices
        Numbers of the measured channels in the movie.

    Raises
    ------
    ExperimentError
        If a channel is lacking, or the size differs.
    ReaderError
        If the blank cannot be read, or its exposure changes or differs from the movie's.
    """
    path = experiment.background.blank
    if path is None:
        return None
    blank = _open(path, experiment)
    if blank.frame_shape != movie.frame_shape:
        raise ExperimentError(
            f"{_KEY}: expected frames of {movie.frame_shape[0]} × {movie.frame_shape[1]} pixels "
            f"like the movie, found {blank.frame_shape[0]} × {blank.frame_shape[1]} in {path}. Use "
            "one made with the same camera settings."
        )
    found = Blank(blank, _match(blank, movie, indices, path))
    check_exposure(blank, found.indices)
    _compare_exposure(found, movie, indices)
    return found


def blank_files(experiment: Experiment) -> tuple[Path, ...]:
    """List the files of the blank; none where there is no blank.

    Raises
    ------
    ReaderError
        If the blank cannot be read.
    """
    path = experiment.background.blank
    return () if path is None else _open(path, experiment).source.paths


def _open(path: str, experiment: Experiment) -> Movie:
    """Open a blank; what its file does not say of pixel size and times does not matter."""
    own = experiment.movie
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetadataWarning)
        z = None if own is None else own.z
        try:
            return MovieInput(path=path, z=z).open()
        except KeyNeeded:
            if own is None or own.axes is None:
                raise
            return MovieInput(path=path, z=z, axes=own.axes).open()


def _match(blank: Movie, movie: Movie, indices: Sequence[int], path: str) -> tuple[int, ...]:
    """Find the movie's channels by name; by number in a blank whose file names none."""
    nameless = blank.channels == tuple(f"C{k}" for k in range(len(blank.channels)))
    if nameless and len(blank.channels) == len(movie.channels):
        return tuple(indices)
    names = [movie.channels[index] for index in indices]
    if not set(names) <= set(blank.channels):
        raise ExperimentError(
            f"{_KEY}: expected the channels {', '.join(map(repr, names))} in the blank {path}, "
            f"found {', '.join(map(repr, blank.channels))}. Use a blank with the movie's channels; "
            "one whose file names none needs as many as the movie, in the same order."
        )
    return tuple(blank.channels.index(name) for name in names)


def _compare_exposure(blank: Blank, movie: Movie, indices: Sequence[int]) -> None:
    if blank.movie.exposure_s is None or movie.exposure_s is None:
        return
    for there, here in zip(blank.indices, indices, strict=True):
        found, expected = blank.movie.exposure_s[0, there], movie.exposure_s[0, here]
        if abs(found - expected) > EXPOSURE_TOLERANCE * expected:
            raise ReaderError(
                f"{_KEY}: expected an exposure of {expected:g} s of channel "
                f"{movie.channels[here]!r} like the movie, found {found:g} s in "
                f"{blank.movie.source.paths[0] if blank.movie.source.paths else 'the blank'}. Use "
                "a blank taken with the movie's settings."
            )


def measure_blank(blank: Blank, flat: FlatField, tile_px: float) -> BlankLevel:
    """Measure the blank after dark and flat field.

    Parameters
    ----------
    blank
        The blank.
    flat
        What the movie's frames (C, Y, X) go through before they are measured.
    tile_px
        Edge of a tile as large as a cell, px.
    """
    tiles = BlankTiles(tile_px)
    for t in blank.frames:
        tiles.update(flat(blank.read(t)))
    return tiles.result()
