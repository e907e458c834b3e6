"""Plots and picture of one analysis, tied together: what is selected, and which frame is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_zincflux.canvas import clock, frame_of, go_to_frame
from napari_zincflux.cell_layers import ColourLayer, SelectionLayer
from napari_zincflux.clicks import Clicks
from napari_zincflux.colouring import Choice, Colouring, outlines_of
from napari_zincflux.trace_data import TraceData

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_zincflux.corrections import Corrections
    from napari_zincflux.heat_map import HeatMapWidget
    from napari_zincflux.traces import TracesWidget
    from zincflux.phases import Phase
    from zincflux.pipeline import Analysis

    Labels = NDArray[np.int32]


class LinkedViews(QObject):
    """Keeps the selected cells and the frame the same in viewer, traces and heat map.

    It puts two layers of its own into the viewer: outlines of the selected cells in the colours of
    their traces, and the cells coloured by a value. Either may be removed by the user.

    Signals
    -------
    cellsSelected : list of int
        Numbers of the selected cells, whoever selected them.
    colourRemoved
        The user has removed the layer of the colours: the outlines are shown again.
    """

    cellsSelected = Signal(list)
    colourRemoved = Signal()

    def __init__(
        self,
        viewer: Viewer,
        traces: TracesWidget,
        heat_map: HeatMapWidget | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.viewer, self.traces, self.heat_map = viewer, traces, heat_map
        self.selected: list[int] = []
        self.data: TraceData | None = None
        self.colouring: Colouring | None = None
        self._labels: Any = None
        self._place = ""
        self._cached: tuple[Any, Labels] | None = None
        self._outlined: Any = None
        self._own: Labels | None = None
        self._outlines = SelectionLayer(viewer)
        self._colour = ColourLayer(viewer)
        self._by: str | None = None
        for widget in self._widgets():
            widget.cellsSelected.connect(self.select)
            widget.frameChanged.connect(self.show_frame)
        viewer.dims.events.current_step.connect(self._on_step)
        self._clicks = Clicks(viewer, self._on_click)
        viewer.events.theme.connect(self._on_theme)
        viewer.layers.events.removed.connect(self._on_removed)
        self._on_theme()

    def show(
        self,
        analysis: Analysis,
        labels_layer: Any,
        phases: Sequence[Phase] | None = None,
        usable_range: tuple[float, float] | None = None,
    ) -> None:
        """Show an analysis; may be called again after it was corrected.

        Parameters
        ----------
        analysis
            Its tables are plotted.
        labels_layer
            Layer with the outlines, whose values are ``cell_id``: (Y, X), (1, Y, X) or (T, Y, X).
        phases
            Phases to shade; those of the analysis if not given.
        usable_range
            Zinc, nM, that the indicator tells; that of the analysis if not given.
        """
        self._labels, self._cached, self._outlined = labels_layer, None, None
        movie = analysis.experiment.movie
        self._place = "" if movie is None else str(movie.path)
        self.data = TraceData.of(analysis.traces, analysis.cells, analysis.frames)
        shaded = analysis.experiment.phases if phases is None else tuple(phases)
        self.colouring = Colouring(self.data, analysis.cells, analysis.responses, shaded)
        labels_layer.features = self.colouring.features.copy()
        if usable_range is None and analysis.reach is not None and analysis.reach.zinc_ranges:
            usable = analysis.reach.zinc_ranges[0]
            usable_range = (usable.low_nM, usable.high_nM)
        for widget in self._widgets():
            widget.set_data(self.data, shaded, usable_range)
        known = set(self.data.cell_ids.tolist())
        self.select([cell for cell in self.selected if cell in known], centre=False)
        if self._by is not None:
            self._colour_anew(self._by)
        self._on_step()

    @property
    def frame(self) -> int:
        """Number of the frame that the viewer shows."""
        return frame_of(self.viewer, self._clock())

    def _clock(self) -> Any:
        return clock(self.viewer, self._place, self._labels)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What the cells can be coloured by."""
        return () if self.colouring is None else self.colouring.choices

    def labels(self) -> Labels | None:
        """Give the outlines in the frame that is shown, (Y, X)."""
        if self._labels is None or self._labels not in self.viewer.layers:
            return None
        data, frame = self._labels.data, self.frame
        if data.ndim == 3:
            data = data[min(frame, len(data) - 1)]
        key = (id(self._labels.data), frame if self._labels.data.ndim == 3 else 0)
        if self._cached is None or self._cached[0] != key:
            self._cached = (key, np.asarray(data))
        return self._cached[1]

    def replace_labels(self, corrections: Corrections) -> None:
        """Show corrected outlines at once, before anything is measured."""
        if self._labels is None or self._labels not in self.viewer.layers:
            return
        outlines, data = corrections.labels(self.frame), self._labels.data
        if data.shape[-2:] != outlines.shape:
            return
        if not isinstance(data, np.ndarray):
            self._labels.data = corrections.stack(len(data))
        elif data.ndim == 2 and data is self._own:
            data[:] = outlines
            self._labels.refresh(thumbnail=False, highlight=False, extent=False)
        elif data.ndim == 2:
            self._labels.data = self._own = outlines
        elif len(data) == 1:
            self._labels.data = outlines[np.newaxis]
        else:
            data[self.frame] = outlines
            self._labels.refresh()
        self._cached = self._outlined = None
        self._draw_outlines()

    def select(self, cells: Iterable[int], centre: bool = True) -> None:
        """Select cells everywhere; a single one is brought into the middle of the picture."""
        self.selected = [int(cell) for cell in cells]
        for widget in self._widgets():
            widget.set_selected(self.selected)
        self._draw_outlines()
        if centre and len(self.selected) == 1:
            self._centre_on(self.selected[0])
        self.cellsSelected.emit(list(self.selected))

    def show_frame(self, frame: int) -> None:
        """Show a frame everywhere."""
        go_to_frame(self.viewer, self._clock(), frame)

    def colour_by(self, key: str | None) -> None:
        """Colour the cells by a value in every frame; None shows the outlines again.

        Raises
        ------
        KeyError
            If there is no such choice; see `choices`.
        """
        choice = None if key is None or self.colouring is None else self.colouring.choice(key)
        self._by = None if choice is None else choice.key
        self._colour.remove()
        if choice is None:
            if self._labels is not None:
                self._labels.visible = True
            return
        self._paint()

    def _colour_anew(self, key: str) -> None:
        """Colour other cells by the same value; the layer stays as the user has made it."""
        if key not in {choice.key for choice in self.choices}:
            self.colour_by(None)
        elif self._colour.is_there and self.colouring is not None:
            self._paint()
            self._colour.follow_limits(self.colouring.limits(key))
            self._labels.visible = False
        else:
            self.colour_by(key)

    def _on_removed(self, event: Any = None) -> None:
        """Show the outlines again where the user has removed the layer of the colours."""
        if self._colour.was_removed:
            self.colour_by(None)
            self.colourRemoved.emit()

    def disconnect(self) -> None:
        """Let go of the viewer and the plots, and take the own layers away."""
        self.viewer.layers.events.removed.disconnect(self._on_removed)
        self.viewer.dims.events.current_step.disconnect(self._on_step)
        self.viewer.events.theme.disconnect(self._on_theme)
        self._clicks.disconnect()
        for widget in self._widgets():
            widget.cellsSelected.disconnect(self.select)
            widget.frameChanged.disconnect(self.show_frame)
        self._colour.remove()
        self._outlines.remove()
        if self._by is not None and self._labels in self.viewer.layers:
            self._labels.visible = True

    def _widgets(self) -> list[Any]:
        return [self.traces] if self.heat_map is None else [self.traces, self.heat_map]

    def _on_step(self, event: Any = None) -> None:
        frame = self.frame
        for widget in self._widgets():
            widget.set_time(frame)
        self._draw_outlines()
        if self._by is not None and self._colour.is_there:
            self._paint()

    def _on_theme(self, event: Any = None) -> None:
        from napari.utils.theme import get_theme

        colour = get_theme(self.viewer.theme).background
        dark = sum(colour.as_rgb_tuple()[:3]) < 384
        for widget in self._widgets():
            widget.set_theme(dark=dark)

    def _on_click(self, position: Sequence[float], more: bool) -> None:
        """Select the cell that is clicked; with Shift, one more."""
        cell = self.cell_under(position)
        if cell and more:
            kept = [other for other in self.selected if other != cell]
            self.select(kept if cell in self.selected else [*kept, cell], centre=False)
        elif cell or not more:
            self.select([cell] if cell else [], centre=False)

    def cell_under(self, position: Sequence[float]) -> int:
        """Give the cell under a position in world coordinates; 0 if there is none."""
        labels = self.labels()
        if labels is None:
            return 0
        y, x = np.rint(self._labels.world_to_data(position)[-2:]).astype(int)
        inside = 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1]
        return int(labels[y, x]) if inside else 0

    def _centre_on(self, cell: int) -> None:
        place = None if self.data is None else self.data.place_of(cell, self.frame)
        if place is not None:
            # Tables and picture are both in µm.
            self.viewer.camera.center = (*self.viewer.camera.center[:-2], *place)

    def _draw_outlines(self) -> None:
        labels = self.labels()
        if not self.selected or labels is None or self._cached is None:
            self._outlines.hide()
            return
        # Outlines of static cells are the same in every frame.
        wanted = (self._cached[0], tuple(self.selected))
        if wanted != self._outlined or not self._outlines.is_shown:
            self._outlines.show(outlines_of(labels, self.selected), self.placed())
            self._outlined = wanted

    def _paint(self) -> None:
        labels = self.labels()
        if labels is None or self.colouring is None or self._by is None or self.data is None:
            return
        frame = min(self.frame, self.data.n_frames - 1)
        if self._colour.is_there:
            earlier = self._colour.layer.data
            out = earlier if earlier.shape == labels.shape else None
            self._colour.refill(self.colouring.paint(labels, self._by, frame, out), self.placed())
            return
        painted = self.colouring.paint(labels, self._by, frame)
        choice = self.colouring.choice(self._by)
        limits = self.colouring.limits(self._by)
        self._colour.show(painted, choice, limits, self.placed(), below=self._labels)
        self._labels.visible = False

    def placed(self) -> dict[str, Any]:
        """Give scale, translation and units (y, x) of the outlines."""
        layer = self._labels
        return {
            "scale": layer.scale[-2:],
            "translate": layer.translate[-2:],
            "units": layer.units[-2:],
        }
