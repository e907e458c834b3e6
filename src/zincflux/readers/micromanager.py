"""What Micro-Manager writes about a recording, in JSON.

One object describes the whole ("Summary"), one each image. Their keys are the same in stacks and in
folders of single images.

References
----------
Micro-Manager, "Files and Metadata", https://micro-manager.org/Files_and_Metadata
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from zincflux.movie import FloatArray
from zincflux.readers.metadata import Facts

Meta = Mapping[str, Any]
"""The keys and values of one image, or of the summary."""

MOST = 2**40
"""Bound on what a number of images may be; beyond it is damage."""

_DATE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?: [A-Z][a-z]{2})? (?P<time>\d\d:\d\d:\d\d(?:\.\d{1,6})?)"
    r"(?: (?P<zone>[+-]\d{4}))?"
)


_ABOUT_IMAGE = {"ElapsedTime-ms", "Exposure-ms", "PositionName", "ReceivedTime", "Time"}
_ABOUT_BOTH = {"PixelSizeUm", "PixelSize_um", "BitDepth"}
_ABOUT_ALL = {"Frames", "Channels", "Slices", "ChNames", "Interval_ms", "WaitInterval", "StartTime"}
_NEEDED = _ABOUT_IMAGE | _ABOUT_BOTH | _ABOUT_ALL


def parse(text: str | bytes) -> Any:
    """Parse JSON; of each image, the many properties of the microscope are not kept.

    Raises
    ------
    ValueError, RecursionError
        If it is broken.
    """
    return json.loads(text, object_hook=_needed)


def _needed(found: dict[str, Any]) -> dict[str, Any]:
    kept = {key: found[key] for key in _NEEDED & found.keys()}
    return kept or found


def value(meta: Meta, key: str) -> Any:
    """Return a value; Micro-Manager 2 wraps some of them together with their type."""
    found = meta.get(key)
    return found.get("PropVal", found.get("scalar")) if isinstance(found, Mapping) else found


def number(meta: Meta, *keys: str) -> float:
    """Return the first number that one of the keys holds; NaN if none does."""
    for key in keys:
        try:
            found = float(value(meta, key))
        except (TypeError, ValueError, OverflowError):
            continue
        if np.isfinite(found):
            return found
    return np.nan


def count(meta: Meta, key: str) -> int:
    """Return how many there are of something, at least one."""
    found = number(meta, key)
    return int(min(found, MOST)) if found >= 1 else 1


def text(meta: Meta, key: str) -> str:
    """Return a text; empty if there is none."""
    found = value(meta, key)
    return found if isinstance(found, str) and found != "null" else ""


def channel_names(summary: Meta) -> tuple[str, ...]:
    """Return the names of the channels, if the summary lists them."""
    names = value(summary, "ChNames")
    return tuple(map(str, names)) if isinstance(names, list) else ()


def facts(summary: Meta, images: Sequence[Meta]) -> Facts:
    """Read calibration, times, exposures and bits.

    Parameters
    ----------
    summary
        What is said about the whole recording.
    images
        What is said about each plane, in storage order; empty for planes of which nothing is known.
    """
    sizes = (number(meta, "PixelSizeUm", "PixelSize_um") for meta in (*images, summary))
    depths = (number(meta, "BitDepth") for meta in (*images, summary))
    bits = next((depth for depth in depths if 1 <= depth <= 64), None)
    # An interval of 0 stands for "as fast as the camera goes".
    interval = number(summary, "Interval_ms", "WaitInterval") / 1000
    return Facts(
        channels=channel_names(summary),
        pixel_size_um=next((size for size in sizes if size > 0), None),
        interval_s=interval if interval > 0 else None,
        plane_time_s=_seconds(images, "ElapsedTime-ms"),
        plane_exposure_s=_seconds(images, "Exposure-ms"),
        bits=None if bits is None else int(bits),
    )


def _seconds(images: Sequence[Meta], key: str) -> FloatArray | None:
    found = np.array([number(meta, key) for meta in images], dtype=np.float64) / 1000
    return None if np.all(np.isnan(found)) else found


def started(metas: Iterable[Meta]) -> datetime | None:
    """Return the first date that any of the objects holds."""
    for meta in metas:
        for key in ("ReceivedTime", "Time", "StartTime"):
            match = _DATE.match(text(meta, key))
            if match is not None:
                try:
                    return datetime.fromisoformat(
                        f"{match['day']}T{match['time']}{match['zone'] or ''}"
                    )
                except ValueError:
                    continue
    return None
