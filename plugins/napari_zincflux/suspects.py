"""List of what looks wrong, to be walked through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QBrush, QColor
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

from napari_zincflux.step_box import wrapped

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
        Row of a suspect that the user found to be right; `set_accepted` takes it back.
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
        self._why = wrapped("")
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
        column.addWidget(self._why)
        self._say()

    def set_suspects(self, suspects: pd.DataFrame) -> None:
        """Show suspects, as `zincflux.columns.SUSPECTS` describes them; the current one stays.

        Where the table does not say which are accepted, those that were accepted stay so.
        """
        current = self._current
        ordered = suspects.reset_index(drop=True).sort_values(
            "doubt", ascending=False, kind="stable"
        )
        self._rows = [int(row) for row in ordered.index]
        columns = (ordered[name] for name in ("cell_id", "frame", "kind"))
        self._keys = [(int(c), int(f), str(k)) for c, f, k in zip(*columns, strict=True)]
        if "accepted" in ordered:
            right = ordered["accepted"].astype(bool)
            self._right = {key for key, is_right in zip(self._keys, right, strict=True) if is_right}
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
        self._fit()
        row = self._keys.index(current) if current in self._keys else -1
        self._table.setCurrentCell(row, 0 if row >= 0 else -1)
        self._table.blockSignals(False)
        self._say()

    @property
    def _current(self) -> Key | None:
        row = self._table.currentRow()
        return self._keys[row] if 0 <= row < len(self._keys) else None

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
        if row < 0 or self._keys[row] in self._right:
            self.next()
            return
        self._right.add(self._keys[row])
        self._mark(row)
        self._fit(1)
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

    def _fit(self, n_columns: int = len(COLUMNS) - 1) -> None:
        """Make the first columns as wide as they have to be."""
        for place in range(n_columns):
            self._table.resizeColumnToContents(place)

    def _mark(self, row: int) -> None:
        """Show whether a suspect is accepted: grey, with a tick."""
        right = self._keys[row] in self._right
        for place in range(len(COLUMNS)):
            colour = QBrush(QColor(128, 128, 128)) if right else QBrush()
            self._table.item(row, place).setForeground(colour)
        item = self._table.item(row, 0)
        cell = item.text().removeprefix(f"{ACCEPTED} ")
        item.setText(f"{ACCEPTED} {cell}" if right else cell)
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
        # As a whole: the table has little room for it.
        why = self._table.item(row, len(COLUMNS) - 1) if row >= 0 else None
        self._why.setText("" if why is None else why.text())
        self._why.setVisible(why is not None)


def _empty_table() -> QTableWidget:
    table = QTableWidget(0, len(COLUMNS))
    table.setHorizontalHeaderLabels(list(COLUMNS))
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.verticalHeader().setVisible(False)
    table.setWordWrap(False)
    header = table.horizontalHeader()
    # Columns that follow their contents by themselves measure all rows whenever a cell changes.
    header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    # The last one takes what is left, and is elided.
    header.setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
    header.setMinimumSectionSize(24)
    table.setMinimumWidth(200)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setTextElideMode(Qt.TextElideMode.ElideRight)
    return table
