"""Phases in a figure: shaded stretches, named above."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes

from zincflux.phases import Phase
from zincflux.plot.style import WIDTH_IN

TINTS = {
    "baseline": "#ECECEC",
    "response": "#FBE9C6",
    "minimum": "#D6EAF7",
    "maximum": "#D3EDE2",
    "ignore": "#FFFFFF",
}

EDGES = {
    "baseline": "#9A9A9A",
    "response": "#E69F00",
    "minimum": "#56B4E9",
    "maximum": "#009E73",
    "ignore": "#C8C8C8",
}

_AXES_IN = 0.83 * WIDTH_IN
"""Width of the axes once labels and legend have their room, about."""

_POINT_IN = 1 / 72
_NAME_SIZE = 8.5
_LETTER = 0.58 * _NAME_SIZE * _POINT_IN
"""Mean width of a letter, inch."""


def draw_phases(
    header: Axes,
    panels: Iterable[Axes],
    phases: Sequence[Phase],
    limits: tuple[float, float],
    factor: float,
    *,
    share: float = 1.0,
) -> str:
    """Shade the phases and write their names above.

    Parameters
    ----------
    header
        Empty axes above the panels, for the names.
    panels
        Axes that are shaded; they share the header's time axis.
    phases
        Closed phases.
    limits
        First and last time of the data, s.
    factor
        From s to the unit of the time axis.
    share
        Part of the figure's width that the panels have.

    Returns
    -------
    str
        Key to the numbers that stand in place of names too long for their phase; may be empty.
    """
    header.set_axis_off()
    header.set_ylim(0, 1)
    if limits[1] <= limits[0]:
        return ""
    shown = [p for p in phases if p.start_s <= limits[1] and _end(p, limits) > limits[0]]
    letters_per_s = share * _AXES_IN / _LETTER / (limits[1] - limits[0])
    key = []
    for number, phase in enumerate(shown, start=1):
        start, end = max(phase.start_s, limits[0]), _end(phase, limits)
        name = _fitted(phase.name, int((end - start) * letters_per_s))
        if not name:
            name = str(number)
            key.append(f"{number}: {phase.name}")
        stretch = (start * factor, end * factor)
        # The white edge parts neighbours of the same role.
        header.axvspan(*stretch, 0, 0.14, facecolor=EDGES[phase.role], edgecolor="white", lw=1.2)
        header.text(sum(stretch) / 2, 0.24, name, ha="center", va="bottom", size=_NAME_SIZE)
        for panel in panels:
            panel.axvspan(
                *stretch, facecolor=TINTS[phase.role], edgecolor="white", lw=1.2, zorder=0
            )
    return "    ".join(key)


def _end(phase: Phase, limits: tuple[float, float]) -> float:
    return limits[1] if phase.end_s is None else min(phase.end_s, limits[1])


def _fitted(name: str, letters: int) -> str:
    """Break a name into at most two lines of this many letters; empty where it does not fit."""
    lines = textwrap.wrap(name, max(letters, 1), break_long_words=False)
    fits = len(lines) <= 2 and all(len(line) <= letters for line in lines)
    return "\n".join(lines) if fits else ""
