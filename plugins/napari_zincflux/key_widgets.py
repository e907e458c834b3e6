"""The keys of the corrections in Qt's widgets: shown on the picture, and listened to in docks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QLabel, QShortcut, QWidget

from napari_zincflux.edit_keys import (
    HELP_KEY,
    TOOLS,
    WALK,
    KeyBinding,
    all_keys,
    shown_key,
)

if TYPE_CHECKING:
    from napari.viewer import Viewer


class KeysOverlay(QLabel):
    """The keys, over a corner of the picture; clicks pass through it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        rows = "".join(
            f"<tr><td align='right'><b>{shown_key(key)}</b>&nbsp;&nbsp;</td><td>{label}</td></tr>"
            for key, label in all_keys()
        )
        self.setText(f"<table cellspacing='2'>{rows}</table>")
        self.setStyleSheet(
            "color: white; background: rgba(20, 22, 28, 215); border-radius: 6px; padding: 8px;"
        )
        self.adjustSize()
        self.move(12, 12)
        self.show()


class Keys:
    """Listens to the keys, on a layer and in docks, and shows them.

    Parameters
    ----------
    viewer
        On its picture the keys are shown.
    press, walk
        As of `napari_zincflux.edit_keys.KeyBinding`.
    say
        Told the keys where there is no picture to show them on.

    Attributes
    ----------
    overlay
        The keys as they are shown, or None.
    """

    def __init__(
        self,
        viewer: Viewer,
        press: Callable[[str], None],
        walk: Callable[[str], None],
        say: Callable[[str], None],
    ) -> None:
        self._viewer, self._press, self._walk, self._say = viewer, press, walk, say
        self._on_layer = KeyBinding(press, walk, self.show)
        self._shortcuts: list[QShortcut] = []
        self.overlay: KeysOverlay | None = None

    @property
    def layer(self) -> Any:
        """Layer whose keys are listened to, or None."""
        return self._on_layer.layer

    def bind(self, layer: Any) -> None:
        """Listen while a layer of outlines is active; only to the newest one."""
        self._on_layer.bind(layer)

    def listen_in(self, *widgets: QWidget) -> None:
        """Listen, too, while a widget, or one inside it, has the focus: the picture hears nothing.

        Where text is typed, it is typed.
        """
        calls: dict[str, Callable[[], None]]
        calls = {tool.key: partial(self._press, tool.name) for tool in TOOLS}
        calls |= {key: partial(self._walk, method) for key, method, _ in WALK}
        calls[HELP_KEY] = self.show
        for widget, (key, call) in product(widgets, calls.items()):
            sequence = QKeySequence(key.replace("Control", "Ctrl").replace("-", "+"))
            shortcut = QShortcut(sequence, widget)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(call)
            self._shortcuts.append(shortcut)

    def show(self) -> None:
        """Show the keys in a corner of the picture, or hide them."""
        if self.overlay is not None:
            self.overlay.hide()
            self.overlay.deleteLater()
            self.overlay = None
            return
        canvas = getattr(getattr(self._viewer.window, "_qt_viewer", None), "canvas", None)
        if canvas is None:
            self._say("; ".join(f"{key} {label}" for key, label in all_keys()))
            return
        self.overlay = KeysOverlay(canvas.native)

    def release(self) -> None:
        """Listen no more, and hide the keys."""
        self._on_layer.release()
        for shortcut in self._shortcuts:
            with contextlib.suppress(RuntimeError):  # gone with its widget
                shortcut.deleteLater()
        self._shortcuts.clear()
        if self.overlay is not None:
            self.show()
