"""Choice of what the cells are coloured by, with a legend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_zincflux.plot_style import ABOVE_COLOUR, BELOW_COLOUR, name_colour, swatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_zincflux.colouring import Choice


class ColourBox(QWidget):
    """List of values to colour the cells by; knows nothing of napari.

    Signals
    -------
    chosen : str
        Key of the choice; empty for the outlines in the colours of their numbers.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices: dict[str, Choice] = {}
        self._list = QComboBox()
        self._list.setToolTip("Value that the cells on the picture are coloured by")
        self._list.currentIndexChanged.connect(self._on_chosen)
        self._legend = QLabel()
        self._legend.setWordWrap(True)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Colour cells by"))
        row.addWidget(self._list, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self._legend)
        self.set_choices(())

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """Offer choices; the one that is chosen stays so where it is still offered."""
        before = self._list.currentData()
        self._choices = {choice.key: choice for choice in choices}
        self._list.blockSignals(True)
        self._list.clear()
        self._list.addItem("their number", "")
        for choice in choices:
            self._list.addItem(choice.label, choice.key)
        self._list.setCurrentIndex(max(self._list.findData(before), 0))
        self._list.blockSignals(False)
        self._show_legend()

    def choose(self, key: str) -> None:
        """Choose by key; one that is not offered is ignored."""
        index = self._list.findData(key)
        if index >= 0:
            self._list.setCurrentIndex(index)

    def _on_chosen(self) -> None:
        self._show_legend()
        self.chosen.emit(self._list.currentData() or "")

    def _show_legend(self) -> None:
        choice = self._choices.get(self._list.currentData() or "")
        parts = []
        if choice is not None and choice.names:
            parts = [swatch(name_colour(k), name) for k, name in enumerate(choice.names)]
        elif choice is not None and choice.key == "zinc_nM":
            parts = [swatch(BELOW_COLOUR, "below range"), swatch(ABOVE_COLOUR, "above range")]
        self._legend.setText(" &nbsp; ".join(parts))
        self._legend.setVisible(bool(parts))
