"""Cells that touch but answer differently, told apart by their courses over time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label as connected

from zincflux.movie import FloatArray, Image, Labels
from zincflux.segment.contrast import bin_down, bin_edges, bin_up
from zincflux.segment.courses import Groups, compare

Mask = NDArray[np.bool_]
Frames = NDArray[np.float32]

SQUARES_ACROSS = 6
"""Squares across a cell; the course of each is its mean over time."""

MOST_FRAMES = 60
"""Frames that the courses are made of, spread over the movie."""

MOST_BYTES = 128 * 2**20
"""Memory that these frames may take; of large fields with small cells fewer are kept."""

FEWEST_FRAMES = 8
"""Frames that can tell courses apart."""

FEWEST_SQUARES = 12
"""Squares that an outline must cover to be looked at."""

COVERED = 0.75
"""Part of a square that one outline must cover for the square to count as its."""

REACH = 1.5
"""Reach (Gaussian sd) of the background's average, in cell diameters."""

SMALLEST_PART = 0.3
"""Least area of each part, as a share of a typical cell."""

ENOUGH_CELLS = 8
"""Outlines whose median area may say what is typical; else it is a disc of the diameter."""


class CoarseMovie:
    """Frames averaged over squares of a sixth of a cell's diameter.

    Parameters
    ----------
    diameter_px
        Diameter of a cell, pixels.
    """

    def __init__(self, diameter_px: float) -> None:
        self._step = _step(diameter_px)
        self._frames: list[Frames] = []

    def most_frames(self, shape: tuple[int, int]) -> int:
        """Say how many frames of a shape (Y, X) are worth keeping."""
        n_bytes = 4 * (shape[0] // self._step + 1) * (shape[1] // self._step + 1)
        return int(np.clip(MOST_BYTES // n_bytes, FEWEST_FRAMES, MOST_FRAMES))

    def update(self, image: Image) -> None:
        """Add one frame (Y, X); pixels that are no numbers are taken as the frame's median."""
        pixels = np.asarray(image)
        if pixels.dtype.kind not in "iub":  # whole numbers are all known, and have exact sums
            pixels = np.asarray(pixels, dtype=np.float64)
            known = np.isfinite(pixels)
            if not known.all():
                pixels = np.where(known, pixels, np.median(pixels[known]) if known.any() else 0.0)
        self._frames.append(bin_down(pixels, self._step).astype(np.float32))

    def result(self) -> Frames:
        """Return the frames (T, y, x)."""
        return np.stack(self._frames) if self._frames else np.zeros((0, 0, 0), dtype=np.float32)


def _step(diameter_px: float) -> int:
    return max(1, int(diameter_px // SQUARES_ACROSS))


def split_by_time(labels: Labels, frames: Frames, diameter_px: float) -> tuple[Labels, int]:
    """Split outlines whose two sides brighten and fade differently: they hold two cells.

    The courses of the squares of an outline, above the local background, are compared by
    correspondence analysis, so that neither the brightness of a square nor that of a frame
    matters. An outline is split where the first axis stands out of noise, divides the squares
    into two groups that are apart on it and in space, and each part is large enough for a cell.

    Parameters
    ----------
    labels
        Label image (Y, X), ids from 1.
    frames
        Registered frames (T, y, x) as `CoarseMovie` keeps them.
    diameter_px
        Diameter of a cell, pixels.

    Returns
    -------
    labels, n_split
        Label image (Y, X), int32: of a cell that is split the larger part keeps the id, the other
        gets a new one; and the number of outlines that were split.

    References
    ----------
    .. [1] M. J. Greenacre, "Theory and Applications of Correspondence Analysis", Academic Press
       (1984).
    .. [2] I. M. Johnstone, "On the distribution of the largest eigenvalue in principal components
       analysis", Ann. Stat. 29 (2001) 295–327.
    """
    result, n_split = labels.astype(np.int32), 0
    area = np.bincount(labels.ravel())
    if len(frames) < FEWEST_FRAMES or area.size < 2:
        return result, 0
    step, least = _step(diameter_px), SMALLEST_PART * _typical_area(area, diameter_px)
    light = above_background(frames, labels, step, REACH * diameter_px / step)
    owner = _owners(labels, step)
    boxes = ndimage.find_objects(result)
    for cell, places in _squares_of_each(owner):
        if area[cell] < 2 * least or len(places) < FEWEST_SQUARES:
            continue
        groups = compare(light[:, places[:, 0], places[:, 1]], places.astype(np.float64))
        if groups is None or not groups.are_two_cells(diameter_px / step):
            continue
        other = _other_part(labels, cell, boxes[cell - 1], groups, step)
        parts = other.sum(), area[cell] - other.sum()
        if min(parts) >= least:
            n_split += 1
            result[boxes[cell - 1]][other] = area.size - 1 + n_split
    return result, n_split


def _typical_area(area: NDArray[np.intp], diameter_px: float) -> float:
    cells = area[1:][area[1:] > 0]
    if cells.size >= ENOUGH_CELLS:
        return float(np.median(cells))
    return float(np.pi / 4 * diameter_px**2)


def _owners(labels: Labels, step: int) -> Labels:
    """Outline that covers most of each square, 0 where none covers enough, (y, x)."""
    middles = [
        (edges[:-1] + edges[1:]) // 2 for edges in (bin_edges(n, step) for n in labels.shape)
    ]
    owner = labels[np.ix_(*middles)]
    share = bin_down((labels == bin_up(owner, labels.shape, step)).astype(np.float64), step)
    return np.where(share >= COVERED, owner, 0).astype(np.int32)


def _squares_of_each(owner: Labels) -> list[tuple[int, NDArray[np.intp]]]:
    """List each id with the places (m, 2) of its squares."""
    places = np.argwhere(owner > 0)
    ids = owner[owner > 0]
    order = np.argsort(ids, kind="stable")
    found, starts = np.unique(ids[order], return_index=True)
    parts = np.split(places[order], starts[1:])
    return [(int(cell), part) for cell, part in zip(found, parts, strict=False)]


def above_background(frames: Frames, labels: Labels, step: int, reach: float) -> FloatArray:
    """Take the local background of every frame off.

    Parameters
    ----------
    frames
        Frames (T, y, x) of squares.
    labels
        Label image (Y, X).
    step
        Pixels along the edge of a square.
    reach
        Reach (Gaussian sd) of the average over squares away from cells, in squares.

    Returns
    -------
    numpy.ndarray
        Shape (T, y, x). Where cells cover everything, the lowest hundredth of a frame is its
        background.
    """
    free = bin_down((labels == 0).astype(np.float64), step) == 1
    clear = ndimage.binary_erosion(free, border_value=1)
    if not clear.any():
        return np.asarray(frames - np.percentile(frames, 1, axis=(1, 2), keepdims=True))
    overall = frames[:, clear].mean(axis=1)[:, None, None]
    share = ndimage.gaussian_filter(clear.astype(np.float32), reach, mode="nearest")
    rest = np.where(clear, frames - overall, np.float32(0))
    for image in rest:
        ndimage.gaussian_filter(image, reach, mode="nearest", output=image)
    rest /= share + 0.01
    return np.asarray(frames - overall - rest)


def _other_part(
    labels: Labels, cell: int, box: tuple[slice, ...], groups: Groups, step: int
) -> Mask:
    """Draw the smaller of both parts of an outline, as a mask over its box."""
    score = _between_squares(labels.shape, box, groups, step)
    inside = labels[box] == cell
    first = inside & (score <= groups.border)
    # Each part is one piece; what lies loose goes to the other side.
    first = _largest(first)
    second = _largest(inside & ~first)
    first = inside & ~second
    return second if second.sum() <= first.sum() else first


def _between_squares(
    shape: tuple[int, ...], box: tuple[slice, ...], groups: Groups, step: int
) -> FloatArray:
    """Interpolate the scores of squares to the pixels of a box; beyond them the nearest counts."""
    rows, columns = (
        _in_squares(np.arange(span.start, span.stop), length, step)
        for span, length in zip(box, shape, strict=True)
    )
    places = groups.places.astype(np.intp)
    start = np.minimum(places.min(axis=0), [int(rows[0]), int(columns[0])])
    size = np.maximum(places.max(axis=0), [int(rows[-1]) + 1, int(columns[-1]) + 1]) - start + 1
    values, known = np.zeros(size), np.zeros(size, dtype=bool)
    at = tuple((places - start).T)
    values[at], known[at] = groups.score, True
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    grid = np.meshgrid(rows - start[0], columns - start[1], indexing="ij")
    return np.asarray(
        ndimage.map_coordinates(values[tuple(nearest)], grid, order=1, mode="nearest")
    )


def _in_squares(pixels: NDArray[np.intp], length: int, step: int) -> FloatArray:
    """Where pixels lie among the middles of squares, 0 in the middle of the first."""
    edges = bin_edges(length, step)
    middles = (edges[:-1] + edges[1:] - 1) / 2
    return np.maximum(np.interp(pixels, middles, np.arange(middles.size)), 0.0)


def _largest(mask: Mask) -> Mask:
    pieces = connected(mask, connectivity=1)
    size = np.bincount(pieces.ravel())
    if size.size < 2:
        return mask
    return np.asarray(pieces == 1 + int(size[1:].argmax()))
