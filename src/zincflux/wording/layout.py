"""How names, numbers and columns of text are laid out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

_WIDTH = 96


def table(rows: Iterable[tuple[str, str | None]], indent: str = "  ") -> list[str]:
    """Align names and values; a value that is long goes on in its own column."""
    kept = list(rows)
    width = max(len(name) for name, _ in kept) + 2
    lines = []
    for name, value in kept:
        text = textwrap.wrap(value or "not known", _WIDTH - width, break_on_hyphens=False)
        lines += [f"{indent}{name:{width}}{text[0]}"]
        lines += [f"{indent}{'':{width}}{more}" for more in text[1:]]
    return lines


def several(names: Sequence[str]) -> str:
    """List a few names; empty where there is only one, since it says nothing new."""
    if len(names) < 2:
        return ""
    shown = ", ".join(names) if len(names) <= 4 else f"{names[0]}, {names[1]} … {names[-1]}"
    return f"{len(names)}: {shown}"


def plural(n: int, noun: str) -> str:
    """Count things: 1 cell, 2 cells."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def count(value: int | None) -> str | None:
    """Write a count that may not be known."""
    return None if value is None else str(value)


def number(value: float | None, unit: str) -> str | None:
    """Write a quantity that may not be known, with its unit."""
    return None if value is None else f"{value:.6g} {unit}"
