"""What the dock looks like; what its buttons do is in :mod:`napari_zincflux.panel`."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from napari_zincflux.batch_box import BatchBox
from napari_zincflux.choices import STEPS
from napari_zincflux.colour_box import ColourBox
from napari_zincflux.correctable import CorrectableBox
from napari_zincflux.corrections_panel import CorrectionsPanel
from napari_zincflux.form_widgets import Fold
from napari_zincflux.learn_box import LearnBox
from napari_zincflux.phase_table import PhaseTable
from napari_zincflux.step_box import StepBox, button, wrapped
from napari_zincflux.zinc_box import ZincBox

FOOT_MARGIN = 6


class PanelView(QWidget):
    """The five steps in a column that scrolls, and a foot with messages and progress."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("zincflux")
        self.steps = {step: StepBox(step) for step in STEPS}
        self._build_movie()
        self._build_phases()
        self._build_cells()
        self._build_calibration()
        self._build_results()
        # What begins work, and so would end what is under way.
        self.beginning = (
            *(self.open_button, self.open_results_button, self.use_button),
            *(self.find_button, self.run_button, self.export_button),
            *(self.correctable.make, self.batch.write, self.learn.learn),
        )
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(2, 2, 2, 2)
        column.setSpacing(6)
        for box in self.steps.values():
            column.addWidget(box)
        column.addStretch(1)
        self.scroll = QScrollArea()
        self.scroll.setWidgetResizable(True)
        self.scroll.setWidget(inside)
        self.scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.scroll, 1)
        layout.addLayout(self._foot())
        self.setMinimumWidth(320)

    def _foot(self) -> QVBoxLayout:
        self.message = wrapped("")
        self.bar = QProgressBar()
        self.bar.setTextVisible(True)
        self.cancel = button("Cancel", "Stop; what was there before stays as it is")
        row = QHBoxLayout()
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel)
        foot = QVBoxLayout()
        foot.setContentsMargins(FOOT_MARGIN, 0, FOOT_MARGIN, 4)
        foot.addWidget(self.message)
        foot.addLayout(row)
        self.show_idle()
        return foot

    def _build_movie(self) -> None:
        box = self.steps["movie"]
        self.open_button = button("Open…", "A movie, an experiment file (.toml), also TIFF")
        self.open_results_button = button("Open results…", "A folder that was exported before")
        self.use_button = button("Use the open layer", "Work on the movie that is shown")
        box.add_buttons(self.open_button, self.open_results_button)
        box.inside.addWidget(self.use_button)
        box.inside.addWidget(box.outcome)
        box.add_settings()
        box.add_more()

    def _build_phases(self) -> None:
        box = self.steps["phases"]
        self.phases = PhaseTable()
        self.begin_button = button("Begin a phase here", "A phase starts at the frame shown")
        self.remove_button = button("Remove", "Remove the phases selected in the table")
        box.inside.addWidget(box.outcome)
        box.inside.addWidget(self.phases)
        box.add_buttons(self.begin_button, self.remove_button)

    def _build_cells(self) -> None:
        box = self.steps["cells"]
        box.add_settings()
        self.measure_button = button("Measure diameter", "Draw a line across a cell")
        self.find_button = button("Find cells", "Preview: the cells of one view, not measured yet")
        box.add_buttons(self.measure_button, self.find_button)
        box.inside.addWidget(box.outcome)
        box.add_more()

    def _build_calibration(self) -> None:
        box = self.steps["calibration"]
        box.add_settings()
        self.region_button = button("Draw background region", "Draw a rectangle without cells")
        box.add_buttons(self.region_button)
        box.inside.addWidget(box.outcome)
        box.add_more()

    def _build_results(self) -> None:
        box = self.steps["results"]
        self.run_button = button("Run", "Measure every frame, and calibrate")
        self.save_button = button("Save experiment…", "Writes the file that zincflux run takes")
        self.export_button = button("Export…", "Results folder, tables, figures, film, report, …")
        self.report_button = button("Open report", "The page of the last export, in the browser")
        self.colour = ColourBox()
        box.add_settings()
        box.add_buttons(self.run_button, self.save_button)
        box.add_buttons(self.export_button, self.report_button)
        self.zinc = ZincBox()
        box.inside.addWidget(self.colour)
        box.inside.addWidget(self.zinc)
        self.correctable = CorrectableBox()
        box.inside.addWidget(self.correctable)
        self.corrections = CorrectionsPanel()
        self.learn = LearnBox()
        self.corrections.layout().addWidget(self.learn)
        self.correct_fold = Fold("Correct cells", self.corrections)
        box.inside.addWidget(self.correct_fold)
        box.inside.addWidget(box.outcome)
        self.batch = BatchBox()
        box.inside.addWidget(self.batch)
        box.add_more()

    def show_busy(self, title: str) -> None:
        """Show that work has begun."""
        self.bar.setRange(0, 0)
        self.bar.setFormat(title)
        self.bar.setVisible(True)
        self.cancel.setVisible(True)
        self.say("")

    def show_progress(self, stage: str, done: int, total: int) -> None:
        """Show how far work is."""
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(done)
        self.bar.setFormat(f"{stage} %p %")

    def show_idle(self) -> None:
        """Show that no work is under way."""
        self.bar.setVisible(False)
        self.cancel.setVisible(False)

    def say(self, text: str, *, wrong: bool = False) -> None:
        """Tell the user something, at the foot of the dock."""
        self.message.setText(text)
        self.message.setStyleSheet("color: #e5534b;" if wrong else "")
        self.message.setVisible(bool(text))
        self._fit_message()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the message be as high as its text is at the new width."""
        super().resizeEvent(event)
        self._fit_message()

    def _fit_message(self) -> None:
        width = max(self.width() - 2 * FOOT_MARGIN, 1)
        self.message.setFixedHeight(max(self.message.heightForWidth(width), 0))
