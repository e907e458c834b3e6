"""What ImageJ writes about a hyperstack into its TIFF files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from zincflux.readers.metadata import Facts, resolution_um, seconds


def facts(
    meta: Mapping[str, Any], resolution: tuple[float, float], resolution_unit: str, where: str
) -> Facts:
    """Read calibration, frame interval and labels.

    Parameters
    ----------
    meta
        ImageJ's keys and values.
    resolution
        Pixels per unit along X and Y, from the TIFF tags; 0 where absent.
    resolution_unit
        Unit of the tags, for files in which ImageJ names none.
    where
        The file, for messages.
    """
    unit = str(meta.get("unit") or resolution_unit)
    return Facts(
        channels=_channel_names(meta),
        pixel_size_um=resolution_um(*resolution, unit, where),
        interval_s=_interval(meta),
        bits=_bits(str(meta.get("Info", ""))),
    )


def _interval(meta: Mapping[str, Any]) -> float | None:
    # "fps" is the speed at which ImageJ plays the stack, not at which it was recorded.
    value = meta.get("finterval")
    if not isinstance(value, int | float) or value <= 0:
        return None
    return seconds(value, str(meta.get("tunit", "s")))


def _bits(info: str) -> int | None:
    """Bits of the camera as Bio-Formats notes them when ImageJ imports a vendor's file."""
    found = re.search(r"^\s*BitsPerPixel = (\d+)\s*$", info, re.MULTILINE)
    return int(found.group(1)) if found else None


def _channel_names(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Labels of the planes, where they differ between channels and only between them."""
    n_channels = meta.get("channels", 1)
    labels = meta.get("Labels", ())
    labels = [labels] if isinstance(labels, str) else list(labels)
    order = str(meta.get("order", "czt")).lower()
    if n_channels < 2 or len(labels) < n_channels or not order.startswith(("c", "default")):
        return ()
    names = [str(label or "").strip() for label in labels[:n_channels]]
    return tuple(names) if _repeats(labels, names) else ()


def _repeats(labels: Sequence[object], names: Sequence[str]) -> bool:
    distinct = len(set(names)) == len(names) and all(names)
    return distinct and all(
        str(label or "").strip() == names[n % len(names)] for n, label in enumerate(labels)
    )
