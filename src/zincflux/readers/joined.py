"""A list of files joined in time."""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from zincflux.errors import MetadataWarning, ReaderError
from zincflux.movie import FloatArray, Image, Movie, Source
from zincflux.readers.formats import started
from zincflux.readers.metadata import SQUARE_TOLERANCE


@dataclass(frozen=True, eq=False)
class JoinedFrames:
    """Frames of several movies, one movie after the other."""

    parts: tuple[Movie, ...]

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(part.n_frames for part in self.parts))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (T, C, Y, X)."""
        return (self._ends[-1], *self.parts[0].data.shape[1:])

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels that holds those of every part."""
        return np.result_type(*{part.data.dtype for part in self.parts})

    def __getitem__(self, t: int, /) -> Image:
        ends = self._ends
        number = range(ends[-1])[t]
        which = bisect_right(ends, number)
        part = self.parts[which]
        return part.frame(number - ends[which] + part.n_frames).astype(self.dtype, copy=False)


def join(parts: Sequence[Movie], *, interval_given: bool) -> Movie:
    """Join movies in time: each starts one frame interval after the last frame before it.

    Parameters
    ----------
    parts
        Movies of the same channels and frame shape.
    interval_given
        Whether a frame interval will replace the times; else they are compared with the dates at
        which the files say they were started.

    Raises
    ------
    ReaderError
        If they differ in channels, frame shape or pixel size.

    Warns
    -----
    MetadataWarning
        If channel names or saturation levels differ, or the files were not started as close to
        one another as the joined times say.
    """
    for part in parts[1:]:
        _check_alike(parts[0], part)
    levels = {part.saturation_level for part in parts}
    if len(levels) > 1:
        _warn(parts[0], f"the joined files differ in their saturation level ({levels})")
    time_s, starts = _times(parts)
    if not interval_given and starts is not None:
        _check_dates(parts, starts)
    data = JoinedFrames(tuple(parts))
    known = [level for level in levels if level is not None]
    return Movie(
        data=data,
        channels=parts[0].channels,
        pixel_size_um=next((p.pixel_size_um for p in parts if p.pixel_size_um), None),
        time_s=time_s,
        saturation_level=min(known, default=None),
        bit_depth=parts[0].bit_depth,
        exposure_s=_exposure(parts),
        source=Source(
            paths=tuple(path for part in parts for path in part.source.paths),
            format=f"{parts[0].source.format}, {len(parts)} files joined in time, each one frame "
            "interval after the one before",
            axes="TCYX",
            shape=data.shape,
            scenes=parts[0].source.scenes,
        ),
    )


def _name(part: Movie) -> str:
    return part.source.name


def _warn(part: Movie, message: str) -> None:
    warnings.warn(f"{_name(part)}: {message}", MetadataWarning, stacklevel=3)


def _check_alike(first: Movie, part: Movie) -> None:
    if part.data.shape[1:] != first.data.shape[1:]:
        raise ReaderError(
            f"{_name(part)}: expected frames of the shape {first.data.shape[1:]} (C, Y, X) of "
            f"{_name(first)}, found {part.data.shape[1:]}. Only like recordings can be joined."
        )
    a, b = first.pixel_size_um, part.pixel_size_um
    if a is not None and b is not None and abs(a - b) > SQUARE_TOLERANCE * a:
        raise ReaderError(
            f"{_name(part)}: expected the pixel size {a:g} µm of {_name(first)}, found {b:g} µm. "
            "Only like recordings can be joined."
        )
    if part.channels != first.channels:
        _warn(
            part,
            f"its channels are named {', '.join(part.channels)}, those of the first file "
            f"{', '.join(first.channels)}; the first file's names are used",
        )


def _times(parts: Sequence[Movie]) -> tuple[FloatArray | None, list[float] | None]:
    """Return the time of every frame and of the start of every part in s, where it is known."""
    intervals = [_interval(part) for part in parts]
    first = next((interval for interval in intervals if interval is not None), None)
    if first is None or any(part.n_frames > 1 and part.time_s is None for part in parts):
        return None, None
    times: list[FloatArray] = []
    starts: list[float] = []
    start, interval = 0.0, first
    for part, own in zip(parts, intervals, strict=True):
        times.append(start + (np.zeros(1) if part.time_s is None else part.time_s))
        starts.append(start)
        interval = interval if own is None else own
        start = float(times[-1][-1]) + interval
    return np.concatenate(times), starts


def _interval(part: Movie) -> float | None:
    if part.time_s is None or part.n_frames < 2:
        return None
    return float(np.median(np.diff(part.time_s)))


def _exposure(parts: Sequence[Movie]) -> FloatArray | None:
    each = [part.exposure_s for part in parts if part.exposure_s is not None]
    return np.concatenate(each) if len(each) == len(parts) else None


def _check_dates(parts: Sequence[Movie], starts: Sequence[float]) -> None:
    """Warn if the files were started later than the joined times say."""
    first = started(parts[0].source.name)
    if first is None:
        return
    dates = [first, *(started(part.source.name) for part in parts[1:])]
    try:
        late = [
            (date - first).total_seconds() - start
            for date, start in zip(dates, starts, strict=True)
            if date is not None
        ]
    except TypeError:  # dates with and without a time zone
        return
    interval = next(i for i in map(_interval, parts) if i is not None)
    if len(late) == len(parts) and max(map(abs, late)) > interval:
        shown = ", ".join(f"{start + extra:.1f}" for start, extra in zip(starts, late, strict=True))
        _warn(
            parts[0],
            f"by their date stamps the {len(parts)} joined files were started at {shown} s, but "
            f"each is taken to start one frame interval after the one before. Set "
            "movie.frame_interval_s to accept this",
        )
