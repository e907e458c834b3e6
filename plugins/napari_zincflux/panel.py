"""The dock: movie, phases, cells, calibration, results, in the order of the work."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent

from napari_zincflux import summaries
from napari_zincflux.asking import ask
from napari_zincflux.batch_box import Batching
from napari_zincflux.canvas import CELLS, Canvas
from napari_zincflux.choosing import ChoosingPanel
from napari_zincflux.correcting import Correcting
from napari_zincflux.drawings import clear_drawings
from napari_zincflux.exporting import Exporting
from napari_zincflux.learn_box import Learning
from napari_zincflux.movie_facts import hints_of
from napari_zincflux.offers import Offers
from napari_zincflux.opened import Opened, open_place
from napari_zincflux.outcomes import Found, Measured
from napari_zincflux.plots import Plots
from napari_zincflux.session import Session
from napari_zincflux.workers import Work
from napari_zincflux.zinc_view import ZincView
from zincflux import ZincfluxError
from zincflux.pipeline import Progress

if TYPE_CHECKING:
    from napari import Viewer


class ZincfluxPanel(ChoosingPanel):
    """The dock.

    Parameters
    ----------
    napari_viewer
        The viewer that it belongs to; napari gives it.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.session = Session()
        self.canvas = Canvas(napari_viewer)
        self.work = Work(self)
        self.plots = Plots(napari_viewer, self)
        self.offers = Offers(napari_viewer, self.session, self.work, self.use_button, self)
        self.correcting = Correcting(self.session, self.work, self.corrections, self)
        self.exporting = Exporting(self.session, self.work, self.export_button, self)
        self.zinc_view = ZincView(self.session, self.canvas, self.work, self.zinc, self)
        self.batching = Batching(self.session, self.work, self.batch, self)
        self.learning = Learning(self.session, self.work, self.learn, self)
        self._connect()
        napari_viewer.dims.events.current_step.connect(self._show_frame)
        work = self.work
        # Where the window is closed as a whole; the lambda must not hold the dock.
        self.destroyed.connect(lambda: work.stop_quietly())
        self.refresh()
        self.offers.look()

    def _connect(self) -> None:
        for box in self.steps.values():
            box.chosen.connect(self._choose)
        for clicked, do in (
            (self.open_button, self._ask_file),
            (self.open_results_button, self._ask_results),
            (self.begin_button, self._begin_phase),
            (self.remove_button, self._remove_phases),
            (self.measure_button, self._measure_diameter),
            (self.find_button, self.find_cells),
            (self.region_button, self._draw_background),
            (self.run_button, self.run),
            (self.save_button, self._ask_save),
            (self.report_button, self.exporting.open_report),
            (self.cancel, self.work.stop),
        ):
            # The lambda keeps back whether the button is checked.
            clicked.clicked.connect(lambda _=False, do=do: do())
        self.offers.taken.connect(self.open)
        self.phases.phasesChosen.connect(lambda phases: self._choose("phases", phases))
        self.plots.phaseDrawn.connect(self._draw_phase)
        self.plots.phaseMoved.connect(self._move_phase)
        self.plots.colourRemoved.connect(lambda: self.colour.choose(""))
        self.colour.chosen.connect(lambda key: self.plots.colour_by(key or None))
        self.correcting.measured.connect(self._take_corrected)
        self.correcting.failed.connect(self.complain)
        self.correcting.waits.connect(self.refresh)
        self.exporting.failed.connect(self.complain)
        self.exporting.written.connect(self._tell_exported)
        self.zinc_view.failed.connect(self.complain)
        self.batching.failed.connect(self.complain)
        self.learning.failed.connect(self.complain)
        self.learning.told.connect(self.say)
        self.learning.used.connect(self.refresh)
        self.correctable.asked.connect(self.make_correctable)
        self.work.begun.connect(self.show_busy)
        self.work.ended.connect(self.show_idle)
        self.work.begun.connect(self._offer_work)
        self.work.ended.connect(self._offer_work)
        self.work.progressed.connect(self.show_progress)

    def event(self, event: QEvent) -> bool:
        """Let go of the viewer once the dock is closed."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._leave()
        return bool(super().event(event))

    def _leave(self) -> None:
        """Stop work, and take everything back that reaches beyond the dock, but no results."""
        self.work.stop()
        self.viewer.dims.events.current_step.disconnect(self._show_frame)
        self.offers.close()
        self.correcting.close()
        self.zinc_view.close()
        self.plots.close()
        clear_drawings(self.viewer)
        self.canvas.show_time("")
        self.deleteLater()

    # --- opening ----------------------------------------------------------------------------

    def open(self, place: str | Path) -> None:
        """Open a movie, an experiment file or a folder of results, beside the window."""

        def steps() -> Generator[Progress, None, Opened]:
            yield Progress("opening", 0, 1)
            return open_place(place)

        self.work.start(f"Opening {Path(place).name}", steps(), self._take_opened, self.complain)

    def _take_opened(self, opened: Opened) -> None:
        self._forget()
        self.session.take_opened(opened)
        if self.session.results is not None:
            self.canvas.show_results(self.session)
            self._plot()
        else:
            self.canvas.show_movie(self.session)
        self.refresh()
        if self.session.note:
            self.say(self.session.note)

    def _forget(self) -> None:
        """Take away what belongs to the movie before: cells, plots, drawings, report, suspects."""
        self.correcting.close()
        self.zinc_view.clear()
        self.batch.clear()
        self.learning.clear()
        self.corrections.clear()
        self.plots.close()
        self.colour.set_choices(())
        clear_drawings(self.viewer)
        self.canvas.clear()
        self.exporting.forget()

    # --- work -------------------------------------------------------------------------------

    def find_cells(self) -> None:
        """Preview the cells."""
        make, done = self.session.preview, self._take_found
        self.work.begin("Finding cells", make, done, self.complain, gives_way=True)

    def _take_found(self, found: Found) -> None:
        self.session.take_found(found)
        self.canvas.show_found(found, self.session)
        self.refresh()

    def run(self) -> None:
        """Analyse the whole movie."""
        self.work.begin("Measuring", self.session.run, self._take_measured, self.complain)

    def make_correctable(self) -> None:
        """Measure the movie of opened results once more, for corrections."""
        make, done = self.session.remake, self._take_measured
        self.work.begin("Measuring for corrections", make, done, self.complain)

    def _take_measured(self, measured: Measured) -> None:
        self.session.take_measured(measured)
        self.canvas.show_analysis(measured.analysis, self.session)
        self._plot()
        if self.plots.views is not None:
            self.correcting.begin(self.viewer, self.plots.views, self.canvas.layer(CELLS))
        self.refresh()
        if measured.note:
            self.say(measured.note)

    def _take_corrected(self, measured: Measured) -> None:
        self.session.take_measured(measured)
        self.canvas.update_cells(measured.analysis, self.session)
        tools, layer = self.correcting.tools, self.canvas.layer(CELLS)
        if tools is not None and layer is not tools.layer:
            tools.bind(layer)
        self._plot()
        self.refresh()

    def _plot(self) -> None:
        """Plot the traces, below the picture, with the phases that they were made with."""
        outcome, layer = self.session.outcome, self.canvas.layer(CELLS)
        if outcome is None or layer is None:
            return
        self.plots.show(outcome, layer, outcome.experiment.phases)
        self.colour.set_choices(self.plots.choices)

    def export(self, out: str | Path) -> None:
        """Write the results folder."""
        self.exporting.export(out)

    def _tell_exported(self, text: str) -> None:
        self.refresh()
        self.say(text)

    def save(self, file: str | Path) -> None:
        """Write the experiment file."""
        try:
            path = self.session.save(file)
        except ZincfluxError as error:
            self.complain(error)
            return
        self.correcting.follow_file()
        self.refresh()
        self.say(f"Saved {path}. The same numbers: zincflux run {path.name}")

    # --- asking for files: windows that block nothing ---------------------------------------

    def _ask_file(self) -> None:
        ask(self, "Open a movie or an experiment", self.exporting.beside(), self.open)

    def _ask_results(self) -> None:
        place = self.exporting.beside()
        ask(self, "Open a folder of results", place, self.open, kind="folder")

    def _ask_save(self) -> None:
        name = summaries.proposed_name(self.session, ".toml")
        place = self.exporting.beside() / name
        ask(self, "Save experiment", place, self.save, kind="new")

    # --- showing ----------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show everything as it is."""
        session = self.session
        channels = session.movie.channels if session.movie is not None else ()
        problem = session.choices.problem() if session.place is not None else None
        wrong = [*session.gaps, *([problem.partition(":")[0]] if problem else [])]
        for step, box in self.steps.items():
            box.refresh(session.choices, channels, wrong, hints_of(session.movie))
            box.show_state(session.state(step))
            box.show_outcome(summaries.outcome(session, step))
        self.phases.show_phases(self._phases())
        if problem is None and session.place is not None:
            self.plots.show_phases(session.choices.experiment().phases)
        self.save_button.setEnabled(session.can_run)
        self.report_button.setEnabled(self.exporting.report is not None)
        self.zinc_view.follow()
        self._offer_work()
        self.say(problem or "", wrong=bool(problem))
        self.offers.refresh()
        self._show_frame()

    def _offer_work(self, title: str = "") -> None:
        """Offer what can be begun, but nothing that would end a run or an export: Cancel does."""
        for one in (self.find_button, self.run_button):
            one.setEnabled(self.session.can_run)
        for one in (self.open_button, self.open_results_button, self.use_button):
            one.setEnabled(True)
        self.correctable.show_session(self.session)
        for part in (self.exporting, self.batching, self.learning):
            part.refresh()
        if self.work.must_end:
            for one in self.beginning:
                one.setEnabled(False)

    def _show_frame(self, event: Any = None) -> None:
        if self.session.movie is None:
            return
        text = summaries.frame_text(self.session, self.canvas.frame)
        self.canvas.show_time(text)
        self.steps["phases"].show_outcome(text or "")

    def complain(self, error: Exception) -> None:
        """Tell the user what went wrong."""
        text = (
            str(error) if isinstance(error, ZincfluxError) else f"{type(error).__name__}: {error}"
        )
        self.say(text.removeprefix("settings: "), wrong=True)
