"""Settings that are drawn on the picture: a cell's diameter, a region of background."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_zincflux.layers import METADATA_KEY

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Shapes
    from numpy.typing import NDArray

DIAMETER_LAYER = "diameter of a cell (draw a line)"
BACKGROUND_LAYER = "background (draw a rectangle)"


def line_length_um(points: NDArray[np.float64], pixel_size_um: float) -> float:
    """Measure a line.

    Parameters
    ----------
    points
        Its ends in pixels, shape (2, 2 or more); the last two axes are y and x.
    pixel_size_um
        Edge of a pixel.
    """
    dy, dx = np.asarray(points)[1, -2:] - np.asarray(points)[0, -2:]
    return float(np.hypot(dy, dx) * pixel_size_um)


def rectangle_px(points: NDArray[np.float64], shape: tuple[int, int]) -> list[int]:
    """Give the whole pixels of a rectangle as ``[y0, x0, y1, x1]``, inside the picture.

    Parameters
    ----------
    points
        Its corners in pixels, shape (4, 2 or more).
    shape
        Height and width of the picture.
    """
    corners = np.asarray(points)[:, -2:]
    y0, x0 = (int(v) for v in np.clip(np.rint(corners.min(axis=0) + 0.5), 0, np.array(shape) - 1))
    y1, x1 = (int(v) for v in np.clip(np.rint(corners.max(axis=0) + 0.5), (y0 + 1, x0 + 1), shape))
    return [y0, x0, y1, x1]


def ask_for(
    viewer: Viewer,
    name: str,
    mode: str,
    scale: tuple[float, float],
    drawn: Callable[[NDArray[np.float64]], None],
) -> Shapes:
    """Give the user a layer to draw one shape on, and tell when it is drawn.

    Parameters
    ----------
    viewer
        The viewer.
    name
        Name of the layer; one that is there makes way for it.
    mode
        ``"add_line"`` or ``"add_rectangle"``.
    scale
        Edges of a pixel (y, x).
    drawn
        Called with the corners of the shape, in pixels.
    """
    clear_drawings(viewer, name)
    layer = viewer.add_shapes(
        name=name, ndim=2, scale=scale, face_color="transparent", edge_color="yellow", edge_width=1
    )
    layer.metadata[METADATA_KEY] = {"drawing": name}

    def on_data(event: Any = None) -> None:
        # While a shape is being drawn its data change with the mouse; only a whole one counts.
        action = str(getattr(event, "action", "")).rpartition(".")[2].lower()
        if len(layer.data) and action in ("added", "changed"):
            drawn(np.asarray(layer.data[-1]))

    layer.events.data.connect(on_data)
    layer.mode = mode
    viewer.layers.selection.active = layer
    return layer


def clear_drawings(viewer: Viewer, name: str = "") -> None:
    """Take away the layers of `ask_for`, also renamed ones.

    Parameters
    ----------
    viewer
        The viewer.
    name
        The one to be taken away; all of them if empty.
    """
    for layer in list(viewer.layers):
        mark = layer.metadata.get(METADATA_KEY) if isinstance(layer.metadata, dict) else None
        drawn = mark.get("drawing") if isinstance(mark, dict) else None
        if drawn and drawn == (name or drawn):
            viewer.layers.remove(layer)
