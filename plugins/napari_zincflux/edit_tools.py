"""Corrections by key and button on the picture: what is pressed becomes a command."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_zincflux.corrections import Corrections
from napari_zincflux.errors import CorrectionError
from napari_zincflux.hand_layers import CutLine, Painting
from napari_zincflux.key_widgets import Keys
from napari_zincflux.link_telling import LinkTelling, Told, one_of

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_zincflux.linked import LinkedViews
    from napari_zincflux.suspects import SuspectsWidget
    from zincflux.edits.kinds import Suspect

GIVEN_UP = "The drawing was given up: nothing of it was taken over."


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
        self.keys = Keys(viewer, self.press, self._walk_on, self.said.emit)
        self._painting: Painting | None = None
        self._line: CutLine | None = None
        self._links = LinkTelling(corrections)
        viewer.dims.events.current_step.connect(self._on_step)
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def layer(self) -> Any:
        """Layer whose keys are listened to, or None."""
        return self.keys.layer

    @property
    def is_drawing(self) -> bool:
        """Whether outlines are being painted."""
        return self._painting is not None

    def bind(self, layer: Any) -> None:
        """Listen to the keys while a layer of outlines is active; only to the newest one."""
        self.keys.bind(layer)

    def can(self, name: str) -> bool:
        """Tell whether a tool can be pressed at all."""
        if name in ("undo", "redo"):
            return bool(getattr(self.corrections, f"can_{name}"))
        return self.corrections.follows or name not in ("relink", "divide", "end")

    def show_keys(self) -> None:
        """Show the keys in a corner of the picture, or hide them."""
        self.keys.show()

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
        cell = one_of(self.views.selected, "split")
        self.corrections.split(cell, self.views.frame)
        self._done(f"Split cell {cell}.")

    def cut(self) -> None:
        """Let a line be dragged, and cut the selected cell along it."""
        one_of(self.views.selected, "cut")
        self._remove_line()
        self._line = CutLine(self.viewer, self.views.placed(), self._on_line)
        self.said.emit("Drag a line across the cell.")

    def delete(self) -> None:
        """Delete the selected cells."""
        cells = list(self.views.selected)
        self.corrections.delete(cells, self.views.frame)
        self._done(f"Deleted {_list(cells)}.", select=[])

    def draw(self) -> None:
        """Begin to paint outlines of this frame, or finish."""
        if self._painting is not None:
            self.finish_drawing()
            return
        frame, placed = self.views.frame, self.views.placed()
        shift = np.array(self.corrections.shift(frame)) * placed["scale"]
        placed["translate"] = np.asarray(placed["translate"]) + shift
        brush = next(iter(self.views.selected), None)
        outlines = self.corrections.labels(frame)
        self._painting = Painting(self.viewer, outlines, frame, brush, placed)
        for key in ("Shift-D", "Enter"):
            self._painting.layer.bind_key(key, lambda _: self.press("draw"), overwrite=True)
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
        if self._painting is None:
            return
        n_before = len(self.corrections.log)
        self._take_drawing(self._painting)
        self._go_back()
        if len(self.corrections.log) > n_before:
            self._done("Took over what was drawn.")
        else:
            self.said.emit("Nothing was drawn.")

    def keep_drawing(self) -> None:
        """Take what is being painted into the log, before the outlines make way for others."""
        if self._painting is not None:
            with contextlib.suppress(CorrectionError):  # it is given up, and that is told
                self._take_drawing(self._painting)

    def _take_drawing(self, painting: Painting) -> None:
        drawn = painting.onto(self.corrections.labels(painting.frame))
        self.corrections.draw(drawn, painting.frame)
        self._painting = None
        painting.remove()

    def relink(self) -> None:
        """Remember the selected cell, or let the remembered one go on as it."""
        self._tell(self._links.relink)

    def divide(self) -> None:
        """Remember the selected mother, or let her divide into the two selected cells."""
        self._tell(self._links.divide)

    def end(self) -> None:
        """Say that the selected cell ends in this frame."""
        self._tell(self._links.end)

    def exclude(self) -> None:
        """Leave the selected cells out of summaries, for `reason`."""
        cells = list(self.views.selected)
        self.corrections.exclude(cells, self.reason, self.views.frame)
        self._done(f"Excluded {_list(cells)}: {self.reason}.")

    def accept_suspect(self, cell: int, frame: int, kind: Suspect) -> bool:
        """Keep in the log that a suspect is right as it is; tell whether that was possible.

        Parameters
        ----------
        cell, frame, kind
            As the suspect is listed.
        """
        try:
            self.corrections.accept_suspect(cell, frame, kind)
        except CorrectionError as error:
            self.said.emit(str(error))
            return False
        self.said.emit(f"Accepted: {f'cell {cell}' if cell else 'all cells'} in frame {frame}.")
        self.changed.emit()
        return True

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
        self.keys.release()
        self._remove_line()
        if self._painting is not None:
            painting, self._painting = self._painting, None
            painting.remove()
            self.said.emit(GIVEN_UP)

    def _walk_on(self, method: str) -> None:
        if self.walk is not None:
            getattr(self.walk, method)()

    def _tell(self, command: Callable[[Sequence[int], int], Told]) -> None:
        told = command(self.views.selected, self.views.frame)
        if told.select is None:
            self.said.emit(told.text)
        else:
            self._done(told.text, list(told.select))

    def _done(self, text: str, select: list[int] | None = None) -> None:
        if select is not None:
            self.views.select(select, centre=False)
        self.views.replace_labels(self.corrections)
        self.said.emit(text)
        self.changed.emit()

    def _on_step(self, event: Any = None) -> None:
        """Take a drawing over when another frame is shown: it belongs to its own."""
        moved = self._painting is not None and self.views.frame != self._painting.frame
        if moved and self.corrections.follows:
            self.press("finish_drawing")

    def _on_removed(self, event: Any = None) -> None:
        """Take a drawing whose layer was removed as given up."""
        if self._painting is not None and not self._painting.is_there:
            self._painting = None
            self.said.emit(GIVEN_UP)

    def _on_line(self, ends: NDArray[np.float64]) -> None:
        self._remove_line()
        pixels = ends - self.corrections.shift(self.views.frame)
        (y0, x0), (y1, x1) = np.maximum(np.rint(pixels), 0).astype(int).tolist()
        try:
            cell = one_of(self.views.selected, "cut")
            self.corrections.split(cell, self.views.frame, line=((y0, x0), (y1, x1)))
        except CorrectionError as error:
            self.said.emit(str(error))
            return
        self._done(f"Cut cell {cell}.")

    def _remove_line(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.remove()
            self._go_back()

    def _go_back(self) -> None:
        """Make the outlines active again."""
        if self.layer is not None and self.layer in self.viewer.layers:
            self.viewer.layers.selection.active = self.layer


def _list(cells: list[int]) -> str:
    shown = [str(cell) for cell in cells[:4]] + (["…"] if len(cells) > 4 else [])
    return ", ".join(shown)
