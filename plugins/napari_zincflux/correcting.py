"""Corrections while they are made: the log, and what is measured again after each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_zincflux.corrections import Corrections
from napari_zincflux.edit_tools import EditTools
from napari_zincflux.session import Session
from napari_zincflux.suspect_list import suspects_of
from zincflux import Analysis

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_zincflux.corrections_panel import CorrectionsPanel
    from napari_zincflux.linked import LinkedViews
    from napari_zincflux.workers import Work


class Correcting(QObject):
    """Joins the tools of correction with the session.

    Attributes
    ----------
    measured
        Signal: a `Measured` in which the touched cells were measured again.
    failed
        Signal: the error that measuring ended with.
    """

    measured = Signal(object)
    failed = Signal(object)

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
        panel.keysAsked.connect(self._show_keys)

    def begin(self, viewer: Viewer, views: LinkedViews, layer: Any) -> None:
        """Let the cells of the newest run be corrected.

        Parameters
        ----------
        viewer, views, layer
            Where cells are seen, selected and outlined.
        """
        self.close()
        if self.session.measured is None:
            return
        autosave = self.session.autosave
        if autosave is not None:
            autosave.parent.mkdir(parents=True, exist_ok=True)
        analysis = self.session.measured.analysis
        self.corrections = Corrections(analysis, self.session.log, autosave=autosave)
        self.tools = EditTools(viewer, views, self.corrections, self)
        self.tools.changed.connect(self._measure_again)
        self.tools.bind(layer)
        self.panel.set_tools(self.tools)
        self.panel.set_suspects(suspects_of(analysis))

    def _measure_again(self) -> None:
        if self.corrections is None:
            return
        self.session.log = self.corrections.log
        self.work.start(
            "Measuring corrected cells", self.corrections.update(), self._accept, self.failed.emit
        )

    def _accept(self, analysis: Analysis) -> None:
        measured = self.session.measured
        if self.corrections is None or measured is None:
            return
        self.corrections.accept(analysis)
        self.measured.emit(replace(measured, analysis=analysis))
        self.panel.set_suspects(suspects_of(analysis))
        self.panel.refresh()

    def _show_keys(self) -> None:
        if self.tools is not None:
            self.tools.show_keys()

    def close(self) -> None:
        """Let go of the viewer; the log is safe in the session and in its file."""
        if self.tools is not None:
            self.panel.set_tools(None)
            self.tools.disconnect()
            self.tools.deleteLater()
        self.tools = self.corrections = None
