"""What a movie file says and what it leaves open, as ``zincflux info`` shows it."""

from __future__ import annotations

from typing import Any

import numpy as np

from zincflux.movie import Movie
from zincflux.readers.axes import KeyNeeded
from zincflux.readers.movie_input import MovieInput

Missing = list[dict[str, str]]


def describe_input(settings: MovieInput) -> dict[str, Any]:
    """Describe a movie in plain data.

    Raises
    ------
    ReaderError
        If a file cannot be read.
    ExperimentError
        If a key does not fit the file.
    """
    path = settings.path if isinstance(settings.path, str) else list(settings.path)
    movie, asked = _open(settings)
    # With an axis of unknown meaning, nobody can tell frames from channels.
    is_known = all(error.key != "movie.axes" for error in asked)
    missing = [{"what": error.what, "key": error.key} for error in asked]
    if movie.pixel_size_um is None:
        missing.append({"what": "pixel size", "key": "movie.pixel_size_um"})
    if movie.time_s is None and movie.n_frames > 1:
        missing.append({"what": "frame interval", "key": "movie.frame_interval_s"})
    return {
        "path": path,
        "format": movie.source.format,
        "axes": movie.source.axes,
        "shape": list(movie.source.shape),
        "channels": list(movie.channels) if is_known else [],
        "pixel_size_um": movie.pixel_size_um,
        "frame_interval_s": _interval(movie) if is_known else None,
        "time_s": movie.time_s.tolist() if is_known and movie.time_s is not None else None,
        "bit_depth": movie.bit_depth,
        "saturation_level": movie.saturation_level,
        "scenes": list(movie.source.scenes),
        "n_frames": movie.n_frames if is_known else None,
        "files": [str(file) for file in movie.source.paths],
        "missing": missing,
    }


def _open(settings: MovieInput) -> tuple[Movie, list[KeyNeeded]]:
    """Open a movie with provisional values for the keys that it still needs."""
    asked: list[KeyNeeded] = []
    while True:
        try:
            return settings.open(), asked
        except KeyNeeded as error:
            if any(error.key == other.key for other in asked):
                raise
            asked.append(error)
            settings = settings.model_copy(update=error.provisional)


def _interval(movie: Movie) -> float | None:
    """Return the usual time between frames in s."""
    if movie.time_s is None or movie.n_frames < 2:
        return None
    return float(np.median(np.diff(movie.time_s)))
