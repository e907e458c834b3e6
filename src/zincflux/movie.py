"""Movie: a lazy time-lapse (T, C, Y, X) with what is known about it."""

from __future__ import annotations

import difflib
import re
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import ExperimentError, MetadataWarning, ReaderError

FloatArray = NDArray[np.float64]
Labels = NDArray[np.int32]
"""Label image (Y, X): 0 is background, ids are unique within the frame."""

Image = NDArray[Any]
"""Pixels of any real dtype; the axes are stated where it is used."""


class Frames(Protocol):
    """Whatever holds the pixels; only ``data[t]`` is ever asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (T, C, Y, X)."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        ...

    def __getitem__(self, t: int, /) -> Any:
        """Return frame ``t`` as an array (C, Y, X)."""
        ...


@dataclass(frozen=True)
class Source:
    """Where a movie came from, as ``zincflux info`` tells it.

    Attributes
    ----------
    paths
        Every file that is read, in order.
    format
        Name of the format, for example ``"OME-TIFF"``.
    axes
        Axes as the file has them, for example ``"TZCYX"``.
    shape
        Lengths of these axes.
    scenes
        Names of the scenes (positions, series) in the file.
    place
        What the user names, where that is not the first file: a folder, or an address such as
        ``s3://…``, of which no file is listed.
    """

    paths: tuple[Path, ...] = ()
    format: str = "array"
    axes: str = "TCYX"
    shape: tuple[int, ...] = ()
    scenes: tuple[str, ...] = ()
    place: str = ""

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return self.place or (str(self.paths[0]) if self.paths else "movie")


@dataclass(frozen=True, eq=False)
class Movie:
    """A time-lapse, read frame by frame.

    Attributes
    ----------
    data
        Array-like (T, C, Y, X): ndarray, memmap, or pages of a file.
    channels
        Name of each channel: printable, unique.
    pixel_size_um
        Edge of a (square) pixel in µm, or None where the file does not say.
    time_s
        Time of each frame in s, shape (T,), strictly increasing from the first frame's 0; None
        where the file does not say.
    saturation_level
        Counts at which a pixel is at the camera's limit, or None (float data).
    bit_depth
        Bits of the camera, or None.
    exposure_s
        Exposure of each frame and channel in s, shape (T, C), or None.
    source
        Where it came from.

    Raises
    ------
    ReaderError
        If the shapes do not fit one another, or the times do not increase.
    """

    data: Frames
    channels: tuple[str, ...]
    pixel_size_um: float | None = None
    time_s: FloatArray | None = None
    saturation_level: float | None = None
    bit_depth: int | None = None
    exposure_s: FloatArray | None = None
    source: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        where = self._where()
        if len(self.data.shape) != 4:
            raise ReaderError(
                f"{where}: expected pixels with the axes (T, C, Y, X), found shape "
                f"{self.data.shape}. Name the axes with movie.axes."
            )
        if self.n_frames == 0:
            raise ReaderError(f"{where}: expected at least one frame, found none.")
        if len(self.channels) != self.data.shape[1]:
            raise ReaderError(
                f"{where}: expected a name for each of {self.data.shape[1]} channels, found "
                f"{len(self.channels)}: {', '.join(self.channels)}."
            )
        object.__setattr__(self, "channels", clean_names(self.channels))
        if self.time_s is not None:
            self._check_time(self.time_s)
        if self.pixel_size_um is not None and not 0 < self.pixel_size_um < np.inf:
            raise ReaderError(
                f"{where}: expected a pixel size above 0 µm, found {self.pixel_size_um}. "
                "Set movie.pixel_size_um."
            )

    def _where(self) -> str:
        return self.source.name

    def _check_time(self, time_s: FloatArray) -> None:
        if time_s.shape != (self.n_frames,):
            raise ReaderError(
                f"{self._where()}: expected {self.n_frames} times, found {len(time_s)}. "
                "Set movie.frame_interval_s."
            )
        if not np.all(np.isfinite(time_s)) or np.any(np.diff(time_s) <= 0):
            raise ReaderError(
                f"{self._where()}: expected times that increase from frame to frame, found "
                f"{time_s[:5]}… Set movie.frame_interval_s to replace them."
            )

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return self.data.shape[0]

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width of a frame in pixels."""
        return self.data.shape[2], self.data.shape[3]

    def frame(self, t: int) -> Image:
        """Read frame ``t``.

        Returns
        -------
        numpy.ndarray
            Pixels (C, Y, X) as recorded.
        """
        return np.asarray(self.data[t])

    def channel_index(self, channel: str | int, *, key: str = "channels") -> int:
        """Find a channel by name or number.

        Parameters
        ----------
        channel
            Name, or number from 0.
        key
            Key of the experiment that asks for it, for the message.

        Raises
        ------
        ExperimentError
            If the movie has no such channel.
        """
        if isinstance(channel, int) and 0 <= channel < len(self.channels):
            return channel
        if isinstance(channel, str) and clean_name(channel) in self.channels:
            return self.channels.index(clean_name(channel))
        near = difflib.get_close_matches(str(channel), self.channels, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ExperimentError(
            f"{key}: expected one of the movie's channels "
            f"({', '.join(map(repr, self.channels))}, or a number from 0), found {channel!r}.{hint}"
        )

    def require_pixel_size(self) -> float:
        """Return the pixel size in µm.

        Raises
        ------
        ExperimentError
            If the file does not give it and no key does.
        """
        if self.pixel_size_um is None:
            raise ExperimentError(
                f"{self._where()}: the file gives no pixel size. Set movie.pixel_size_um."
            )
        return self.pixel_size_um

    def require_time(self) -> FloatArray:
        """Return the time of each frame in s, shape (T,).

        Raises
        ------
        ExperimentError
            If the file does not give it, no key does, and there is more than one frame.
        """
        if self.time_s is None:
            if self.n_frames == 1:
                return np.zeros(1)
            raise ExperimentError(
                f"{self._where()}: the file gives no frame interval. Set movie.frame_interval_s."
            )
        return self.time_s

    def with_metadata(
        self, *, frame_interval_s: float | None = None, pixel_size_um: float | None = None
    ) -> Self:
        """Return the movie with metadata replaced where a value is given.

        Warns
        -----
        MetadataWarning
            If a given value replaces a different one of the file.
        """
        changes: dict[str, Any] = {}
        if pixel_size_um is not None:
            self._warn_replaced("pixel_size_um", self.pixel_size_um, pixel_size_um)
            changes["pixel_size_um"] = pixel_size_um
        if frame_interval_s is not None:
            own = None if self.time_s is None or self.n_frames < 2 else np.diff(self.time_s).mean()
            self._warn_replaced("frame_interval_s", own, frame_interval_s)
            changes["time_s"] = np.arange(self.n_frames) * float(frame_interval_s)
        return replace(self, **changes) if changes else self

    def _warn_replaced(self, key: str, own: float | None, given: float) -> None:
        if own is not None and not np.isclose(own, given, rtol=1e-3):
            warnings.warn(
                f"{self._where()}: movie.{key} = {given:g} replaces the file's {own:g}",
                MetadataWarning,
                stacklevel=4,
            )


def clean_name(name: str) -> str:
    """Make a channel name from a file safe as a column name.

    Control characters, line breaks and invisible characters become spaces, and the characters that
    a spreadsheet takes for the start of a formula are dropped from the front.
    """
    visible = "".join(" " if unicodedata.category(c).startswith("C") else c for c in name)
    text = re.sub(r"\s+", " ", visible).strip()
    return text.lstrip("=+-@ ")[:80]


def clean_names(names: Sequence[str]) -> tuple[str, ...]:
    """Make channel names safe and unique: ``C0``… for empty ones, ``name_2`` for repeated ones."""
    result: list[str] = []
    for number, name in enumerate(names):
        text = clean_name(name) or f"C{number}"
        copies = 1
        while text in result:
            copies += 1
            text = f"{clean_name(name) or f'C{number}'}_{copies}"
        result.append(text)
    return tuple(result)
