"""Draft: the experiment file that ``zincflux init`` writes for a movie."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zincflux.experiment import Experiment, title
from zincflux.readers import describe
from zincflux.settings import dumps

GAP = "MISSING"
"""Marks what has to be filled in."""


def draft(path: str | os.PathLike[str], folder: Path) -> str:
    """Write the text of a commented experiment file filled from a movie's metadata.

    Parameters
    ----------
    path
        The movie.
    folder
        Folder that the text will be stored in: the movie's path is written relative to it.

    Returns
    -------
    str
        TOML; what the movie does not say stands in it as a line to fill in.
    """
    found = describe(path)
    channels: dict[str, Any] = {}
    if len(found["channels"]) == 1:
        channels["signal"] = found["channels"][0]
    experiment = Experiment.parse(
        {"movie": {"path": os.path.abspath(path)}, "channels": channels, "name": title(path)},
        where=str(path),
    )
    movie_gaps, channel_gap = _movie_gaps(found), _channel_gap(found["channels"])
    text = dumps(experiment, folder=folder.resolve())
    text = text.replace("[movie]\n", f"[movie]\n{movie_gaps}", 1)
    text = text.replace("[channels]\n", f"[channels]\n{channel_gap}", 1)
    head = _introduction(found, has_gaps=bool(movie_gaps or channel_gap))
    return head + text + _PHASES


def _introduction(found: dict[str, Any], *, has_gaps: bool) -> str:
    shape = " × ".join(f"{axis} {n}" for axis, n in zip(found["axes"], found["shape"], strict=True))
    lines = [
        "Experiment file of zincflux: zincflux run experiment.toml",
        f"The movie: {found['format']}, {shape}",
        f"Channels: {', '.join(found['channels']) or 'not known yet'}",
        f"Pixel size: {_with_unit(found['pixel_size_um'], 'µm')}",
        f"Frame interval: {_with_unit(found['frame_interval_s'], 's')}",
        "The phases stand at the end. Names for indicator: zincflux indicators",
    ]
    if has_gaps:
        lines.append(f"Fill in the lines marked {GAP}.")
    return "".join(f"# {line}\n" for line in lines) + "\n"


def _movie_gaps(found: dict[str, Any]) -> str:
    """Leave a line for each key that the file needs and does not say."""
    return "".join(
        f"# {GAP}: {item['what']}. Remove the # below and write the value after the =.\n"
        f"# {item['key'].removeprefix('movie.')} = \n"
        for item in found["missing"]
    )


def _channel_gap(channels: Sequence[str]) -> str:
    """Leave lines for the roles of several channels, which nobody can guess."""
    if len(channels) < 2:
        return ""
    names = ", ".join(json.dumps(name, ensure_ascii=False) for name in channels)
    return (
        f"# {GAP}: which channel is what. The movie has {names}. Remove the # of one line\n"
        "# (intensity) or two (ratio, FRET) and write the name after the =.\n"
        "# signal = \n# numerator = \n# denominator = \n"
    )


def _with_unit(value: float | None, unit: str) -> str:
    return "not in the file" if value is None else f"{value:.6g} {unit}"


_PHASES = """
# What was done to the cells, in order: remove the # and set the times. A phase ends where the next
# one starts. Without minimum and maximum there is F/F0, but no zinc.
# [[phases]]
# name = "rest"
# role = "baseline"    # F0
# start_s = 0
# [[phases]]
# name = "zinc"
# role = "response"    # measured: rate, peak, half time, area
# start_s = 60
# [[phases]]
# name = "TPEN"
# role = "minimum"     # zinc-free, for the calibration
# start_s = 300
# [[phases]]
# name = "Zn + pyrithione"
# role = "maximum"     # saturated, for the calibration
# start_s = 420
"""
