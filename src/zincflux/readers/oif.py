"""Olympus FluoView OIF: a text file, and a folder with one TIFF per plane beside it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from zincflux.errors import MetadataWarning, ReaderError
from zincflux.movie import Movie, Source
from zincflux.readers import tiff
from zincflux.readers.axes import Choice
from zincflux.readers.metadata import Facts, length_um, seconds, square_pixel
from zincflux.readers.planes import FilePlanes, check_same_shape
from zincflux.readers.stack import Stack
from zincflux.readers.stored import check_announced, damage_reported
from zincflux.readers.tiff_pages import DAMAGE

NAME = "Olympus OIF"

INTERVAL_TOLERANCE = 0.01
"""Relative difference of the set from the kept frame interval that is worth a warning."""

_BOM = b"\xff\xfe"  # the text is UTF-16
# Names such as s_C001T010-R001.tif are reference images, no part of the recording.
_PLANE = re.compile(r"s_(?:C(?P<C>\d+))?(?:Z(?P<Z>\d+))?(?:T(?P<T>\d+))?\.tif", re.IGNORECASE)


def sniff(path: Path) -> bool:
    """Tell whether a file is the text file of an OIF recording."""
    with path.open("rb") as file:
        return file.read(2) == _BOM and path.suffix.lower() == ".oif"


def read(path: Path, choice: Choice) -> Movie:
    """Open an OIF recording.

    Raises
    ------
    ReaderError
        If oiffile is not installed, or files of the recording are absent or damaged.

    Warns
    -----
    MetadataWarning
        If the microscope did not keep the frame interval that it was set to.
    """
    with damage_reported(path, "an Olympus OIF file", "oiffile"):
        settings = _settings(path)
        axes, shape = recording_axes(settings, path)
        names, absent = _planes(path, axes, shape)
        files = tuple(tiff.read(name, Choice(scene=0)) for name in names)
        check_same_shape(files)
        if files[0].data.shape[:2] != (1, 1):
            raise ReaderError(
                f"{names[0]}: expected one image in each file of an OIF recording, found shape "
                f"{files[0].data.shape}. Export the recording as OME-TIFF."
            )
        stack = Stack(
            planes=FilePlanes(files),
            source=Source(
                paths=(path, *names),
                format=NAME,
                axes=axes + "YX",
                shape=(*shape, *files[0].frame_shape),
            ),
            facts=recording_facts(settings, path, warn=not choice.interval_given),
            absent=absent,
        )
    return stack.movie(choice)


def started(path: Path) -> datetime | None:
    """Return when the recording was started, if the file says so."""
    return recording_date(_settings(path))


def recording_date(settings: Mapping[str, Any]) -> datetime | None:
    """Return when the recording was started, if its settings say so."""
    common = settings.get("Acquisition Parameters Common", {})
    try:
        start = datetime.fromisoformat(str(common["ImageCaputreDate"]))
        return start + timedelta(milliseconds=int(common.get("ImageCaputreDate+MilliSec", 0)))
    except (KeyError, ValueError):
        return None


def _settings(path: Path) -> Mapping[str, Any]:
    try:
        from oiffile import OifFile
    except ModuleNotFoundError:
        raise ReaderError(
            f"{path}: reading Olympus OIF needs the package oiffile, which is not installed. "
            'Install it: pip install "zincflux[formats]"'
        ) from None
    try:
        with OifFile(path) as file:
            return dict(file.mainfile)
    except DAMAGE as error:
        raise ReaderError(
            f"{path}: expected an Olympus OIF file and its folder {path.name}.files beside it, "
            f"found: {error}. Copy both into one folder."
        ) from error


def _axis(settings: Mapping[str, Any], code: str) -> Mapping[str, Any]:
    sections = (settings.get(f"Axis {n} Parameters Common", {}) for n in range(8))
    return next((section for section in sections if section.get("AxisCode") == code), {})


def recording_axes(settings: Mapping[str, Any], path: Path) -> tuple[str, tuple[int, ...]]:
    """Read the axes besides Y and X, outermost first, and their lengths.

    Raises
    ------
    ReaderError
        If the settings do not name them, or name others than T, C and Z.
    """
    try:
        order = str(settings["Axis Parameter Common"]["AxisOrder"])[::-1]
        axes = "".join(axis for axis in order if axis not in "YX")
        shape = tuple(int(_axis(settings, axis)["MaxSize"]) for axis in axes)
    except (KeyError, ValueError) as error:
        raise ReaderError(
            f"{path}: expected an OIF file that names its axes, found none ({error}). Export the "
            "recording as OME-TIFF."
        ) from None
    if not set(axes) <= set("TCZ"):
        raise ReaderError(
            f"{path}: expected a recording with the axes T, C, Z, Y, X, found {order}. Export the "
            "part to be measured as OME-TIFF."
        )
    return axes, shape


def _planes(path: Path, axes: str, shape: tuple[int, ...]) -> tuple[list[Path], frozenset[int]]:
    """Find the file of each plane, in storage order; an absent one is stood in for by the first."""
    found = {}
    for name in path.with_name(f"{path.name}.files").iterdir():
        index = plane_index(name.name, axes)
        if index is not None:
            found[index] = name
    if not found:
        raise ReaderError(
            f"{path}: expected images such as s_C001T001.tif in {path.name}.files, found none. "
            "Copy the folder completely."
        )
    check_announced(path, int(np.prod(shape, dtype=object)), len(found))
    stand_in = min(found.values())
    indices = list(np.ndindex(*shape))
    absent = frozenset(number for number, index in enumerate(indices) if index not in found)
    return [found.get(index, stand_in) for index in indices], absent


def plane_index(name: str, axes: str) -> tuple[int, ...] | None:
    """Read from the name of an image where it belongs; None if it is no part of the recording."""
    match = _PLANE.fullmatch(name)
    return match and tuple(int(match.group(axis) or 1) - 1 for axis in axes)


def recording_facts(settings: Mapping[str, Any], path: Path, *, warn: bool) -> Facts:
    """Read what the settings say about a recording.

    Warns
    -----
    MetadataWarning
        If the microscope did not keep the frame interval that it was set to.
    """
    reference = settings.get("Reference Image Parameter", {})
    sizes = [
        length_um(float(reference.get(f"{side}ConvertValue", 0)), reference.get(f"{side}Unit", ""))
        for side in ("Width", "Height")
    ]
    bits = reference.get("ValidBitCounts")
    interval, kept = _intervals(_axis(settings, "T"))
    if warn and interval and kept and abs(kept - interval) > INTERVAL_TOLERANCE * interval:
        warnings.warn(
            f"{path}: the frame interval was set to {interval:g} s, which is used, but the frames "
            f"were taken {kept:.4g} s apart on average. Set movie.frame_interval_s to choose",
            MetadataWarning,
            stacklevel=3,
        )
    return Facts(
        channels=_channel_names(settings),
        pixel_size_um=square_pixel(sizes[0], sizes[1], str(path)),
        interval_s=interval,
        bits=int(bits) if bits is not None and 0 < int(bits) <= 64 else None,
    )


def _channel_names(settings: Mapping[str, Any]) -> tuple[str, ...]:
    names = []
    number = 1
    while (channel := settings.get(f"Channel {number} Parameters")) is not None:
        dye = str(channel.get("DyeName") or "")
        names.append(dye if dye not in ("", "None") else str(channel.get("CH Name", "")))
        number += 1
    return tuple(names)


def _intervals(axis: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return the frame interval that was set, and the mean of the one that was kept, in s.

    The end of the time axis is when the last frame was really taken.
    """
    unit = str(axis.get("PixUnit", "ms"))
    n_steps = int(axis.get("MaxSize", 1)) - 1
    if n_steps < 1:
        return None, None
    span = float(axis.get("EndPosition", 0)) - float(axis.get("StartPosition", 0))
    return seconds(float(axis.get("Interval", 0)), unit), seconds(span / n_steps, unit)
