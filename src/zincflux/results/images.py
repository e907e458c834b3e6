"""Label images and movies as OME-TIFF."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from zincflux.movie import FloatArray, Image, Labels, Movie
from zincflux.results.staging import staging, writing

_CLASSIC_BYTES = 2**31
"""Uncompressed size up to which a classic TIFF, whose offsets end at 4 GB, is safe."""


def write_label_stack(
    path: Path,
    images: Iterable[Labels],
    shape: tuple[int, int, int],
    pixel_size_um: float | None,
    time_s: FloatArray | None,
) -> None:
    """Write label images (T, Y, X) as a compressed OME-TIFF.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    pixels = (np.ascontiguousarray(labels, dtype=np.int32) for labels in images)
    _write(path, pixels, shape, np.dtype(np.int32), _ome("TYX", pixel_size_um, time_s))


def write_movie(movie: Movie, path: str | os.PathLike[str]) -> None:
    """Write a movie as a compressed OME-TIFF, aside first and then renamed.

    Parameters
    ----------
    movie
        What is written, frame by frame.
    path
        Ends with ``.ome.tif``.

    Raises
    ------
    ResultsError
        If the file cannot be written.
    """
    target = Path(path)
    with staging(target) as aside, writing(target):
        write_frames(movie, (movie.frame(t) for t in range(movie.n_frames)), aside / target.name)
        os.replace(aside / target.name, target)


def write_frames(movie: Movie, frames: Iterable[Image], path: Path) -> None:
    """Write frames (C, Y, X) of a movie, given one by one, straight to a file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    planes = (np.ascontiguousarray(plane) for frame in frames for plane in frame)
    ome = _ome("TCYX", movie.pixel_size_um, movie.time_s, movie)
    _write(path, planes, movie.data.shape, movie.data.dtype, ome)


def _write(
    path: Path,
    planes: Iterable[Image],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    ome: dict[str, Any],
) -> None:
    n_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    with tifffile.TiffWriter(path, ome=True, bigtiff=n_bytes > _CLASSIC_BYTES) as file:
        file.write(
            planes,
            shape=shape,
            dtype=dtype,
            compression="zlib",
            # Differences of pixels shrink noise; labels are runs, which shrink by themselves.
            predictor=dtype != np.int32,
            photometric="minisblack",
            metadata=ome,
        )


def _ome(
    axes: str,
    pixel_size_um: float | None,
    time_s: FloatArray | None,
    movie: Movie | None = None,
) -> dict[str, Any]:
    """Describe an image for OME-XML; a fixed UUID, so that the same pixels give the same bytes."""
    ome: dict[str, Any] = {"axes": axes, "UUID": "urn:uuid:00000000-0000-0000-0000-000000000000"}
    if pixel_size_um is not None:
        ome |= {"PhysicalSizeX": pixel_size_um, "PhysicalSizeXUnit": "µm"}
        ome |= {"PhysicalSizeY": pixel_size_um, "PhysicalSizeYUnit": "µm"}
    if time_s is not None and len(time_s) > 1:
        ome |= _times(time_s, 1 if movie is None else len(movie.channels))
    if movie is not None:
        ome["Channel"] = {"Name": list(movie.channels)}
        if movie.bit_depth is not None:
            ome["SignificantBits"] = movie.bit_depth
    return ome


def _times(time_s: FloatArray, n_channels: int) -> dict[str, Any]:
    """State one interval where the frames are even, and the time of every plane where not."""
    steps_s = np.diff(time_s)
    if np.allclose(steps_s, steps_s[0], rtol=1e-6):
        return {"TimeIncrement": float(steps_s.mean()), "TimeIncrementUnit": "s"}
    times = np.repeat(time_s, n_channels).tolist()
    return {"Plane": {"DeltaT": times, "DeltaTUnit": ["s"] * len(times)}}
