"""Outlines as a log of edits has them, before anything is measured; no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zincflux.edits import Edit, EditLog, LabelEdit, Numbered, replay_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zincflux.pipeline import Analysis

    Labels = NDArray[np.int32]

MOST_BASES = 12
"""Analyses whose outlines are remembered, so that undo shows at once what was there before."""


def log_of(analysis: Analysis) -> EditLog:
    """Give the corrections that an analysis was made with."""
    return EditLog() if analysis.kept is None else analysis.kept.found.plan.edits.log


class CorrectedOutlines:
    """Outlines of an analysis, and of those that came of it, with further edits.

    Parameters
    ----------
    analysis
        The first one, made with ``keep=True``.

    Attributes
    ----------
    follows
        Whether cells are outlined in every frame; static cells have one outline for all.
    """

    def __init__(self, analysis: Analysis) -> None:
        assert analysis.kept is not None  # noqa: S101 (whoever asks has seen to it)
        self.follows = bool(analysis.kept.found.plan.follows)
        self._analysis = analysis
        self._bases = [(log_of(analysis).edits, analysis.label_images)]
        self._last: tuple[tuple[Edit, ...], int, Labels] | None = None

    def frame(self, t: int) -> int | None:
        """Give the frame that an edit names; static cells have none."""
        return t if self.follows else None

    def labels(self, edits: tuple[Edit, ...], t: int) -> Labels:
        """Give the outlines (Y, X) of a frame after all edits, a copy."""
        t = t if self.follows else 0
        known, images, image = *self._base(edits), None
        last = self._last  # a layer may ask for a frame at the same time, in a thread of its own
        if last is not None and last[1] == t:
            earlier, _, seen = last
            if len(earlier) >= len(known) and edits[: len(earlier)] == earlier:
                known, image = earlier, seen
        if image is None:
            image = np.array(images[t], dtype=np.int32)
        for edit in edits[len(known) :]:
            if isinstance(edit, LabelEdit) and edit.frame == self.frame(t):
                image = self._replayed(image, edit)
        self._last = (edits, t, image)
        return image.copy()

    def accept(self, analysis: Analysis) -> None:
        """Take a newer analysis, whose outlines need fewer edits."""
        self._analysis, self._last = analysis, None
        self._bases.append((log_of(analysis).edits, analysis.label_images))
        del self._bases[1:-MOST_BASES]

    def _base(self, edits: tuple[Edit, ...]) -> tuple[tuple[Edit, ...], Sequence[Labels]]:
        """Give the newest outlines that the edits go on from; else those of the analysis."""
        for known, images in reversed(self._bases):
            if edits[: len(known)] == known:
                return known, images
        return edits, self._analysis.label_images

    def _replayed(self, image: Labels, edit: Edit) -> Labels:
        """Make an edit of outlines; new cells get numbers above those of all frames."""
        done = replay_labels(image, [Numbered(1, edit)])
        if done.skipped:
            return image
        last = int(image.max(initial=0))
        if done.labels.max(initial=0) > last:
            ids = self._analysis.cells["cell_id"]
            above = int(ids.max()) if len(ids) else 0
            done.labels[done.labels > last] += max(above - last, 0)
        return done.labels
