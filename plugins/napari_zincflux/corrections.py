"""Corrections by hand as commands on a log of edits: made, undone, saved, measured; no Qt."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt

from zincflux.edits import (
    Delete,
    Division,
    Edit,
    EditLog,
    Exclude,
    LabelEdit,
    Merge,
    Numbered,
    Paint,
    Place,
    Relink,
    Split,
    anchor_of,
    replay_labels,
    runs_of,
)
from zincflux.errors import ZincfluxError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zincflux.edits.kinds import Point
    from zincflux.pipeline import Analysis, Progress

    Labels = NDArray[np.int32]

CellAt = tuple[int, int]
"""A cell in a frame: its number, and the number of the frame."""

MOST_BASES = 12
"""Analyses whose outlines are remembered, so that undo shows at once what was there before."""

SMALLEST_SHARE = 0.2
"""Part of a cell, at least, that is cut off at its neck; else the cell is halved."""


class CorrectionError(ZincfluxError):
    """A correction cannot be made; nothing was changed."""


class Corrections:
    """The corrections of one analysis: each command adds to the log, and is undone as a whole.

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
        autosave: str | os.PathLike[str] | None = None,
    ) -> None:
        if analysis.kept is None:
            raise ValueError("analysis: expected one made with keep=True, found none of it.")
        self.analysis = analysis
        self.autosave = None if autosave is None else Path(autosave)
        self.log = _log_of(analysis) if log is None else log
        self._made = [1] * len(self.log)
        self._undone: list[tuple[Edit, ...]] = []
        self._bases = [(_log_of(analysis).edits, analysis.label_images)]

    @property
    def follows(self) -> bool:
        """Whether cells are outlined in every frame; static cells have one outline for all."""
        assert self.analysis.kept is not None  # noqa: S101 (checked at birth)
        return bool(self.analysis.kept.found.plan.follows)

    @property
    def stale(self) -> bool:
        """Whether the analysis lags behind the log."""
        return _log_of(self.analysis).edits != self.log.edits

    @property
    def can_undo(self) -> bool:
        """Whether there is a command to undo."""
        return bool(self._made)

    @property
    def can_redo(self) -> bool:
        """Whether there is a command to make again."""
        return bool(self._undone)

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
        known, images = self._base()
        image = np.array(images[t if self.follows else 0], dtype=np.int32)
        for edit in self.log.edits[len(known) :]:
            if isinstance(edit, LabelEdit) and edit.frame == self._frame(t):
                image = self._replayed(image, edit)
        return image

    def merge(self, cells: Sequence[int], t: int = 0) -> None:
        """Make one cell of several; it keeps the number of the first.

        Raises
        ------
        CorrectionError
            If there are fewer than two, or one is not in the frame; likewise in all other commands.
        """
        if len(set(cells)) < 2:
            raise CorrectionError(
                f"merge: expected two cells or more, found {len(set(cells))}. Click the first, "
                "then the others with Shift."
            )
        labels = self.labels(t)
        points = tuple(self._point(labels, cell, t) for cell in cells)
        self._make(t, Merge(points=points, frame=self._frame(t), cell_ids=tuple(cells)))

    def split(self, cell: int, t: int = 0, line: tuple[Point, Point] | None = None) -> None:
        """Make two cells of one; the larger part keeps the number.

        Parameters
        ----------
        cell, t
            Which cell, in which frame.
        line
            Two pixels (y, x) of a straight line to cut along; at the neck if not given.
        """
        labels = self.labels(t)
        self._point(labels, cell, t)
        mask = labels == cell
        frame, ids = self._frame(t), (cell,)
        if line is not None and line[0] == line[1]:
            raise CorrectionError("split: expected a line, found a single pixel. Draw longer.")
        if line is None:
            point, other = _ends_of(mask)
            edit = Split(point=point, other=other, frame=frame, cell_ids=ids)
            parts = np.bincount(replay_labels(mask, [Numbered(1, edit)]).labels[mask])[1:]
            if parts.min() < SMALLEST_SHARE * parts.sum():  # a convex cell has no neck
                line = _across(mask)
        if line is not None:
            edit = Split(point=_beside(mask, line), line=line, frame=frame, cell_ids=ids)
        self._make(t, edit)

    def delete(self, cells: Sequence[int], t: int = 0) -> None:
        """Remove cells."""
        labels = self.labels(t)
        found = [self._point(labels, cell, t) for cell in _some(cells, "delete")]
        self._make(
            t,
            *(
                Delete(point=point, frame=self._frame(t), cell_ids=(cell,))
                for cell, point in zip(cells, found, strict=True)
            ),
        )

    def draw(self, drawn: Labels, t: int = 0) -> None:
        """Take over what was painted: pixels given to cells, to new ones, or to the background.

        Parameters
        ----------
        drawn
            The label image (Y, X) after painting; a number that no cell has is a new cell.
        t
            Number of the frame.
        """
        before = self.labels(t)
        if drawn.shape != before.shape:
            raise CorrectionError(
                f"draw: expected an image of {before.shape}, found one of {drawn.shape}. Paint on "
                "the layer of the outlines."
            )
        self._make(t, *_strokes(before, np.asarray(drawn), self._frame(t)))

    def relink(self, before: CellAt, after: CellAt | None = None) -> None:
        """Say that a cell goes on as another one, or that it ends.

        Parameters
        ----------
        before
            The cell, and the last frame in which it is certain.
        after
            The cell that it goes on as, and a later frame; it ends if not given.
        """
        self.check_links("relink")
        if after is not None:
            _check_later("relink", before[1], after[1])
        places = [self._place(*before), None if after is None else self._place(*after)]
        ids = (before[0],) if after is None else (before[0], after[0])
        assert places[0] is not None  # noqa: S101
        self._make(before[1], Relink(before=places[0], after=places[1], cell_ids=ids))

    def divide(self, mother: CellAt, daughters: tuple[CellAt, CellAt]) -> None:
        """Say that a cell divides into two.

        Parameters
        ----------
        mother
            The cell, and its last frame.
        daughters
            Two cells, each with its first frame.
        """
        self.check_links("divide")
        for daughter in daughters:
            _check_later("divide", mother[1], daughter[1])
        if daughters[0] == daughters[1]:
            raise CorrectionError("divide: expected two daughters, found one twice. Choose two.")
        one, two = (self._place(*daughter) for daughter in daughters)
        ids = (mother[0], daughters[0][0], daughters[1][0])
        edit = Division(mother=self._place(*mother), daughters=(one, two), cell_ids=ids)
        self._make(mother[1], edit)

    def exclude(self, cells: Sequence[int], reason: str, t: int = 0) -> None:
        """Leave cells out of summaries, and say why."""
        if not reason.strip():
            raise CorrectionError("exclude: expected a reason, found none. Say why in a few words.")
        labels = self.labels(t)
        found = [self._point(labels, cell, t) for cell in _some(cells, "exclude")]
        self._make(
            t,
            *(
                Exclude(
                    point=point, frame=self._frame(t), reason=reason[:80].strip(), cell_ids=(cell,)
                )
                for cell, point in zip(cells, found, strict=True)
            ),
        )

    def undo(self) -> int | None:
        """Take back the newest command; give the frame that it was made in, None if in all.

        Raises
        ------
        CorrectionError
            If there is none.
        """
        if not self._made:
            raise CorrectionError("undo: nothing was corrected.")
        n = self._made[-1]
        kept, taken = self.log.edits[:-n], self.log.edits[-n:]
        self._save(kept)
        self._made.pop()
        self._undone.append(taken)
        return _frame_of(taken[0])

    def redo(self) -> int | None:
        """Make again what was undone last; give its frame, None if it is in all.

        Raises
        ------
        CorrectionError
            If nothing was undone, or another command was made since.
        """
        if not self._undone:
            raise CorrectionError("redo: nothing was undone.")
        edits = self._undone[-1]
        self._save((*self.log.edits, *edits))
        self._undone.pop()
        self._made.append(len(edits))
        return _frame_of(edits[0])

    def update(self) -> Generator[Progress, None, Analysis]:
        """Measure what the log has changed since the analysis; hand what returns to `accept`.

        Commands may be made meanwhile; they are not part of what is measured.
        """
        import zincflux

        return (yield from zincflux.iter_reanalyze(self.analysis, self.log))

    def accept(self, analysis: Analysis) -> None:
        """Take a newer analysis as the one that is corrected further."""
        self.analysis = analysis
        self._bases.append((_log_of(analysis).edits, analysis.label_images))
        del self._bases[1:-MOST_BASES]

    def _frame(self, t: int) -> int | None:
        return t if self.follows else None

    def _base(self) -> tuple[tuple[Edit, ...], Sequence[Labels]]:
        """Give the newest outlines that the log goes on from; else those of the analysis."""
        edits = self.log.edits
        for known, images in reversed(self._bases):
            if edits[: len(known)] == known:
                return known, images
        return edits, self.analysis.label_images

    def _replayed(self, image: Labels, edit: Edit) -> Labels:
        """Make an edit of outlines; new cells get numbers above those of all frames."""
        done = replay_labels(image, [Numbered(1, edit)])
        if done.skipped:
            return image
        new = np.setdiff1d(done.labels, image)
        if new.size:
            ids = self.analysis.cells["cell_id"]
            above = max(int(image.max()), int(ids.max()) if len(ids) else 0)
            for number, value in enumerate(new.tolist(), start=above + 1):
                done.labels[done.labels == value] = number
        return done.labels

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

    def check_links(self, command: str) -> None:
        """Make sure that cells are followed.

        Parameters
        ----------
        command
            What it is needed for.

        Raises
        ------
        CorrectionError
            If they are static.
        """
        if not self.follows:
            raise CorrectionError(
                f"{command}: expected cells that are followed, found static ones, which are one "
                'outline from start to end. Set track.mode = "follow" to link cells.'
            )

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
        self._save((*self.log.edits, *edits))
        self._made.append(len(edits))
        self._undone.clear()

    def _save(self, edits: tuple[Edit, ...]) -> None:
        """Make edits the log, once they are in the file."""
        log = EditLog.model_construct(schema_version=1, edits=edits)
        if self.autosave is not None:
            try:
                log.write(self.autosave)
            except OSError as error:
                raise CorrectionError(
                    f"{self.autosave}: the corrections cannot be saved: {error}. Nothing was "
                    "done. Make room, or choose another folder."
                ) from error
        self.log = log


def _log_of(analysis: Analysis) -> EditLog:
    """Give the corrections that an analysis was made with."""
    return EditLog() if analysis.kept is None else analysis.kept.found.plan.edits.log


def _frame_of(edit: Edit) -> int | None:
    if isinstance(edit, Relink):
        return int(edit.before.frame)
    if isinstance(edit, Division):
        return int(edit.mother.frame)
    return edit.frame


def _some(cells: Sequence[int], command: str) -> Sequence[int]:
    if not cells:
        raise CorrectionError(f"{command}: expected a cell, found none. Click one first.")
    return cells


def _check_later(command: str, before: int, after: int) -> None:
    if after <= before:
        raise CorrectionError(
            f"{command}: expected a frame after {before}, found {after}. Go forward in time, then "
            "click the cell."
        )


def _strokes(before: Labels, drawn: Labels, frame: int | None) -> list[Edit]:
    """Turn a painted image into edits: those whose cell is all painted over come first."""
    changed = before != drawn
    existing = set(np.unique(before).tolist())
    edits: list[tuple[bool, Edit]] = []
    for value in np.unique(drawn[changed]).tolist():
        runs = runs_of(changed & (drawn == value))
        if value == 0:
            edits.append((True, Paint(onto="background", runs=runs, frame=frame)))
        elif value not in existing:
            edits.append((True, Paint(onto="new", runs=runs, frame=frame)))
        else:
            left = np.where(changed, 0, before)
            survives = bool((left == value).any())
            point = anchor_of(left if survives else before, value)
            edit = Paint(onto="cell", point=point, runs=runs, frame=frame, cell_ids=(value,))
            edits.append((survives, edit))
    return [edit for _, edit in sorted(edits, key=lambda item: item[0])]


def _ends_of(mask: NDArray[np.bool_]) -> tuple[Point, Point]:
    """Give the deepest pixels of the two halves of a cell along its long axis, larger half first.

    Raises
    ------
    CorrectionError
        If the cell is too small to be cut.
    """
    pixels = np.argwhere(mask)
    if len(pixels) < 2:
        raise CorrectionError("split: expected a cell of two pixels or more. Delete it instead.")
    centred = pixels - pixels.mean(axis=0)
    along = centred @ np.linalg.eigh(centred.T @ centred)[1][:, 1]
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1][mask]
    halves = sorted((along < 0, along >= 0), key=np.count_nonzero, reverse=True)
    ends = []
    for half in halves:
        # Not at the very cut, where the other half may be deep as well.
        outer = half & (np.abs(along) >= np.median(np.abs(along[half])))
        chosen = np.flatnonzero(outer)[depth[outer].argmax()]
        ends.append((int(pixels[chosen][0]), int(pixels[chosen][1])))
    return ends[0], ends[1]


def _across(mask: NDArray[np.bool_]) -> tuple[Point, Point]:
    """Give a line through the middle of a cell, across its long axis, inside the image."""
    pixels = np.argwhere(mask)
    middle = pixels.mean(axis=0)
    centred = pixels - middle
    across = np.linalg.eigh(centred.T @ centred)[1][:, 0]
    last = np.array(mask.shape) - 1
    with np.errstate(divide="ignore"):
        reach = np.where(across > 0, last - middle, middle) / np.abs(across)
        back = np.where(across > 0, middle, last - middle) / np.abs(across)
    ends = np.rint([middle + reach.min() * across, middle - back.min() * across]).astype(int)
    one, two = np.clip(ends, 0, last).tolist()
    return (one[0], one[1]), (two[0], two[1])


def _beside(mask: NDArray[np.bool_], line: tuple[Point, Point]) -> Point:
    """Give the deepest pixel of the larger part that a line cuts a cell into."""
    (y0, x0), (y1, x1) = line
    y, x = np.nonzero(mask)
    side = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
    larger = 1 if np.count_nonzero(side > 0) >= np.count_nonzero(side < 0) else -1
    part = np.zeros(mask.shape, dtype=np.int32)
    kept = np.sign(side) == larger
    if not kept.any() or kept.all():
        raise CorrectionError("split: the line does not cross the cell. Draw it across.")
    part[y[kept], x[kept]] = 1
    return anchor_of(part, 1)
