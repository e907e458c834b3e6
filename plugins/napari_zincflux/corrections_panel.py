"""Dock for corrections: a button per command with its key, the suspects, what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pandas as pd
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_zincflux.edit_keys import TOOLS, shown_key
from napari_zincflux.edit_tools import GIVEN_UP, EditTools
from napari_zincflux.suspects import SuspectsWidget

if TYPE_CHECKING:
    from zincflux.edits.kinds import Suspect

REASONS = ("by eye", "dead", "debris", "out of focus", "two cells", "mitotic", "not loaded")
N_COLUMNS = 2


class CorrectionsPanel(QWidget):
    """Buttons for `EditTools` and the list of suspects.

    Signals
    -------
    keysAsked
        Show or hide the keys on the picture.
    """

    keysAsked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tools: EditTools | None = None
        self._lost = ""
        self._suspects: pd.DataFrame | None = None
        self.suspects = SuspectsWidget(self)
        self.suspects.visited.connect(self._on_visit)
        self.suspects.accepted.connect(self._on_accept)
        self._buttons: dict[str, QPushButton] = {}
        grid = self._build_grid()
        self._reason = QComboBox()
        self._reason.setEditable(True)
        self._reason.addItems(list(REASONS))
        self._reason.setToolTip("Why cells are excluded, as the table will say it")
        self._reason.currentTextChanged.connect(self._on_reason)
        row = QHBoxLayout()
        row.addWidget(QLabel("Exclude because"))
        row.addWidget(self._reason, 1)
        self._words = QLabel()
        self._words.setWordWrap(True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addLayout(grid)
        column.addLayout(row)
        column.addWidget(self._words)
        column.addWidget(self.suspects, 1)
        self.set_tools(None)

    def _build_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(3)
        for number, tool in enumerate(TOOLS):
            button = QPushButton(f"{tool.label}  {shown_key(tool.key)}")
            button.setToolTip(f"{tool.tip} ({tool.key})")
            button.clicked.connect(lambda _=False, name=tool.name: self._press(name))
            grid.addWidget(button, number // N_COLUMNS, number % N_COLUMNS)
            self._buttons[tool.name] = button
        keys = QPushButton("Keys on picture")
        keys.setToolTip("Show or hide the keys in a corner of the picture")
        keys.clicked.connect(lambda: self.keysAsked.emit())
        grid.addWidget(keys, len(TOOLS) // N_COLUMNS, N_COLUMNS - 1)
        return grid

    def set_tools(self, tools: EditTools | None) -> None:
        """Take the tools that the buttons press; None greys them out."""
        if self._tools is not None:
            self._lost = f"{GIVEN_UP} " if self._tools.is_drawing else self._lost
            self._tools.said.disconnect(self.say)
            self._tools.changed.disconnect(self.refresh)
        self._tools = tools
        if tools is not None:
            tools.said.connect(self.say)
            tools.changed.connect(self.refresh)
            tools.walk = self.suspects
            self._on_reason(self._reason.currentText())
            lost, self._lost = self._lost, ""
            self.say(f"{lost}Click a cell, with Shift more of them; then press a key or a button.")
        else:
            self.say(f"{self._lost}Run the analysis first: then cells can be corrected.")
        self.refresh()

    def set_suspects(self, suspects: pd.DataFrame) -> None:
        """Show what looks wrong, as `zincflux.columns.SUSPECTS` describes it."""
        self._suspects = suspects.reset_index(drop=True)
        self.suspects.set_suspects(self._suspects)

    def clear(self) -> None:
        """Forget the suspects, and which of them were accepted: another movie comes."""
        self._lost = ""
        self.suspects.set_accepted(set())
        self.set_suspects(pd.DataFrame(columns=["cell_id", "frame", "kind", "doubt", "detail"]))

    def say(self, text: str) -> None:
        """Show a line of text."""
        self._words.setText(text)

    def refresh(self, *_: Any) -> None:
        """Grey out what cannot be pressed now."""
        for name, button in self._buttons.items():
            button.setEnabled(self._tools is not None and self._tools.can(name))

    def _press(self, name: str) -> None:
        if self._tools is not None:
            self._tools.press(name)
        self.refresh()

    def _on_reason(self, text: str) -> None:
        if self._tools is not None:
            self._tools.reason = text

    def _on_accept(self, row: int) -> None:
        """Keep what was accepted in the log; where that is not possible, it is not accepted."""
        if self._suspects is None:
            return
        suspect = self._suspects.iloc[row]
        kind = cast("Suspect", str(suspect["kind"]))
        key = int(suspect["cell_id"]), int(suspect["frame"]), kind
        if self._tools is None or not self._tools.accept_suspect(*key):
            self.suspects.set_accepted(self.suspects.accepted_keys() - {key})

    def _on_visit(self, row: int) -> None:
        if self._tools is None or self._suspects is None:
            return
        suspect = self._suspects.iloc[row]
        self._tools.views.show_frame(int(suspect["frame"]))
        cell = int(suspect["cell_id"])
        self._tools.views.select([cell] if cell else [])
