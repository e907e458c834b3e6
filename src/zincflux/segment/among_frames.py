"""Choosing the cells of a frame by what lies there in the frames around."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray, Labels
from zincflux.segment.candidates import Candidates, Scene, only
from zincflux.segment.choice import (
    areas,
    better_of,
    choose,
    found_again,
    gains,
    painted,
    renumbered,
    shared_px,
)
from zincflux.segment.company import COVERED, OVERLAP, SIGNS, company, members
from zincflux.segment.hierarchy import Hierarchy
from zincflux.segment.recut import recut
from zincflux.segment.sums import IntArray

COUPLING = 4.0
"""Gain, in log-odds, of a candidate that is there in all frames around, over one that is nowhere.
This and the next three were chosen on simulated movies (seeds 0 and 1), in coarse steps."""

EVEN_OVERLAP = 0.4
"""Overlap (IoU) with a cell of another frame that speaks neither for nor against a candidate."""

FADING = 0.7
"""Weight of the frames two off, relative to that of the next ones."""

LENIENCE = 0.5
"""Log-odds by which a candidate may be less likely than in a single image: to miss a cell breaks
its trace, and what is no cell hardly lasts."""

Network = Callable[[FloatArray], FloatArray]
"""Gives the probability of each candidate (N,) from its looks and its company, (N, columns)."""


def choose_among(
    own: Candidates, scene: Scene, around: Mapping[int, Labels], network: Network
) -> Labels:
    """Choose among the frame's own candidates, and those cut along the next frames' outlines.

    Parameters
    ----------
    own
        The frame's own candidates.
    scene
        The frame.
    around
        Label images (y, x) of the cells of the frames around, by how many frames they are off.
    network
        Says how likely a candidate is a cell.

    Returns
    -------
    numpy.ndarray
        Cells of the pixels of the pieces (`Candidates.inside`), ids 1…n, (m,).
    """
    judge = Judge.of(own, scene.area_px, around, network)
    cells, gain = judge.best(own.tree, own.looks, own.of_inside)
    cuts = []
    for distance in (-1, 1):
        if distance in around:
            pieces = recut(own.of_inside, own.inside, around[distance], scene.area_px)
            cuts.append(only(pieces, _worth_a_look(own, cells, pieces)))
    for other in _best_of_cuts(judge, own, scene, [cut for cut in cuts if cut.any()]):
        cells, gain = better_of(cells, gain, *other)
    return cells


def _best_of_cuts(
    judge: Judge, own: Candidates, scene: Scene, cuts: Sequence[Labels]
) -> Iterator[tuple[Labels, FloatArray]]:
    """Cells (m,) of the best choice in each of several cuts (m,) of the same pixels, and worth."""
    if not cuts:
        return
    images = np.zeros((len(cuts), own.pieces.size), dtype=np.int32)
    images[:, own.inside] = cuts
    found = scene.grown([image.reshape(own.pieces.shape) for image in images])
    first, numbered = 0, []
    for cut in cuts:
        numbered.append(np.where(cut > 0, cut + first, 0))
        first += int(cut.max())
    cells, gain = judge.best(*found, np.stack(numbered))
    for part in cells:
        alone, former = renumbered(part)
        yield alone, gain[former - 1]


def _worth_a_look(own: Candidates, cells: Labels, pieces: Labels) -> NDArray[np.bool_]:
    """Find the clumps in which another cut offers more than the cells that were chosen.

    It offers nothing where every piece of it is a cell already, or one of the frame's own pieces.

    Parameters
    ----------
    own
        Candidates of the frame itself.
    cells
        Cells chosen so far, of the pixels of the pieces, (m,).
    pieces
        The other cut of these pixels, ids 1…k, (m,).

    Returns
    -------
    numpy.ndarray
        Booleans of the pieces of the other cut, (k,).
    """
    known = np.where(cells > 0, cells, own.of_inside + int(cells.max(initial=0)))
    fresh = ~found_again(pieces, known)[1:]
    mine, other, _ = shared_px(own.of_inside, pieces)
    touched = np.zeros(own.tree.n_leaves, dtype=bool)
    touched[mine[fresh[other - 1]] - 1] = True
    result = np.zeros(fresh.size, dtype=bool)
    result[other[own.whole_clumps(touched)[mine - 1]] - 1] = True
    return result


@dataclass(frozen=True, eq=False)
class Judge:
    """Says which candidates for some pixels are the best, knowing the frames around.

    Attributes
    ----------
    area_px
        Expected area of a cell, pixels.
    around
        Cells of these pixels (m,) in the frames around, by how many frames these are off.
    sizes
        Pixels of each of these cells.
    network
        How likely a candidate is a cell.
    """

    area_px: float
    around: Mapping[int, Labels]
    sizes: Mapping[int, IntArray]
    network: Network

    @classmethod
    def of(
        cls, own: Candidates, area_px: float, around: Mapping[int, Labels], network: Network
    ) -> Judge:
        """Look up the cells (y, x) of the frames around where a frame's own pieces are."""
        sizes = {d: areas(cells, int(cells.max(initial=0))) for d, cells in around.items()}
        here = {d: cells.take(own.inside) for d, cells in around.items()}
        return cls(area_px, here, sizes, network)

    def best(self, tree: Hierarchy, looks: FloatArray, pieces: Labels) -> tuple[Labels, FloatArray]:
        """Choose among candidates.

        Parameters
        ----------
        tree, looks
            The candidates.
        pieces
            Leaves at the pixels, (m,) or (cuts, m), ids 1…n.

        Returns
        -------
        tuple
            Cells of the best choice, as `pieces`, ids 1…k; and what they are worth, (k,).
        """
        around = {d: np.broadcast_to(cells, pieces.shape) for d, cells in self.around.items()}
        seen = company(members(tree, self.area_px), pieces, around, self.sizes)
        gain = gains(self.network(np.hstack([looks, seen]))) + LENIENCE * bool(around)
        gain = gain + COUPLING * agreement(seen)
        cells, nodes = painted(pieces, choose(tree, gain))
        return cells, gain[nodes]


def agreement(seen: FloatArray) -> FloatArray:
    """How far the frames around agree with each candidate: below 0 where other cells lie there.

    Parameters
    ----------
    seen
        The `company` of the candidates, (N, columns).
    """
    next_to, two_off = (
        seen[:, first + COVERED] * (seen[:, first + OVERLAP] - EVEN_OVERLAP)
        for first in (0, len(SIGNS))
    )
    result: FloatArray = (next_to + FADING * two_off) / (1 + FADING)
    return result
