"""What is offered for results that were opened, and cannot be corrected yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_zincflux.step_box import button, wrapped

if TYPE_CHECKING:
    from napari_zincflux.session import Session

OFFER = (
    "Stored results do not hold what corrections need. The movie is measured again with their "
    "settings; nothing in their folder changes."
)


class CorrectableBox(QWidget):
    """A button that makes opened results correctable, or the reason why they are not.

    Signals
    -------
    asked
        The button was pressed.
    """

    asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = wrapped("")
        self.make = button("Make correctable", OFFER)
        self.make.clicked.connect(lambda _=False: self.asked.emit())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.make)
        column.addWidget(self.words)
        self.setVisible(False)

    def show_session(self, session: Session) -> None:
        """Show what stands for the results; nothing after a run, which can be corrected."""
        obstacle = session.obstacle
        self.setVisible(session.results is not None)
        self.make.setVisible(not obstacle)
        self.make.setEnabled(not obstacle)
        self.words.setText(obstacle or OFFER)
