"""Label images and movies as OME-TIFF."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from zincflux.movie import FloatArray, Labels, Movie
from zincflux.results.staging import staging


def write_label_stack(
    path: Path,
    images: Iterable[Labels],
    shape: tuple[int, int, int],
    pixel_size_um: float | None,
    time_s: FloatArray | None,
) -> None:
    """Write label images (T, Y, X) as a compressed OME-TIFF."""
    with tifffile.TiffWriter(path, ome=True, bigtiff=np.prod(shape) * 4 > 2**31) as file:
        file.write(
            (np.ascontiguousarray(labels) for labels in images),
            shape=shape,
            dtype=np.int32,
            compression="zlib",
            photometric="minisblack",
            metadata=_ome("TYX", pixel_size_um, time_s),
        )


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
    with staging(target) as aside:
        with tifffile.TiffWriter(aside / target.name, ome=True) as file:
            file.write(
                (plane for t in range(movie.n_frames) for plane in movie.frame(t)),
                shape=movie.data.shape,
                dtype=movie.data.dtype,
                compression="zlib",
                predictor=True,
                photometric="minisblack",
                metadata=_ome("TCYX", movie.pixel_size_um, movie.time_s, movie),
            )
        os.replace(aside / target.name, target)


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
        step_s = float(np.diff(time_s).mean())
        ome |= {"TimeIncrement": step_s, "TimeIncrementUnit": "s"}
    if movie is not None:
        ome["Channel"] = {"Name": list(movie.channels)}
        if movie.bit_depth is not None:
            ome["SignificantBits"] = movie.bit_depth
    return ome
