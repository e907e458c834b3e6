"""The layers that the dock puts into the viewer; whatever the user does with them is survived."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_zincflux.layers import (
    METADATA_KEY,
    Axes,
    labels_layer,
    movie_layers,
    results_layers,
    tracks_layer,
)
from napari_zincflux.lazy_stacks import lazy_frames, moved_frames
from napari_zincflux.outcomes import Found
from napari_zincflux.session import Session
from zincflux import Analysis

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Labels, Layer

FOUND, CELLS, TRACKS = "cells of the preview", "cells", "tracks"


class Canvas:
    """What the dock shows on the picture.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self._own: dict[str, Layer] = {}
        self._place = ""

    def layer(self, name: str) -> Any:
        """Give a layer that was put here, unless the user has removed it; renamed, it is found."""
        layer = self._own.get(name)
        return layer if layer is not None and layer in self.viewer.layers else None

    @property
    def frame(self) -> int:
        """Number of the frame that is shown."""
        return frame_of(self.viewer, self._clock())

    @frame.setter
    def frame(self, frame: int) -> None:
        go_to_frame(self.viewer, self._clock(), frame)

    def _clock(self) -> Any:
        return clock(self.viewer, self._place, self.layer(CELLS))

    def show_movie(self, session: Session) -> None:
        """Show the movie, unless it is shown already, in place of what napari made of its file."""
        movie, place = session.movie, session.place
        if movie is None or place is None:
            return
        self._place = path = str(session.choices.get("movie.path") or place)
        if any(marked(layer).get("movie") == path for layer in self.viewer.layers):
            return
        # Its axes are not ours: steps of time without unit, channels before y and x.
        for layer in list(self.viewer.layers):
            if getattr(layer.source, "path", None) == path and not marked(layer):
                self.viewer.layers.remove(layer)
        for data, options, _ in movie_layers(movie, place=path):
            self.viewer.add_image(data, **options)
        self.viewer.reset_view()

    def show_found(self, found: Found, session: Session) -> None:
        """Show the cells of the preview: on every frame if they stay, else on the first."""
        axes = self.axes(session)
        follows = session.choices.get("track.mode") == "follow"
        labels = found.labels[np.newaxis] if follows else found.labels
        if follows:
            self.frame = 0
        layer = self._put(FOUND, "labels", labels, {"opacity": 0.5, **axes.kwargs(labels.ndim)})
        layer.visible = True
        for name in (CELLS, TRACKS):
            if self.layer(name) is not None:
                self.layer(name).visible = False

    def show_analysis(self, analysis: Analysis, session: Session) -> Labels:
        """Show the cells of a whole analysis, with their tables, and their tracks if they move."""
        axes = self.axes(session)
        images, labels = analysis.label_images, self._outlines(analysis)
        data, options, _ = labels_layer(labels, analysis.cells, axes)
        options.pop("name")
        cells = self._put(CELLS, "labels", data, options)
        if len(images) > 1:
            data, options, _ = tracks_layer(analysis.traces, analysis.cells, axes)
            options.pop("name")
            self._put(TRACKS, "tracks", data, options)
        elif self.layer(TRACKS) is not None:
            self.viewer.layers.remove(self.layer(TRACKS))
        if self.layer(FOUND) is not None:
            self.viewer.layers.remove(self.layer(FOUND))
        cells.visible = True
        self.viewer.layers.selection.active = cells
        return cells

    def show_results(self, session: Session) -> None:
        """Show finished results, unless they were dragged in and are shown already."""
        results = session.results
        if results is None or results.labels is None:
            return
        folder = str(results.folder)
        self._place = str(session.choices.get("movie.path") or "")
        if not self._of_results(folder):
            with warnings.catch_warnings():
                # Where the movie is missing, the dock says so at its place.
                warnings.filterwarnings("ignore", "The movie is not shown", UserWarning)
                layers = results_layers(results, movie=session.movie)
            for data, options, kind in layers:
                getattr(self.viewer, f"add_{kind}")(data, **options)
            self.viewer.reset_view()
        for layer in self._of_results(folder):
            kind = type(layer).__name__
            if kind in ("Labels", "Tracks"):
                self._own[CELLS if kind == "Labels" else TRACKS] = layer

    def _of_results(self, folder: str) -> list[Layer]:
        """List the layers of a folder of results."""
        # As the viewer lists them: what its add methods return is wrapped, and hides its type.
        return [layer for layer in self.viewer.layers if marked(layer).get("results") == folder]

    def update_cells(self, analysis: Analysis, session: Session) -> None:
        """Show the cells of an analysis that was corrected, in the layer that is there."""
        layer = self.layer(CELLS)
        data = self._outlines(analysis)
        if len(analysis.label_images) == 1 and len(data) == 1:
            data = data[0]
        if layer is None or layer.data.ndim != data.ndim:
            self.show_analysis(analysis, session)
            return
        # Corrections show at once, so that mostly there is nothing new to draw.
        if not (isinstance(data, np.ndarray) and np.array_equal(np.asarray(layer.data), data)):
            layer.data = data
        self._update_tracks(analysis, session)

    def _update_tracks(self, analysis: Analysis, session: Session) -> None:
        """Draw the paths anew, in the layer that is there; cells that stay have none."""
        tracks = self.layer(TRACKS)
        if tracks is None:
            return
        data, options, _ = tracks_layer(analysis.traces, analysis.cells, self.axes(session))
        if len(analysis.label_images) == 1 or not len(data):
            self.viewer.layers.remove(tracks)
            return
        colour_by, tracks.color_by = tracks.color_by, "track_id"
        tracks.data = data
        tracks.features, tracks.graph = options["features"], options["graph"]
        tracks.color_by = colour_by

    def _outlines(self, analysis: Analysis) -> Any:
        images = analysis.label_images
        labels: Any = np.array(images[0])[np.newaxis]
        if len(images) > 1:
            labels = lazy_frames(lambda t: images[t], len(images), images[0].shape, "int32")
        return moved_frames(labels, analysis.frames, analysis.pixel_size_um or 1.0)

    def _put(self, name: str, kind: str, data: Any, options: dict[str, Any]) -> Any:
        """Put a layer of ours, in place of an earlier one of the same name."""
        earlier = self.layer(name)
        if earlier is not None:
            self.viewer.layers.remove(earlier)
        layer = getattr(self.viewer, f"add_{kind}")(data, name=name, **options)
        self._own[name] = layer
        return layer

    def renew(self, data: Any, options: dict[str, Any], kind: str) -> Any:
        """Put a layer, or give new data to the one of this name that is there.

        Parameters
        ----------
        data, options, kind
            As a reader of napari returns them; of a layer that is there only the data change.
        """
        name = options["name"]
        layer = self.layer(name)
        if layer is not None and layer.data.shape == data.shape:
            layer.data = data
            return layer
        active = self.viewer.layers.selection.active
        layer = self._put(name, kind, data, {k: v for k, v in options.items() if k != "name"})
        if active is not None and active in self.viewer.layers:
            self.viewer.layers.selection.active = active
        return layer

    def remove(self, name: str) -> None:
        """Take a layer of ours away; nothing happens where there is none."""
        if self.layer(name) is not None:
            self.viewer.layers.remove(self.layer(name))
        self._own.pop(name, None)

    def axes(self, session: Session) -> Axes:
        """Give scale and units of the movie, as the settings have them."""
        size = session.choices.get("movie.pixel_size_um")
        if size is None and session.movie is not None:
            size = session.movie.pixel_size_um
        return Axes.of(size, session.time_s)

    def rescale(self, session: Session) -> None:
        """Give the layers of the movie, and all that lies over it, the scale of the settings."""
        axes = self.axes(session)
        place = str(session.choices.get("movie.path"))
        own = [self.layer(name) for name in self._own]
        for layer in self.viewer.layers:
            is_movie = marked(layer).get("movie") == place and layer.ndim == 3
            if is_movie or layer in own:
                layer.scale, layer.units = axes.scale[-layer.ndim :], axes.units[-layer.ndim :]

    def show_time(self, text: str) -> None:
        """Show the true time and the phase in the corner of the picture."""
        overlay = self.viewer.text_overlay
        overlay.text = text
        overlay.visible = bool(text)

    def clear(self) -> None:
        """Take away what was shown of an earlier movie, except its pictures."""
        for name in list(self._own):
            if self.layer(name) is not None:
                self.viewer.layers.remove(self.layer(name))
        self._own.clear()


def clock(viewer: Viewer, place: str, cells: Any = None) -> Any:
    """Give the layer whose axis of time counts frames: the movie's, else the cells'; or None.

    Parameters
    ----------
    viewer
        The viewer.
    place
        The movie, as its layers are marked; the newest one is taken if none is.
    cells
        Layer of the outlines.
    """
    movies = [layer for layer in viewer.layers if "movie" in marked(layer) and layer.ndim == 3]
    movies = [layer for layer in movies if type(layer).__name__ == "Image"]
    own = [layer for layer in movies if marked(layer)["movie"] == place]
    if own or movies:
        return (own or movies)[-1]
    return cells if cells is not None and cells in viewer.layers and cells.ndim == 3 else None


def frame_of(viewer: Viewer, layer: Any) -> int:
    """Give the number of the frame that is shown.

    The first slider need not be ours, nor count frames: other layers may have more axes, or a
    finer step.

    Parameters
    ----------
    viewer
        The viewer.
    layer
        Layer (T, Y, X) that tells frames by their place in the world; None shows no time.
    """
    if layer is None:
        return 0
    at = layer.world_to_data(viewer.dims.point)[-3]
    return int(np.clip(np.rint(at), 0, layer.data.shape[-3] - 1))


def go_to_frame(viewer: Viewer, layer: Any, frame: int) -> None:
    """Show a frame, counted as in `frame_of`."""
    if layer is not None and frame != frame_of(viewer, layer):
        place = layer.data_to_world((frame, 0, 0))[-3]
        viewer.dims.set_point(viewer.dims.ndim - 3, place)


def marked(layer: Any) -> dict[str, str]:
    """Give what a layer says about where it was opened from; empty for layers of others."""
    mark = layer.metadata.get(METADATA_KEY, {}) if isinstance(layer.metadata, dict) else {}
    return mark if isinstance(mark, dict) else {}


def place_of(layer: Any) -> str:
    """Give the place that a session would begin with: results, else experiment, else movie."""
    mark = marked(layer)
    return mark.get("results") or mark.get("experiment") or mark.get("movie") or ""
