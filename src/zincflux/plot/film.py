"""Frames of a film: cells filled with the colour of their number, drawn without a figure.

What stays the same in every frame is drawn once; a frame is an array of places in one palette of
256 colours, which a GIF can hold as it is. A cell has just the colour that the bar shows for its
number: nothing of the picture shines through.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from zincflux.movie import Image, Labels
from zincflux.plot.film_colours import (
    ABOVE,
    BELOW,
    BLACK,
    FIRST_COLOUR,
    GROUND,
    OUTLINED,
    ROLES,
    SHADE,
    WHITE,
    Indices,
)
from zincflux.plot.film_layout import FilmFacts, Layout
from zincflux.plot.film_pixels import Resample, edges_of, stripes
from zincflux.plot.film_scale import N_COLOURS
from zincflux.plot.film_text import N_GREYS, Lettering
from zincflux.plot.overlay import round_length

_LETTERS_PX = (13, 26)

_GREYS = 32
"""Greys of the picture: more tell the eye little, and pack badly."""


class FilmPainter:
    """Paints the frames of a film, each in a few milliseconds.

    Parameters
    ----------
    facts
        What all frames have in common.
    """

    def __init__(self, facts: FilmFacts) -> None:
        self.facts = facts
        height, width = (max(round(n * facts.zoom), 1) for n in facts.frame_shape)
        self._resample = Resample(facts.frame_shape, (height, width))
        self._letters = Lettering(int(np.clip(min(height, width) / 30, *_LETTERS_PX)))
        self._layout = Layout.of((height, width), facts, self._letters)
        self._still = self._draw_still()
        self._stripes = stripes((height, width), self._letters.size // 3)
        self._track = self._phase_track(width)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a frame; both even, as films need."""
        return self._layout.shape

    def paint(self, picture: Image | None, labels: Labels, colours: Indices, t: int) -> Indices:
        """Paint one frame.

        Parameters
        ----------
        picture
            Brightness (Y, X), from 0 to 1; None for black.
        labels
            Label image (Y, X).
        colours
            Place in the palette by label, as `codes` gives it; that of label 0 is not looked at.
        t
            Number of the frame.

        Returns
        -------
        numpy.ndarray
            Places in the palette (height, width).
        """
        frame = self._still.copy()
        top, left = self._layout.picture
        height, width = self._resample.shape
        inside = frame[top : top + height, left : left + width]
        inside[...] = self._draw_cells(picture, labels, colours)
        self._draw_scale_bar(inside)
        self._draw_head(frame, t)
        return frame

    def _draw_cells(self, picture: Image | None, labels: Labels, colours: Indices) -> Indices:
        if picture is None:
            frame = np.full(self._resample.shape, BLACK, dtype=np.uint8)
        else:
            levels = np.rint(self._resample.mean(picture) * (_GREYS - 1))
            frame = np.rint(levels * ((N_GREYS - 1) / (_GREYS - 1))).astype(np.uint8)
        shown = self._resample.nearest(labels)
        own = colours[shown]
        rising, falling = self._stripes
        filled = (shown > 0) & (own != OUTLINED)
        np.copyto(frame, own, where=filled)
        gaps = ((own == BELOW) & rising) | ((own == ABOVE) & falling)
        np.copyto(frame, np.uint8(SHADE), where=filled & gaps)
        edge = edges_of(shown)
        np.copyto(frame, np.where(own == OUTLINED, own, np.uint8(BLACK)), where=edge)
        return frame

    def _draw_head(self, frame: Indices, t: int) -> None:
        layout, facts, letters = self._layout, self.facts, self._letters
        left = layout.picture[1]
        letters.put(frame, facts.times[t], (left, layout.text_top), bold=True)
        name = letters.fitted(facts.phases[t][0], layout.room_for_phase)
        letters.put(frame, name, (layout.phase_left, layout.text_top))
        if self._track is None:
            return
        past, future = self._track
        now = round((t + 1) * len(past) / len(facts.times))
        strip = frame[layout.track_top : layout.track_top + layout.track_height]
        strip[:, left : left + now] = past[:now]
        strip[:, left + now : left + len(past)] = future[now:]

    def _phase_track(self, width: int) -> tuple[Indices, Indices] | None:
        """Give a line of pixels with the phases over the film: as it was, and as it will be."""
        phases = self.facts.phases
        if not any(role for _, role in phases):
            return None
        frames = (np.arange(width) * len(phases) // width).tolist()
        past = np.array([ROLES.get(phases[t][1], SHADE) for t in frames], dtype=np.uint8)
        begins = np.zeros(width, dtype=bool)
        begins[1:] = [phases[t] != phases[s] for s, t in pairwise(frames)]
        begins[2:] |= begins[1:-1]
        return past, np.where(begins, WHITE, SHADE).astype(np.uint8)

    def _draw_scale_bar(self, picture: Indices) -> None:
        height, width = picture.shape
        letters, um_per_px = self._letters, self.facts.pixel_size_um / self.facts.zoom
        length_um = round_length(width * um_per_px / 4)
        length, thick = max(round(length_um / um_per_px), 1), max(letters.size // 5, 2)
        text, margin = f"{length_um:g} µm", letters.size // 2
        room = max(length, letters.width(text)) + 2 * margin
        tall = letters.line + thick + margin
        if room > width or tall > height:
            return
        corner = picture[height - tall :, width - room :]
        corner[...] = BLACK
        left = (room - length) // 2
        corner[tall - margin - thick : tall - margin, left : left + length] = WHITE
        letters.put(corner, text, ((room - letters.width(text)) // 2, 0))

    def _draw_still(self) -> Indices:
        """Draw what is the same in every frame: the ground, the bar of colours and the legend."""
        layout, facts, letters = self._layout, self.facts, self._letters
        frame = np.full(layout.shape, GROUND, dtype=np.uint8)
        top = layout.picture[0]
        for line in facts.scale.title:
            letters.put(frame, line, (layout.bar_left, top))
            top += letters.line
        top = self._draw_legend(frame, ABOVE, top + letters.line // 3)
        self._draw_bar(frame, top + letters.size)
        top += layout.bar_height + 2 * letters.size + letters.line // 3
        for code in (BELOW, OUTLINED):
            top = self._draw_legend(frame, code, top)
        if facts.note:
            letters.put(frame, facts.note, (layout.picture[1], layout.note_top), grey=170)
        return frame

    def _draw_legend(self, frame: Indices, code: int, top: int) -> int:
        """Draw a patch and its name, if it occurs; give where the next one begins."""
        if code not in self.facts.legend:
            return top
        letters, layout = self._letters, self._layout
        side, left = letters.size, layout.bar_left
        patch = frame[top + 2 : top + 2 + side, left : left + layout.bar_width]
        if code == OUTLINED:
            patch[[0, -1], :] = patch[:, [0, -1]] = OUTLINED
        else:
            rising, falling = stripes(patch.shape, side // 3)
            patch[...] = np.where(rising if code == BELOW else falling, SHADE, code)
        letters.put(frame, self.facts.legend[code], (left + layout.bar_width + side // 2, top))
        return top + letters.line + letters.line // 3

    def _draw_bar(self, frame: Indices, top: int) -> None:
        """Draw the colours, with a tip at each end for the numbers beyond, and their ticks."""
        layout, scale, letters = self._layout, self.facts.scale, self._letters
        left, width, height = layout.bar_left, layout.bar_width, layout.bar_height
        share = 1 - (np.arange(height) + 0.5) / height
        places = np.minimum((share * N_COLOURS).astype(int), N_COLOURS - 1)
        frame[top : top + height, left : left + width] = FIRST_COLOUR + places[:, None]
        middle = np.abs(np.arange(width) - (width - 1) / 2)
        for row in range(letters.size - 4):
            inside = middle <= (width / 2) * (1 - (row + 1) / (letters.size - 3))
            frame[top - 1 - row, left : left + width][inside] = FIRST_COLOUR + N_COLOURS - 1
            frame[top + height + row, left : left + width][inside] = FIRST_COLOUR
        for value, text in scale.ticks():
            y = top + round((1 - float(scale.share(value))) * (height - 1))
            frame[y, left + width : left + width + letters.size // 3] = WHITE
            place = (left + width + letters.size // 2, y - round(0.6 * letters.size))
            letters.put(frame, text, place)
