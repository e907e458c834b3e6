"""Forms of settings in the dock: one row per entry of :mod:`napari_zincflux.form`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_zincflux.choices import Choices
from napari_zincflux.form import Entry
from napari_zincflux.form_words import SECTION_WORDS

OF_SEVERAL_CHANNELS = {"channels.numerator", "channels.denominator"}
"""Keys that say nothing about a movie of one channel."""


class _NoWheel(QObject):
    """Keeps the wheel from changing a choice on its way down the dock."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Swallow the wheel over a box that is not being used."""
        if event.type() == QEvent.Type.Wheel:
            event.ignore()
            return True
        return bool(super().eventFilter(watched, event))


class ChoiceBox(QComboBox):
    """A box that stays narrow, shows every choice when open, and ignores the wheel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._no_wheel = _NoWheel(self)
        self.installEventFilter(self._no_wheel)

    def fill(self, choices: Iterable[tuple[str, Any]]) -> None:
        """Replace what there is to choose: words and value of each."""
        self.blockSignals(True)
        self.clear()
        for words, value in choices:
            self.addItem(words, value)
        self.blockSignals(False)

    def show_value(self, value: Any) -> None:
        """Show a value; one that is not among the choices is added."""
        self.blockSignals(True)
        values = [self.itemData(index) for index in range(self.count())]
        if value not in values:
            self.addItem(str(value), value)
            values.append(value)
        self.setCurrentIndex(values.index(value))
        self.blockSignals(False)


class EntryWidget(QWidget):
    """The editor of one setting.

    Attributes
    ----------
    chosen
        Signal: key and value, once the user has chosen.
    """

    chosen = Signal(str, object)

    def __init__(self, entry: Entry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entry = entry
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(4)
        self.editor = self._make_editor()
        self.editor.setObjectName(entry.key)
        self.editor.setToolTip(entry.tooltip)
        self.editor.setAccessibleName(entry.label)
        self.row.addWidget(self.editor, 1)
        if entry.unit:
            unit = QLabel(entry.unit)
            unit.setMinimumWidth(26)
            self.row.addWidget(unit)
        if entry.kind == "path":
            self._add_browse()

    def _make_editor(self) -> QWidget:
        if self.entry.kind in ("choice", "channel"):
            box = ChoiceBox()
            box.fill((self.entry.words(choice), choice) for choice in self.entry.choices)
            box.currentIndexChanged.connect(lambda _: self._tell(box.currentData()))
            return box
        if self.entry.kind == "flag":
            flag = QCheckBox()
            flag.toggled.connect(self._tell)
            return flag
        line = QLineEdit()
        line.setMinimumWidth(60)
        line.setPlaceholderText(self._placeholder())
        line.editingFinished.connect(lambda: self._read(line))
        return line

    def _read(self, line: QLineEdit) -> None:
        line.setModified(False)
        self._tell(self.entry.read(line.text()))

    def _placeholder(self) -> str:
        words = " or ".join(str(choice) for choice in self.entry.choices)
        if self.entry.default in (None, "", []):
            return words or "not given"
        return self.entry.show(self.entry.default)

    def _tell(self, value: Any) -> None:
        self.chosen.emit(self.entry.key, value)

    def _add_browse(self) -> None:
        button = QToolButton()
        button.setText("…")
        button.setToolTip("Choose a file")
        button.clicked.connect(self._browse)
        self.row.addWidget(button)

    def _browse(self) -> None:
        dialog = QFileDialog(self, self.entry.label)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._tell)
        dialog.show()

    def show_value(self, value: Any) -> None:
        """Show a value without telling of it; what is just being typed stays."""
        self.editor.blockSignals(True)
        if isinstance(self.editor, ChoiceBox):
            self.editor.show_value(value)
        elif isinstance(self.editor, QCheckBox):
            self.editor.setChecked(bool(value))
        elif isinstance(self.editor, QLineEdit) and not self._is_typed_in(self.editor):
            self.editor.setText(self.entry.show(value))
        self.editor.blockSignals(False)

    @staticmethod
    def _is_typed_in(line: QLineEdit) -> bool:
        # Work that ends, or a correction, shows all settings anew.
        return bool(line.hasFocus() and line.isModified())

    def show_channels(self, channels: Sequence[str]) -> None:
        """Offer the movie's channels, where the setting is a channel."""
        if self.entry.kind == "channel" and isinstance(self.editor, ChoiceBox):
            self.editor.fill([("not given", None), *((name, name) for name in channels)])

    def show_hint(self, hint: str) -> None:
        """Say what holds where nothing is chosen."""
        if isinstance(self.editor, QLineEdit):
            self.editor.setPlaceholderText(hint or self._placeholder())

    def mark(self, wrong: bool) -> None:
        """Frame the editor where its value is wrong."""
        self.editor.setStyleSheet("border: 1px solid #e5534b;" if wrong else "")


class Form(QWidget):
    """Rows of settings.

    Attributes
    ----------
    chosen
        Signal: key and value, once the user has chosen.
    """

    chosen = Signal(str, object)

    def __init__(
        self, entries: Sequence[Entry], *, headed: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.rows: dict[str, EntryWidget] = {}
        self.lines = layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setVerticalSpacing(4)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        section = ""
        for entry in entries:
            if headed and entry.section != section:
                section = entry.section
                layout.addRow(_heading(SECTION_WORDS.get(section, "")))
            row = EntryWidget(entry)
            row.chosen.connect(self.chosen)
            label = QLabel(entry.label)
            label.setToolTip(entry.tooltip)
            layout.addRow(label, row)
            self.rows[entry.key] = row

    def refresh(
        self,
        choices: Choices,
        channels: Sequence[str],
        wrong: Iterable[str],
        hints: Mapping[str, str],
    ) -> None:
        """Show the settings as they are.

        Parameters
        ----------
        choices
            The settings.
        channels
            Names of the movie's channels.
        wrong
            Keys to be marked.
        hints
            What holds where nothing is chosen, by key.
        """
        bad = set(wrong)
        for key, row in self.rows.items():
            row.show_channels(channels)
            row.show_value(_named(choices.get(key), row.entry, channels))
            row.mark(key in bad)
            row.show_hint(hints.get(key, ""))
            if key in OF_SEVERAL_CHANNELS:
                self._set_row_visible(row, len(channels) != 1)

    def _set_row_visible(self, row: QWidget, visible: bool) -> None:
        """Show or hide a row with its label; Qt's own way is not in Qt 5."""
        row.setVisible(visible)
        label = self.lines.labelForField(row)
        if label is not None:
            label.setVisible(visible)


def _named(value: Any, entry: Entry, channels: Sequence[str]) -> Any:
    """Give a channel by its name, where it was chosen by its number."""
    is_number = entry.kind == "channel" and isinstance(value, int)
    return channels[value] if is_number and value < len(channels) else value


def _heading(text: str) -> QLabel:
    label = QLabel(f"<b>{text}</b>")
    label.setContentsMargins(0, 6, 0, 0)
    return label


class Fold(QWidget):
    """A line that opens what stands behind it.

    Parameters
    ----------
    title
        The line.
    content
        What it opens; closed at first.
    """

    def __init__(self, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.button = QToolButton()
        self.button.setText(title)
        self.button.setCheckable(True)
        self.button.setAutoRaise(True)
        self.button.setArrowType(Qt.ArrowType.RightArrow)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.content = content
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(content)
        content.setVisible(False)
        self.button.toggled.connect(self._turn)

    def _turn(self, is_open: bool) -> None:
        arrow = Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow
        self.button.setArrowType(arrow)
        self.content.setVisible(is_open)
