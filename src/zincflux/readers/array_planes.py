"""Arrays as planes; a frame reads its own chunks and no others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import ExperimentError, ReaderError
from zincflux.movie import Image, Movie, Source
from zincflux.readers.axes import KNOWN, Choice, ZChoice
from zincflux.readers.metadata import Facts
from zincflux.readers.stack import Stack
from zincflux.readers.zarr_places import damage_told

MOST_PLANES = 2**24
MOST_BYTES = 2**33
"""Bounds on the number of planes and the size of one: beyond them shapes are absurd."""

_SLAB_BYTES = 2**28
"""Planes of a frame that are read at once, so that their chunks are decoded side by side."""


@dataclass(frozen=True, eq=False)
class ArrayPlanes:
    """Planes of an array.

    Attributes
    ----------
    array
        NumPy, Zarr or Dask array, or anything else with a shape, a dtype and slices.
    axes
        A letter for each of its axes; those besides Y and X number the planes, outermost first.
    name
        What it is called in messages.
    """

    array: Any
    axes: str
    name: str

    def __post_init__(self) -> None:
        height, width = self.plane_shape
        n_planes = math.prod(self.outer_shape)
        if n_planes > MOST_PLANES or height * width * self.dtype.itemsize > MOST_BYTES:
            raise ReaderError(
                f"{self.name}: expected at most {MOST_PLANES} images of {MOST_BYTES} bytes, found "
                f"{n_planes} of {height} × {width} pixels. The metadata are damaged: export it "
                "again."
            )

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.array.shape[self.axes.index("Y")], self.array.shape[self.axes.index("X")]

    @property
    def outer(self) -> list[int]:
        """Numbers of the axes besides Y and X."""
        return [n for n, letter in enumerate(self.axes) if letter not in "YX"]

    @property
    def outer_shape(self) -> tuple[int, ...]:
        """Lengths of the axes besides Y and X."""
        return tuple(self.array.shape[n] for n in self.outer)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels in memory."""
        stored: np.dtype[Any] = np.dtype(self.array.dtype)
        return stored.newbyteorder("=")

    def read(self, numbers: Sequence[int]) -> Iterator[Image]:
        """Yield planes (Y, X) in the order asked for; planes of one chunk are decoded once."""
        if not self.outer:
            yield from (self._slab([], [])[()] for _ in numbers)
            return
        indices = np.stack(np.unravel_index(np.asarray(numbers), self.outer_shape), axis=1)
        for part in self._parts(indices):
            low, high = part.min(axis=0), part.max(axis=0) + 1
            slab = self._slab(low.tolist(), high.tolist())
            yield from (slab[tuple(place)] for place in (part - low).tolist())

    def _parts(self, indices: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        """Cut a request into parts that are read at once: all of it, or what shares a chunk."""
        box = np.prod(np.ptp(indices, axis=0) + 1)
        if box * math.prod(self.plane_shape) * self.dtype.itemsize <= _SLAB_BYTES:
            return [indices]
        chunk = indices // [_largest(self._chunks()[n]) for n in self.outer]
        is_new = np.any(np.diff(chunk, axis=0), axis=1)
        return np.split(indices, np.flatnonzero(is_new) + 1)

    def _chunks(self) -> Sequence[int | Sequence[int]]:
        """Give the shape of the pieces that are decoded together, each plane if there are none."""
        found: Sequence[int | Sequence[int]] | None = getattr(self.array, "chunks", None)
        return found or [1] * len(self.axes)

    def _slab(self, low: Sequence[int], high: Sequence[int]) -> Image:
        """Read a box of planes, shape (…, Y, X)."""
        places = [slice(None)] * len(self.axes)
        for axis, start, stop in zip(self.outer, low, high, strict=True):
            places[axis] = slice(start, stop)
        with damage_told(self.name):
            slab = np.asarray(self.array[tuple(places)])
        order = [*self.outer, self.axes.index("Y"), self.axes.index("X")]
        # A copy, which may be written to, where NumPy and Dask give views of what is not ours.
        return np.array(slab.transpose(order), dtype=self.dtype, order="C")


def _largest(chunk: int | Sequence[int]) -> int:
    """Take the length of a chunk; Dask tells that of each one."""
    return chunk if isinstance(chunk, int) else max(chunk)


def movie_from_array(
    array: Any,
    axes: str,
    *,
    pixel_size_um: float | None = None,
    frame_interval_s: float | None = None,
    channels: Sequence[str] = (),
    z: ZChoice = None,
) -> Movie:
    """Make a movie of an array, which stays where it is and is read frame by frame.

    Parameters
    ----------
    array
        NumPy, Zarr or Dask array, or a memory map.
    axes
        A letter for each axis: ``T`` time, ``C`` channels, ``Z`` depth, ``Y``, ``X``.
    pixel_size_um
        Edge of a pixel, µm.
    frame_interval_s
        Time between frames, s.
    channels
        Names of the channels.
    z
        For stacks with z: ``"max"``, ``"mean"`` or the number of a plane.

    Returns
    -------
    Movie
        Pixels (T, C, Y, X) in the array's dtype.

    Raises
    ------
    ExperimentError
        If the letters do not fit the array, the number of names is another than that of the
        channels, or a plane in z has to be chosen.
    ReaderError
        If the array does not hold real numbers.

    Examples
    --------
    >>> movie = movie_from_array(np.zeros((10, 2, 64, 48), np.uint16), "TCYX", channels=["a", "b"])
    >>> movie.data.shape, movie.channels
    ((10, 2, 64, 48), ('a', 'b'))
    """
    shape = tuple(getattr(array, "shape", ()))
    letters = axes.upper()
    if len(shape) != len(letters) or len(set(letters)) < len(letters) or set(letters) - set(KNOWN):
        raise ExperimentError(
            f"axes: expected one different letter of {KNOWN} for each axis of the array, of shape "
            f"{shape}, found {axes!r}. Correct axes."
        )
    if not {"Y", "X"} <= set(letters) or min(shape) < 1:
        raise ExperimentError(
            f"axes: expected an array of images, with the axes Y and X and no empty one, found "
            f"{axes!r} of shape {shape}. Correct axes."
        )
    if np.dtype(array.dtype).kind not in "biuf":
        raise ReaderError(
            f"array: expected pixels that are real numbers, found {array.dtype}. Convert them."
        )
    n_channels = dict(zip(letters, shape, strict=True)).get("C", 1)
    if channels and len(channels) != n_channels:
        raise ExperimentError(
            f"channels: expected {n_channels} names, one for each channel of the array, found "
            f"{len(channels)}. Correct channels."
        )
    planes = ArrayPlanes(array, letters, "array")
    kept = sorted(zip(letters, shape, strict=True), key=lambda axis: "YX".find(axis[0]))
    source = Source(
        axes="".join(letter for letter, _ in kept), shape=tuple(n for _, n in kept), place="array"
    )
    facts = Facts(tuple(channels), pixel_size_um, frame_interval_s)
    return Stack(planes, source, facts).movie(Choice(z=z))
