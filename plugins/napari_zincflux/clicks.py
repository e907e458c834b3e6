"""Clicks in the picture, told apart from drags."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari.viewer import Viewer

STILL_PX = 4
"""Way of the pointer, at most, between press and release of a click."""


class Clicks:
    """Listens to clicks with the left button, unless the active layer is being drawn on.

    Parameters
    ----------
    viewer
        The viewer.
    clicked
        Called with the position in world coordinates, and whether Shift was held.
    """

    def __init__(self, viewer: Viewer, clicked: Callable[[Sequence[float], bool], None]) -> None:
        self.viewer, self._clicked = viewer, clicked
        viewer.mouse_drag_callbacks.append(self._on_mouse)

    def disconnect(self) -> None:
        """Listen no more."""
        if self._on_mouse in self.viewer.mouse_drag_callbacks:
            self.viewer.mouse_drag_callbacks.remove(self._on_mouse)

    def _on_mouse(self, viewer: Viewer, event: Any) -> Generator[None, None, None]:
        start = np.asarray(event.pos)
        active = self.viewer.layers.selection.active
        if event.button != 1 or str(getattr(active, "mode", "pan_zoom")) not in _PANNING:
            return
        more = "Shift" in event.modifiers
        position = event.position
        yield
        while event.type == "mouse_move":
            yield
        if np.abs(np.asarray(event.pos) - start).max() <= STILL_PX:
            self._clicked(position, more)


_PANNING = ("pan_zoom", "Mode.PAN_ZOOM")
