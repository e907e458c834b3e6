"""Planes of files as frames, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Literal, Protocol

import numpy as np

from zincflux.errors import ReaderError
from zincflux.movie import Image, Movie
from zincflux.readers.axes import PlaneTable


class Planes(Protocol):
    """The planes (Y, X) of a recording, by number; reading keeps no file open."""

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Height and width."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        ...

    def read(self, numbers: Sequence[int]) -> Iterator[Image]:
        """Yield planes (Y, X) in the order asked for."""
        ...


@dataclass(frozen=True, eq=False)
class PlaneFrames:
    """Frames (C, Y, X) made of planes; several threads may read at the same time.

    Attributes
    ----------
    planes
        Where the pixels come from.
    table
        Plane numbers, shape (T, C, Z).
    projection
        How several planes in z become one: their maximum, or mean (floating point).
    """

    planes: Planes
    table: PlaneTable
    projection: Literal["max", "mean"] = "max"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (T, C, Y, X)."""
        return (*self.table.shape[:2], *self.planes.plane_shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        if self.projection == "mean" and self.table.shape[2] > 1:
            return np.result_type(self.planes.dtype, np.float32)
        return self.planes.dtype

    def __getitem__(self, t: int, /) -> Image:
        number = range(len(self.table))[t]
        row = self.table[number]
        images = self.planes.read(row.ravel().tolist())
        try:
            channels = [self._project(images, row.shape[1]) for _ in range(row.shape[0])]
        except ReaderError as error:
            raise ReaderError(f"{error} (frame {number})") from None
        # A copy of a single channel would cost as much as reading it.
        return channels[0][np.newaxis] if len(channels) == 1 else np.stack(channels)

    def _project(self, images: Iterator[Image], n_z: int) -> Image:
        if n_z == 1:
            return next(images)
        if self.projection == "max":
            result = next(images).copy()
            for image in islice(images, n_z - 1):
                np.maximum(result, image, out=result)
            return result
        total = np.zeros(self.planes.plane_shape)
        for image in islice(images, n_z):
            total += image
        return (total / n_z).astype(self.dtype)


@dataclass(frozen=True, eq=False)
class FilePlanes:
    """Planes of many files of one shape: numbered by file, then time, then channel."""

    files: tuple[Movie, ...]

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.files[0].frame_shape

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels that holds those of every file."""
        return np.result_type(*{movie.data.dtype for movie in self.files})

    def read(self, numbers: Sequence[int]) -> Iterator[Image]:
        """Yield planes (Y, X) in the order asked for."""
        n_frames, n_channels = self.files[0].data.shape[:2]
        last: tuple[int, int] | None = None
        for number in numbers:
            which, rest = divmod(number, n_frames * n_channels)
            t, channel = divmod(rest, n_channels)
            if last != (which, t):
                frame = self.files[which].frame(t)
                last = which, t
            yield frame[channel].astype(self.dtype, copy=False)


def check_same_shape(files: Sequence[Movie]) -> None:
    """Make sure that files can be put together.

    Raises
    ------
    ReaderError
        If a file has another shape than the first.
    """
    first = files[0]
    for movie in files[1:]:
        if movie.data.shape != first.data.shape:
            raise ReaderError(
                f"{movie.source.name}: expected the shape {first.data.shape} (T, C, Y, X) of "
                f"{first.source.name}, found {movie.data.shape}. Leave the odd file out, or "
                "read it apart."
            )
