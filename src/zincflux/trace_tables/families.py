"""Families: the columns that measure the same thing of all cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from zincflux.errors import ExperimentError
from zincflux.grid import Grid
from zincflux.trace_tables.headings import Heading
from zincflux.trace_tables.words import CELL_WORDS, MEAN, Quantity, words_of

_MOST_CHANNELS = 4
_LOOSE_CHANNEL = re.compile(r"[3-8]\d\d|(w|ch|channel)\d")
_OPTIONAL_CHANNEL = re.compile(r"(?:[^\W\d]*([3-8]\d\d)(?:\s*nm)?|(w\d|ch\d))", re.IGNORECASE)


@dataclass(frozen=True)
class Family:
    """Columns that measure one quantity in one channel.

    Attributes
    ----------
    quantity, channel, is_background
        As in the headings.
    cells
        Heading by the name of the cell; in a long table the only name is empty.
    """

    quantity: Quantity
    channel: str
    is_background: bool
    cells: Mapping[str, Heading]

    @property
    def headers(self) -> tuple[str, ...]:
        """Headers of all columns."""
        return tuple(heading.name for heading in self.cells.values())

    @property
    def name(self) -> str:
        """Name of the channel as the headers write it; ``"signal"`` where they name none."""
        first = self.headers[0]
        found = re.search(re.escape(self.channel), first, re.IGNORECASE)
        return (found[0] if found else self.channel) or "signal"

    @property
    def word(self) -> str:
        """What a user writes to mean this family: its channel, or the only header."""
        if len(self.cells) == 1:
            return self.headers[0]
        return self.name if self.channel else re.sub(r"[\W\d_]*\d.*$", "", self.headers[0])


def families_of(grid: Grid, headings: Iterable[Heading]) -> list[Family]:
    """Group headings into families.

    Raises
    ------
    ExperimentError
        If two columns are the same thing of the same cell.
    """
    groups: dict[tuple[Quantity, str, bool], dict[str, Heading]] = {}
    for heading in headings:
        cells = groups.setdefault((heading.quantity, heading.channel, heading.is_background), {})
        twin = cells.setdefault(heading.cell, heading)
        if twin is not heading and heading.quantity in ("signal", "sum", "ratio"):
            raise ExperimentError(
                f"{grid.where}: expected one column for each cell and channel, found "
                f"{twin.name!r} (column {twin.column + 1}) and {heading.name!r} (column "
                f"{heading.column + 1}). Rename or remove one, or name the right one with --map "
                "signal=COLUMN (table.signal)."
            )
    return [Family(*key, cells) for key, cells in groups.items()]


def each_a_cell(headings: Iterable[Heading]) -> list[Heading]:
    """Take each column that is no background for a cell named as its whole header."""
    return [
        one if one.is_background else replace(one, quantity="signal", channel="", cell=one.name)
        for one in headings
    ]


def settle_wide(
    grid: Grid, headings: Sequence[Heading], *, is_ratiometric: bool, is_named: bool
) -> list[Heading]:
    """Settle what of a wide table's headers is a channel, and what the name of a cell.

    A channel is one only if the cells have it in common: a single column named "GFP" beside
    "mock" is a cell. Where that fails the whole header is the cell's name.

    Raises
    ------
    ExperimentError
        If columns with a measure's name stand beside others that may be cells.
    """
    signals = [one for one in headings if one.quantity == "signal" and not one.is_background]
    others = [one for one in headings if one not in signals]
    known = [one for one in signals if one.is_known]
    unknown = [one for one in signals if not one.is_known]
    if known and unknown:
        are_measures = _are_measures(known)
        if is_named or (are_measures and any(one.cell for one in known)):
            signals = known
        elif are_measures and _alike(unknown):
            signals = unknown
        else:
            raise ExperimentError(
                f"{grid.where}: expected columns of cells, found {_listed(known)} beside "
                f"{_listed(unknown)}, and nothing says which are traces. Name the traces with "
                f"--map signal={known[0].name!r} (table.signal), or --map 'signal=*' if all are."
            )
    if not is_named and not _is_regular(signals):
        signals = [replace(one, channel="", cell=one.name) for one in signals]
    if is_ratiometric and len(signals) == 2:
        signals = list(_as_channels(signals))
    return [*signals, *others]


def are_channels_loose(headings: Sequence[Heading]) -> bool:
    """Whether W1, Ch2 or wavelengths in headers are channels, not numbers of cells.

    They are numbers of cells where there are many of them, or where other headers are alike but
    for a smaller number: "HeLa 1" … "HeLa 340".
    """
    signals = [one for one in headings if one.quantity == "signal" and not one.is_background]
    loose = [one for one in signals if one.is_known and _LOOSE_CHANNEL.fullmatch(one.channel)]
    stems = {_stem(one.name) for one in signals if not one.channel}
    return len({one.channel for one in loose}) <= _MOST_CHANNELS and not any(
        _stem(one.name) in stems for one in loose
    )


def _stem(name: str) -> str:
    return re.sub(r"\d+", "", name).lower()


def _are_measures(headings: Sequence[Heading]) -> bool:
    return all({word.text for word in words_of(one.name)} & MEAN for one in headings)


def _listed(headings: Sequence[Heading]) -> str:
    return ", ".join(repr(one.name) for one in headings)


def _alike(headings: Sequence[Heading]) -> bool:
    """Whether headers look like a series of cells: by their words, or alike but for a number."""
    if all({word.text for word in words_of(one.name)} & CELL_WORDS for one in headings):
        return True
    stems = {_stem(one.name) for one in headings}
    return len(headings) > 1 and len(stems) == 1


def _is_regular(signals: Sequence[Heading]) -> bool:
    cells: dict[str, list[str]] = {}
    for one in signals:
        cells.setdefault(one.channel, []).append(one.cell)
    if any(len(set(names)) < len(names) for names in cells.values()):
        return False
    sets = [set(names) for names in cells.values()]
    return all(first & second for first in sets for second in sets)


def _as_channels(signals: Sequence[Heading]) -> Sequence[Heading]:
    """Take two columns named like channels for those of a single cell."""
    found = [None if one.channel else _OPTIONAL_CHANNEL.fullmatch(one.cell) for one in signals]
    channels = [(one[1] or one[2]).lower() for one in found if one]
    if len(channels) < len(signals):
        return signals
    pairs = zip(signals, channels, strict=True)
    return [replace(one, channel=channel, cell="") for one, channel in pairs]
