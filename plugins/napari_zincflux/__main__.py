"""napari with the dock, on a movie or on results: what ``zincflux view`` starts."""

from __future__ import annotations

import sys

WIDGET = "Cells and zinc"


def main(place: str = "") -> None:
    """Start napari with the dock.

    Parameters
    ----------
    place
        A movie, an experiment file or a folder of results; nothing is opened without one.
    """
    import napari

    viewer = napari.Viewer(title="zincflux")
    _, panel = viewer.window.add_plugin_dock_widget("zincflux", WIDGET)
    if place:
        panel.open(place)
    napari.run()


if __name__ == "__main__":
    main(*sys.argv[1:2])
