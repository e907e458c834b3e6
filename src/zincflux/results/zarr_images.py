"""Images and label images as OME-Zarr 0.5, written one frame at a time.

References
----------
OME-Zarr 0.5, https://ngff.openmicroscopy.org/0.5/
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zincflux.errors import ResultsError
from zincflux.movie import FloatArray, Image, Labels
from zincflux.readers.ngff import OWN

VERSION = "0.5"

SMALLEST_PX = 256
"""Copies are halved until both sides are at most this long."""

_UNITS = {"T": ("time", "second"), "Y": ("space", "micrometer"), "X": ("space", "micrometer")}
_COLOURS = ("00FF00", "FF00FF", "00FFFF", "FFFF00", "FF0000", "0000FF")


_MADE = "made"


def mark_of(name: str) -> bytes:
    """Give what stands in the ``zarr.json`` of images of ours with this name, and in no others."""
    return json.dumps({OWN: {_MADE: name}}, indent=2).splitlines()[2].strip().encode()


@dataclass(frozen=True, eq=False)
class ImageFacts:
    """What is told about an image.

    Attributes
    ----------
    name
        Name of the image.
    pixel_size_um
        Edge of a pixel, µm.
    time_s
        Time of each frame, s; shape (T,).
    channels
        Names of the channels; none of a label image.
    source
        Path from a label image to the image that it belongs to; none where it stands alone.
    shown
        Darkest and brightest number of the channels when they are first shown; those that occur
        if not told.
    """

    name: str
    pixel_size_um: float
    time_s: FloatArray
    channels: tuple[str, ...] = ()
    source: str | None = None
    shown: tuple[float, float] | None = None


def need_zarr() -> Any:
    """Import zarr; called before work is done for files that need it.

    Raises
    ------
    ResultsError
        If zarr is not installed.
    """
    try:
        import zarr
    except ModuleNotFoundError:
        raise ResultsError(
            "OME-Zarr: expected the package zarr, which is not installed. "
            'Install it: pip install "zincflux[formats]"'
        ) from None
    return zarr


def write_zarr_labels(path: Path, images: Sequence[Labels], facts: ImageFacts) -> None:
    """Write label images: one (Y, X), or one per frame (T, Y, X).

    Parameters
    ----------
    path
        Folder to write; must not be there.
    images
        Label images, taken one at a time.
    facts
        What is told about them.

    Raises
    ------
    ResultsError, OSError
        If it cannot be written.
    """
    for _ in iter_zarr_labels(path, images, facts):
        pass


def iter_zarr_labels(path: Path, images: Sequence[Labels], facts: ImageFacts) -> Iterator[int]:
    """Do what `write_zarr_labels` does, giving the number of each image that is written."""
    axes = "TYX" if len(images) > 1 else "YX"
    shape = (len(images), *images[0].shape)[-len(axes) :]
    levels = _create(path, axes, shape, np.dtype(np.int32), "zstd")
    for t in range(len(images)):
        image = images[t]
        for level in levels:
            place = (t, ...) if len(axes) > 2 else ...
            level[place] = image
            # The nearest label: a mean of labels is none.
            image = image[::2, ::2]
        yield t
    told = {} if facts.source is None else {"source": {"image": facts.source}}
    _describe(path, axes, len(levels), facts, {"image-label": told})


def write_zarr_movie(
    path: Path, frames: Iterable[Image], shape: Sequence[int], facts: ImageFacts
) -> None:
    """Write a movie (T, C, Y, X), float32.

    Parameters
    ----------
    path
        Folder to write; must not be there.
    frames
        Frames (C, Y, X), taken one at a time.
    shape
        Shape (T, C, Y, X).
    facts
        What is told about it.

    Raises
    ------
    ResultsError, OSError
        If it cannot be written.
    """
    for _ in iter_zarr_movie(path, frames, shape, facts):
        pass


def iter_zarr_movie(
    path: Path, frames: Iterable[Image], shape: Sequence[int], facts: ImageFacts
) -> Iterator[int]:
    """Do what `write_zarr_movie` does, giving the number of each frame that is written."""
    levels = _create(path, "TCYX", tuple(shape), np.dtype(np.float32), "blosc")
    extremes = []
    for t, frame in enumerate(frames):
        image = frame.astype(np.float32, copy=False)
        flat = np.where(np.isfinite(image), image, np.nan).reshape(len(image), -1)
        extremes.append([np.fmin.reduce(flat, axis=1), np.fmax.reduce(flat, axis=1)])
        for level in levels:
            level[t] = image
            image = _halved(image)
        yield t
    low, high = (
        np.nan_to_num(part)
        for part in (
            np.fmin.reduce([pair[0] for pair in extremes]),
            np.fmax.reduce([pair[1] for pair in extremes]),
        )
    )
    _describe(path, "TCYX", len(levels), facts, {"omero": _omero(facts, low, high)})


def write_label_list(path: Path, names: Sequence[str]) -> None:
    """Write the group that lists the label images of an image.

    Raises
    ------
    ResultsError, OSError
        If it cannot be written.
    """
    _write_group(path, {"ome": {"version": VERSION, "labels": list(names)}})


def _halved(image: Image) -> Image:
    """Take means of 2 × 2 pixels of an image (C, Y, X); an odd last row stands for two."""
    odd = [(0, 0), *((0, n % 2) for n in image.shape[1:])]
    even = np.pad(image, odd, mode="edge")
    n_channels, height, width = even.shape
    blocks = even.reshape(n_channels, height // 2, 2, width // 2, 2)
    return np.asarray(blocks.mean(axis=(2, 4), dtype=np.float32))


def _create(
    path: Path, axes: str, shape: tuple[int, ...], dtype: np.dtype[Any], codec: str
) -> list[Any]:
    """Create the arrays of all levels, with a chunk for each plane."""
    height, width = shape[-2:]
    levels: list[Any] = []
    with _zarr() as zarr:
        codecs = zarr.codecs
        compressor = (
            codecs.ZstdCodec(level=3)
            if codec == "zstd"
            else codecs.BloscCodec(cname="zstd", clevel=3, shuffle="shuffle")
        )
        while True:
            levels.append(
                zarr.create_array(
                    store=zarr.storage.LocalStore(path / str(len(levels))),
                    shape=(*shape[:-2], height, width),
                    chunks=(*(1 for _ in shape[:-2]), height, width),
                    dtype=dtype,
                    compressors=compressor,
                    fill_value=0,
                    dimension_names=list(axes.lower()),
                    zarr_format=3,
                )
            )
            if max(height, width) <= SMALLEST_PX:
                return levels
            height, width = math.ceil(height / 2), math.ceil(width / 2)


@contextmanager
def _zarr() -> Iterator[Any]:
    """Import zarr, and let it keep chunks in which all is 0: a reader would take them for lost."""
    zarr = need_zarr()
    with zarr.config.set({"array.write_empty_chunks": True}):
        yield zarr


def _write_group(path: Path, attributes: dict[str, Any]) -> None:
    with _zarr() as zarr:
        zarr.create_group(store=zarr.storage.LocalStore(path), zarr_format=3, attributes=attributes)


def _describe(
    path: Path, axes: str, n_levels: int, facts: ImageFacts, more: dict[str, Any]
) -> None:
    """Write the group of an image, whose arrays are there."""
    interval_s, times = _times(facts.time_s)
    edges = {"T": interval_s, "C": 1.0, "Y": facts.pixel_size_um, "X": facts.pixel_size_um}
    is_mean = "omero" in more
    multiscale = {
        "name": facts.name,
        "axes": [_axis(letter) for letter in axes],
        "datasets": [
            {"path": str(n), "coordinateTransformations": _steps(axes, edges, n, is_mean=is_mean)}
            for n in range(n_levels)
        ],
        "type": "mean" if is_mean else "nearest",
    }
    ome = {"version": VERSION, "multiscales": [multiscale], **more}
    own = {_MADE: facts.name, **(times if "T" in axes else {})}
    _write_group(path, {"ome": ome, OWN: own})


def _axis(letter: str) -> dict[str, str]:
    if letter == "C":
        return {"name": "c", "type": "channel"}
    kind, unit = _UNITS[letter]
    return {"name": letter.lower(), "type": kind, "unit": unit}


def _steps(
    axes: str, edges: dict[str, float], level: int, *, is_mean: bool
) -> list[dict[str, Any]]:
    """Place the pixels of a level: of a mean, the first lies between those that it is made of."""
    size = 2**level
    scale = [edges[axis] * (size if axis in "YX" else 1) for axis in axes]
    if not (is_mean and level):
        return [{"type": "scale", "scale": scale}]
    offset = [edges[axis] * (size - 1) / 2 if axis in "YX" else 0.0 for axis in axes]
    return [
        {"type": "scale", "scale": scale},
        {"type": "translation", "translation": offset},
    ]


def _times(time_s: FloatArray) -> tuple[float, dict[str, Any]]:
    """Give the frame interval, the mean where it is uneven; then the times are kept as well."""
    if len(time_s) < 2:
        return 1.0, {}
    steps_s = np.diff(time_s)
    is_even = np.allclose(steps_s, steps_s[0], rtol=1e-6)
    return float(steps_s.mean()), {} if is_even else {"time_s": time_s.tolist()}


def _omero(facts: ImageFacts, low: FloatArray, high: FloatArray) -> dict[str, Any]:
    """Name the channels, and the brightness that they are shown with."""
    return {
        "channels": [
            {
                "label": name,
                "color": _COLOURS[n % len(_COLOURS)],
                "active": True,
                "window": {
                    "min": float(low[n]),
                    "max": float(high[n]),
                    "start": float(low[n]) if facts.shown is None else facts.shown[0],
                    "end": float(high[n]) if facts.shown is None else facts.shown[1],
                },
            }
            for n, name in enumerate(facts.channels)
        ]
    }
