"""The dock: movie, phases, cells, calibration, results, in the order of the work."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QUrl
from qtpy.QtGui import QDesktopServices

from napari_zincflux import phase_edits, summaries
from napari_zincflux.asking import ask
from napari_zincflux.canvas import CELLS, Canvas, place_of
from napari_zincflux.correcting import Correcting
from napari_zincflux.drawings import (
    BACKGROUND_LAYER,
    DIAMETER_LAYER,
    ask_for,
    clear_drawings,
    line_length_um,
    rectangle_px,
)
from napari_zincflux.panel_view import PanelView
from napari_zincflux.plots import Plots
from napari_zincflux.session import Found, Measured, Opened, Session, open_place
from napari_zincflux.workers import Work
from zincflux import ZincfluxError
from zincflux.pipeline import Progress

if TYPE_CHECKING:
    from napari import Viewer


class ZincfluxPanel(PanelView):
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
        self.report: Path | None = None
        self.canvas = Canvas(napari_viewer)
        self.work = Work(self)
        self.plots = Plots(napari_viewer, self)
        self.correcting = Correcting(self.session, self.work, self.corrections, self)
        self._connect()
        napari_viewer.layers.events.inserted.connect(self._adopt)
        napari_viewer.layers.events.removed.connect(self._show_offer)
        napari_viewer.dims.events.current_step.connect(self._show_frame)
        work = self.work
        # Where the window is closed as a whole; the lambda must not hold the dock.
        self.destroyed.connect(lambda: work.stop_quietly())
        self.refresh()
        self._adopt()

    def _connect(self) -> None:
        for box in self.steps.values():
            box.chosen.connect(self._choose)
        for clicked, do in (
            (self.open_button, self._ask_file),
            (self.open_results_button, self._ask_results),
            (self.use_button, lambda: self.open(self.use_button.property("place"))),
            (self.begin_button, self._begin_phase),
            (self.remove_button, self._remove_phases),
            (self.measure_button, self._measure_diameter),
            (self.find_button, self.find_cells),
            (self.region_button, self._draw_background),
            (self.run_button, self.run),
            (self.save_button, self._ask_save),
            (self.export_button, self._ask_export),
            (self.report_button, self._open_report),
            (self.cancel, self.work.stop),
        ):
            # The lambda keeps back whether the button is checked.
            clicked.clicked.connect(lambda _=False, do=do: do())
        self.phases.phasesChosen.connect(lambda phases: self._choose("phases", phases))
        self.plots.phaseDrawn.connect(self._draw_phase)
        self.plots.phaseMoved.connect(self._move_phase)
        self.colour.chosen.connect(lambda key: self.plots.colour_by(key or None))
        self.correcting.measured.connect(self._take_corrected)
        self.correcting.failed.connect(self.complain)
        self.correcting.waits.connect(self.refresh)
        self.work.begun.connect(self.show_busy)
        self.work.ended.connect(self.show_idle)
        self.work.progressed.connect(self.show_progress)

    def event(self, event: QEvent) -> bool:
        """Let go of the viewer once the dock is closed."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._leave()
        return bool(super().event(event))

    def _leave(self) -> None:
        """Stop work, and take everything back that reaches beyond the dock, but no results."""
        self.work.stop()
        layers, dims = self.viewer.layers.events, self.viewer.dims.events
        layers.inserted.disconnect(self._adopt)
        layers.removed.disconnect(self._show_offer)
        dims.current_step.disconnect(self._show_frame)
        self.correcting.close()
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
        self.corrections.clear()
        self.plots.close()
        self.colour.set_choices(())
        clear_drawings(self.viewer)
        self.canvas.clear()
        self.report = None

    def _adopt(self, event: Any = None) -> None:
        """Begin with a movie that was dragged in; offer what another reader has opened."""
        if self.session.place is None and not self.work.is_busy:
            places = [place_of(layer) for layer in self.viewer.layers]
            place = next(filter(None, places), None)
            if place is not None:
                self.open(place)
        self._show_offer()

    def _show_offer(self, event: Any = None) -> None:
        paths = [
            layer.source.path
            for layer in self.viewer.layers
            if layer.source.path and not place_of(layer) and type(layer).__name__ == "Image"
        ]
        can_offer = bool(paths) and self.session.place is None
        self.use_button.setVisible(can_offer)
        if can_offer:
            self.use_button.setText(f"Use {Path(paths[-1]).name}")
            self.use_button.setProperty("place", str(paths[-1]))

    # --- work -------------------------------------------------------------------------------

    def find_cells(self) -> None:
        """Preview the cells."""
        self._start("Finding cells", self.session.preview, self._take_found)

    def _take_found(self, found: Found) -> None:
        self.session.take_found(found)
        self.canvas.show_found(found, self.session)
        self.refresh()

    def run(self) -> None:
        """Analyse the whole movie."""
        self._start("Measuring", self.session.run, self._take_measured)

    def _take_measured(self, measured: Measured) -> None:
        self.session.take_measured(measured)
        self.canvas.show_analysis(measured.analysis, self.session)
        self._plot()
        if self.plots.views is not None:
            layer = self.canvas.layer(CELLS)
            self.correcting.begin(self.viewer, self.plots.views, layer)
        self.refresh()

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
        self._start("Exporting", lambda: self.session.export(out), self._take_exported)

    def _take_exported(self, outcome: Any) -> None:
        self.report = outcome.out / "report.html"
        self.refresh()
        self.say(f"Exported to {outcome.out}")

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

    def _start(
        self,
        title: str,
        make: Callable[[], Generator[Progress, None, Any]],
        done: Callable[[Any], None],
    ) -> None:
        try:
            steps = make()
        except ZincfluxError as error:
            self.complain(error)
            return
        self.work.start(title, steps, done, self.complain)

    # --- choosing ---------------------------------------------------------------------------

    def _choose(self, key: str, value: Any) -> None:
        before = self.session.choices.get(key)
        self.session.choices.set(key, value)
        if self.session.choices.get(key) != before:
            if key in ("movie.pixel_size_um", "movie.frame_interval_s"):
                self.canvas.rescale(self.session)
            self.refresh()

    def _begin_phase(self) -> None:
        time_s = self.session.time_s
        if time_s is None:
            self.say("Set the frame interval first: phases are given in seconds.")
            return
        start_s = float(time_s[self.canvas.frame])
        phases = phase_edits.begin_at(self._phases(), start_s)
        self._choose("phases", phases)

    def _draw_phase(self, start_s: float, end_s: float) -> None:
        start_s, end_s = (round(max(0.0, value), 3) for value in (start_s, end_s))
        if start_s != end_s:
            self._choose("phases", phase_edits.draw(self._phases(), start_s, end_s))

    def _move_phase(self, name: str, start_s: float, end_s: float) -> None:
        names = [phase["name"] for phase in self._phases()]
        start_s, end_s = (round(max(0.0, value), 3) for value in (start_s, end_s))
        if name in names and start_s != end_s:
            moved = phase_edits.move(self._phases(), names.index(name), start_s, end_s)
            self._choose("phases", moved)

    def _remove_phases(self) -> None:
        rows = self.phases.chosen_rows()
        kept = [phase for row, phase in enumerate(self._phases()) if row not in rows]
        self._choose("phases", kept)

    def _phases(self) -> list[dict[str, Any]]:
        return list(self.session.choices.get("phases") or [])

    def _measure_diameter(self) -> None:
        movie = self.session.movie
        known = None if movie is None else movie.pixel_size_um
        if movie is not None and not (self.session.choices.get("movie.pixel_size_um") or known):
            self.say("Set the pixel size first: the diameter is given in µm.")
            return
        size = self.canvas.axes(self.session).scale[1]

        def drawn(points: Any) -> None:
            self._choose("segment.diameter_um", round(line_length_um(points, size), 1))

        self._draw(DIAMETER_LAYER, "add_line", drawn)

    def _draw_background(self) -> None:
        def drawn(points: Any) -> None:
            movie = self.session.movie
            if movie is not None:
                self._choose("background.method", "roi")
                self._choose("background.roi", rectangle_px(points, movie.frame_shape))

        self._draw(BACKGROUND_LAYER, "add_rectangle", drawn)

    def _draw(self, name: str, mode: str, drawn: Callable[[Any], None]) -> None:
        if self.session.movie is None:
            self.say("Open a movie first.")
            return
        size = self.canvas.axes(self.session).scale[1:]
        ask_for(self.viewer, name, mode, size, drawn)

    # --- asking for files: windows that block nothing ---------------------------------------

    def _ask_file(self) -> None:
        ask(self, "Open a movie or an experiment", self._beside(), self.open)

    def _ask_results(self) -> None:
        ask(self, "Open a folder of results", self._beside(), self.open, kind="folder")

    def _ask_save(self) -> None:
        name = summaries.proposed_name(self.session, ".toml")
        ask(self, "Save experiment", self._beside() / name, self.save, kind="new")

    def _ask_export(self) -> None:
        name = summaries.proposed_name(self.session, "_results")
        ask(self, "Folder for the results", self._beside() / name, self.export, kind="new")

    def _beside(self) -> Path:
        place = self.session.file or self.session.place
        return Path.home() if place is None else Path(place).parent

    def _open_report(self) -> None:
        if self.report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.report)))

    # --- showing ----------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show everything as it is."""
        session = self.session
        channels = session.movie.channels if session.movie is not None else ()
        problem = session.choices.problem() if session.place is not None else None
        wrong = [*session.gaps, *([problem.partition(":")[0]] if problem else [])]
        for step, box in self.steps.items():
            box.refresh(session.choices, channels, wrong, session.hints)
            box.show_state(session.state(step))
            box.show_outcome(summaries.outcome(session, step))
        self.phases.show_phases(self._phases())
        if problem is None and session.place is not None:
            self.plots.show_phases(session.choices.experiment().phases)
        has_movie = session.movie is not None
        for one in (self.find_button, self.run_button, self.save_button, self.export_button):
            one.setEnabled(has_movie and problem is None and not session.gaps)
        self.report_button.setEnabled(self.report is not None)
        self.say(problem or "", wrong=bool(problem))
        self._show_offer()
        self._show_frame()

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
