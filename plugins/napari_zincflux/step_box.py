"""One step of the dock: its title, how it stands, its settings and its own outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_zincflux.choices import SECTIONS, Choices
from napari_zincflux.form import entries, parted
from napari_zincflux.form_widgets import Fold, Form
from napari_zincflux.outcomes import State

TITLES = {
    "movie": "1  Movie",
    "phases": "2  Phases",
    "cells": "3  Cells",
    "calibration": "4  Calibration",
    "results": "5  Results",
}

STATES: dict[State, tuple[str, str]] = {
    "missing": ("not yet", "#8b949e"),
    "wrong": ("needs your attention", "#e5534b"),
    "stale": ("needs re-run", "#d4901a"),
    "fresh": ("fresh", "#3fa45b"),
}
"""How a step stands, in words and in a colour that is told apart on dark and light."""


class StepBox(QFrame):
    """A step that can be folded.

    Attributes
    ----------
    chosen
        Signal: key and value of a setting that the user has chosen.
    """

    chosen = Signal(str, object)

    def __init__(self, step: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.step = step
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.title = QToolButton()
        self.title.setText(TITLES[step])
        self.title.setCheckable(True)
        self.title.setChecked(True)
        self.title.setAutoRaise(True)
        self.title.setArrowType(Qt.ArrowType.DownArrow)
        self.title.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.title.setStyleSheet("font-weight: bold; background: transparent;")
        self.state = QLabel()
        self.state.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = QHBoxLayout()
        head.addWidget(self.title)
        head.addWidget(self.state, 1)
        self.outcome = wrapped("")
        self.body = QWidget()
        self.inside = QVBoxLayout(self.body)
        self.inside.setContentsMargins(6, 0, 2, 2)
        self.inside.setSpacing(5)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 3, 4, 4)
        layout.setSpacing(3)
        layout.addLayout(head)
        layout.addWidget(self.body)
        self.forms: list[Form] = []
        self.title.toggled.connect(self._fold)

    def _fold(self, is_open: bool) -> None:
        self.body.setVisible(is_open)
        self.title.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)

    def add_settings(self) -> Form:
        """Add the settings of the step: those that matter at once; `add_more` adds the others."""
        first, _ = parted(self.step, entries(*self._sections()))
        form = self._form(Form(first))
        self.inside.addWidget(form)
        return form

    def add_more(self) -> None:
        """Add the settings that stand behind "more"."""
        _, rest = parted(self.step, entries(*self._sections()))
        fold = Fold("More settings", self._form(Form(rest, headed=True)))
        self.inside.addWidget(fold)

    def _sections(self) -> Sequence[str]:
        return [name for name in SECTIONS[self.step] if name != "edits"]

    def _form(self, form: Form) -> Form:
        form.chosen.connect(self.chosen)
        self.forms.append(form)
        return form

    def add_buttons(self, *buttons: QPushButton) -> None:
        """Add a row of buttons."""
        row = QHBoxLayout()
        row.setSpacing(4)
        for button in buttons:
            row.addWidget(button)
        self.inside.addLayout(row)

    def show_state(self, state: State) -> None:
        """Show how the step stands."""
        words, colour = STATES[state]
        self.state.setText(f'<span style="color:{colour}">●</span> {words}')

    def show_outcome(self, text: str) -> None:
        """Show in words what came of the step."""
        self.outcome.setText(text)
        self.outcome.setVisible(bool(text))

    def refresh(
        self,
        choices: Choices,
        channels: Sequence[str],
        wrong: Sequence[str],
        hints: Mapping[str, str],
    ) -> None:
        """Show the settings as they are; those named ``wrong`` are marked."""
        for form in self.forms:
            form.refresh(choices, channels, wrong, hints)


def wrapped(text: str) -> QLabel:
    """Make a label that wraps and can be copied from."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    # As high as its text is at its width, not at its narrowest.
    policy.setHeightForWidth(True)
    label.setSizePolicy(policy)
    return label


def button(text: str, tooltip: str) -> QPushButton:
    """Make a button with its tooltip."""
    made = QPushButton(text)
    made.setToolTip(tooltip)
    return made
