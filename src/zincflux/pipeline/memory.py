"""How many frames may be worked on at the same time within a bound on memory."""

from __future__ import annotations

import os
import re

from zincflux.errors import ExperimentError
from zincflux.movie import Movie

BASE_MB = 500.0
"""What Python, the libraries, the report and the tables of a usual movie take."""

IMAGES_BYTES = 70
"""What the views of the survey and the report hold, whatever the number of threads: bytes per
pixel (Y, X)."""

FILM_BYTES = 160
"""What is held of a film whose frames settle each other's doubts, beside its pixels."""

FILM_FRAMES = 7
"""Frames of it whose pixels are held."""

SEARCH_BYTES = 60
"""What finding the cells of a frame takes in each thread, where cells move: bytes per pixel."""

NETWORK_BYTES = 110
"""What our network takes in each thread, and once more in a film: bytes per pixel that it sees."""

NUMBER_BYTES = 4
"""A pixel after dark and flat field."""

_UNITS_MB = {"MB": 1.0, "GB": 1e3, "TB": 1e6, "MIB": 2**20 / 1e6, "GIB": 2**30 / 1e6}


def parse_memory(text: str) -> float:
    """Read an amount of memory, such as ``2GB`` or ``700 MB``.

    Returns
    -------
    float
        MB.

    Raises
    ------
    ExperimentError
        If it is no amount of memory.

    Examples
    --------
    >>> parse_memory("1.5 GB")
    1500.0
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*", text)
    if found is None or found[2].upper() not in _UNITS_MB:
        raise ExperimentError(
            f"--max-memory: expected a number with MB, GB, MiB or GiB, such as 4GB, found {text!r}."
        )
    return float(found[1]) * _UNITS_MB[found[2].upper()]


def needed_mb(movie: Movie, jobs: int, *, follows: bool, network_px: float = 0.0) -> float:
    """Estimate the peak of a run from above.

    Tables of far more rows than usual (some 800 bytes per cell and frame) come on top, and so do
    chunks of an array that hold many frames.

    Parameters
    ----------
    movie
        What is analysed.
    jobs
        Threads.
    follows
        Whether cells are found in every frame.
    network_px
        Pixels that a network sees for each pixel of a frame; see `Segment.network_px`.
    """
    _, n_channels, height, width = movie.data.shape
    frame = n_channels * (movie.data.dtype.itemsize + NUMBER_BYTES)
    seen = NETWORK_BYTES * network_px
    each = 2 * frame + (SEARCH_BYTES + seen if follows else 0)
    film = FILM_BYTES + FILM_FRAMES * frame + seen if follows else 0
    return BASE_MB + height * width * (IMAGES_BYTES + film + jobs * each) / 1e6


def jobs_within(
    max_memory_mb: float | None,
    movie: Movie,
    *,
    follows: bool,
    network_px: float = 0.0,
    jobs: int | None = None,
) -> int:
    """Choose the number of threads so that memory stays within a bound.

    Parameters
    ----------
    max_memory_mb
        The bound in MB, or None.
    movie
        What is analysed.
    follows
        Whether cells are found in every frame.
    network_px
        See `needed_mb`.
    jobs
        Most threads; the number of cores if not given.

    Returns
    -------
    int
        1 or more.

    Raises
    ------
    ExperimentError
        If a single thread needs more.
    """
    most = jobs or os.cpu_count() or 1
    if max_memory_mb is None:
        return most
    for n in range(most, 0, -1):
        if needed_mb(movie, n, follows=follows, network_px=network_px) <= max_memory_mb:
            return n
    least = needed_mb(movie, 1, follows=follows, network_px=network_px)
    raise ExperimentError(
        f"--max-memory: expected at least {least:.0f} MB, which a movie with frames of this size "
        f"takes in one thread, found {max_memory_mb:.0f} MB. Give more, or bin or crop the movie."
    )
