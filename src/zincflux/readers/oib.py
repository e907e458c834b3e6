"""Olympus FluoView OIB: the files of an OIF recording in one compound file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile

from zincflux.errors import ReaderError
from zincflux.movie import Image, Movie, Source
from zincflux.readers.axes import Choice
from zincflux.readers.oif import plane_index, recording_axes, recording_date, recording_facts
from zincflux.readers.ole import MAGIC, Stream, find_streams, read_stream
from zincflux.readers.stack import Stack
from zincflux.readers.stored import (
    StoredPlanes,
    check_announced,
    damage_reported,
    listening,
)

NAME = "Olympus OIB"

_LIST = "OibInfo.txt"


def sniff(path: Path) -> bool:
    """Tell whether a file is an OIB: a compound file of that name."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC and path.suffix.lower() == ".oib"


def read(path: Path, choice: Choice) -> Movie:
    """Open an OIB recording; its images are read when they are asked for.

    Raises
    ------
    ReaderError
        If oiffile is not installed, or the file is damaged.

    Warns
    -----
    MetadataWarning
        If the microscope did not keep the frame interval that it was set to.
    """
    with damage_reported(path, "an Olympus OIB file", "tifffile"):
        files, settings = _contents(path)
        axes, shape = recording_axes(settings, path)
        found = {
            index: stream
            for name, stream in files.items()
            if (index := plane_index(name, axes)) is not None
        }
        check_announced(path, int(np.prod(shape, dtype=object)), len(found))
        indices = list(np.ndindex(*shape))
        stand_in = next(iter(found.values()))
        streams = tuple(found.get(index, stand_in) for index in indices)
        pages = _pages(path, streams)
        facts = recording_facts(settings, path, warn=not choice.interval_given)
    stack = Stack(
        planes=StoredPlanes(path, pages),
        source=Source(
            paths=(path,), format=NAME, axes=axes + "YX", shape=(*shape, *pages.plane_shape)
        ),
        facts=facts,
        absent=frozenset(n for n, index in enumerate(indices) if index not in found),
    )
    return stack.movie(choice)


def started(path: Path) -> datetime | None:
    """Return when the recording was started, if the file says so."""
    with damage_reported(path, "an Olympus OIB file", "tifffile"):
        return recording_date(_contents(path)[1])


@dataclass(frozen=True, eq=False)
class OibPages:
    """Images of an OIB file, each a TIFF of its own.

    Attributes
    ----------
    streams
        Where each image lies.
    plane_shape, dtype
        Height, width and type of the pixels.
    """

    streams: tuple[Stream, ...]
    plane_shape: tuple[int, int]
    dtype: np.dtype[Any]

    planes_per_page = 1

    def read_page(self, handle: BinaryIO, page: int) -> Image:
        """Read an image (1, Y, X)."""
        with listening("tifffile"), _tiff(handle, self.streams[page]) as tif:
            first = tif.pages.first
            if first.shape != self.plane_shape or first.dtype != self.dtype:
                raise ValueError(
                    f"expected {self.plane_shape} pixels {self.dtype}, found {first.shape} "
                    f"{first.dtype}"
                )
            image: Image = first.asarray()
            return image[np.newaxis]


def _contents(path: Path) -> tuple[Mapping[str, Stream], Mapping[str, Any]]:
    """Return the files within an OIB by their name, and the settings of the recording."""
    try:
        from oiffile import SettingsFile
    except ModuleNotFoundError:
        raise ReaderError(
            f"{path}: reading Olympus OIB needs the package oiffile, which is not installed. "
            'Install it: pip install "zincflux[formats]"'
        ) from None
    streams = find_streams(path)
    with path.open("rb") as handle:
        listed = SettingsFile(BytesIO(read_stream(handle, streams[_LIST])))["OibSaveInfo"]
        main = read_stream(handle, streams[listed["MainFileName"]])
    files = {
        re.split(r"[\\/]", str(name))[-1]: streams[key]
        for key, name in listed.items()
        if key.startswith("Stream") and key in streams
    }
    return files, dict(SettingsFile(BytesIO(main)))


def _pages(path: Path, streams: tuple[Stream, ...]) -> OibPages:
    """Learn from the first image what all of them are."""
    with path.open("rb") as handle, _tiff(handle, streams[0]) as tif:
        first = tif.pages.first
        if len(tif.pages) != 1 or first.ndim != 2:
            raise ReaderError(
                f"{path}: expected one image in each file of an OIB recording, found "
                f"{len(tif.pages)} of shape {first.shape}. Export the recording as OME-TIFF."
            )
        return OibPages(streams, first.shape, np.dtype(first.dtype))


def _tiff(handle: BinaryIO, stream: Stream) -> Any:
    return tifffile.TiffFile(BytesIO(read_stream(handle, stream)))
