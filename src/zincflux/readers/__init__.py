"""Readers: from files to a lazy :class:`~zincflux.movie.Movie`.

One module per format, each with ``sniff(path)`` and ``read(path, choice)``; ``READERS`` lists them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zincflux.movie import Movie
from zincflux.readers.array_planes import movie_from_array
from zincflux.readers.axes import Choice, ZChoice
from zincflux.readers.exchange import LabelSource, input_files, open_labels, read_tracks
from zincflux.readers.formats import READERS, Reader
from zincflux.readers.images import LabelImages, read_image, read_labels
from zincflux.readers.info import describe_input
from zincflux.readers.movie_input import MovieInput

PathLike = str | os.PathLike[str]

__all__ = [
    "READERS",
    "Choice",
    "LabelImages",
    "LabelSource",
    "MovieInput",
    "Reader",
    "describe",
    "input_files",
    "movie_from_array",
    "open_labels",
    "open_movie",
    "read_image",
    "read_labels",
    "read_tracks",
]


def open_movie(
    path: PathLike | Sequence[PathLike],
    *,
    frame_interval_s: float | None = None,
    pixel_size_um: float | None = None,
    scene: int | None = None,
    z: ZChoice = None,
    axes: str | None = None,
) -> Movie:
    """Open a time-lapse; its pixels are read frame by frame when they are asked for.

    Parameters
    ----------
    path
        A file, a folder (OME-Zarr, MetaSeries, Micro-Manager), an address of OME-Zarr
        (``s3://…``, ``https://…``), a list of these joined in time, or a pattern with ``{t}``,
        ``{c}``, ``{z}``, ``{s}`` for one file per time point, channel, plane or scene.
    frame_interval_s, pixel_size_um
        Time between frames in s and edge of a pixel in µm, where the file does not say or is wrong.
    scene
        Number of the scene, from 0. Without it, the one that the file belongs to, where it is one
        file of several; else the first, with a warning if there are more.
    z
        For stacks with z: ``"max"``, ``"mean"`` or the number of a plane.
    axes
        Letters of the axes where the file does not name them, such as ``"TYX"``.

    Returns
    -------
    Movie
        Pixels (T, C, Y, X) in the file's dtype. No file is kept open.

    Raises
    ------
    ReaderError
        If a file is absent, damaged or of a format that is not supported.
    ExperimentError
        If the file leaves something open that only a key can say, or an argument does not fit.

    Warns
    -----
    MetadataWarning
        If metadata is odd, or is overridden.
    """
    return _input(path, frame_interval_s, pixel_size_um, scene=scene, z=z, axes=axes).open()


def describe(
    path: PathLike | Sequence[PathLike],
    *,
    frame_interval_s: float | None = None,
    pixel_size_um: float | None = None,
    scene: int | None = None,
    z: ZChoice = None,
    axes: str | None = None,
) -> dict[str, Any]:
    """Tell what a movie file says, and what is missing and which key supplies it.

    Parameters
    ----------
    path, frame_interval_s, pixel_size_um, scene, z, axes
        As for :func:`open_movie`.

    Returns
    -------
    dict
        Plain data for JSON: ``path``, ``format``, ``axes`` and ``shape`` as the file has them,
        ``channels``, ``pixel_size_um``, ``frame_interval_s`` (median), ``time_s``, ``bit_depth``,
        ``saturation_level``, ``scenes``, ``n_frames``, ``files``, and ``missing``, a list of
        ``{what, key}``.

    Raises
    ------
    ReaderError
        If a file cannot be read.
    ExperimentError
        If an argument does not fit the file.
    """
    return describe_input(
        _input(path, frame_interval_s, pixel_size_um, scene=scene, z=z, axes=axes)
    )


def _input(
    path: PathLike | Sequence[PathLike],
    frame_interval_s: float | None,
    pixel_size_um: float | None,
    **choice: Any,
) -> MovieInput:
    paths: str | list[str]
    if isinstance(path, str | os.PathLike):
        paths = os.fspath(path)
    else:
        paths = [os.fspath(item) for item in path]
    given = {"frame_interval_s": frame_interval_s, "pixel_size_um": pixel_size_um, **choice}
    data = {key: value for key, value in given.items() if value is not None}
    return MovieInput.parse({"path": paths, **data}, where="movie", folder=Path.cwd())
