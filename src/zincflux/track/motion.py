"""How the cells of a movie move: what they share, and how far each may go besides."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter

from zincflux.movie import FloatArray
from zincflux.track.cells import BoolArray, Cells, IndexArray, near

BINS = 32
"""Bins along each axis in which the steps of a frame are counted."""

VOTE_BLUR = 2.0
"""Blur of these counts, bins."""

CLEAR_VOTE = 2.0
"""How far, in its standard errors, a common motion must beat standing still."""

LIKENESS = 0.4
"""Change of the logarithm of area or intensity from which two cells hardly seem the same."""

REACH = 1.5
"""Farthest step that is looked for where none is given, in median cell diameters."""

LEAST_REACH = 0.75
"""Least of the farthest step found from a movie, in median cell diameters."""

SPREADS = 5.0
"""Farthest step over the spread of the steps."""


def diameter_um(area_um2: FloatArray) -> float:
    """Return the diameter of a disc of the median area."""
    return 2 * float(np.sqrt(np.median(area_um2) / np.pi))


def moving_along(cells: Cells) -> Cells:
    """Take the motion that all cells of a frame share off their places."""
    common = common_motion(cells)
    if not common.any():
        return cells
    so_far = np.cumsum(common, axis=0) - common
    shift = so_far[cells.frame]
    return replace(cells, place=cells.place - shift, shift=shift)


def possible_steps(cells: Cells) -> tuple[IndexArray, IndexArray]:
    """Find all steps to the next frame that are no longer than allowed: before and after."""
    i, j = near(cells.place, cells.frame + 1, cells.place, cells.frame, cells.step)
    if not np.isfinite(cells.limit):
        return i, j
    place = cells.place + cells.shift
    reached = ((place[j] - place[i]) ** 2).sum(axis=1) <= cells.limit**2
    return i[reached], j[reached]


def step_um(cells: Cells) -> float:
    """Find the farthest step of a movie from its own steps.

    Cells of two frames that are each other's nearest are taken for the same one. The spread of
    their steps gives the farthest: 5 spreads, which hardly any step exceeds. Being nearest bounds
    the steps that can be seen, and outlines jump when cells divide or touch, so never less than
    0.75 of the median diameter of the cells; and never more than 1.5 of it, where neighbours are
    as near.
    """
    i, j = possible_steps(cells)
    length = np.hypot(*(cells.place[j] - cells.place[i]).T)
    mutual = _is_least(i, length) & _is_least(j, length)
    diameter = diameter_um(cells.area)
    if not mutual.any():
        return LEAST_REACH * diameter
    # The median length of normal steps in a plane is 1.18 of their spread along an axis.
    spread = float(np.median(length[mutual])) / np.sqrt(2 * np.log(2))
    return float(np.clip(SPREADS * spread, LEAST_REACH * diameter, REACH * diameter))


def common_motion(cells: Cells) -> FloatArray:
    """Find the step that most cells of a frame share, by a vote of all pairs of cells.

    Each cell votes for its steps to all cells within reach that are about as large and bright.
    The right steps agree, the others scatter. A motion counts only if it clearly wins against
    standing still.

    Returns
    -------
    numpy.ndarray
        Step from each frame to the next, y and x in µm, (last frame + 1, 2).
    """
    i, j = near(cells.place, cells.frame + 1, cells.place, cells.frame, cells.step)
    way = cells.place[j] - cells.place[i]
    common = np.zeros((int(cells.frame.max()) + 1, 2))
    area, intensity = cells.log_changes(i, j)
    weight = np.exp(-0.5 * (area**2 + intensity**2) / LIKENESS**2)
    bounds = np.flatnonzero(np.diff(cells.frame[i], prepend=-1, append=-1))
    for first, stop in pairwise(bounds):
        pairs = slice(first, stop)
        common[cells.frame[i[first]]] = _vote(way[pairs], weight[pairs], cells.step)
    return common


def _vote(way: FloatArray, weight: FloatArray, reach: float) -> FloatArray:
    """Find where most steps (p, 2) lie; 0 where that is no more than lie around 0."""
    width = 2 * reach / BINS
    bins = np.minimum(((way + reach) / width).astype(np.intp), BINS - 1)
    counts = np.bincount(bins[:, 0] * BINS + bins[:, 1], weights=weight, minlength=BINS**2)
    # Blurred counts times the area of the blur are the weights within about two blurs.
    within = 4 * np.pi * VOTE_BLUR**2
    votes = within * gaussian_filter(counts.reshape(BINS, BINS), VOTE_BLUR, mode="constant")
    middle = BINS // 2
    best = np.unravel_index(np.argmax(votes), votes.shape)
    still = votes[middle - 1 : middle + 1, middle - 1 : middle + 1].mean()
    if votes[best] - still < CLEAR_VOTE * np.sqrt(votes[best] + still):
        return np.zeros(2)
    peak = (np.array(best) + 0.5) * width - reach
    # From the middle of a bin to the middle of the steps around it.
    for _ in range(5):
        share = weight * np.exp(-0.5 * ((way - peak) ** 2).sum(axis=1) / (VOTE_BLUR * width) ** 2)
        peak = (share[:, None] * way).sum(axis=0) / share.sum()
    return np.asarray(peak)


def _is_least(index: IndexArray, value: FloatArray) -> BoolArray:
    """Whether each value is the least of its index."""
    least = np.full(int(index.max(initial=-1)) + 1, np.inf)
    np.minimum.at(least, index, value)
    return np.asarray(value <= least[index])
