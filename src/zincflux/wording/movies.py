"""What is said of a movie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zincflux.wording.layout import count, number, plural, several, table


def movie_text(found: dict[str, Any]) -> str:
    """Describe a movie: what `zincflux.readers.describe` found, and what is missing."""
    title = found["path"] if isinstance(found["path"], str) else found["path"][0]
    letters = (axis if axis in "TCZYX" else "?" for axis in found["axes"])
    axes = zip(letters, found["shape"], strict=True)
    rows = [
        ("format", found["format"]),
        ("axes", " × ".join(f"{axis} {length}" for axis, length in axes)),
        ("channels", ", ".join(found["channels"]) or None),
        ("pixel size", number(found["pixel_size_um"], "µm")),
        ("frames", count(found["n_frames"])),
        ("frame interval", number(found["frame_interval_s"], "s")),
        ("time", _span(found["time_s"])),
        ("bit depth", count(found["bit_depth"])),
        ("camera limit", number(found["saturation_level"], "counts")),
        ("scenes", several(found["scenes"])),
        ("files", several([Path(file).name for file in found["files"]])),
    ]
    return "\n".join([title, *table(row for row in rows if row[1] != ""), *_missing(found)])


def _missing(found: dict[str, Any]) -> list[str]:
    if not found["missing"]:
        return []
    items = [f"  {item['what']}: set {item['key']}" for item in found["missing"]]
    return [
        "missing:",
        *items,
        "zincflux init MOVIE writes an experiment file with a line for each.",
    ]


def _span(time_s: Sequence[float] | None) -> str | None:
    return None if time_s is None else f"{time_s[0]:.6g} to {time_s[-1]:.6g} s"


def preview_text(found: dict[str, Any]) -> str:
    """Tell what a preview found, and where it is drawn."""
    size = found["diameter_um"]
    told = f"{size:g} µm" if isinstance(size, float) else str(size)
    cells = plural(found["n_cells"], "cell")
    return f"{cells} found with a diameter of {told} (segment.diameter_um)\n{found['out']}"
