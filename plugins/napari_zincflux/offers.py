"""Movies that others have put into the viewer: taken up, or offered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QPushButton

from napari_zincflux.canvas import place_of
from napari_zincflux.session import Session
from napari_zincflux.workers import Work

if TYPE_CHECKING:
    from napari import Viewer


class Offers(QObject):
    """Takes up the first movie that is dragged in, and offers others by a button.

    Parameters
    ----------
    viewer, session, work
        Where layers appear; what is open, and whether something is being opened.
    button
        It names the movie that is offered, and is hidden where none is.

    Attributes
    ----------
    taken
        Signal: the place to be opened, at once or as the button was pressed.
    """

    taken = Signal(str)

    def __init__(
        self, viewer: Viewer, session: Session, work: Work, button: QPushButton, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._viewer, self._session, self._work, self._button = viewer, session, work, button
        self._newest: Any = None
        self._offered = ""
        button.clicked.connect(lambda _=False: self.taken.emit(self._offered))
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self.refresh)

    def look(self) -> None:
        """Begin with a movie or with results that are there already, if nothing is open."""
        if self._session.place is None and not self._work.is_busy:
            places = [place_of(layer) for layer in self._viewer.layers]
            place = next(filter(None, places), None)
            if place is not None:
                self.taken.emit(place)
        self.refresh()

    def refresh(self, event: Any = None) -> None:
        """Offer what another reader has opened or, once a movie is open, the newest other one."""
        if self._session.place is None:
            places = [_source(layer) for layer in self._viewer.layers if not place_of(layer)]
        else:
            is_there = self._newest is not None and self._newest in self._viewer.layers
            places = [place_of(self._newest) or _source(self._newest)] if is_there else []
        self._offered = next(filter(None, reversed(places)), "")
        if self._offered in self._own_places():
            self._offered = ""
        self._button.setVisible(bool(self._offered))
        self._button.setText(f"Use {Path(self._offered).name}")

    def _own_places(self) -> set[str]:
        session = self._session
        results = None if session.results is None else session.results.folder
        own = (session.place, session.file, results, session.choices.get("movie.path"))
        return {str(place) for place in own if place}

    def _on_inserted(self, event: Any) -> None:
        if place_of(event.value) or _source(event.value):
            self._newest = event.value
        self.look()

    def close(self) -> None:
        """Let go of the viewer."""
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)
        self._viewer.layers.events.removed.disconnect(self.refresh)


def _source(layer: Any) -> str:
    """Give the file that another reader made an image of; empty where there is none."""
    path = layer.source.path if type(layer).__name__ == "Image" else None
    return str(path) if path else ""
