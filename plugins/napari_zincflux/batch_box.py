"""The button that hands the settings to all movies of the folder, and the command it leads to."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from napari_zincflux.batch_files import BatchFiles, write_batch
from napari_zincflux.choices import Choices
from napari_zincflux.session import Session
from napari_zincflux.step_box import button, wrapped
from napari_zincflux.workers import Work


class BatchBox(QWidget):
    """Button, words and the command to be copied."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.write = button(
            "Batch this folder",
            "Write the table of all movies in the folder of this one, and a file with the settings "
            "for all; nothing is run",
        )
        self.words = wrapped("")
        self.command = QLineEdit()
        self.command.setReadOnly(True)
        self.copy = button("Copy", "Copy the command")
        self.copy.clicked.connect(lambda _=False: self._copy())
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.command, 1)
        row.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.write)
        column.addWidget(self.words)
        column.addLayout(row)
        self.clear()

    def show_files(self, files: BatchFiles) -> None:
        """Show what was written, and the command."""
        self.words.setText(files.words)
        self.command.setText(files.command)
        self.command.setCursorPosition(0)
        self._show(True)

    def clear(self) -> None:
        """Show nothing but the button."""
        self._show(False)

    def _show(self, there: bool) -> None:
        for one in (self.words, self.command, self.copy):
            one.setVisible(there)

    def _copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.command.text())


class Batching(QObject):
    """Writes the files of a batch when the button is pressed.

    Attributes
    ----------
    failed
        Signal: the error that writing ended with.
    """

    failed = Signal(object)

    def __init__(
        self, session: Session, work: Work, box: BatchBox, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.session, self.work, self.box = session, work, box
        box.write.clicked.connect(lambda _=False: self.write())

    def write(self) -> None:
        """Write the files."""
        failed: Callable[[Exception], None] = self.failed.emit
        steps = write_batch(Choices(self.session.choices.data), self.session.log)
        self.work.start("Writing the table", steps, self.box.show_files, failed)

    def refresh(self) -> None:
        """Offer the button where there is a movie whose settings are right."""
        self.box.write.setEnabled(self.session.can_run)
