"""List of what looks wrong, to be walked through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("cell", "frame", "doubt", "suspected", "why")
ACCEPTED = "✓"

Key = tuple[int, int, str]
"""Cell, frame and kind: what a suspect is known by when the list is made anew."""


class SuspectsWidget(QWidget):
    """Suspects with the most doubtful first: look at the next one, fix it, or accept it.

    Signals
    -------
    visited : int
        Row, in the table that was given, of the suspect to look at.
    accepted : int
        Row of a suspect that the user found to be right.
    """

    visited = Signal(int)
    accepted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys: list[Key] = []
        self._rows: list[int] = []
        self._right: set[Key] = set()
        self._words = QLabel()
        self._next = QPushButton("Next")
        self._next.setToolTip("Look at the next suspect that is not accepted (Shift-N)")
        self._next.clicked.connect(self.next)
        self._accept = QPushButton("Accept")
        self._accept.setToolTip("It is right as it is: go on to the next one (Shift-A)")
        self._accept.clicked.connect(self.accept)
        self._table = _empty_table()
        self._table.currentCellChanged.connect(lambda row, *_: self._on_row(row))
        bar = QHBoxLayout()
        bar.setContentsMargins(4, 4, 4, 0)
        bar.addWidget(self._words, 1)
        bar.addWidget(self._next)
        bar.addWidget(self._accept)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(bar)
        column.addWidget(self._table, 1)
        self._say()

    def set_suspects(self, suspects: pd.DataFrame) -> None:
        """Show suspects, as `zincflux.columns.SUSPECTS` describes them; accepted ones stay so."""
        ordered = suspects.reset_index(drop=True).sort_values(
            "doubt", ascending=False, kind="stable"
        )
        self._rows = [int(row) for row in ordered.index]
        columns = (ordered[name] for name in ("cell_id", "frame", "kind"))
        self._keys = [(int(c), int(f), str(k)) for c, f, k in zip(*columns, strict=True)]
        self._table.blockSignals(True)
        self._table.setRowCount(len(ordered))
        shown = zip(self._keys, ordered["doubt"], ordered["detail"], strict=True)
        for number, ((cell, frame, kind), doubt, detail) in enumerate(shown):
            texts = (
                str(cell) if cell else "all",
                str(frame),
                f"{doubt:.2f}",
                kind.replace("_", " "),
                str(detail),
            )
            for place, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self._table.setItem(number, place, item)
            self._mark(number)
        self._table.setCurrentCell(-1, -1)
        self._table.blockSignals(False)
        self._say()

    def next(self) -> None:
        """Go to the next suspect that is not accepted, from the end back to the start."""
        n = len(self._keys)
        for step in range(1, n + 1):
            row = (self._table.currentRow() + step) % n
            if self._keys[row] not in self._right:
                if row == self._table.currentRow():
                    self._on_row(row)
                self._table.setCurrentCell(row, 0)
                return
        self._say()

    def accept(self) -> None:
        """Say that the current suspect is right, and go on to the next one."""
        row = self._table.currentRow()
        if row < 0:
            return
        self._right.add(self._keys[row])
        self._mark(row)
        self.accepted.emit(self._rows[row])
        self.next()
        self._say()

    @property
    def open(self) -> int:
        """Suspects that are not accepted."""
        return sum(key not in self._right for key in self._keys)

    def accepted_keys(self) -> set[Key]:
        """Give cell, frame and kind of all that was accepted."""
        return set(self._right)

    def set_accepted(self, keys: set[Key]) -> None:
        """Take over what was accepted before."""
        self._right = set(keys)
        for row in range(len(self._keys)):
            self._mark(row)
        self._say()

    def _mark(self, row: int) -> None:
        if self._keys[row] not in self._right:
            return
        for place in range(len(COLUMNS)):
            self._table.item(row, place).setForeground(QColor(128, 128, 128))
        item = self._table.item(row, 0)
        if not item.text().startswith(ACCEPTED):
            item.setText(f"{ACCEPTED} {item.text()}")
        item.setTextAlignment(Qt.AlignmentFlag.AlignVCenter)

    def _on_row(self, row: int) -> None:
        if 0 <= row < len(self._rows):
            self.visited.emit(self._rows[row])
        self._say()

    def _say(self) -> None:
        n, row = len(self._keys), self._table.currentRow()
        for button in (self._next, self._accept):
            button.setEnabled(self.open > 0)
        if not n:
            self._words.setText("Nothing looks wrong.")
        elif self.open == 0:
            self._words.setText(f"All {n} are accepted.")
        else:
            place = f"{row + 1} of {n}" if row >= 0 else f"{n} suspects"
            self._words.setText(f"{place}, {self.open} to look at")


def _empty_table() -> QTableWidget:
    table = QTableWidget(0, len(COLUMNS))
    table.setHorizontalHeaderLabels(list(COLUMNS))
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.verticalHeader().setVisible(False)
    table.setWordWrap(False)
    header = table.horizontalHeader()
    for place in range(len(COLUMNS) - 1):  # the last one takes what is left, and is elided
        header.setSectionResizeMode(place, QHeaderView.ResizeMode.ResizeToContents)
    header.setStretchLastSection(True)
    header.setMinimumSectionSize(24)
    table.setMinimumWidth(200)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setTextElideMode(Qt.TextElideMode.ElideRight)
    return table
