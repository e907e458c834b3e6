"""Which families are the signal, or numerator and denominator, or a ready ratio."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

from zincflux.errors import ExperimentError, MetadataWarning
from zincflux.trace_tables.columns import ALL
from zincflux.trace_tables.families import Family
from zincflux.trace_tables.settings import Kind, TableInput
from zincflux.trace_tables.words import ACCEPTORS, DONORS

_FURA = (("340", "350"), ("380", "385"))


class Choice(NamedTuple):
    """Channels of the table: role, family and why; and whether it is a ready ratio, upside down."""

    channels: tuple[tuple[str, Family, str], ...]
    is_ratio: bool = False
    is_inverted: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the channels."""
        return ("ratio",) if self.is_ratio else tuple(one.name for _, one, _ in self.channels)


def choose(
    families: Sequence[Family], settings: TableInput, kind: Kind | None, where: str
) -> Choice:
    """Choose the channels by what the settings name, or by their headers.

    Raises
    ------
    ExperimentError
        If nothing or more than one thing fits.

    Warns
    -----
    MetadataWarning
        If a ready ratio is upside down by its header, and no setting says what to do.
    """
    if settings.numerator is not None:
        choice = _named_pair(families, settings, kind, where)
    elif settings.signal is not None:
        word = "" if settings.signal == ALL else settings.signal
        choice = _named_signal(families, word, kind, where)
    elif kind == "intensity":
        choice = _only(families, where)
    else:
        choice = _ratiometric(families, kind, where)
    if choice.is_ratio:
        return choice._replace(is_inverted=_is_inverted(choice.channels[0][1], settings, where))
    if settings.inverted is not None:
        raise ExperimentError(
            f"{where}: expected a ready ratio, since table.inverted is given, found "
            f"{' and '.join(choice.names)}. Remove table.inverted."
        )
    return choice


def named(families: Sequence[Family], word: str) -> Family | None:
    """Find the family that a setting names; none of background if the word is empty."""
    usable = families if word else [one for one in families if not one.is_background]
    return next((one for one in usable if one.channel == word.lower()), None)


def _need(families: Sequence[Family], key: str, word: str, where: str) -> Family:
    found = named(families, word)
    if found is None:
        raise ExperimentError(
            f"{where}: expected a column, or headers with the word {word!r} for every cell, found "
            f"{_listed(families)}. Correct --map {key}={word} (table.{key})."
        )
    return found


def _listed(families: Sequence[Family]) -> str:
    words = [one.word for one in families if one.quantity in ("signal", "sum", "ratio")]
    return ", ".join(repr(word) for word in words[:12]) or "no column of numbers"


def _named_pair(
    families: Sequence[Family], settings: TableInput, kind: Kind | None, where: str
) -> Choice:
    above, below = str(settings.numerator), str(settings.denominator)
    if kind == "intensity":
        raise ExperimentError(
            f"{where}: expected signal, since the indicator has one channel, found numerator "
            f"{above!r} and denominator {below!r}. Name the channel with table.signal."
        )
    ready = [one for one in families if _over(one)]
    if ready and named(families, above) is None and named(families, below) is None:
        for one in ready:
            if _orientation(one, above, below) is not None:
                return Choice((("ratio", one, "its header names both channels"),), is_ratio=True)
    first = _need(families, "numerator", above, where)
    second = _need(families, "denominator", below, where)
    return Choice((("numerator", first, "named"), ("denominator", second, "named")))


def _named_signal(families: Sequence[Family], word: str, kind: Kind | None, where: str) -> Choice:
    family = _need(families, "signal", word, where)
    is_ready = kind in ("ratio", "fret") or (kind is None and family.quantity == "ratio")
    return Choice((("ratio" if is_ready else "signal", family, "named"),), is_ratio=is_ready)


def _signals(families: Sequence[Family]) -> list[Family]:
    """Families that may be signals: means, and only where there are none other sums."""
    usable = [one for one in families if not one.is_background]
    means = [one for one in usable if one.quantity == "signal"]
    return means or [one for one in usable if one.quantity == "sum"]


def _only(families: Sequence[Family], where: str) -> Choice:
    signals = _signals(families)
    if len(signals) == 1:
        how = "the only one" if signals[0].quantity == "sum" else "the only mean signal"
        return Choice((("signal", signals[0], how),))
    found = " and ".join(repr(one.word) for one in signals) or "none"
    if not signals and _listed(families):
        found = f"none among {_listed(families)}"
    raise ExperimentError(
        f"{where}: expected one signal, since the indicator has one channel, found {found}. Name "
        "it with --map signal=COLUMN (table.signal)."
    )


def _ratiometric(families: Sequence[Family], kind: Kind | None, where: str) -> Choice:
    signals = _signals(families)
    ready = [one for one in families if one.quantity == "ratio"]
    pair = _pair(signals, ready)
    if pair is not None:
        return pair
    if len(ready) == 1 and (kind is not None or not signals):
        return Choice((("ratio", ready[0], "its header says so"),), is_ratio=True)
    if kind is None and len(signals) == 1 and not ready:
        return Choice((("signal", signals[0], "the only one"),))
    found = " and ".join(repr(one.word) for one in [*signals, *ready]) or "no column of numbers"
    if kind is None:
        expected = "one signal, one ready ratio, or numerator and denominator"
    else:
        expected = f"numerator and denominator, or a ready ratio, for a {kind} indicator"
    raise ExperimentError(
        f"{where}: expected {expected}, found {found}, and nothing says which is which. Name them "
        "with --map numerator=COLUMN --map denominator=COLUMN, or the ready ratio with --map "
        "signal=COLUMN, or --map 'signal=*' if every column is the ready ratio of a cell "
        "(table.numerator, table.denominator, table.signal)."
    )


def _pair(signals: Sequence[Family], ready: Sequence[Family]) -> Choice | None:
    """Pair numerator and denominator by the names of their channels alone."""
    over = [(names[0], names[1]) for one in ready if (names := _over(one)) is not None]
    rules: list[tuple[Sequence[str], Sequence[str], str]] = [
        (("numerator",), ("denominator",), "the headers say so"),
        (ACCEPTORS, DONORS, "acceptor over donor, as FRET ratios are"),
        *(((above,), (below,), f"as in {above}/{below}") for above, below in over),
        (("w1",), ("w2",), "MetaFluor divides W1 by W2"),
        (*_FURA, "340/380, as for Fura-2"),
    ]
    for above, below, how in rules:
        first = _first(signals, above)
        second = _first(signals, below)
        if first is not None and second is not None:
            return Choice((("numerator", first, how), ("denominator", second, how)))
    return None


def _first(signals: Sequence[Family], names: Sequence[str]) -> Family | None:
    found = (named(signals, name) for name in names)
    return next((one for one in found if one is not None), None)


def _over(family: Family) -> tuple[str, str] | None:
    return next((one.over for one in family.cells.values() if one.over), None)


def _orientation(family: Family, above: str, below: str) -> bool | None:
    """Whether a header has numerator over denominator; None if it does not name both."""
    wanted = (above.lower(), below.lower())
    return {wanted: True, wanted[::-1]: False}.get(_over(family) or ("", ""))


def _is_inverted(family: Family, settings: TableInput, where: str) -> bool:
    if settings.inverted is not None:
        return settings.inverted
    if settings.numerator is not None and settings.denominator is not None:
        return _orientation(family, settings.numerator, settings.denominator) is False
    over = _over(family)
    if over is None:
        return False
    is_donor_first = over[0] in DONORS and over[1] in ACCEPTORS
    if is_donor_first or (over[0] in _FURA[1] and over[1] in _FURA[0]):
        warnings.warn(
            f"{where}: the ratio {family.headers[0]!r} looks upside down: {over[1]}/{over[0]} is "
            "usual. It is used as it is. Set table.inverted = true to take 1/ratio, or false to "
            "confirm it.",
            MetadataWarning,
            stacklevel=2,
        )
    return False
