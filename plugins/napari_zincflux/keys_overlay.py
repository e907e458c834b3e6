"""The keys of the corrections, shown on the picture."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QWidget

from napari_zincflux.edit_keys import all_keys, shown_key


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
