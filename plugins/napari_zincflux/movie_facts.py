"""What a movie and the settings together say of time, size and channels; no Qt."""

from __future__ import annotations

import numpy as np

from napari_zincflux.choices import Choices
from napari_zincflux.layers import even_step_s
from zincflux import Movie
from zincflux.movie import FloatArray


def times_s(movie: Movie | None, choices: Choices) -> FloatArray | None:
    """Give the time of each frame, as the settings or the movie say; None where neither does."""
    if movie is None:
        return None
    step = choices.get("movie.frame_interval_s")
    if step is not None:
        return np.arange(movie.n_frames, dtype=np.float64) * np.float64(step)
    return movie.time_s


def gaps_of(movie: Movie | None, choices: Choices) -> tuple[str, ...]:
    """Name the keys that have to be chosen because the movie does not tell them."""
    if movie is None:
        return ()
    size = choices.get("movie.pixel_size_um") or movie.pixel_size_um
    gaps = [] if size else ["movie.pixel_size_um"]
    if times_s(movie, choices) is None and movie.n_frames > 1:
        gaps.append("movie.frame_interval_s")
    roles = ("signal", "numerator")
    if len(movie.channels) > 1 and not any(
        choices.get(f"channels.{role}") is not None for role in roles
    ):
        gaps.append("channels.signal")
    return tuple(gaps)


def hints_of(movie: Movie | None) -> dict[str, str]:
    """Say in words what the movie itself tells of settings."""
    if movie is None:
        return {}
    hints = {}
    if movie.pixel_size_um is not None:
        hints["movie.pixel_size_um"] = f"{movie.pixel_size_um:.4g} (file)"
    if movie.time_s is not None and movie.n_frames > 1:
        step = even_step_s(movie.time_s)
        words = "uneven" if step is None else f"{step:.4g}"
        hints["movie.frame_interval_s"] = f"{words} (file)"
    return hints
