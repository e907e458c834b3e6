"""Layers that a correction is made on by hand: outlines to paint, a line to cut along."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    Labels = NDArray[np.int32]

DRAWING, CUT = "drawing: cells of this frame", "drag a line across the cell"


class Painting:
    """The outlines of one frame, to be painted on.

    Parameters
    ----------
    viewer
        The viewer.
    outlines
        Label image (Y, X) to begin with.
    frame
        Number of its frame.
    brush
        Number of the cell to paint at first; a new one if not given.
    placed
        Scale, translation and units of the layer.

    Attributes
    ----------
    layer
        Layer that is painted on.
    """

    def __init__(
        self,
        viewer: Viewer,
        outlines: Labels,
        frame: int,
        brush: int | None,
        placed: dict[str, Any],
    ) -> None:
        self.viewer, self.frame, self._before = viewer, frame, np.array(outlines)
        self.layer = viewer.add_labels(np.array(outlines), name=DRAWING, opacity=0.6, **placed)
        self.layer.selected_label = int(outlines.max()) + 1 if brush is None else brush
        self.layer.mode = "paint"

    @property
    def is_there(self) -> bool:
        """Whether the layer was not removed."""
        return self.layer in self.viewer.layers

    def onto(self, now: Labels) -> Labels:
        """Put what was painted onto outlines (Y, X): whatever became of them, only that counts."""
        painted = np.asarray(self.layer.data)
        return np.where(painted != self._before, painted, now)

    def remove(self) -> None:
        """Take the layer away."""
        if self.is_there:
            self.viewer.layers.remove(self.layer)


class CutLine:
    """A line to be dragged across a cell.

    Parameters
    ----------
    viewer
        The viewer.
    placed
        Scale, translation and units of the layer.
    drawn
        Called with the two ends (y, x) in pixels, shape (2, 2), once the line is whole.
    """

    def __init__(
        self,
        viewer: Viewer,
        placed: dict[str, Any],
        drawn: Callable[[NDArray[np.float64]], None],
    ) -> None:
        self.viewer, self._drawn = viewer, drawn
        self.layer = viewer.add_shapes(ndim=2, name=CUT, edge_color="white", edge_width=1, **placed)
        self.layer.mode = "add_line"
        self.layer.events.data.connect(self._on_data)

    def _on_data(self, event: Any = None) -> None:
        if not len(self.layer.data) or str(getattr(event, "action", "")) in _UNFINISHED:
            return
        self._drawn(np.array(self.layer.data[0], dtype=np.float64)[[0, -1], -2:])

    def remove(self) -> None:
        """Take the layer away."""
        self.layer.events.data.disconnect(self._on_data)
        if self.layer in self.viewer.layers:
            self.viewer.layers.remove(self.layer)


_UNFINISHED = ("ActionType.ADDING", "adding", "ActionType.CHANGING", "changing")
