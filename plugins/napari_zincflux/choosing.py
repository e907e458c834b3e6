"""What is chosen on the picture and on the plot: phases, the diameter of a cell, the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari_zincflux import phase_edits
from napari_zincflux.canvas import Canvas
from napari_zincflux.drawings import (
    BACKGROUND_LAYER,
    DIAMETER_LAYER,
    ask_for,
    line_length_um,
    rectangle_px,
)
from napari_zincflux.panel_view import PanelView
from napari_zincflux.session import Session

if TYPE_CHECKING:
    from napari import Viewer


class ChoosingPanel(PanelView):
    """The dock as far as settings are chosen; what they lead to is up to the whole dock."""

    viewer: Viewer
    session: Session
    canvas: Canvas

    def refresh(self) -> None:
        """Show everything as it is."""
        raise NotImplementedError

    def _choose(self, key: str, value: Any) -> None:
        before = self.session.choices.get(key)
        self.session.choices.set(key, value)
        if self.session.choices.get(key) != before:
            if key in ("movie.pixel_size_um", "movie.frame_interval_s"):
                self.canvas.rescale(self.session)
            self.refresh()

    def _begin_phase(self) -> None:
        time_s = self.session.time_s
        if time_s is None:
            self.say("Set the frame interval first: phases are given in seconds.")
            return
        start_s = float(time_s[self.canvas.frame])
        phases = phase_edits.begin_at(self._phases(), start_s)
        self._choose("phases", phases)

    def _draw_phase(self, start_s: float, end_s: float) -> None:
        start_s, end_s = (round(max(0.0, value), 3) for value in (start_s, end_s))
        if start_s != end_s:
            self._choose("phases", phase_edits.draw(self._phases(), start_s, end_s))

    def _move_phase(self, name: str, start_s: float, end_s: float) -> None:
        names = [phase["name"] for phase in self._phases()]
        start_s, end_s = (round(max(0.0, value), 3) for value in (start_s, end_s))
        if name in names and start_s != end_s:
            moved = phase_edits.move(self._phases(), names.index(name), start_s, end_s)
            self._choose("phases", moved)

    def _remove_phases(self) -> None:
        rows = self.phases.chosen_rows()
        kept = [phase for row, phase in enumerate(self._phases()) if row not in rows]
        self._choose("phases", kept)

    def _phases(self) -> list[dict[str, Any]]:
        return list(self.session.choices.get("phases") or [])

    def _measure_diameter(self) -> None:
        movie = self.session.movie
        known = None if movie is None else movie.pixel_size_um
        if movie is not None and not (self.session.choices.get("movie.pixel_size_um") or known):
            self.say("Set the pixel size first: the diameter is given in µm.")
            return
        size = self.canvas.axes(self.session).scale[1]

        def drawn(points: Any) -> None:
            self._choose("segment.diameter_um", round(line_length_um(points, size), 1))

        self._draw(DIAMETER_LAYER, "add_line", drawn)

    def _draw_background(self) -> None:
        def drawn(points: Any) -> None:
            movie = self.session.movie
            if movie is not None:
                self._choose("background.method", "roi")
                self._choose("background.roi", rectangle_px(points, movie.frame_shape))

        self._draw(BACKGROUND_LAYER, "add_rectangle", drawn)

    def _draw(self, name: str, mode: str, drawn: Callable[[Any], None]) -> None:
        if self.session.movie is None:
            self.say("Open a movie first.")
            return
        size = self.canvas.axes(self.session).scale[1:]
        ask_for(self.viewer, name, mode, size, drawn)
