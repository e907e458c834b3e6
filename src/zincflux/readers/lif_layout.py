"""Where the pixels of a Leica image lie, and what its XML says about them.

References
----------
Leica Microsystems, Leica image file formats (LIF, XLEF, XLLF, LOF), version 3.2, 2016
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from zincflux.errors import ReaderError
from zincflux.movie import FloatArray, Image
from zincflux.readers.metadata import Facts, length_um, seconds, square_pixel
from zincflux.readers.stored import read_exactly

_AXES = {1: "X", 2: "Y", 3: "Z", 4: "T", 10: "P"}
_UNNAMED = "IJKLMN"


@dataclass(frozen=True)
class LifAxis:
    """An axis of an image: its length, the bytes from one step to the next, and its extent."""

    letter: str
    length: int
    step: int
    extent: float = 0.0
    unit: str = ""


@dataclass(frozen=True, eq=False)
class LifLayout:
    """How the pixels of an image lie in its block of memory.

    Attributes
    ----------
    axes
        Axes besides Y and X, outermost first.
    y, x
        The axes of an image.
    dtype
        Type of the pixels in the file.
    bits
        Bits of the camera.
    names
        Names of the channels.
    start
        First byte of the position.
    positions
        The axis of positions, if there is one.
    """

    axes: tuple[LifAxis, ...]
    y: LifAxis
    x: LifAxis
    dtype: np.dtype[Any]
    bits: int
    names: tuple[str, ...]
    start: int = 0
    positions: tuple[LifAxis, ...] = ()

    @classmethod
    def of(cls, image: Any, path: Path) -> LifLayout:
        """Read the layout of an image."""
        axes = read_axes(image)
        channels = sorted(descriptions(image, "Channel"), key=lambda c: int(c.get("BytesInc")))
        starts = [int(channel.get("BytesInc")) for channel in channels]
        bits = {int(channel.get("Resolution")) for channel in channels}
        kinds = {int(channel.get("DataType", 0)) for channel in channels}
        if len(bits) != 1 or len(kinds) != 1 or any(c.get("ChannelTag") != "0" for c in channels):
            raise ReaderError(
                f"{path}: expected channels of one type in {image.path!r}, found colours (RGB) or "
                f"channels of {', '.join(map(str, sorted(bits)))} bits. Export the channels to be "
                "measured as OME-TIFF."
            )
        if len(set(np.diff(starts))) > 1:
            raise ValueError(f"its channels begin at bytes {starts}")
        if len(starts) > 1:
            axes.append(LifAxis("C", len(starts), starts[1] - starts[0]))
        by_letter = {axis.letter: axis for axis in axes}
        if not {"X", "Y"} <= set(by_letter):
            raise ReaderError(
                f"{path}: expected images with the axes X and Y in {image.path!r}, found "
                f"{', '.join(by_letter)}. Scans of lines or of X and Z are not read: choose an "
                "image with movie.scene."
            )
        n_bytes = min(n for n in (1, 2, 4, 8) if 8 * n >= max(bits))
        outer = [axis for axis in axes if axis.letter not in "YXP" and axis.length > 1]
        return cls(
            axes=tuple(sorted(outer, key=lambda axis: -axis.step)),
            y=by_letter["Y"],
            x=by_letter["X"],
            dtype=np.dtype(f"<{'f' if kinds == {1} else 'u'}{n_bytes}"),
            bits=max(bits),
            names=tuple(_channel_name(channel) for channel in channels),
            positions=tuple(axis for axis in axes if axis.letter == "P"),
        )

    def at(self, position: int) -> LifLayout:
        """Return the layout of one position."""
        return replace(self, start=sum(position * axis.step for axis in self.positions))

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes besides Y and X."""
        return tuple(axis.length for axis in self.axes)

    def offsets(self) -> list[int]:
        """Return the first byte of each plane, in storage order."""
        offsets = np.full((), self.start, np.int64)
        for axis in self.axes:
            offsets = offsets[..., np.newaxis] + axis.step * np.arange(axis.length)
        return [int(offset) for offset in offsets.ravel()]

    def facts(self, image: Any, path: Path) -> Facts:
        """Collect what the file says about the image."""
        return Facts(
            channels=self.names,
            pixel_size_um=square_pixel(_size_um(self.x), _size_um(self.y), str(path)),
            interval_s=self._interval(),
            plane_time_s=self._times(stamps_s(image)),
            bits=self.bits if self.dtype.kind == "u" else None,
        )

    def _interval(self) -> float | None:
        time = next((axis for axis in self.axes if axis.letter == "T"), None)
        return None if time is None else seconds(time.extent / (time.length - 1), time.unit or "s")

    def _times(self, stamps: FloatArray | None) -> FloatArray | None:
        """Return the time of each plane in s.

        Leica writes the stamps image by image in the order of time, so that those of a frame are
        a run of them; of several positions it is not known whose they are.
        """
        letters = [axis.letter for axis in self.axes]
        if stamps is None or "T" not in letters or self.positions:
            return None
        n_frames = self.shape[letters.index("T")]
        if not len(stamps) or len(stamps) % n_frames:
            return None
        first = stamps.reshape(n_frames, -1).min(axis=1)
        return np.asarray(first[np.indices(self.shape)[letters.index("T")].ravel()])


@dataclass(frozen=True, eq=False)
class LifPages:
    """Planes of a block of memory.

    Attributes
    ----------
    offsets
        First byte of each plane in the file.
    plane_shape, steps
        Height and width, and the bytes from one row and one pixel to the next.
    stored
        Type of the pixels in the file.
    """

    offsets: Sequence[int]
    plane_shape: tuple[int, int]
    steps: tuple[int, int]
    stored: np.dtype[Any]

    planes_per_page = 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels in memory."""
        return self.stored.newbyteorder("=")

    @property
    def n_bytes(self) -> int:
        """Bytes from the first pixel of a plane to its last."""
        (height, width), (row, column) = self.plane_shape, self.steps
        return (height - 1) * row + (width - 1) * column + self.stored.itemsize

    def read_page(self, handle: BinaryIO, page: int) -> Image:
        """Read a plane (1, Y, X)."""
        data = read_exactly(handle, self.offsets[page], self.n_bytes)
        pixels: Image = np.ndarray(self.plane_shape, self.stored, data, strides=self.steps)
        return np.array(pixels, self.dtype, order="C")[np.newaxis]


def descriptions(image: Any, kind: str) -> list[Any]:
    """Return the elements that describe the dimensions or channels of an image."""
    found: list[Any] = image.xml_element.findall(
        f"./Data/Image/ImageDescription/{kind}s/{kind}Description"
    )
    return found


def read_axes(image: Any) -> list[LifAxis]:
    """Read the axes of an image, without its channels.

    Raises
    ------
    ValueError
        If an axis is described twice, or has no length.
    """
    unnamed = iter(_UNNAMED)
    axes: list[LifAxis] = []
    for item in descriptions(image, "Dimension"):
        axis = LifAxis(
            letter=_AXES.get(int(item.get("DimID"))) or next(unnamed),
            length=int(item.get("NumberOfElements")),
            step=int(item.get("BytesInc")),
            extent=float(item.get("Length") or 0),
            unit=item.get("Unit") or "",
        )
        if axis.length < 1 or axis.step < 0 or axis.letter in {other.letter for other in axes}:
            raise ValueError(f"its axis {axis.letter} is described as {dict(item.attrib)}")
        axes.append(axis)
    return axes


def _size_um(axis: LifAxis) -> float | None:
    """Return the size of a pixel in µm; Leica gives the length from the first to the last."""
    if axis.length < 2:
        return None
    return length_um(axis.extent / (axis.length - 1), axis.unit)


def _channel_name(channel: Any) -> str:
    """Name a channel by its dye, else by the colour it is shown in."""
    properties: Mapping[str, str] = {
        item.findtext("Key", ""): item.findtext("Value", "")
        for item in channel.iterfind("ChannelProperty")
    }
    return properties.get("DyeName") or channel.get("LUTName") or ""


def stamps_s(image: Any) -> FloatArray | None:
    """Return the time stamps of an image in s since 1970."""
    stamps = image.timestamps
    if stamps is None:
        return None
    return np.asarray(stamps, "datetime64[ms]").astype(np.int64) / 1000
