"""Which columns or regions are background, and of which channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zincflux.errors import ExperimentError
from zincflux.trace_tables.choice import named
from zincflux.trace_tables.families import Family
from zincflux.trace_tables.layout import Layout
from zincflux.trace_tables.settings import TableInput
from zincflux.trace_tables.table import FloatArray, Mapped

KEYS = ("background", "numerator_background", "denominator_background")


def background_words(settings: TableInput) -> list[str]:
    """Words that the settings name as background."""
    return [str(word) for key in KEYS if (word := getattr(settings, key)) is not None]


def background_of(
    channel: tuple[str, Family, str],
    families: Sequence[Family],
    layout: Layout,
    settings: TableInput,
    where: str,
) -> tuple[FloatArray, Mapped | None]:
    """Find what is to be subtracted from a channel: a region, or columns.

    Returns
    -------
    The background, which broadcasts to shape (n, T), 0 where there is none; and how it was found.

    Raises
    ------
    ExperimentError
        If the background that the settings name does not exist, or lacks a cell.
    """
    role, family, _ = channel
    key = f"{role}_background" if role != "signal" else "background"
    word = getattr(settings, key) or settings.background
    region = layout.region(family)
    if region is not None:
        how = "the region named" if word else "a region of that name"
        return region, Mapped(key, (word or "background",), "", how)
    found = named(families, word) if word else _by_header(families, family)
    if found is None and word:
        raise ExperimentError(
            f"{where}: expected a column or region {word!r} as background of the {role}, found "
            f"none. Correct --map background={word} (table.background)."
        )
    if found is None:
        return np.zeros(1), None
    lacking = [] if len(found.cells) == 1 else [n for n in layout.names if n not in found.cells]
    if lacking:
        raise ExperimentError(
            f"{where}: expected one background for all cells or one for each, found none of "
            f"{lacking[0]!r} among {', '.join(found.headers)}. Add it, or name another with --map "
            "background=COLUMN (table.background)."
        )
    return layout.block(found), Mapped(
        key, found.headers, "", "named" if word else "the header says so"
    )


def _by_header(families: Sequence[Family], family: Family) -> Family | None:
    """Find background of the same channel, or of no channel in particular."""
    usable = [one for one in families if one.is_background and one.quantity in ("signal", "sum")]
    own = [one for one in usable if one.channel == family.channel]
    return next(iter([*own, *(one for one in usable if not one.channel)]), None)
