"""What a form of settings holds: made from the settings models, without Qt."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from napari_zincflux.choices import default_of
from zincflux.experiment import Experiment
from zincflux.indicators.library import indicator_names
from zincflux.readers import MovieInput
from zincflux.settings import Settings

Kind = Literal["choice", "flag", "number", "whole", "channel", "path", "names", "numbers", "text"]

ESSENTIAL = {
    "movie": (
        "movie.pixel_size_um",
        "movie.frame_interval_s",
        "channels.signal",
        "channels.numerator",
        "channels.denominator",
        "drift.method",
    ),
    "cells": ("segment.diameter_um", "segment.method", "track.mode"),
    "calibration": (
        "indicator",
        "calibration.source",
        "calibration.scope",
        "background.method",
        "bleaching.method",
    ),
    "results": ("flux.rate_window_s", "flux.responder_k"),
}
"""Keys that are shown at once, in this order; the others stand behind "more"."""

HIDDEN = {"movie.path", "edits.path", "schema_version", "phases", "table"}
"""Keys with a place of their own in the dock."""

UNITS = {
    "um2": "µm²",
    "um": "µm",
    "s": "s",
    "nM": "nM",
    "uM": "µM",
    "px": "px",
    "e": "e⁻",
    "frames": "frames",
    "percent": "%",
}

LABELS = {
    "movie.z": "Planes in z",
    "channels.segment": "Channel to find cells in",
    "channels.signal": "Signal channel",
    "channels.numerator": "Numerator",
    "channels.denominator": "Denominator",
    "channels.nucleus": "Nucleus channel",
    "channels.acceptor": "Acceptor channel",
    "channels.extra": "Further channels",
    "segment.diameter_um": "Cell diameter",
    "segment.method": "Cells by",
    "segment.labels": "Label file",
    "track.mode": "Cells are",
    "track.file": "Tracks file",
    "drift.method": "Drift correction",
    "background.method": "Background by",
    "background.roi": "Background region",
    "bleaching.method": "Bleaching correction",
    "calibration.source": "Calibration from",
    "calibration.scope": "Calibrate",
    "flux.responder_k": "Responder above",
    "indicator_load.kappa_endogenous": "Buffering of the cell (κ)",
    "camera.gain_e": "Camera gain",
    "bleaching.roi": "Reference region",
    "calibration.file": "Calibration file",
    "calibration.plateau_frames": "Shortest plateau",
    "segment.projection": "View",
    "segment.over_time": "Frames help each other",
    "segment.puncta_um": "Leave out puncta up to",
}
"""Labels where the key alone would not be understood."""

CHOICE_WORDS: dict[str, dict[Any, str]] = {
    "track.mode": {"static": "in place", "follow": "moving, dividing"},
    "drift.method": {"phase-correlation": "correlation"},
    "calibration.source": {None: "automatic", "in-situ": "in situ"},
    "calibration.scope": {"per-cell": "each cell", "pooled": "pooled", "shrunk": "shrunk"},
}

SECTION_WORDS = {
    "movie": "Movie",
    "channels": "Channels",
    "camera": "Camera",
    "drift": "Drift",
    "flat_field": "Flat field",
    "segment": "Finding cells",
    "track": "Following cells",
    "gate": "Reporter",
    "calibration": "Calibration",
    "background": "Background",
    "bleaching": "Bleaching",
    "bleed_through": "Bleed-through",
    "uncertainty": "Uncertainty",
    "flux": "Responses",
    "indicator_load": "Total flux",
}


@dataclass(frozen=True)
class Entry:
    """One setting in a form.

    Attributes
    ----------
    key
        Dotted name in the experiment file.
    label, unit, help
        What stands beside it, and its tooltip.
    kind
        How it is entered.
    choices
        What there is to choose, where it is a choice.
    default
        Value if nothing is chosen; None where there is none.
    low, high
        Bounds, both allowed unless ``open_low`` or ``open_high``.
    """

    key: str
    label: str
    kind: Kind
    help: str
    unit: str = ""
    choices: tuple[Any, ...] = ()
    default: Any = None
    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False

    @property
    def section(self) -> str:
        """Name of the group of settings it stands in."""
        return self.key.partition(".")[0]

    @property
    def tooltip(self) -> str:
        """What it means, its bounds, and its name in the experiment file."""
        text = self.help[:1].upper() + self.help[1:]
        return "\n".join(filter(None, [text, self.bounds, f"Key: {self.key}"]))

    @property
    def bounds(self) -> str:
        """The bounds in words; empty where there are none."""
        words = []
        if self.low is not None:
            words.append(f"{'above' if self.open_low else 'at least'} {self.low:g}")
        if self.high is not None:
            words.append(f"{'below' if self.open_high else 'at most'} {self.high:g}")
        text = " and ".join(words)
        return f"{text[:1].upper()}{text[1:]}{' ' + self.unit if text and self.unit else ''}"

    def words(self, choice: Any) -> str:
        """Say a choice in words."""
        given: Mapping[Any, str] = CHOICE_WORDS.get(self.key, {})
        if choice in given:
            return str(given[choice])
        named = {None: "not given", True: "yes", False: "no"}
        return named.get(choice, str(choice))

    def show(self, value: Any) -> str:
        """Write a value as text to be edited; empty for None."""
        if value is None:
            return ""
        if isinstance(value, float):
            short = f"{value:.10g}"
            return short if float(short) == value else repr(value)
        if isinstance(value, list | tuple):
            return ", ".join(self.show(item) for item in value)
        return str(value)

    def read(self, text: str) -> Any:
        """Read a text that was entered: a number where it is one; None where it is empty.

        What is no number where one is expected stays text, so that the settings say so.
        """
        text = text.strip()
        if not text:
            return None
        if self.kind in ("names", "numbers"):
            parts = [part for part in re.split(r"\s*,\s*", text) if part]
            return [_number(part) for part in parts] if self.kind == "numbers" else parts
        if self.kind == "whole":
            return int(text) if re.fullmatch(r"[+-]?\d+", text) else _number(text)
        return _number(text) if self.kind == "number" else text


def _number(text: str) -> float | str:
    try:
        # As it is written where the comma is the decimal sign.
        return float(text.replace(",", "."))
    except ValueError:
        return text


def entries(*sections: str) -> tuple[Entry, ...]:
    """List the settings of some sections, in the order of the experiment file.

    Parameters
    ----------
    sections
        Names of groups of settings, or of single ones such as ``indicator``.
    """
    found: list[Entry] = []
    for section in sections:
        field = Experiment.model_fields[section]
        model: Any = MovieInput if section == "movie" else field.annotation
        if isinstance(model, type) and issubclass(model, Settings):
            found += [
                entry(f"{section}.{name}", inner) for name, inner in model.model_fields.items()
            ]
        else:
            found.append(entry(section, field))
    return tuple(one for one in found if one.key not in HIDDEN)


def parted(step: str, found: tuple[Entry, ...]) -> tuple[list[Entry], list[Entry]]:
    """Part the settings of a step in those that are shown at once and those behind "more"."""
    by_key = {one.key: one for one in found}
    first = [by_key[key] for key in ESSENTIAL.get(step, ()) if key in by_key]
    return first, [one for one in found if one not in first]


def entry(key: str, field: FieldInfo) -> Entry:
    """Describe one setting.

    Parameters
    ----------
    key
        Its dotted name.
    field
        Its definition in the model.
    """
    kind, choices = _kind(key, field.annotation)
    if kind == "choice" and default_of(key) is None:
        choices = (None, *(choices or (True, False)))
    low, open_low, high, open_high = _bounds([*field.metadata, *_metadata(field.annotation)])
    label, unit = _label(key)
    return Entry(
        key=key,
        label=label,
        kind=kind,
        help=field.description or "",
        unit=unit,
        choices=choices,
        default=default_of(key),
        low=low,
        high=high,
        open_low=open_low,
        open_high=open_high,
    )


def _label(key: str) -> tuple[str, str]:
    """Make a label and a unit from a name such as ``rate_window_s``."""
    name = key.rpartition(".")[2]
    head, _, tail = name.rpartition("_")
    unit = UNITS.get(tail, "") if head else ""
    words = re.sub(r" sd$", " (SD)", (head if unit else name).replace("_", " "))
    return LABELS.get(key, f"{words[:1].upper()}{words[1:]}"), unit


def _kind(key: str, annotation: Any) -> tuple[Kind, tuple[Any, ...]]:
    parts = list(_parts(annotation))
    literals = tuple(value for part in parts for value in get_args(part) if _is_literal(part))
    plain = {part for part in parts if isinstance(part, type)}
    if key == "indicator":
        return "choice", ("none", *indicator_names())
    if literals and not plain & {str, int, float}:
        return ("names", literals) if _is_sequence(annotation) else ("choice", literals)
    if _is_sequence(annotation):
        return ("numbers" if plain & {float, int} and str not in plain else "names"), ()
    return _plain_kind(key, plain), literals


def _plain_kind(key: str, plain: set[type]) -> Kind:
    if bool in plain:
        return "choice" if types.NoneType in plain else "flag"
    if key.startswith("channels.") or key.endswith(".channel"):
        return "channel"
    if str in plain:
        is_path = key.rpartition(".")[2] in PATHS
        return "path" if is_path else ("number" if float in plain else "text")
    return "number" if float in plain else "whole" if int in plain else "text"


PATHS = {"file", "labels", "image", "dark", "blank", "experiment"}
"""Last parts of the keys that name files."""


def _is_literal(part: Any) -> bool:
    return get_origin(part) is Literal


def _is_sequence(annotation: Any) -> bool:
    return any(
        get_origin(part) in (tuple, list) for part in (annotation, *_union_members(annotation))
    )


def _union_members(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from _union_members(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _union_members(member)
    else:
        yield annotation


def _parts(annotation: Any) -> Iterator[Any]:
    """List the plain types and literals that an annotation is made of."""
    for member in _union_members(annotation):
        if get_origin(member) in (tuple, list):
            for inner in get_args(member):
                yield from _parts(inner)
        else:
            yield member


def _metadata(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        for item in annotation.__metadata__:
            yield from getattr(item, "metadata", [item])
        yield from _metadata(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _metadata(member)


def _bounds(metadata: list[Any]) -> tuple[float | None, bool, float | None, bool]:
    low = high = None
    open_low = open_high = False
    for item in metadata:
        if isinstance(item, Ge | Gt):
            open_low = isinstance(item, Gt)
            low = float(item.gt if isinstance(item, Gt) else item.ge)  # type: ignore[arg-type]
        elif isinstance(item, Le | Lt):
            open_high = isinstance(item, Lt)
            high = float(item.lt if isinstance(item, Lt) else item.le)  # type: ignore[arg-type]
    return low, open_low, high, open_high
