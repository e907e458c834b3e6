"""Views of a whole movie that its cells may be found in, and which of them shows the cells best."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator
from scipy import ndimage
from skimage.segmentation import expand_labels

from zincflux.movie import FloatArray, Image, Labels
from zincflux.segment.projection import Projection, ProjectionKind

KINDS: tuple[ProjectionKind, ...] = ("mean", "max", "sd")
"""Views of all frames."""

AUTO = "auto"
"""Stands for the best of all views."""

PHASE = "phase:"
"""Stands before the name of a phase in the name of the view that is its mean."""

MOST_PHASES = 6
"""Phases with a view of their own among which the best is looked for."""

RIM = 0.2
"""Width of the rim around a cell that it is compared with, in diameters of a cell."""

WINDOW = 16
"""Side of the square that views are compared in, in diameters of a cell."""


MARGIN = 0.02
"""Share by which another view must show more cells to be taken instead of the first."""

LEAST_GAIN = 0.5
"""Cells, weighted by how clear they are, that it must show more."""

LEAST_AREA = 0.7
"""Median area of its cells over that in the first view: below, it shows parts of cells."""


def _known(name: str) -> str:
    if name in (*KINDS, AUTO) or (name.startswith(PHASE) and len(name) > len(PHASE)):
        return name
    raise ValueError(
        f'expected mean, max, sd, auto or "{PHASE}NAME" with the name of a phase, found {name!r}'
    )


ViewName = Annotated[str, AfterValidator(_known)]
"""Name of a view, or ``auto``."""


class Views:
    """Running views of a movie, all made in one pass over its frames.

    Kept are one image for each view, and another for the standard deviation.

    Parameters
    ----------
    names
        ``mean``, ``max``, ``sd``, and ``phase:NAME`` for the mean of the frames of a phase.

    Examples
    --------
    >>> views = Views(["max", "phase:zinc"])
    >>> views.update(np.array([[1, 9]]), "rest")
    >>> views.update(np.array([[4, 2]]), "zinc")
    >>> views.result()["phase:zinc"]
    array([[4., 2.]])
    """

    def __init__(self, names: Iterable[str]) -> None:
        kind: dict[str, ProjectionKind] = {name: name for name in KINDS}
        self._views = {name: Projection(kind.get(name, "mean")) for name in names}

    def update(self, image: Image, phase: str = "") -> None:
        """Add one frame.

        Parameters
        ----------
        image
            Pixels (Y, X); every frame has the shape of the first.
        phase
            Name of the phase that the frame was recorded in.
        """
        for name, view in self._views.items():
            if not name.startswith(PHASE) or name == PHASE + phase:
                view.update(image)

    def result(self) -> dict[str, FloatArray]:
        """Return every view (Y, X) that holds a frame."""
        return {name: view.result() for name, view in self._views.items() if view.n_frames}


@dataclass(frozen=True, eq=False)
class View:
    """The view that the cells of a movie were found in.

    Attributes
    ----------
    name
        Its name.
    image
        Its pixels (Y, X).
    labels
        The cells in it (Y, X).
    scores
        How well each view shows cells, by name; empty where there was no choice.
    """

    name: str
    image: Image
    labels: Labels
    scores: Mapping[str, float]

    def summary(self) -> dict[str, Any]:
        """Give what ``run.json`` says of it."""
        return {"name": self.name, "scores": dict(self.scores)}


def best_view(
    views: Mapping[str, FloatArray], find: Callable[[Image], Labels], diameter_px: float
) -> View:
    """Find cells in the view that shows them best.

    Cells are looked for in every view, and the one with the largest `cells_seen` is taken; the
    first view, unless another one shows 2 % and half a cell more. A view with much smaller cells
    than the first, by their median area, shows parts of cells and is not taken. An image of more
    than 16 cell diameters is judged by the square of that size in which the first view holds the
    most cells.

    Parameters
    ----------
    views
        Views (Y, X) of one shape, by name.
    find
        Finds cells in an image.
    diameter_px
        Diameter of a cell, pixels.
    """
    names = [*views]
    first, image = names[0], views[names[0]]
    labels = find(image)
    if len(names) == 1:
        return View(first, image, labels, {})
    inside = _densest(labels, round(WINDOW * diameter_px))
    scores, areas = {}, {}
    for name, view in views.items():
        part = view[inside]
        found = labels if name == first and part.shape == image.shape else find(part)
        scores[name], areas[name] = cells_seen(part, found, diameter_px), _median_area(found)
    whole = [name for name in names if areas[name] >= LEAST_AREA * areas[first]]
    best = max(whole, key=lambda name: scores[name])
    least = max((1 + MARGIN) * scores[first], scores[first] + LEAST_GAIN)
    if scores[best] < least:
        return View(first, image, labels, scores)
    return View(best, views[best], find(views[best]), scores)


def _median_area(labels: Labels) -> float:
    area = np.bincount(labels.ravel())[1:]
    return float(np.median(area[area > 0])) if area.any() else 0.0


def cells_seen(image: Image, labels: Labels, diameter_px: float) -> float:
    """Say how many cells an image shows, a blurred one counting less than a clear one.

    Each cell counts c²/(1 + c²), where c is the difference between its mean and that of the rim
    around it, over the root of the sum of both variances of pixels. A cell without a free rim does
    not count.

    Parameters
    ----------
    image
        Pixels (Y, X); NaN ones are left out.
    labels
        Cells found in it (Y, X).
    diameter_px
        Diameter of a cell, pixels.

    Returns
    -------
    float
        From 0 to the number of cells; the same for all images a·image + b with a > 0.
    """
    n = int(labels.max(initial=0))
    if n == 0:
        return 0.0
    known = np.isfinite(image)
    around = expand_labels(labels, distance=max(1.0, RIM * diameter_px))
    cell = _moments(image, np.where(known, labels, 0), n)
    rim = _moments(image, np.where(known & (labels == 0), around, 0), n)
    seen = (cell[0] > 0) & (rim[0] > 0)
    difference = np.maximum(cell[1] - rim[1], 0.0)[seen] ** 2
    spread = (cell[2] + rim[2])[seen]
    total = difference + spread
    return float(np.divide(difference, total, out=np.zeros_like(total), where=total > 0).sum())


def _moments(image: Image, labels: Labels, n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Count, mean and variance of the pixels of each id from 1 to n."""
    inside = labels > 0
    ids, values = labels[inside], np.asarray(image, dtype=np.float64)[inside]
    count = np.bincount(ids, minlength=n + 1)
    mean = np.bincount(ids, values, n + 1) / np.maximum(count, 1)
    variance = np.bincount(ids, (values - mean[ids]) ** 2, n + 1) / np.maximum(count, 1)
    return count[1:].astype(np.float64), mean[1:], variance[1:]


def _densest(labels: Labels, side: int) -> tuple[slice, slice]:
    """Choose the square that holds the most cells; the whole image where it is not larger."""
    spans = [min(side, length) for length in labels.shape]
    ids = np.unique(labels[labels > 0])
    if list(labels.shape) == spans or not ids.size:
        return slice(0, spans[0]), slice(0, spans[1])
    middle = np.array(ndimage.center_of_mass(labels > 0, labels, ids))
    starts = [
        np.unique(np.linspace(0, length - span, 1 + -(-2 * (length - span) // span)).round())
        for length, span in zip(labels.shape, spans, strict=True)
    ]
    corners = np.array([(y, x) for y in starts[0] for x in starts[1]])
    ahead = middle[None] - corners[:, None]
    n_inside = ((ahead >= 0) & (ahead < spans)).all(axis=2).sum(axis=1)
    y, x = corners[n_inside.argmax()].astype(int)
    return slice(y, y + spans[0]), slice(x, x + spans[1])
