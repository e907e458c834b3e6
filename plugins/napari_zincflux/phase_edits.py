"""Changes to the list of phases, as plain data; no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Phases = list[dict[str, Any]]

NEXT_ROLE = {
    "baseline": "response",
    "response": "response",
    "minimum": "maximum",
    "maximum": "ignore",
}
"""The role that most often follows a role."""

NAMES = {"baseline": "rest", "response": "zinc", "minimum": "TPEN", "maximum": "Zn + pyrithione"}


def begin_at(phases: Sequence[dict[str, Any]], start_s: float) -> Phases:
    """Let a phase begin at a time; the one that was under way ends there.

    Parameters
    ----------
    phases
        The phases so far, by start.
    start_s
        Start of the new one, s.
    """
    earlier = [phase for phase in phases if phase["start_s"] < start_s]
    role = NEXT_ROLE.get(earlier[-1]["role"], "ignore") if earlier else "baseline"
    # Without a name of its own, the end of a phase is the start of the next.
    later = [phase["start_s"] for phase in phases if phase["start_s"] > start_s]
    new = {"name": free_name(phases, NAMES.get(role, role)), "role": role, "start_s": start_s}
    if later:
        new["end_s"] = min(later)
    return insert(phases, new)


def draw(phases: Sequence[dict[str, Any]], start_s: float, end_s: float) -> Phases:
    """Add a phase that was drawn; what it lies over makes way for it."""
    start_s, end_s = sorted((start_s, end_s))
    before = [phase for phase in phases if phase["start_s"] < start_s]
    role = NEXT_ROLE.get(before[-1]["role"], "ignore") if before else "baseline"
    new = {"name": free_name(phases, NAMES.get(role, role)), "role": role}
    return insert(phases, {**new, "start_s": start_s, "end_s": end_s})


def insert(phases: Sequence[dict[str, Any]], new: dict[str, Any]) -> Phases:
    """Put a phase among others, which are cut where it lies over them."""
    start, end = new["start_s"], new.get("end_s", float("inf"))
    kept: Phases = []
    for phase in phases:
        own_end = phase.get("end_s", float("inf"))
        if start <= phase["start_s"] and own_end <= end:
            continue
        cut = dict(phase)
        if phase["start_s"] < start < own_end:
            cut["end_s"] = start
        elif start <= phase["start_s"] < end:
            cut["start_s"] = end
        kept.append(cut)
    return sorted([*kept, new], key=lambda phase: float(phase["start_s"]))


def move(phases: Sequence[dict[str, Any]], number: int, start_s: float, end_s: float) -> Phases:
    """Give the phase of a number other ends; neighbours make way for it."""
    start_s, end_s = sorted((start_s, end_s))
    rest = [phase for at, phase in enumerate(phases) if at != number]
    return insert(rest, {**phases[number], "start_s": start_s, "end_s": end_s})


def free_name(phases: Sequence[dict[str, Any]], name: str) -> str:
    """Give a name that no phase has yet."""
    taken = {phase["name"] for phase in phases}
    number = 2
    result = name
    while result in taken:
        result, number = f"{name} {number}", number + 1
    return result
