"""An analysis with its corrections by hand: seen at once, measured later; no Qt."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_zincflux.corrected_outlines import CorrectedOutlines, log_of
from napari_zincflux.edit_history import EditHistory
from napari_zincflux.errors import CorrectionError
from napari_zincflux.lazy_stacks import lazy_frames, moved
from napari_zincflux.log_file import LogFile
from zincflux.edits import Edit, EditLog, LabelEdit, Numbered, Place, anchor_of, replay_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zincflux.edits.kinds import Point
    from zincflux.pipeline import Analysis, Progress

    Labels = NDArray[np.int32]


class CorrectedAnalysis(EditHistory):
    """An analysis and its log of edits: what it looks like with them, and what is measured anew.

    Parameters
    ----------
    analysis
        What is corrected, made with ``keep=True``.
    log
        All corrections; those of the analysis if not given.
    autosave
        File that the log is written to after each command. A command that cannot be saved is not
        made.

    Attributes
    ----------
    analysis
        The newest analysis.
    log
        The corrections as they are now; the analysis may lag behind (`stale`).
    """

    def __init__(
        self,
        analysis: Analysis,
        log: EditLog | None = None,
        autosave: LogFile | str | os.PathLike[str] | None = None,
    ) -> None:
        if analysis.kept is None:
            raise ValueError("analysis: expected one made with keep=True, found none of it.")
        super().__init__(log_of(analysis) if log is None else log, autosave)
        self.analysis = analysis
        self._outlines = CorrectedOutlines(analysis)

    @property
    def follows(self) -> bool:
        """Whether cells are outlined in every frame; static cells have one outline for all."""
        return self._outlines.follows

    @property
    def stale(self) -> bool:
        """Whether the analysis lags behind the log."""
        return log_of(self.analysis).edits != self.log.edits

    def shift(self, t: int) -> tuple[int, int]:
        """Give the pixels (down, right) that static outlines are moved by in a frame."""
        size = self.analysis.pixel_size_um
        if self.follows or not size:
            return 0, 0
        drift = self.analysis.frames[["drift_y_um", "drift_x_um"]].to_numpy()[t] / size
        dy, dx = np.rint(np.nan_to_num(drift)).astype(int).tolist()
        return dy, dx

    def labels(self, t: int = 0) -> Labels:
        """Give the outlines of a frame as the log has them, before anything is measured.

        Parameters
        ----------
        t
            Number of the frame; of no matter for static cells, whose outlines are those of the
            first frame.

        Returns
        -------
        numpy.ndarray
            Label image (Y, X), int32, a copy. A cell that is new since the analysis has a number
            above all others, which measuring may change.
        """
        return self._outlines.labels(self.log.edits, t)

    def stack(self, n_frames: int) -> Any:
        """Give the outlines of all frames, made when they are shown, as a layer shows them.

        Parameters
        ----------
        n_frames
            Number of frames; static outlines move with the field.

        Returns
        -------
        dask.array.Array
            Shape (n_frames, Y, X), int32.
        """
        shape = self.labels().shape
        return lazy_frames(
            lambda t: moved(self.labels(t), *self.shift(t)), n_frames, shape, np.int32
        )

    def update(self) -> Generator[Progress, None, Analysis]:
        """Measure what the log has changed since the analysis; hand what returns to `accept`.

        Commands may be made meanwhile; they are not part of what is measured.
        """
        import zincflux

        return (yield from zincflux.iter_reanalyze(self.analysis, self.log))

    def accept(self, analysis: Analysis) -> None:
        """Take a newer analysis as the one that is corrected further."""
        self.analysis = analysis
        self._outlines.accept(analysis)

    def _frame(self, t: int) -> int | None:
        return self._outlines.frame(t)

    def _point(self, labels: Labels, cell: int, t: int) -> Point:
        if cell <= 0:
            raise CorrectionError("expected a cell, found background. Click a cell first.")
        try:
            return anchor_of(labels, cell)
        except ValueError:
            where = f" in frame {t}" if self.follows else ""
            raise CorrectionError(
                f"cell {cell}: expected an outline{where}, found none. Click a cell that is shown."
            ) from None

    def _place(self, cell: int, t: int) -> Place:
        return Place(frame=t, point=self._point(self.labels(t), cell, t))

    def _make(self, t: int, *edits: Edit) -> None:
        """Add a command of one or more edits to the log, if all of them apply."""
        if not edits:
            return
        outlines = [edit for edit in edits if isinstance(edit, LabelEdit)]
        if outlines:
            numbered = [Numbered(n, edit) for n, edit in enumerate(outlines, start=1)]
            skipped = replay_labels(self.labels(t), numbered).skipped
            if skipped:
                first = skipped[0]
                raise CorrectionError(f"{first.item.edit.kind}: {first.reason}. Nothing was done.")
        self.add(*edits)
