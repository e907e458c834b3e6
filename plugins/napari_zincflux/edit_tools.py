"""Corrections by key and button on the picture: what is pressed becomes a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QLabel, QWidget

from napari_zincflux.corrections import CorrectionError, Corrections

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_zincflux.linked import LinkedViews
    from napari_zincflux.suspects import SuspectsWidget

GIVEN_UP = "The drawing was given up: nothing of it was taken over."
DRAWING, CUT = "drawing: cells of this frame", "drag a line across the cell"


class Tool(NamedTuple):
    """A correction that a key makes.

    Attributes
    ----------
    name
        Method of `EditTools`.
    key
        Key, as napari writes it.
    label
        What stands on a button.
    tip
        What it does.
    """

    name: str
    key: str
    label: str
    tip: str


TOOLS = (
    Tool("merge", "Shift-M", "Merge", "Make one cell of the selected ones"),
    Tool("split", "Shift-S", "Split", "Cut the selected cell at its neck, or in half"),
    Tool("cut", "Shift-C", "Cut", "Cut the selected cell along a line that you drag"),
    Tool("delete", "Shift-X", "Delete", "Remove the selected cells"),
    Tool("draw", "Shift-D", "Draw", "Paint outlines with napari's brush; press again to finish"),
    Tool("relink", "Shift-R", "Relink", "Select a cell, press; later select what it becomes"),
    Tool("end", "Shift-E", "End", "The selected cell ends in this frame"),
    Tool("exclude", "Shift-O", "Exclude", "Leave the selected cells out of summaries"),
    Tool("undo", "Control-Z", "Undo", "Take back the last correction"),
    Tool("redo", "Control-Shift-Z", "Redo", "Make it again"),
)  # fmt: skip

WALK = (("Shift-N", "next", "Next suspect"), ("Shift-A", "accept", "Accept suspect"))
HELP_KEY = "Shift-K"


class Drawing(NamedTuple):
    """What is being painted.

    Attributes
    ----------
    layer
        Layer that is painted on.
    frame
        Number of its frame.
    before
        The outlines that painting began with, (Y, X).
    """

    layer: Any
    frame: int
    before: Any


class EditTools(QObject):
    """Makes corrections of what is selected, on the frame that is shown.

    Parameters
    ----------
    viewer, views
        Where cells are seen and selected.
    corrections
        What takes the commands.

    Signals
    -------
    changed
        The log has changed: measure again (`Corrections.update`).
    said : str
        What to tell the user: what was done, what comes next, or why not.
    """

    changed = Signal()
    said = Signal(str)

    def __init__(
        self,
        viewer: Viewer,
        views: LinkedViews,
        corrections: Corrections,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.viewer, self.views, self.corrections = viewer, views, corrections
        self.reason = "by eye"
        self.walk: SuspectsWidget | None = None
        self._keys: Any = None
        self._layer: Any = None
        self._drawing: Drawing | None = None
        self._line: Any = None
        self._from: tuple[int, int] | None = None
        viewer.dims.events.current_step.connect(self._on_step)
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def layer(self) -> Any:
        """Layer whose keys are listened to, or None."""
        return self._layer

    @property
    def is_drawing(self) -> bool:
        """Whether outlines are being painted."""
        return self._drawing is not None

    def bind(self, layer: Any) -> None:
        """Listen to the keys while a layer of outlines is active; only to the newest one."""
        self._unbind()
        self._layer = layer
        for tool in TOOLS:
            layer.bind_key(tool.key, self._pressed(tool.name), overwrite=True)
        for key, method, _ in WALK:
            layer.bind_key(key, self._walked(method), overwrite=True)
        layer.bind_key(HELP_KEY, lambda _: self.show_keys(), overwrite=True)

    def can(self, name: str) -> bool:
        """Tell whether a tool can be pressed at all."""
        if name in ("undo", "redo"):
            return bool(getattr(self.corrections, f"can_{name}"))
        return self.corrections.follows or name not in ("relink", "end")

    def show_keys(self) -> None:
        """Show the keys in a corner of the picture, or hide them."""
        if self._keys is not None:
            self._keys.deleteLater()
            self._keys = None
            return
        canvas = getattr(getattr(self.viewer.window, "_qt_viewer", None), "canvas", None)
        if canvas is None:
            self.said.emit("; ".join(f"{key} {label}" for key, label in _all_keys()))
            return
        self._keys = KeysOverlay(canvas.native)

    def press(self, name: str) -> None:
        """Do what a tool does.

        Parameters
        ----------
        name
            One of the names in `TOOLS`.
        """
        if self.is_drawing and name not in ("draw", "finish_drawing"):
            self.said.emit(f"{name}: finish the drawing first (Shift-D), or remove its layer.")
            return
        try:
            getattr(self, name)()
        except CorrectionError as error:
            self.said.emit(str(error))

    def merge(self) -> None:
        """Merge the selected cells into the first."""
        cells = self.views.selected
        self.corrections.merge(cells, self.views.frame)
        self._done(f"Merged cells {_list(cells)}.", select=cells[:1])

    def split(self) -> None:
        """Split the selected cell by itself."""
        cell = self._one("split")
        self.corrections.split(cell, self.views.frame)
        self._done(f"Split cell {cell}.")

    def cut(self) -> None:
        """Let a line be dragged, and cut the selected cell along it."""
        self._one("cut")
        self._remove_line()
        self._line = self.viewer.add_shapes(
            ndim=2, name=CUT, edge_color="white", edge_width=1, **self.views.placed()
        )
        self._line.mode = "add_line"
        self._line.events.data.connect(self._on_line)
        self.said.emit("Drag a line across the cell.")

    def delete(self) -> None:
        """Delete the selected cells."""
        cells = list(self.views.selected)
        self.corrections.delete(cells, self.views.frame)
        self._done(f"Deleted {_list(cells)}.", select=[])

    def draw(self) -> None:
        """Begin to paint outlines of this frame, or finish."""
        if self._drawing is not None:
            self.finish_drawing()
            return
        frame = self.views.frame
        outlines = self.corrections.labels(frame)
        placed = self.views.placed()
        shift = np.array(self.corrections.shift(frame)) * placed["scale"]
        placed["translate"] = np.asarray(placed["translate"]) + shift
        layer = self.viewer.add_labels(np.array(outlines), name=DRAWING, opacity=0.6, **placed)
        selected = self.views.selected
        layer.selected_label = selected[0] if selected else int(outlines.max()) + 1
        layer.mode = "paint"
        for key in ("Shift-D", "Enter"):
            layer.bind_key(key, lambda _: self.press("draw"), overwrite=True)
        self._drawing = Drawing(layer, frame, np.array(outlines))
        self.said.emit(
            "Paint with napari's tools: M starts a new cell, 1 erases. Press Shift-D to finish."
        )

    def finish_drawing(self) -> None:
        """Take over what was painted; if that cannot be, the painting stays.

        Raises
        ------
        CorrectionError
            If the outlines cannot be changed so.
        """
        if self._drawing is None:
            return
        layer, frame, before = self._drawing
        # Only what was painted counts, whatever became of the outlines in the meantime.
        painted = np.asarray(layer.data)
        now = self.corrections.labels(frame)
        n_before = len(self.corrections.log)
        self.corrections.draw(np.where(painted != before, painted, now), frame)
        self._drawing = None
        self._leave(layer)
        if len(self.corrections.log) > n_before:
            self._done("Took over what was drawn.")
        else:
            self.said.emit("Nothing was drawn.")

    def relink(self) -> None:
        """Remember the selected cell, or let the remembered one go on as it."""
        cell, frame = self._one("relink"), self.views.frame
        if self._from is None:
            self.corrections.check_links("relink")
            self._from = cell, frame
            self.said.emit(
                f"Cell {cell} goes on as … Go to a later frame, select the cell, press Shift-R."
            )
            return
        before, self._from = self._from, None
        self.corrections.relink(before, (cell, frame))
        self._done(f"Cell {before[0]} goes on as cell {cell} from frame {frame}.", [before[0]])

    def end(self) -> None:
        """Say that the selected cell ends in this frame."""
        cell = self._one("end")
        self.corrections.relink((cell, self.views.frame))
        self._done(f"Cell {cell} ends in frame {self.views.frame}.")

    def exclude(self) -> None:
        """Leave the selected cells out of summaries, for `reason`."""
        cells = list(self.views.selected)
        self.corrections.exclude(cells, self.reason, self.views.frame)
        self._done(f"Excluded {_list(cells)}: {self.reason}.")

    def undo(self) -> None:
        """Take back the newest command, wherever it was made, and show where."""
        frame = self.corrections.undo()
        if frame is not None:
            self.views.show_frame(frame)
        self._done("Undone.")

    def redo(self) -> None:
        """Make the undone command again, and show where."""
        frame = self.corrections.redo()
        if frame is not None:
            self.views.show_frame(frame)
        self._done("Made again.")

    def disconnect(self) -> None:
        """Let go of the viewer; what is being drawn is given up."""
        self.viewer.dims.events.current_step.disconnect(self._on_step)
        self.viewer.layers.events.removed.disconnect(self._on_removed)
        self._unbind()
        self._remove_line()
        if self._keys is not None:
            self.show_keys()
        if self._drawing is not None:
            drawing, self._drawing = self._drawing, None
            if drawing.layer in self.viewer.layers:
                self.viewer.layers.remove(drawing.layer)
            self.said.emit(GIVEN_UP)

    def _pressed(self, name: str) -> Callable[[Any], None]:
        return lambda _layer: self.press(name)

    def _walked(self, method: str) -> Callable[[Any], None]:
        def go(_layer: Any) -> None:
            if self.walk is not None:
                getattr(self.walk, method)()

        return go

    def _unbind(self) -> None:
        if self._layer is not None:
            for key in (*(tool.key for tool in TOOLS), *(key for key, *_ in WALK), HELP_KEY):
                self._layer.bind_key(key, None, overwrite=True)
        self._layer = None

    def _one(self, command: str) -> int:
        cells = self.views.selected
        if len(cells) != 1:
            raise CorrectionError(
                f"{command}: expected one selected cell, found {len(cells)}. Click a cell."
            )
        return int(cells[0])

    def _done(self, text: str, select: list[int] | None = None) -> None:
        if select is not None:
            self.views.select(select, centre=False)
        self.views.replace_labels(self.corrections)
        self.said.emit(text)
        self.changed.emit()

    def _on_step(self, event: Any = None) -> None:
        """Take a drawing over when another frame is shown: it belongs to its own."""
        moved = self._drawing is not None and self.views.frame != self._drawing.frame
        if moved and self.corrections.follows:
            self.press("finish_drawing")

    def _on_removed(self, event: Any = None) -> None:
        """Take a drawing whose layer was removed as given up."""
        if self._drawing is not None and self._drawing.layer not in self.viewer.layers:
            self._drawing = None
            self.said.emit(GIVEN_UP)

    def _on_line(self, event: Any = None) -> None:
        layer = self._line
        if layer is None or not len(layer.data) or str(getattr(event, "action", "")) in _UNFINISHED:
            return
        pixels = np.array(layer.data[0], dtype=float)[[0, -1], -2:]
        pixels -= self.corrections.shift(self.views.frame)
        self._remove_line()
        self._cut_along(np.maximum(np.rint(pixels), 0).astype(int).tolist())

    def _cut_along(self, ends: list[list[int]]) -> None:
        (y0, x0), (y1, x1) = ends
        try:
            cell = self._one("cut")
            self.corrections.split(cell, self.views.frame, line=((y0, x0), (y1, x1)))
        except CorrectionError as error:
            self.said.emit(str(error))
            return
        self._done(f"Cut cell {cell}.")

    def _remove_line(self) -> None:
        layer, self._line = self._line, None
        if layer is not None:
            layer.events.data.disconnect(self._on_line)
            if layer in self.viewer.layers:
                self._leave(layer)

    def _leave(self, layer: Any) -> None:
        """Take away a layer of ours, and make the outlines active again."""
        self.viewer.layers.remove(layer)
        if self._layer is not None and self._layer in self.viewer.layers:
            self.viewer.layers.selection.active = self._layer


class KeysOverlay(QLabel):
    """The keys, over a corner of the picture; clicks pass through it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        rows = "".join(
            f"<tr><td align='right'><b>{shown_key(key)}</b>&nbsp;&nbsp;</td><td>{label}</td></tr>"
            for key, label in _all_keys()
        )
        self.setText(f"<table cellspacing='2'>{rows}</table>")
        self.setStyleSheet(
            "color: white; background: rgba(20, 22, 28, 215); border-radius: 6px; padding: 8px;"
        )
        self.adjustSize()
        self.move(12, 12)
        self.show()


def shown_key(key: str) -> str:
    """Write a key as it stands on buttons."""
    return key.replace("Control-", "Ctrl+").replace("Shift-", "⇧")


def _all_keys() -> list[tuple[str, str]]:
    keys = [(tool.key, tool.label) for tool in TOOLS]
    return [*keys, *((key, label) for key, _, label in WALK), (HELP_KEY, "Hide these keys")]


_UNFINISHED = ("ActionType.ADDING", "adding", "ActionType.CHANGING", "changing")


def _list(cells: list[int]) -> str:
    shown = [str(cell) for cell in cells[:4]] + (["…"] if len(cells) > 4 else [])
    return ", ".join(shown)
