"""Joining pieces step by step into a tree, whose nodes are all the cells there might be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from zincflux.movie import FloatArray
from zincflux.segment.sums import LOG, IntArray, Sums, pool, roundness

DIP, STEP, CONTACT, DEEPEST_DIP, LARGEST_STEP = range(5)
"""Columns of `Hierarchy.seam`."""


class Tree(Protocol):
    """A tree of joins: first the pieces (leaves), then every join, later ones with larger index.

    Attributes
    ----------
    area
        Pixels of each node, shape (N,).
    children
        Per node, the two it was joined from; −1 for a leaf; shape (N, 2).
    parent
        Per node, what it was joined into; −1 for a root; shape (N,).
    rounds
        First and last + 1 index of the nodes that were made in each round; no node of a round
        is above another one.
    n_leaves
        Number of pieces.
    """

    @property
    def area(self) -> FloatArray: ...  # noqa: D102
    @property
    def children(self) -> IntArray: ...  # noqa: D102
    @property
    def parent(self) -> IntArray: ...  # noqa: D102
    @property
    def rounds(self) -> tuple[tuple[int, int], ...]: ...  # noqa: D102
    @property
    def n_leaves(self) -> int: ...  # noqa: D102


@dataclass(frozen=True)
class JoinWeights:
    """How much each sign counts for two neighbouring pieces being one cell.

    The sum of sign times weight ranks the pairs; only the order matters. The weights are those of
    a logistic regression, made by ``tests/benchmarks/fit_segmenter.py``, rounded.

    Attributes
    ----------
    roundness
        Area of both together over the area of the ellipse with the same second moments.
    size
        Logarithm of the area of both together over the expected area of a cell.
    dip
        How much darker their border is than the darker of the two (logarithm).
    step
        Difference of their mean brightness (logarithm).
    contact
        Length of their border over the square root of the smaller one's area.
    """

    roundness: float = 0.3
    size: float = -1.5
    dip: float = -7.7
    step: float = -4.8
    contact: float = 2.1

    def vector(self) -> FloatArray:
        """Weights in the order of the signs, shape (5,)."""
        return np.array([self.roundness, self.size, self.dip, self.step, self.contact])


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """A `Tree` whose nodes are known by their sums.

    Attributes
    ----------
    sums
        Sums of all nodes (N); its pairs are those of the leaves.
    seam
        Per node: dip, step and contact of the pair it was joined from (0 for a leaf), and the
        largest dip and step of all joins below it; shape (N, 5).
    children, parent, rounds, n_leaves
        See `Tree`.
    """

    sums: Sums
    seam: FloatArray
    children: IntArray
    parent: IntArray
    rounds: tuple[tuple[int, int], ...]
    n_leaves: int

    @property
    def area(self) -> FloatArray:
        """Pixels of each node, shape (N,)."""
        result: FloatArray = self.sums.inside[:, 0]
        return result


def signs(inside: FloatArray, pairs: IntArray, borders: FloatArray, area_px: float) -> FloatArray:
    """Signs that two neighbours are one cell, in the order of `JoinWeights`.

    Parameters
    ----------
    inside, pairs, borders
        As in `Sums`.
    area_px
        Expected area of a cell, pixels.

    Returns
    -------
    numpy.ndarray
        Shape (m, 5).
    """
    first, second = inside[pairs[:, 0]], inside[pairs[:, 1]]
    both = first + second
    mean_first, mean_second = first[:, LOG] / first[:, 0], second[:, LOG] / second[:, 0]
    at_border = borders[:, 1] / borders[:, 0]
    smaller = np.minimum(first[:, 0], second[:, 0])
    return np.stack(
        [
            roundness(both),
            np.log(both[:, 0] / area_px),
            np.minimum(mean_first, mean_second) - at_border,
            np.abs(mean_first - mean_second),
            borders[:, 0] / np.sqrt(smaller),
        ],
        axis=1,
    )


def grow(leaves: Sums, area_px: float, weights: JoinWeights | None = None) -> Hierarchy:
    """Join neighbours, the likeliest first, until only pieces without neighbours are left.

    In every round the pairs are joined that are the best choice of both partners.

    Parameters
    ----------
    leaves
        Sums of the pieces.
    area_px
        Expected area of a cell, pixels.
    weights
        How much each sign counts.
    """
    vector = (weights or JoinWeights()).vector()
    n = len(leaves.inside)
    most = 2 * n
    inside, outline, box = (
        np.concatenate([part, np.zeros_like(part)])
        for part in (leaves.inside, leaves.outline, leaves.box)
    )
    seam, parent = np.zeros((most, 5)), np.full(most, -1)
    children, rounds, end = np.full((most, 2), -1), [], n
    pairs, borders = leaves.pairs, leaves.borders
    while len(pairs):
        found = signs(inside, pairs, borders, area_px)
        # Not "@", whose threads cost more than they save on so little.
        chosen = _mutual_choice(pairs, np.einsum("ms,s->m", found, vector), most)
        new = end + np.arange(len(chosen))
        a, b = pairs[chosen].T
        inside[new], box[new] = inside[a] + inside[b], np.minimum(box[a], box[b])
        outline[new] = outline[a] + outline[b]
        outline[new, 2:] -= 2 * borders[chosen]
        seam[new, :3] = found[chosen, 2:]
        seam[new, 3:] = np.maximum(np.maximum(seam[a, 3:], seam[b, 3:]), seam[new, :2])
        children[new, 0], children[new, 1], parent[a], parent[b] = a, b, new, new
        rounds.append((end, end + len(chosen)))
        end += len(chosen)
        pairs, borders = _renamed(pairs, borders, parent, rounds[-1])
    sums = Sums(inside[:end], outline[:end], box[:end], leaves.pairs, leaves.borders)
    return Hierarchy(sums, seam[:end], children[:end], parent[:end], tuple(rounds), n)


def _mutual_choice(pairs: IntArray, odds: FloatArray, n: int) -> IntArray:
    """Find the pairs that both partners prefer to all others."""
    # Ranks instead of odds: no two are equal, so nobody has two best partners.
    rank = np.empty(odds.size, dtype=np.int64)
    rank[np.argsort(odds, kind="stable")] = np.arange(odds.size)
    best = np.full(n, -1)
    np.maximum.at(best, pairs[:, 0], rank)
    np.maximum.at(best, pairs[:, 1], rank)
    return np.flatnonzero((rank == best[pairs[:, 0]]) & (rank == best[pairs[:, 1]]))


def _renamed(
    pairs: IntArray, borders: FloatArray, parent: IntArray, last: tuple[int, int]
) -> tuple[IntArray, FloatArray]:
    """Pairs of what is left after a round, those within one node left out."""
    to = np.where(parent >= last[0], parent, np.arange(parent.size))
    pairs = np.sort(to[pairs], axis=1)
    apart = pairs[:, 0] != pairs[:, 1]
    return pool(pairs[apart], borders[apart], parent.size)
