"""Edits of outlines, replayed on a label image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy.ndimage
from skimage.segmentation import watershed

from zincflux.edits.kinds import Delete, Edit, Merge, Paint, Point, Split
from zincflux.edits.log import Numbered, Skipped
from zincflux.edits.pixels import Box, boxes_of, pixels_of
from zincflux.movie import Image, Labels

_LARGEST = int(np.iinfo(np.int32).max)


class NotApplicable(Exception):
    """An edit does not fit what it meets; the text says why. Never leaves the package."""


@dataclass(frozen=True, eq=False)
class Replay:
    """What came of replaying edits.

    Attributes
    ----------
    labels
        The corrected label image (Y, X), int32.
    applied
        Numbers of the edits that were applied.
    skipped
        The edits that were not, and why.
    """

    labels: Labels
    applied: tuple[int, ...]
    skipped: tuple[Skipped, ...]


def replay_labels(labels: Labels, edits: Iterable[Numbered]) -> Replay:
    """Replay edits of outlines on a label image, one after the other.

    A cell that no edit names keeps its number and its pixels (but where it is painted over). Merged
    cells keep the number of the first; of a cell that is split the part with ``point`` keeps it.
    New cells are numbered above all others in the order of the edits, and no number is used twice.

    Parameters
    ----------
    labels
        Label image (Y, X); it is not changed.
    edits
        Edits of the kinds ``merge``, ``split``, ``delete`` and ``paint`` with their numbers.

    Returns
    -------
    Replay
        The corrected labels, and what became of each edit.

    Examples
    --------
    >>> found = np.array([[1, 1, 0, 2, 2]], dtype=np.int32)
    >>> done = replay_labels(found, [Numbered(1, Merge(points=((0, 3), (0, 0))))])
    >>> done.labels
    array([[2, 2, 0, 2, 2]], dtype=int32)
    """
    image = np.array(labels, dtype=np.int32, order="C")
    items = tuple(edits)
    if not items:
        return Replay(image, (), ())
    board = _Board(image)
    applied, skipped = [], []
    for item in items:
        try:
            board.apply(item.edit)
            applied.append(item.number)
        except NotApplicable as error:
            skipped.append(Skipped(item, str(error)))
    return Replay(image, tuple(applied), tuple(skipped))


def cell_at(labels: Labels, point: Point) -> int:
    """Give the number of the cell under a point.

    Raises
    ------
    NotApplicable
        If there is none, or the point lies outside the image.
    """
    height, width = labels.shape
    y, x = point
    if y >= height or x >= width:
        raise NotApplicable(f"[{y}, {x}] lies outside the image of {height} × {width} pixels")
    cell = int(labels[y, x])
    if cell == 0:
        raise NotApplicable(f"no cell lies under [{y}, {x}]")
    return cell


class _Board:
    """A label image on which edits are made, in place, with a box that holds each cell.

    Only its box is searched for the pixels of a cell: an image can be large, and a log long. A box
    may be larger than its cell.
    """

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.boxes = boxes_of(labels)
        self.last = max(self.boxes, default=0)

    def apply(self, edit: Edit) -> None:
        """Make one edit, or leave everything as it is."""
        if isinstance(edit, Merge):
            self._merge(edit)
        elif isinstance(edit, Split):
            self._split(edit)
        elif isinstance(edit, Delete):
            self._replace(cell_at(self.labels, edit.point), 0)
        elif isinstance(edit, Paint):
            self._paint(edit)
        else:
            raise TypeError(f"expected an edit of outlines, found {edit.kind}.")

    def _new(self) -> int:
        if self.last == _LARGEST:
            raise NotApplicable(f"the new cell would need a number above {_LARGEST}")
        self.last += 1
        return self.last

    def _replace(self, cell: int, value: int) -> None:
        """Give the pixels of a cell to another one, or to the background."""
        box = self.boxes.pop(cell)
        window = self.labels[box.slices]
        window[window == cell] = value
        if value:
            self.boxes[value] = box.joined(self.boxes[value])

    def _merge(self, edit: Merge) -> None:
        first, *others = dict.fromkeys(cell_at(self.labels, point) for point in edit.points)
        if not others:
            raise NotApplicable(f"its points lie in one cell already, {first}")
        for other in others:
            self._replace(other, first)

    def _split(self, edit: Split) -> None:
        cell = cell_at(self.labels, edit.point)
        window = self.labels[self.boxes[cell].slices]
        inside = window == cell
        corner = self.boxes[cell].corner
        if edit.line is not None:
            other = _beyond(inside, edit.point, edit.line, corner)
        else:
            assert edit.other is not None  # noqa: S101 (one of the two is there)
            second = cell_at(self.labels, edit.other)
            if second != cell:
                raise NotApplicable(f"its points lie in two cells already, {cell} and {second}")
            other = _across_neck(inside, edit.point, edit.other, corner)
        if not other.any() or (other == inside).all():
            raise NotApplicable(f"the line does not cut cell {cell}")
        new = self._new()
        window[other] = new
        self.boxes[new] = self.boxes[cell]

    def _paint(self, edit: Paint) -> None:
        height, width = self.labels.shape
        runs = np.asarray(edit.runs)
        if runs[:, 0].max() >= height or runs[:, 2].max() > width:
            raise NotApplicable(f"it reaches outside the image of {height} × {width} pixels")
        value = 0
        if edit.onto == "cell":
            assert edit.point is not None  # noqa: S101 (required at birth)
            value = cell_at(self.labels, edit.point)
        elif edit.onto == "new":
            value = self._new()
        self.labels.ravel()[pixels_of(edit.runs, width)] = value
        if value:
            around = Box(runs[:, 0].min(), runs[:, 0].max() + 1, runs[:, 1].min(), runs[:, 2].max())
            self.boxes[value] = around.joined(self.boxes.get(value, around))


def _beyond(
    inside: Image, point: Point, line: tuple[Point, Point], corner: tuple[int, int]
) -> Image:
    """Pixels of a cell on the other side of a line than a point; those on the line stay."""
    (y0, x0), (y1, x1) = line
    y, x = np.mgrid[: inside.shape[0], : inside.shape[1]] + np.reshape(corner, (2, 1, 1))
    side = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
    own = (x1 - x0) * (point[0] - y0) - (y1 - y0) * (point[1] - x0)
    if own == 0:
        raise NotApplicable(f"[{point[0]}, {point[1]}] lies on the line, so on neither side")
    return np.asarray(inside & (side * np.sign(own) < 0))


def _across_neck(inside: Image, point: Point, other: Point, corner: tuple[int, int]) -> Image:
    """Pixels of a cell that belong to the second of two points.

    Depth below the cell's edge is flooded from both points at once, so that the floods meet at the
    neck. A piece that neither flood reaches stays with the first point.
    """
    seeds = np.zeros(inside.shape, dtype=np.int32)
    for value, (y, x) in enumerate((point, other), start=1):
        seeds[y - corner[0], x - corner[1]] = value
    depth = scipy.ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
    return np.asarray(watershed(-depth, seeds, mask=inside) == 2)
