"""The button that trains the segmenter on the corrected cells, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_zincflux.asking import ask
from napari_zincflux.learning import (
    Learned,
    iter_session_learn,
    learned_words,
    missing_packages,
    obstacle_to_learning,
    proposed_file,
    use_network,
)
from napari_zincflux.session import Session
from napari_zincflux.step_box import button, wrapped
from napari_zincflux.workers import Work
from zincflux import ZincfluxError

FILTERS = ("ONNX (*.onnx)",)

TIP = (
    "Train the learned segmenter further on the cells of this movie as they are now, and write it "
    "as a file of its own. All outlines count as right: correct them first.\n"
    "It takes some minutes in the background. Once cancelled, it goes on where it stood the next "
    "time, if the file and the cells are the same; else it begins again."
)

WORDS_TIP = (
    "F1 = 2 × right / (drawn + found); 1 is perfect. A cell is right where its outline and the "
    "drawn one share more than half of what they cover together, close outlines three quarters. "
    "All is from this movie: cells of another day may come out less well."
)

USE_TIP = (
    'Set segment.method = "learned" and segment.model to this file. Nothing is run yet. '
    "Corrections stay, and are made again on the outlines of the next run: look at them there."
)


class LearnBox(QWidget):
    """Button, words, and the offer to use what was learnt."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.learn = button("Learn from my corrections…", TIP)
        self.words = wrapped("")
        self.words.setToolTip(WORDS_TIP)
        self.use = button("", USE_TIP)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.learn)
        column.addWidget(self.words)
        column.addWidget(self.use)
        self.say("")

    def say(self, text: str) -> None:
        """Show words alone."""
        self.words.setText(text)
        self.words.setVisible(bool(text))
        self.use.setVisible(False)

    def offer(self, text: str, name: str) -> None:
        """Show what was learnt, and the button that lets it be used."""
        self.say(text)
        self.use.setText(f"Find cells with {name}")
        self.use.setVisible(True)

    def show_obstacle(self, obstacle: str) -> None:
        """Offer the button, or tell why there is nothing to learn from."""
        self.learn.setEnabled(not obstacle)
        self.learn.setToolTip(obstacle or TIP)


class Learning(QObject):
    """Trains the segmenter when the button is pressed.

    Attributes
    ----------
    failed
        Signal: the error that it ended with.
    told
        Signal: where to look, in words.
    used
        Signal: the settings name the new network.
    """

    failed = Signal(object)
    told = Signal(str)
    used = Signal()

    def __init__(self, session: Session, work: Work, box: LearnBox, dock: QWidget) -> None:
        super().__init__(dock)
        self.session, self.work, self.box, self.dock = session, work, box, dock
        self._learned: Learned | None = None
        self._worker: object = None
        box.learn.clicked.connect(lambda _=False: self._ask())
        box.use.clicked.connect(lambda _=False: self.use())
        work.cancelled.connect(self._on_cancel)

    def refresh(self) -> None:
        """Offer the button where there is something to learn from."""
        self.box.show_obstacle(obstacle_to_learning(self.session))

    def clear(self) -> None:
        """Forget what was learnt: another movie comes."""
        self._learned = None
        self.box.say("")

    def _ask(self) -> None:
        missing = missing_packages()
        if missing:
            self.box.say(missing)
            return
        place = proposed_file(self.session)
        ask(self.dock, "File for the network", place, self.learn, kind="new", filters=FILTERS)

    def learn(self, file: str | Path) -> None:
        """Train; the file is written at the end."""
        failed: Callable[[Exception], None] = self.failed.emit
        try:
            steps = iter_session_learn(self.session, file)
        except ZincfluxError as error:
            failed(error)
            return
        self.clear()
        self.work.start("Learning", steps, self._take, failed)
        self._worker = self.work.worker

    def _take(self, learned: Learned) -> None:
        self._learned = learned
        name = learned.trained.out.name
        self.box.offer(learned_words(learned), name)
        self.told.emit(f"{name} is ready: what it can do stands under Correct cells.")

    def _on_cancel(self) -> None:
        if self.work.worker is not None and self.work.worker is self._worker:
            self.box.say("Stopped. With the same file and the same cells it goes on from there.")

    def use(self) -> None:
        """Let the cells be found with what was learnt."""
        if self._learned is None:
            return
        out = self._learned.trained.out
        use_network(self.session, out)
        self.box.say(f"From the next run on, cells are found with {out.name}.")
        self.used.emit()
