"""The menu of exports: the folder of results, and every format that the core knows."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QMenu, QPushButton, QWidget

from napari_zincflux import summaries
from napari_zincflux.asking import ask
from napari_zincflux.export_steps import (
    Exported,
    can_export,
    filters,
    iter_session_export,
    proposed_file,
)
from napari_zincflux.session import Session
from napari_zincflux.workers import Work
from zincflux.export import EXPORTS

FOLDER = "Results folder…"


class Exporting(QObject):
    """Exports of what the session has come to.

    Parameters
    ----------
    session, work
        What is exported, and where it is worked on.
    button
        The button that gets the menu.
    dock
        The window that questions belong to.

    Attributes
    ----------
    report
        The page of the last export; None before one.
    written, failed
        Signals: something was written (in words), or could not be (the error).
    """

    written = Signal(str)
    failed = Signal(object)

    def __init__(self, session: Session, work: Work, button: QPushButton, dock: QWidget) -> None:
        super().__init__(dock)
        self._session, self._work, self._button, self._dock = session, work, button, dock
        self.report: Path | None = None
        self._home: Path | None = None
        self.menu = QMenu(button)
        self.menu.setToolTipsVisible(True)
        folder = self.menu.addAction(FOLDER)
        folder.setToolTip("All tables, outlines, settings and the report, as zincflux run writes")
        folder.triggered.connect(lambda _=False: self._ask_folder())
        self._folder = folder
        self.menu.addSeparator()
        for to, form in EXPORTS.items():
            action = self.menu.addAction(f"{form.title}…")
            action.setToolTip(f"{form.meaning[0].upper()}{form.meaning[1:]}")
            action.setData(to)
            action.triggered.connect(lambda _=False, to=to: self._ask(to))
        button.setMenu(self.menu)

    def refresh(self) -> None:
        """Offer what can be exported."""
        self._button.setEnabled(can_export(self._session))
        self._folder.setEnabled(self._session.movie is not None)

    def forget(self) -> None:
        """Begin anew: what comes belongs to another movie."""
        self.report = self._home = None

    def export(self, out: str | Path) -> None:
        """Write the folder of results."""
        make, done = partial(self._session.export, out), self._take_folder
        self._work.begin("Exporting", make, done, self.failed.emit)

    def export_as(self, to: str, out: str | Path) -> None:
        """Write one of the core's formats; results that are not stored yet are stored first.

        Parameters
        ----------
        to
            One of the core's `EXPORTS`.
        out
            File or folder.
        """
        place = Path(out).resolve()
        self._work.begin(
            f"Exporting {place.name}",
            partial(iter_session_export, self._session, to, place, self._home),
            partial(self._take_exported, to),
            self.failed.emit,
        )

    def open_report(self) -> None:
        """Show the report in the browser."""
        if self.report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.report)))

    def _take_folder(self, outcome: Any) -> None:
        self._home = outcome.out
        self.report = outcome.out / "report.html"
        self.written.emit(f"Exported to {outcome.out}")

    def _take_exported(self, to: str, exported: Exported) -> None:
        text = f"Exported to {exported.out}"
        if exported.is_new:
            self._home = exported.folder
            text += f"\nThe results it is made from are in {exported.folder}"
        self.report = exported.out if to == "report" else exported.folder / "report.html"
        self.written.emit(text)

    def _ask_folder(self) -> None:
        name = summaries.proposed_name(self._session, "_results")
        place = self.beside() / name
        ask(self._dock, "Folder for the results", place, self.export, kind="new")

    def _ask(self, to: str) -> None:
        place = self.beside() / proposed_file(self._session, to)
        chosen = partial(self.export_as, to)
        ask(self._dock, EXPORTS[to].title, place, chosen, kind="new", filters=filters(to))

    def beside(self) -> Path:
        """Give the folder that lies nearest to what is open."""
        place = self._session.file or self._session.place
        return Path.home() if place is None else Path(place).parent
