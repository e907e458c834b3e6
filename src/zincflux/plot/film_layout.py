"""What all frames of a film have in common, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zincflux.plot.film_scale import ColourScale
from zincflux.plot.film_text import Lettering


@dataclass(frozen=True)
class FilmFacts:
    """What all frames of a film have in common.

    Attributes
    ----------
    frame_shape
        Height and width of the movie, px.
    pixel_size_um
        Edge of a pixel.
    scale
        The colours of the numbers.
    legend
        What is not a colour of the bar and occurs in the film: `BELOW`, `ABOVE` or `OUTLINED`, and
        its name.
    times
        The time of each frame in words.
    phases
        Name and role of the phase of each frame; empty between phases.
    zoom
        Pixels of the film per pixel of the movie.
    note
        What the viewer should know; empty if nothing.
    """

    frame_shape: tuple[int, int]
    pixel_size_um: float
    scale: ColourScale
    legend: Mapping[int, str]
    times: Sequence[str]
    phases: Sequence[tuple[str, str]]
    zoom: float
    note: str = ""


@dataclass(frozen=True)
class Layout:
    """Where things stand in a frame, px: the head, the picture, the bar of colours beside it."""

    shape: tuple[int, int]
    picture: tuple[int, int]
    text_top: int
    phase_left: int
    room_for_phase: int
    track_top: int
    track_height: int
    bar_left: int
    bar_width: int
    bar_height: int
    note_top: int

    @classmethod
    def of(cls, picture: tuple[int, int], facts: FilmFacts, letters: Lettering) -> Layout:
        """Arrange a film around a picture of this height and width."""
        height, width = picture
        size, line, margin = letters.size, letters.line, letters.size // 2
        track_height = max(size // 3, 4) if any(role for _, role in facts.phases) else 0
        track_top = margin + line + margin // 2
        top = track_top + track_height + margin
        beside = [*(text for _, text in facts.scale.ticks()), *facts.legend.values()]
        text_width = max(letters.width(text) for text in beside)
        panel = max(
            size + margin + text_width, *(letters.width(text) for text in facts.scale.title)
        )
        rest = round((len(facts.scale.title) + 1.4 * len(facts.legend) + 2.4) * line)
        body = max(height, rest + 5 * line)
        time_width = max(letters.width(text, bold=True) for text in set(facts.times))
        foot = line + margin if facts.note else 0
        full_width = max(4 * margin + width + panel, 2 * margin + letters.width(facts.note))
        return cls(
            shape=(_even(top + body + margin + foot), _even(full_width)),
            picture=(top, margin),
            text_top=margin,
            phase_left=margin + time_width + size,
            room_for_phase=full_width - (margin + time_width + size) - margin,
            track_top=track_top,
            track_height=track_height,
            bar_left=width + 3 * margin,
            bar_width=size,
            bar_height=body - rest,
            note_top=top + body + margin // 2,
        )


def _even(length: int) -> int:
    return length + length % 2
