"""Zarr arrays: opened, checked, and searched for chunks that are not there."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import MetadataWarning, ReaderError
from zincflux.readers.array_planes import MOST_BYTES, ArrayPlanes
from zincflux.readers.zarr_codecs import trusted
from zincflux.readers.zarr_places import Place, damage_told

MOST_CHUNKS = 2**26
"""Bound on the number of chunks: beyond it a shape is absurd."""


def load_zarr(where: str) -> Any:
    """Import zarr.

    Raises
    ------
    ReaderError
        If it is not installed.
    """
    try:
        import zarr
    except ModuleNotFoundError:
        raise ReaderError(
            f"{where}: Zarr needs the package zarr, which is not installed. "
            'Install it: pip install "zincflux[formats]"'
        ) from None
    return zarr


def open_array(place: Place, zarr_format: int) -> Any:
    """Open an array for reading; its chunks stay where they are.

    Raises
    ------
    ReaderError
        If zarr is not installed, or the metadata are damaged or absurd.
    """
    zarr = load_zarr(place.where)
    document = place.read_json("zarr.json" if zarr_format == 3 else ".zarray")
    if document is None:
        raise ReaderError(
            f"{place.where}: expected an array of Zarr, found none there. Copy it completely, or "
            "export it again."
        )
    with damage_told(place.where):
        document = trusted({**document, "zarr_format": zarr_format}, place.where)
        if place.is_address:
            store = zarr.storage.FsspecStore.from_url(place.where, read_only=True)
        else:
            store = zarr.storage.LocalStore(place.where, read_only=True)
        # Not opened by zarr itself, which would take any codec.
        array = zarr.Array.from_dict(zarr.storage.StorePath(store), document)
        check_array(array, place.where)
    return array


def check_array(array: Any, where: str) -> None:
    """Make sure that an array holds pixels and that nothing about its shape is absurd.

    Raises
    ------
    ReaderError
        If it does not.
    """
    dtype = np.dtype(array.dtype)
    shown = " × ".join(map(str, array.shape))
    if dtype.kind not in "biuf":
        raise ReaderError(
            f"{where}: expected pixels that are real numbers, found {dtype}. Export the channels "
            "as whole or floating-point numbers."
        )
    if len(array.shape) < 2 or min(array.shape) < 1:
        raise ReaderError(
            f"{where}: expected an array of images, found the shape ({shown}). Export it again."
        )
    grid = [math.ceil(n / size) for n, size in zip(array.shape, outer_chunks(array), strict=True)]
    largest = max(math.prod(outer_chunks(array)), math.prod(array.chunks)) * dtype.itemsize
    if largest > MOST_BYTES or math.prod(grid) > MOST_CHUNKS:
        raise ReaderError(
            f"{where}: expected an array that can be read in pieces, found the shape ({shown}) in "
            f"{math.prod(grid)} chunks of {largest} bytes. The metadata are damaged: export it "
            "again, with chunks of one image or less."
        )


def outer_chunks(array: Any) -> tuple[int, ...]:
    """Give the shape of what is stored as one object: a chunk, or a shard of several."""
    return tuple(getattr(array, "shards", None) or array.chunks)


def missing_planes(place: Place, planes: ArrayPlanes) -> frozenset[int]:
    """Look for chunks that are not there, which Zarr reads as an empty value.

    Frames at the end without any chunk were never recorded, or not copied: their planes are
    returned. Other gaps are read as Zarr defines them, with a warning.

    Raises
    ------
    ReaderError
        If there are no chunks at all.

    Warns
    -----
    MetadataWarning
        If chunks are missing in frames that hold others.
    """
    present = _present(place, planes)
    if present is None or present.all():
        return frozenset()
    if not present.any():
        raise ReaderError(
            f"{place.where}: expected pixels, found none of the {present.size} chunks. Copy it "
            "completely, or export it again."
        )
    cut: frozenset[int] = frozenset()
    if "T" in planes.axes:
        t = planes.axes.index("T")
        others = tuple(n for n in range(present.ndim) if n != t)
        n_held = int(np.flatnonzero(present.any(axis=others))[-1]) + 1
        present = present.take(range(n_held), axis=t)
        cut = _planes_from(planes, n_held * outer_chunks(planes.array)[t])
    if not present.all():
        warnings.warn(
            f"{place.where}: {np.count_nonzero(~present)} of {present.size} chunks are absent and "
            f"read as {planes.array.fill_value}, as Zarr defines it. Was it copied completely?",
            MetadataWarning,
            stacklevel=4,
        )
    return cut


def _planes_from(planes: ArrayPlanes, first: int) -> frozenset[int]:
    """List the planes from a frame on."""
    axis = planes.outer.index(planes.axes.index("T"))
    numbers = np.arange(math.prod(planes.outer_shape)).reshape(planes.outer_shape)
    n_frames = numbers.shape[axis]
    return frozenset(
        numbers.take(range(min(first, n_frames), n_frames), axis=axis).ravel().tolist()
    )


def _present(place: Place, planes: ArrayPlanes) -> NDArray[np.bool_] | None:
    """Tell which chunks are there, shape of the grid of chunks; None where nobody can say."""
    keys = place.keys()
    if keys is None:
        return None
    array = planes.array
    sizes = outer_chunks(array)
    grid = [math.ceil(n / size) for n, size in zip(array.shape, sizes, strict=True)]
    present = np.zeros(grid, dtype=np.bool_)
    for key in keys:
        numbers = key.removeprefix("c").lstrip("/.").replace("/", ".").split(".")
        if len(numbers) == len(grid) and all(map(str.isdecimal, numbers)):
            index = tuple(map(int, numbers))
            if all(n < size for n, size in zip(index, grid, strict=True)):
                present[index] = True
    return present
