"""The phases as a table: name, role, start and end."""

from __future__ import annotations

from typing import Any, get_args

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_zincflux.form_widgets import ChoiceBox
from zincflux.phases import Role

ROLE_WORDS = {
    "baseline": "at rest: F₀ is taken from it",
    "response": "measured: rate, peak, half time, area",
    "minimum": "zinc-free, as under TPEN: the lower end of the calibration",
    "maximum": "saturated, as with zinc and pyrithione: its upper end",
    "ignore": "not evaluated",
}
"""What each role means."""

COLUMNS = ("Phase", "Role", "Start", "End")


class PhaseTable(QTableWidget):
    """The phases; edited in place.

    Attributes
    ----------
    phasesChosen
        Signal: the phases as plain data, once the user has changed one.
    """

    phasesChosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(COLUMNS), parent)
        self.setHorizontalHeaderLabels(list(COLUMNS))
        self.verticalHeader().setVisible(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(30)
        for column, width in enumerate((0, 114, 46, 46)):
            mode = QHeaderView.ResizeMode.Fixed if width else QHeaderView.ResizeMode.Stretch
            header.setSectionResizeMode(column, mode)
            self.setColumnWidth(column, width)
        for column in (2, 3):
            self.horizontalHeaderItem(column).setToolTip("In s since the first frame")
        self._phases: list[dict[str, Any]] = []
        self.itemChanged.connect(self._tell_item)
        self._fit()

    def show_phases(self, phases: list[dict[str, Any]]) -> None:
        """Show phases without telling of it.

        Parameters
        ----------
        phases
            Plain data with name, role, start_s and, where it is given, end_s.
        """
        if phases == self._phases:  # what is selected, or just being typed, stays
            return
        self._phases = [dict(phase) for phase in phases]
        self.blockSignals(True)
        self.setRowCount(len(phases))
        for row, phase in enumerate(self._phases):
            self.setItem(row, 0, QTableWidgetItem(str(phase.get("name", ""))))
            self.setItem(row, 2, _number_item(phase.get("start_s")))
            self.setItem(row, 3, _number_item(phase.get("end_s")))
            self.setCellWidget(row, 1, self._role_box(row, str(phase.get("role"))))
        self.blockSignals(False)
        self._fit()

    def _fit(self) -> None:
        """Be as high as the rows are."""
        height = self.horizontalHeader().sizeHint().height() + 4
        height += sum(self.rowHeight(row) for row in range(self.rowCount()))
        self.setFixedHeight(height)

    def _role_box(self, row: int, role: str) -> ChoiceBox:
        box = ChoiceBox()
        box.fill((name, name) for name in get_args(Role))
        for index, name in enumerate(get_args(Role)):
            box.setItemData(index, ROLE_WORDS[name], Qt.ItemDataRole.ToolTipRole)
        box.show_value(role)
        box.setToolTip(ROLE_WORDS.get(role, ""))
        box.currentIndexChanged.connect(lambda _: self._tell(row, "role", box.currentData()))
        return box

    def _tell_item(self, item: QTableWidgetItem) -> None:
        key = ("name", "role", "start_s", "end_s")[item.column()]
        text = item.text().strip()
        self._tell(item.row(), key, text if key == "name" else _number(text))

    def _tell(self, row: int, key: str, value: Any) -> None:
        phases = [dict(phase) for phase in self._phases]
        phases[row][key] = value
        if value is None:
            del phases[row][key]
        self.phasesChosen.emit(phases)

    def chosen_rows(self) -> list[int]:
        """List the rows that are selected."""
        return sorted({index.row() for index in self.selectedIndexes()})


def _number_item(value: Any) -> QTableWidgetItem:
    text = f"{value:.10g}" if isinstance(value, float | int) else str(value or "")
    item = QTableWidgetItem(text)
    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item


def _number(text: str) -> float | str | None:
    try:
        return float(text.replace(",", ".")) if text else None
    except ValueError:
        return text
