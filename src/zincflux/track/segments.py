"""Join segments of tracks: over gaps, and from a mother to her two daughters."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from zincflux.movie import FloatArray
from zincflux.track.assignment import assign
from zincflux.track.cells import BoolArray, Cells, IndexArray, near
from zincflux.track.motion import REACH, diameter_um

DIVISION_COST = 0.5
"""Cost of a division besides its fit: closing a gap goes first where both would explain."""

DAUGHTER_AREA = (0.2, 0.8)
"""Area of a daughter over that of her mother: half, give or take the error of the outlines."""

PAIR_AREA = (0.5, 1.5)
"""Area of both daughters over that of their mother; she rounds up before, and they spread after."""

OFF_CENTRE = 2.0
"""Cost of daughters whose middle lies a farthest step from the mother: they part to both sides."""

SISTER_AREA = 1.0
"""Cost of an e-fold difference of area between daughters."""

SISTER_BRIGHTNESS = 5.0
"""Cost of an e-fold difference of brightness: daughters share the mother's dye, about evenly."""

PROVEN_FRAMES = 3
"""Frames for which both daughters must be seen: a flicker of the outlines is no division."""

USUAL_FRAMES = 10
"""Frames before a division that the mother's area is taken from."""

_Pairs = tuple[IndexArray, IndexArray, FloatArray]


def chains(after: IndexArray) -> IndexArray:
    """Give each cell the number of its chain of links, (N,).

    Parameters
    ----------
    after
        Index of the next cell, -1 where there is none, (N,).
    """
    linked = np.flatnonzero(after >= 0)
    size = (after.size, after.size)
    graph = csr_array((np.ones(linked.size), (linked, after[linked])), shape=size)
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)


def close_gaps_and_divide(
    cells: Cells, after: IndexArray, *, max_gap_frames: int, divisions: bool
) -> tuple[IndexArray, IndexArray]:
    """Explain the starts of segments by gaps and divisions, for the least total cost.

    Parameters
    ----------
    cells
        All cells.
    after
        Link of each cell to the next frame, -1 where there is none, (N,).
    max_gap_frames
        Frames in a row that a cell may be missed for.
    divisions
        Whether a cell may divide.

    Returns
    -------
    after : numpy.ndarray
        The links with gaps closed, and mothers cut from their daughters.
    births : numpy.ndarray
        Index of the last cell of each mother and of the first of a daughter, (2 x divisions, 2).
    """
    has_before = np.zeros(after.size, dtype=bool)
    has_before[after[after >= 0]] = True
    starts = np.flatnonzero(~has_before)
    result = after.copy()
    i, j, cost = _gaps(cells, np.flatnonzero(after < 0), starts, max_gap_frames)
    lasts = _lasts(cells, after)
    mother, other, fit = _splits(cells, after, starts[lasts[starts]])
    meant = divisions | ~lasts[after[mother]]
    mother, other, fit = mother[meant], other[meant], fit[meant]
    chosen = assign(
        np.concatenate([i, mother]),
        np.concatenate([j, other]),
        np.concatenate([cost, fit + DIVISION_COST]),
    )
    gap, split = chosen[: i.size], chosen[i.size :]
    result[i[gap]] = j[gap]
    mother, first, second = mother[split], after[mother[split]], other[split]
    # Where only the new segment lasts, the outlines flickered and the cell goes on in it.
    divides = lasts[first]
    result[mother] = np.where(divides, -1, second)
    daughters = np.concatenate([first[divides], second[divides]])
    return result, np.column_stack([np.tile(mother[divides], 2), daughters])


def _gaps(cells: Cells, ends: IndexArray, starts: IndexArray, max_gap_frames: int) -> _Pairs:
    """Find ends and starts with up to `max_gap_frames` frames between them, or none.

    What is left of the first step are loose ends, so a jump may be longer here: an outline jumps
    where a cell rounds up or lets go of another.
    """
    found: list[_Pairs] = [(ends[:0], starts[:0], np.zeros(0))]
    jump = max(cells.step, REACH * diameter_um(cells.area))
    # A farthest step that is given leaves no longer one.
    for frames in range(2 if np.isfinite(cells.limit) else 1, max_gap_frames + 2):
        # The way of a wandering cell grows with the square root of the time.
        radius = jump if frames == 1 else cells.step * np.sqrt(frames)
        here, there = cells.place[ends], cells.place[starts]
        i, j = near(here, cells.frame[ends] + frames, there, cells.frame[starts], radius)
        square = ((here[i] - there[j]) ** 2).sum(axis=1)
        i, j = ends[i], starts[j]
        found.append((i, j, square / radius**2 + cells.change(i, j)))
    i, j, cost = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return i, j, cost


def _splits(cells: Cells, after: IndexArray, starts: IndexArray) -> _Pairs:
    """Find starts beside a cell that goes on, where both together replace the cell before.

    Returns
    -------
    tuple
        Cell before, the new cell beside it, and the cost.
    """
    mothers = np.flatnonzero(after >= 0)
    place, frame = cells.place, cells.frame
    # Daughters part by about their mother's diameter, however little other cells move.
    reach = max(cells.step, diameter_um(cells.area))
    i, j = near(place[mothers], frame[mothers] + 1, place[starts], frame[starts], reach)
    mother, other = mothers[i], starts[j]
    own = after[mother]
    whole = _usual_area(cells, after)[mother]
    share = cells.area[own] / whole, cells.area[other] / whole
    fits = _within(share[0] + share[1], PAIR_AREA)
    fits &= _within(share[0], DAUGHTER_AREA) & _within(share[1], DAUGHTER_AREA)
    middle = (place[own] + place[other]) / 2 - place[mother]
    cost = OFF_CENTRE * (middle**2).sum(axis=1) / reach**2
    cost += SISTER_AREA * np.log(share[0] / share[1]) ** 2
    bright = cells.relative_brightness
    cost += SISTER_BRIGHTNESS * np.nan_to_num(bright[own] - bright[other]) ** 2
    return mother[fits], other[fits], cost[fits]


def _usual_area(cells: Cells, after: IndexArray) -> FloatArray:
    """Median area over the last `USUAL_FRAMES` frames, for each cell.

    Where outlines of two cells ran together for a while, the cell that they seem to be is larger
    than usual, and when they part neither is half of the usual area.
    """
    area = pd.Series(cells.area).groupby(chains(after))
    usual = area.rolling(USUAL_FRAMES, min_periods=1).median()
    return np.asarray(usual.droplevel(0).sort_index(), dtype=np.float64)


def _lasts(cells: Cells, after: IndexArray) -> BoolArray:
    """Tell whether the cell is seen for `PROVEN_FRAMES` from here, or to the end of the movie."""
    last = after
    for _ in range(PROVEN_FRAMES - 2):
        last = np.where(last >= 0, after[last], -1)
    to_the_end = cells.frame > cells.frame.max() - PROVEN_FRAMES + 1
    return np.asarray((last >= 0) | to_the_end)


def _within(value: FloatArray, bounds: tuple[float, float]) -> BoolArray:
    return (value >= bounds[0]) & (value <= bounds[1])
