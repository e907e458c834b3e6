"""Words that headers are made of, and what they mean.

They come from knowledge of what ImageJ, CellProfiler, NIS-Elements, MetaFluor and spreadsheets
write, not from a specification: none of these programs documents its headers as a format.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Quantity = Literal["signal", "sum", "ratio", "area", "x", "y", "other"]
"""What a column measures; a sum is a signal that is no mean, other is never a trace."""

TIME_UNITS_S = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
_TIME_SPELLINGS = {
    "ms": ("ms", "msec", "msecs", "millisecond", "milliseconds"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "min": ("min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
}
_LENGTH_SPELLINGS = {
    "um": (
        "um",
        "µm",
        "μm",
        "um2",
        "µm2",
        "μm2",
        "um²",
        "µm²",
        "μm²",
        "um^2",
        "µm^2",
        "μm^2",
        "micron",
        "microns",
        "micrometer",
        "micrometers",
    ),
    "px": ("px", "px2", "px²", "px^2", "pixel", "pixels", "pix"),
}
_NO_UNIT = ("au", "a.u.", "a.u", "counts", "rfu", "gray", "grey", "gray value", "intensity", "-")
UNITS = {
    spelling: unit
    for table in (_TIME_SPELLINGS, _LENGTH_SPELLINGS)
    for unit, spellings in table.items()
    for spelling in spellings
}
UNITS |= dict.fromkeys(_NO_UNIT, "")


def _split(text: str) -> tuple[str, ...]:
    """Split words at bars, or at spaces where there are none."""
    return tuple(text.split("|") if "|" in text else text.split())


TIME = frozenset(
    _split(
        "time|t|elapsed|elapsed time|time elapsed|relative time|rel time|timestamp|time stamp|"
        "acquisition time|acq time|experiment time|delta t|time since start|time from start|zeit"
    )
)
FRAME = _split(
    "frame|frame number|frame no|frame nr|frame index|frame id|frame #|# frame|time point|"
    "timepoint|time index|t index|metadata frame|metadata t|metadata timepoint|"
    "metadata time point|slice|slice number|image number|image no|image"
)
ROW_NUMBER = frozenset(("", "index", "row", "no", "nr", "#", "unnamed 0"))

# What comes first names the cell over time, what comes later perhaps only within one frame.
CELL_TIERS = (
    r"track objects label( \d+)*|track( ?id| ?number| ?no| index)?",
    r"cell( ?id| number| no| nr| name| label| #)?|neuron( id)?",
    r"(roi|region)( ?id| number| no| nr| name| label| #)?",
    r"(object|nucleus|nuclei|particle|trace)( ?id| number| no| name| label)?",
    r"label( id)?|name|id",
)

BACKGROUND = frozenset(_split("background backgr bkgr bkgd bkg bg bgd"))
MEAN = frozenset(
    _split("mean avg average intensity signal value fluorescence gray grey brightness raw")
)
OTHER_MEASURES = frozenset(_split("intden rawintden integrated sum total median"))
NEVER = frozenset(
    _split(
        "stddev std sd sem min max minimum maximum mode skew kurt perim perimeter circ "
        "circularity feret ar round roundness solidity angle width height bx by major minor time "
        "frame slice mad quartile edge dff eccentricity orientation extent euler compactness"
    )
)
# The area comes last: "AreaShape" also heads places.
GEOMETRY: dict[Quantity, frozenset[str]] = {
    "x": frozenset(("x", "xm")),
    "y": frozenset(("y", "ym")),
    "area": frozenset(("area", "size")),
}
PLACE = frozenset(_split("center centre centroid position pos location shape object"))
CHANNELS = frozenset(
    _split(
        "cfp ecfp yfp eyfp gfp egfp rfp bfp fret cerulean mcerulean turquoise mturquoise venus "
        "mvenus citrine fitc tritc dapi mcherry donor acceptor numerator denominator"
    )
)
ACCEPTORS = ("fret", "yfp", "eyfp", "venus", "mvenus", "citrine", "acceptor")
DONORS = ("cfp", "ecfp", "cerulean", "mcerulean", "turquoise", "mturquoise", "donor")
CELL_WORDS = frozenset(_split("cell roi region object obj neuron nucleus r #"))

_COMPOSITES = r"RawIntDen|IntDen|StdDev|mCherry|mTurquoise|mVenus|mCerulean|TimePoint|ImageNumber"
_WORD = re.compile(
    rf"(?i:{_COMPOSITES})|(?:(?<![A-Za-z])[A-Z]+s?(?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[a-zµμ]+)"
    r"|\d+(?:\.\d+)?|#"
)
_SPLIT_COMPOSITES = {"imagenumber": ("image", "number")}


class Word(NamedTuple):
    """A word of a header, in lower case, and where it stands."""

    text: str
    start: int
    stop: int


def words_of(name: str) -> list[Word]:
    """Split a header into words: at capitals, digits and whatever is neither.

    Examples
    --------
    >>> [word.text for word in words_of("Intensity_MeanIntensity_FRET 12")]
    ['intensity', 'mean', 'intensity', 'fret', '12']
    """
    return [Word(found[0].lower(), *found.span()) for found in _WORD.finditer(name)]


def plain(name: str) -> str:
    """Reduce a header to its words, so that spellings compare equal."""
    return " ".join(
        part for word in words_of(name) for part in _SPLIT_COMPOSITES.get(word.text, (word.text,))
    )


def split_unit(name: str) -> tuple[str, str | None]:
    """Split a header into its name and the unit in brackets at its end.

    Returns
    -------
    The name, and the unit: ``"ms"``, ``"s"``, ``"min"``, ``"h"``, ``"um"``, ``"px"``, empty for
    an arbitrary one, None where none is named.
    """
    found = re.fullmatch(r"(.*?)\s*[(\[{]\s*([^()\[\]{}]*?)\s*[)\]}]\s*", name)
    if found and found[1] and found[2].lower() in UNITS:
        return found[1], UNITS[found[2].lower()]
    return name, None


def split_loose_unit(name: str) -> tuple[str, str | None]:
    """Split off a unit that stands behind a slash, comma, underscore, space or "in"."""
    found = re.fullmatch(r"(.+?)(?:\s+in\s+|\s*[/,_\s.]\s*)([A-Za-zµμ²^2]+)\s*", name)
    if found and UNITS.get(found[2].lower()):
        return found[1], UNITS[found[2].lower()]
    return name, None
