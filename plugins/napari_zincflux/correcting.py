"""Corrections while they are made: the log, and what is measured again after each."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_zincflux.corrections import Corrections
from napari_zincflux.edit_tools import EditTools
from napari_zincflux.session import Session
from zincflux import Analysis

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_zincflux.corrections_panel import CorrectionsPanel
    from napari_zincflux.linked import LinkedViews
    from napari_zincflux.workers import Work


class Correcting(QObject):
    """Joins the tools of correction with the session.

    Corrected cells are measured again at once, or as soon as other work is done: it is never
    stopped for them. Where measuring them failed or was cancelled, it waits for the next
    correction or run.

    Attributes
    ----------
    measured
        Signal: a `Measured` in which the touched cells were measured again.
    failed
        Signal: the error that measuring ended with.
    waits
        Signal: corrected cells are not measured for now, so that the results are stale.
    """

    measured = Signal(object)
    failed = Signal(object)
    waits = Signal()

    def __init__(
        self,
        session: Session,
        work: Work,
        panel: CorrectionsPanel,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.session, self.work, self.panel = session, work, panel
        self.tools: EditTools | None = None
        self.corrections: Corrections | None = None
        self._worker: object = None
        self._given_up = False
        # What ends may be followed by other work at once: look after it has begun.
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self._catch_up)
        panel.keysAsked.connect(self._show_keys)
        work.ended.connect(self._later.start)
        work.cancelled.connect(self._on_cancel)

    def begin(self, viewer: Viewer, views: LinkedViews, layer: Any) -> None:
        """Let the cells of the newest run be corrected.

        Parameters
        ----------
        viewer, views, layer
            Where cells are seen, selected and outlined.
        """
        earlier = self.corrections
        self.close()
        if self.session.measured is None:
            return
        analysis = self.session.measured.analysis
        self.corrections = Corrections(analysis, self.session.log)
        if earlier is not None:
            self.corrections.go_on_from(earlier)
        self.follow_file()
        self._given_up = False
        self.tools = EditTools(viewer, views, self.corrections, self)
        self.tools.changed.connect(self._measure_again)
        self.tools.bind(layer)
        self.tools.keys.listen_in(self.panel, views.traces, views.heat_map)
        self.panel.set_tools(self.tools)
        self.panel.set_suspects(analysis.suspects)
        self._later.start()  # what was corrected during the run is no part of it

    def follow_file(self) -> None:
        """Keep further corrections beside the experiment, where it has another place now."""
        file = self.session.log_file
        if self.corrections is None or file is None:
            return
        with contextlib.suppress(OSError):  # told with the first correction that is not kept
            file.path.parent.mkdir(parents=True, exist_ok=True)
        self.corrections.autosave = file

    @property
    def _is_measuring(self) -> bool:
        return self.work.worker is not None and self.work.worker is self._worker

    def _measure_again(self) -> None:
        if self.corrections is None:
            return
        self.session.log = self.corrections.log
        self._given_up = False
        if self.work.is_busy and not self._is_measuring:
            self.waits.emit()
        else:
            self._measure()

    def _catch_up(self) -> None:
        """Measure what was corrected during other work."""
        waiting = self.corrections is not None and self.corrections.stale
        if waiting and not self._given_up and not self.work.is_busy:
            self._measure()

    def _measure(self) -> None:
        assert self.corrections is not None  # noqa: S101 (asked before)
        steps, title = self.corrections.update(), "Measuring corrected cells"
        self.work.start(title, steps, self._accept, self._fail, gives_way=True)
        self._worker = self.work.worker

    def _on_cancel(self) -> None:
        if self._is_measuring:
            self._given_up = True
            self.waits.emit()

    def _fail(self, error: Exception) -> None:
        self._given_up = True
        self.waits.emit()
        self.failed.emit(error)

    def _accept(self, analysis: Analysis) -> None:
        measured = self.session.measured
        if self.corrections is None or measured is None:
            return
        self.corrections.accept(analysis)
        self.measured.emit(replace(measured, analysis=analysis))
        self.panel.set_suspects(analysis.suspects)
        self.panel.refresh()

    def _show_keys(self) -> None:
        if self.tools is not None:
            self.tools.show_keys()

    def close(self) -> None:
        """Let go of the viewer; the log is safe in the session and in its file."""
        if self.tools is not None and self.corrections is not None:
            self.tools.keep_drawing()
            self.session.log = self.corrections.log
            self.panel.set_tools(None)
            self.tools.disconnect()
            self.tools.deleteLater()
        self._later.stop()
        self.tools = self.corrections = None
