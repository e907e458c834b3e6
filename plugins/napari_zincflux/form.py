"""What a form of settings holds: made from the settings models, without Qt."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic.fields import FieldInfo

from napari_zincflux.annotations import bounds_of, is_literal, is_sequence, metadata_of, parts_of
from napari_zincflux.choices import default_of
from napari_zincflux.form_words import CHOICE_WORDS, ESSENTIAL, HIDDEN, LABELS, UNITS
from zincflux.experiment import Experiment
from zincflux.indicators.library import indicator_names
from zincflux.readers import MovieInput
from zincflux.settings import Settings

Kind = Literal["choice", "flag", "number", "whole", "channel", "path", "names", "numbers", "text"]

PATHS = {"file", "labels", "image", "dark", "blank", "experiment"}
"""Last parts of the keys that name files."""


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
    low, open_low, high, open_high = bounds_of([*field.metadata, *metadata_of(field.annotation)])
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
    parts = list(parts_of(annotation))
    literals = tuple(value for part in parts for value in get_args(part) if is_literal(part))
    plain = {part for part in parts if isinstance(part, type)}
    if key == "indicator":
        return "choice", ("none", *indicator_names())
    if literals and not plain & {str, int, float}:
        return ("names", literals) if is_sequence(annotation) else ("choice", literals)
    if is_sequence(annotation):
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
