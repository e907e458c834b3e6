"""Exposure: brightness can be compared only where it is the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zincflux.errors import ReaderError
from zincflux.movie import Movie

EXPOSURE_TOLERANCE = 0.01
"""Relative change of exposure that is taken for rounding."""


def check_exposure(movie: Movie, indices: Sequence[int]) -> None:
    """Refuse a movie whose exposure changes.

    Raises
    ------
    ReaderError
        If the exposure of one of these channels changes from frame to frame.
    """
    if movie.exposure_s is None:
        return
    for index in indices:
        exposure = movie.exposure_s[:, index]
        changed = np.abs(exposure - exposure[0]) > EXPOSURE_TOLERANCE * exposure[0]
        if changed.any():
            t = int(np.argmax(changed))
            raise ReaderError(
                f"{movie.source.paths[0] if movie.source.paths else 'movie'}: the exposure of "
                f"channel {movie.channels[index]!r} changes from {exposure[0]:g} s to "
                f"{exposure[t]:g} s at frame {t}, so its brightness is not comparable. "
                "Expected one exposure; analyse the two parts as two movies."
            )
