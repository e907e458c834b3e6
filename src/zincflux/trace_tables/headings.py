"""One header → what is measured, in which channel, of which cell."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from zincflux.trace_tables.words import (
    BACKGROUND,
    CELL_WORDS,
    CHANNELS,
    GEOMETRY,
    MEAN,
    NEVER,
    OTHER_MEASURES,
    PLACE,
    Quantity,
    Word,
    split_loose_unit,
    split_unit,
    words_of,
)

_OVER = re.compile(r"(?<![^\W_])([A-Za-z]*\d*)\s*/\s*([A-Za-z]*\d*)(?![^\W_])")
_METAFLUOR_RATIO = re.compile(r"(R\d+)\s+(R\d+)(?:\s+\w+)?", re.IGNORECASE)
_GLUED = re.compile(r"(?<![^\W_])(?:w|ch|channel ?)\d(?![^\W_])", re.IGNORECASE)
_WAVELENGTH = re.compile(r"[3-8]\d\d")
_CHANGE = re.compile(r"(?<![^\W_])(?:d|Δ|delta ?)F(?![^\W\d_F])|(?<![^\W_])dFF", re.IGNORECASE)


@dataclass(frozen=True)
class Heading:
    """A header that is neither time, frame nor name of the cell.

    Attributes
    ----------
    column
        Number of the column, from 0.
    name
        The header.
    quantity
        What is measured: a mean signal, another sum of a signal, a ready ratio, place or area, or
        something that is never a trace.
    channel
        Name of the channel in lower case; empty where none is named.
    cell
        What remains: in a wide table the name of the cell.
    is_background
        Whether the header says that this is background.
    over
        Of a ready ratio that names them: its numerator and denominator, in lower case.
    unit
        Unit of a length, None where none is named.
    is_known
        Whether a word of the header names a measure or a channel.
    """

    column: int
    name: str
    quantity: Quantity
    channel: str
    cell: str
    is_background: bool = False
    over: tuple[str, str] | None = None
    unit: str | None = None
    is_known: bool = False


class Hint(NamedTuple):
    """What a word that the settings name measures."""

    quantity: Quantity
    is_background: bool = False


def read_heading(
    column: int,
    name: str,
    hints: Mapping[str, Hint],
    *,
    is_wide: bool,
    loose_channels: bool = True,
) -> Heading:
    """Take a header apart.

    Parameters
    ----------
    column, name
        The column and its header.
    hints
        Words that the settings name, and what they measure; what they match is the channel,
        whatever else it may mean.
    is_wide
        Whether what remains names the cell; otherwise it names the channel.
    loose_channels
        Whether W1, Ch2 and wavelengths are channels where the cell has a name beside them.
    """
    text, unit = split_unit(name)
    ratio = _ready_ratio(column, name, text)
    for word, hint in hints.items():
        found = _find(name, word)
        if found is None or not _applies(word, hint.quantity, name, ratio is not None):
            continue
        body = name if unit is None else name[: max(len(text), found[1])]
        rest = _rest(body, [found, *_spans(body, MEAN)])
        over = ratio.over if ratio else None
        meant: Quantity = "ratio" if ratio and hint.quantity == "signal" else hint.quantity
        return Heading(
            column, name, meant, word.lower(), rest, hint.is_background, over, unit, is_known=True
        )
    if ratio is not None:
        return ratio
    if unit is None:
        place, loose = split_loose_unit(text)
        if loose in ("um", "px") and _quantity(place, words_of(place)) in ("area", "x", "y"):
            text, unit = place, loose
    parts = _parts(column, name, text, is_wide=is_wide, loose_channels=loose_channels)
    heading = replace(parts, unit=unit)
    if is_wide or not heading.cell or heading.channel:
        return heading
    return replace(heading, channel=heading.cell.lower(), cell="")


def _find(name: str, hint: str) -> tuple[int, int] | None:
    """Where a hint stands in a header as whole words, in either case of its letters."""
    before = r"(?<![^\W_])" if hint[0].isdigit() else r"(?<![^\W\d_])"
    after = r"(?!\d)" if hint[-1].isdigit() else r"(?![^\W\d_])"
    start, end = (before if hint[0].isalnum() else ""), (after if hint[-1].isalnum() else "")
    found = re.search(start + re.escape(hint) + end, name, re.IGNORECASE)
    return found.span() if found else None


def _applies(hint: str, quantity: Quantity, name: str, is_ratio: bool) -> bool:
    """Whether a header with the hint's words is what the hint means.

    "FITC" means neither "FITC StdDev" nor the ratio "FITC/TRITC", unless it is the whole header.
    """
    if hint.lower() == name.lower() or quantity in ("area", "x", "y"):
        return True
    if is_ratio:
        return "/" in hint or "ratio" in hint.lower()
    natural = _quantity(name, words_of(name))
    return natural in ("signal", _quantity(hint, words_of(hint)))


def _spans(text: str, known: Collection[str]) -> list[tuple[int, int]]:
    return [(word.start, word.stop) for word in words_of(text) if word.text in known]


def _ready_ratio(column: int, name: str, text: str) -> Heading | None:
    metafluor = _METAFLUOR_RATIO.fullmatch(text)
    if metafluor:
        return Heading(column, name, "ratio", metafluor[2].lower(), metafluor[1], is_known=True)
    spans = _spans(text, ("ratio",))
    over = next((one for one in _OVER.finditer(text) if _names_channels(one)), None)
    if over is None and not spans:
        return None
    if over is not None:
        spans.append(over.span())
    rest = _rest(text, [*spans, *_spans(text, MEAN)])
    names = (over[1].lower(), over[2].lower()) if over else None
    return Heading(column, name, "ratio", "", rest, over=names, is_known=True)


def _names_channels(over: re.Match[str]) -> bool:
    return all(
        re.fullmatch(r"[fi]?[3-8]\d\d|w\d|ch\d|c\d", part) or part in CHANNELS
        for part in (over[1].lower(), over[2].lower())
    )


def _quantity(text: str, words: Sequence[Word]) -> Quantity:
    texts = {word.text for word in words}
    if texts & NEVER or _CHANGE.search(text):
        return "other"
    for quantity, spellings in GEOMETRY.items():
        if texts & spellings:
            return quantity
    return "sum" if texts & OTHER_MEASURES else "signal"


def _parts(column: int, name: str, text: str, *, is_wide: bool, loose_channels: bool) -> Heading:
    words = words_of(text)
    quantity = _quantity(text, words)
    geometry = {*PLACE, *GEOMETRY[quantity]} if quantity in ("area", "x", "y") else set()
    known = MEAN | OTHER_MEASURES | NEVER | BACKGROUND | CHANNELS | geometry
    spans = _spans(text, known)
    is_background = any(word.text in BACKGROUND for word in words)
    channel = next((word.text for word in words if word.text in CHANNELS), "")
    if not channel and loose_channels:
        span = _loose_channel(text, words)
        if span and (not is_wide or is_background or _rest(text, [*spans, span])):
            channel = re.sub(r"\s|nm", "", text[slice(*span)].lower())
            spans.append(span)
    rest = _rest(text, spans)
    return Heading(column, name, quantity, channel, rest, is_background, is_known=bool(spans))


def _loose_channel(text: str, words: Sequence[Word]) -> tuple[int, int] | None:
    """Find W1, Ch2 or a wavelength, which are a channel only beside the name of a cell."""
    glued = _GLUED.search(text)
    if glued:
        return glued.span()
    for before, word in zip([None, *words], words, strict=False):
        if _WAVELENGTH.fullmatch(word.text) and not (before and before.text in CELL_WORDS):
            nanometres = re.compile(r"\s*nm\b").match(text, word.stop)
            return word.start, nanometres.end() if nanometres else word.stop
    return None


def _rest(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return what is left of a header without the spans, without separators at its ends."""
    kept = list(text)
    for start, stop in spans:
        kept[start:stop] = " " * (stop - start)
    rest = "".join(kept).strip()
    if spans:
        rest = re.sub(r"[(\[{][\s/_,.;:-]*[)\]}]", " ", rest).strip(" _.,:;/-")
        rest = re.sub(r"^[(\[{](.*)[)\]}]$", r"\1", rest)
    return re.sub(r"\s+", " ", rest.lstrip("#"))
