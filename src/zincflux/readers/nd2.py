"""Nikon ND2, as NIS-Elements writes it since 2010."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from zincflux.errors import MetadataWarning, ReaderError
from zincflux.movie import FloatArray, Movie, Source
from zincflux.readers.axes import Choice
from zincflux.readers.metadata import Facts
from zincflux.readers.nd2_chunks import (
    MAGIC,
    Chunks,
    Nd2Pages,
    frame_times_s,
    image_chunk,
    n_images,
    read_chunks,
)
from zincflux.readers.stack import Stack, pick_scene
from zincflux.readers.stored import StoredPlanes, check_announced, damage_reported

NAME = "Nikon ND2"

_AXES = {"TimeLoop": "T", "NETimeLoop": "T", "ZStackLoop": "Z", "XYPosLoop": "P"}
_UNNAMED = "IJKLMN"
_PICTURES = {"ImageMetadataSeqLV|0", "ImageMetadataSeq|0"}
_JULIAN_DAY_OF_1970 = 2440587.5


def sniff(path: Path) -> bool:
    """Tell by its first bytes whether a file is an ND2."""
    with path.open("rb") as file:
        return file.read(4) == MAGIC


def read(path: Path, choice: Choice) -> Movie:
    """Open an ND2 file; its frames are read when they are asked for.

    Raises
    ------
    ReaderError
        If nd2 is not installed, or the file is damaged.
    ExperimentError
        If a key is needed, or does not fit.
    """
    recording = _open(path)
    scenes = recording.scenes
    scene = pick_scene(scenes, choice.scene, str(path))
    with damage_reported(path, "a Nikon ND2 file", "nd2"):
        frames, axes, shape = recording.frames_of(scene)
        pages = recording.pages(frames)
        pages.check_layout(path.stat().st_size)
        facts = recording.facts(frames)
    n_channels = pages.planes_per_page
    stack = Stack(
        planes=StoredPlanes(path, pages),
        source=Source(
            paths=(path,),
            format=NAME,
            axes=axes + ("CYX" if n_channels > 1 else "YX"),
            shape=(*shape, *((n_channels,) if n_channels > 1 else ()), *pages.plane_shape),
            scenes=tuple(scenes) if len(scenes) > 1 else (),
        ),
        facts=facts,
        absent=frozenset(
            frame * n_channels + channel
            for frame, offset in enumerate(pages.offsets)
            if offset is None
            for channel in range(n_channels)
        ),
    )
    return stack.movie(choice)


def started(path: Path) -> datetime | None:
    """Return when the first frame was taken, if the file says so and has one position."""
    recording = _open(path)
    if len(recording.scenes) > 1:
        return None
    days = recording.picture.get("dTimeAbsolute")
    if not isinstance(days, float) or not len(recording.times_s):
        return None
    try:
        return (
            datetime(1970, 1, 1, tzinfo=UTC)
            + timedelta(days=days - _JULIAN_DAY_OF_1970)
            + timedelta(seconds=float(recording.times_s[0]))
        )
    except (OverflowError, ValueError):
        return None


@dataclass(frozen=True, eq=False)
class _Recording:
    """What is known of a file once it is closed again.

    Attributes
    ----------
    path, chunks, attributes
        The file, its chunks, and the library's description of its frames.
    loops
        The library's description of what was repeated, outermost first.
    picture
        Metadata of the first frame, under the names of the file: the library's own summary of
        them fails where no dye was entered.
    times_s
        When each frame was taken, in s; empty if the file does not say.
    """

    path: Path
    chunks: Chunks
    attributes: Any
    loops: Sequence[Any]
    picture: Mapping[str, Any]
    times_s: FloatArray

    @property
    def scenes(self) -> list[str]:
        """Names of the positions."""
        points = [_names(loop) for loop in self.loops if loop.type == "XYPosLoop"]
        return points[0] if points else [self.path.stem]

    def frames_of(self, scene: int) -> tuple[tuple[int, ...], str, tuple[int, ...]]:
        """Return the numbers of a scene's frames, its axes without C, Y, X, and their lengths."""
        unnamed = iter(_UNNAMED)
        axes = [_AXES.get(loop.type) or next(unnamed) for loop in self.loops]
        shape = tuple(int(loop.count) for loop in self.loops)
        present = n_images(self.chunks)
        if not shape and present > 1:
            # A recording "until stopped" tells no number, and the library drops all its loops.
            axes, shape = [next(unnamed)], (present,)
        if present > prod(shape):
            warnings.warn(
                f"{self.path}: the file holds {present} images, but its loops account for "
                f"{prod(shape)}; the others are left out. Compare it with NIS-Elements",
                MetadataWarning,
                stacklevel=3,
            )
        if len(set(axes)) < len(axes):
            raise ReaderError(
                f"{self.path}: expected each of time, position and z repeated once, found the "
                f"loops {', '.join(loop.type for loop in self.loops)}. Export the part to be "
                "measured as OME-TIFF."
            )
        numbers = np.arange(prod(shape)).reshape(shape)
        where = axes.index("P") if "P" in axes else None
        chosen = numbers if where is None else np.asarray(numbers.take(scene, axis=where))
        outer = "".join(letter for letter in axes if letter != "P")
        return tuple(chosen.ravel().tolist()), outer, chosen.shape

    def pages(self, frames: Sequence[int]) -> Nd2Pages:
        """Return where some frames lie."""
        about = self.attributes
        n_channels = int(about.channelCount or 1)
        if about.componentCount != n_channels:
            raise ReaderError(
                f"{self.path}: expected one value per pixel and channel, found a colour picture "
                "(RGB), which is made for display, not for measuring. Export the channels from "
                "NIS-Elements."
            )
        if about.compressionType == "lossy":
            raise ReaderError(
                f"{self.path}: expected pixels as they were recorded, found lossy compression. "
                "Save the original recording again."
            )
        kind = "f" if about.pixelDataType == "float" else "u"
        return Nd2Pages(
            frames=tuple(frames),
            offsets=tuple(image_chunk(self.chunks, frame) for frame in frames),
            plane_shape=(int(about.heightPx), int(about.widthPx)),
            stored=np.dtype(f"<{kind}{about.bitsPerComponentInMemory // 8}"),
            planes_per_page=n_channels,
            row_bytes=int(about.widthBytes),
            is_compressed=about.compressionType == "lossless",
        )

    def facts(self, frames: Sequence[int]) -> Facts:
        """Collect what the file says about some frames."""
        n_channels = max(int(self.attributes.channelCount or 1), 1)
        known = np.append(self.times_s, np.nan)
        stamps = known[np.minimum(frames, len(self.times_s))]
        exposures = _exposures_s(self.picture, n_channels)
        return Facts(
            channels=tuple(str(item.get("sDescription") or "") for item in _planes(self.picture)),
            pixel_size_um=_pixel_size(self.picture),
            interval_s=_interval(self.loops),
            plane_time_s=np.repeat(stamps, n_channels) if len(self.times_s) else None,
            plane_exposure_s=np.tile(exposures, len(frames)),
            bits=_bits(self.attributes),
        )


def _open(path: Path) -> _Recording:
    try:
        import nd2
    except ModuleNotFoundError:
        raise ReaderError(
            f"{path}: reading Nikon ND2 needs the package nd2, which is not installed. "
            'Install it: pip install "zincflux[formats]"'
        ) from None
    with damage_reported(path, "a Nikon ND2 file", "nd2"):
        # The map is read first: the library takes the lengths of chunks for granted.
        chunks = read_chunks(path)
        with nd2.ND2File(path) as file:
            recording = _Recording(
                path=path,
                chunks=chunks,
                attributes=file.attributes,
                loops=[loop for loop in file.experiment if loop.count > 1],
                picture=_picture(file, chunks),
                times_s=frame_times_s(path, chunks),
            )
    check_announced(path, prod(loop.count for loop in recording.loops), n_images(chunks))
    return recording


def _picture(file: Any, chunks: Chunks) -> Mapping[str, Any]:
    """Return the metadata of the first frame, whose chunk was named otherwise in early files."""
    names = {name for name in _PICTURES if f"{name}!".encode() in chunks}
    # Without prefixes early releases of the library mix up this and their own reading.
    described = file.unstructured_metadata(include=names, strip_prefix=False) if names else {}
    picture: Any = next(iter(described.values()), {})
    inner: Mapping[str, Any] = picture.get("SLxPictureMetadata", picture)
    return inner


def _names(loop: Any) -> list[str]:
    """Name the positions of a loop as NIS-Elements does."""
    given = [point.name for point in loop.parameters.points][: loop.count]
    given += [None] * (loop.count - len(given))
    return [name or f"position {number}" for number, name in enumerate(given)]


def _bits(attributes: Any) -> int | None:
    bits = int(attributes.bitsPerComponentSignificant)
    return bits if 0 < bits <= attributes.bitsPerComponentInMemory else None


def _pixel_size(picture: Mapping[str, Any]) -> float | None:
    size = float(picture.get("dCalibration") or 0)
    return size if picture.get("bCalibrated") and 0 < size < np.inf else None


def _planes(picture: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what the file says about each channel."""
    planes = picture.get("sPicturePlanes", {})
    return list((planes.get("sPlaneNew") or planes.get("sPlane") or {}).values())


def _interval(loops: Sequence[Any]) -> float | None:
    """Return the mean time between frames in s, of a loop with one pace."""
    for loop in loops:
        if loop.type == "TimeLoop":
            period = loop.parameters.periodDiff.avg or loop.parameters.periodMs
            return float(period) / 1000 or None
    return None


def _exposures_s(picture: Mapping[str, Any], n_channels: int) -> FloatArray:
    """Return the exposure of each channel in s; NaN where the file does not say."""
    settings = list(picture.get("sPicturePlanes", {}).get("sSampleSetting", {}).values())
    result = np.full(n_channels, np.nan)
    for channel, plane in enumerate(_planes(picture)[:n_channels]):
        sample = plane.get("uiSampleIndex", 0)
        if 0 <= sample < len(settings):
            exposure = float(settings[sample].get("dExposureTime", 0) or 0) / 1000
            result[channel] = exposure if exposure > 0 else np.nan
    return result
