"""All the cells there might be where the network sees summits: a tree of joins across passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray, Labels
from zincflux.segment.choice import shared_px
from zincflux.segment.learned.basins import Mask, basins, height_of, passes, summits_of
from zincflux.segment.learned.scaling import FloatImage
from zincflux.segment.pieces import areas
from zincflux.segment.recut import nearest_cell
from zincflux.segment.sums import IntArray

FINEST = 0.99
"""Share of the lower summit above which a pass is no reason to think of two cells."""

STRADDLING = 0.15
"""Area that each of two cells of another frame must share with a piece so that it is cut, in areas
of a cell."""

AS_IF_PASS = 0.95
"""Share of the lower summit that a cut counts as: where the network sees one summit, one cell is
the likelier."""

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Joins:
    """A `Tree` of the pieces of a frame, those joined first between which the pass is highest.

    Attributes
    ----------
    pieces
        Label image (y, x), ids 1…n.
    share
        Per node, the height of the pass it was joined across over the lower of both summits; 1 for
        a leaf; shape (N,).
    area, children, parent, rounds, n_leaves
        See `Tree`.
    n_uncut
        Leaves that are as the network sees them; these are the first ones.
    """

    pieces: Labels
    share: FloatArray
    area: FloatArray
    children: IntArray
    parent: IntArray
    rounds: tuple[tuple[int, int], ...]
    n_leaves: int
    n_uncut: int

    @classmethod
    def seen(cls, depth: FloatImage, inside: Mask) -> Joins:
        """Join the pieces that the network sees.

        Parameters
        ----------
        depth
            Depth in the cell, (y, x).
        inside
            Where there are cells, (y, x).
        """
        pieces = basins(depth, inside, FINEST)
        height = height_of(depth, inside)
        top = summits_of(pieces, height)[1:]
        one, other, level = passes(pieces - 1, height, top.size)
        found = zip(one.tolist(), other.tolist(), level.tolist(), strict=True)
        return cls.of(pieces, *_highest_first(top.tolist(), list(found)))

    @classmethod
    def of(
        cls,
        pieces: Labels,
        joins: Sequence[Pair],
        share: Sequence[float],
        n_uncut: int | None = None,
    ) -> Joins:
        """Make the tree of some joins.

        Parameters
        ----------
        pieces
            Label image (y, x), ids 1…n.
        joins
            The two nodes of each join; the first join makes the node n.
        share
            Height of each one's pass over the lower summit.
        n_uncut
            Leaves that are as the network sees them; all of them if not given.
        """
        leaves = areas(pieces)[1:].astype(np.float64)
        n, n_joins = leaves.size, len(joins)
        level = np.zeros(n + n_joins, dtype=np.intp)
        for node, pair in enumerate(joins, start=n):
            level[node] = 1 + max(level[pair[0]], level[pair[1]])
        order = np.argsort(level, kind="stable")
        number = np.empty_like(order)
        number[order] = np.arange(order.size)
        children = np.full((order.size, 2), -1)
        children[number[n:]] = number[np.array(joins, dtype=np.intp).reshape(-1, 2)]
        parent = np.full(order.size, -1)
        parent[children[n:]] = np.arange(n, order.size)[:, None]
        ends = np.cumsum(np.bincount(level[n:], minlength=1)[1:]) + n
        rounds = tuple(zip([n, *ends.tolist()], ends.tolist(), strict=False))
        area = np.concatenate([leaves, np.zeros(n_joins)])
        for start, stop in rounds:
            area[start:stop] = area[children[start:stop]].sum(axis=1)
        shares = np.concatenate([np.ones(n), share])[order]
        uncut = n if n_uncut is None else n_uncut
        return cls(pieces, shares, area, children, parent, rounds, n, uncut)

    def cut(self, cells: Labels, area_px: float) -> Joins:
        """Cut pieces along the outlines of another frame's cells.

        A piece that two cells share is cut where the nearer of them changes, unless it was cut
        before; its parts are joined again before anything else is joined to them.

        Parameters
        ----------
        cells
            Label image (y, x) of the other frame's cells, moved to where they would be now.
        area_px
            Expected area of a cell, pixels.
        """
        parts = _parts(self.pieces, self.n_uncut, cells, area_px)
        if parts is None:
            return self
        places, part, of_piece = parts
        cut = np.zeros(self.n_leaves, dtype=bool)
        cut[of_piece] = True
        whole = np.flatnonzero(~cut)
        node = np.full(self.parent.size, -1)
        node[whole] = np.arange(whole.size)
        pieces: Labels = np.append(0, node[: self.n_leaves] + 1).astype(np.int32)[self.pieces]
        pieces.flat[places] = whole.size + 1 + part
        joins: list[Pair] = []
        n = whole.size + of_piece.size
        for new, piece in enumerate(of_piece.tolist(), start=whole.size):
            if node[piece] >= 0:
                joins.append((int(node[piece]), new))
                node[piece] = n + len(joins) - 1
            else:
                node[piece] = new
        share = [AS_IF_PASS] * len(joins) + self.share[self.n_leaves :].tolist()
        for old in range(self.n_leaves, node.size):
            one, other = node[self.children[old]].tolist()
            joins.append((one, other))
            node[old] = n + len(joins) - 1
        return Joins.of(pieces, joins, share, whole.size - (self.n_leaves - self.n_uncut))


def _highest_first(
    top: list[float], found: list[tuple[int, int, float]]
) -> tuple[list[Pair], list[float]]:
    """Join neighbours until none is left, across the highest pass relative to the lower summit."""
    around: list[dict[int, float]] = [{} for _ in top]
    for one, other, level in found:
        around[one][other] = around[other][one] = level
    queue = [(-level / min(top[a], top[b]), a, b) for a, b, level in found]
    heapify(queue)
    joins: list[Pair] = []
    share: list[float] = []
    while queue:
        lowered, one, other = heappop(queue)
        if other not in around[one]:
            continue
        new = len(around)
        joins.append((one, other))
        share.append(-lowered)
        around.append(_united(around, one, other, new))
        top.append(max(top[one], top[other]))
        for third, level in around[new].items():
            heappush(queue, (-level / min(top[third], top[new]), third, new))
    return joins, share


def _united(around: Sequence[dict[int, float]], one: int, other: int, new: int) -> dict[int, float]:
    """Neighbours of two nodes together; for these, the two become a new one."""
    met: dict[int, float] = {}
    for node in (one, other):
        for third, level in around[node].items():
            if third not in (one, other):
                met[third] = max(level, met.get(third, level))
                del around[third][node]
        around[node].clear()
    for third, level in met.items():
        around[third][new] = level
    return met


def _parts(
    pieces: Labels, n_uncut: int, cells: Labels, area_px: float
) -> tuple[IntArray, NDArray[np.int64], IntArray] | None:
    """Cut those of the first pieces that two cells share.

    Returns
    -------
    tuple or None
        Places of the pixels of these pieces in the flat image; the part of each pixel, 0…k − 1;
        and the piece of each part, from 0, in order. None if there is no such piece.
    """
    piece, cell, shared = shared_px(pieces, cells)
    much = (shared >= STRADDLING * area_px) & (piece <= n_uncut)
    several = np.bincount(piece[much], minlength=int(pieces.max(initial=0)) + 1) > 1
    if not several.any():
        return None
    places = np.flatnonzero(several[pieces])
    much &= several[piece]
    piece, cell, shared = piece[much], cell[much], shared[much]
    width = int(cells.max()) + 1
    kept = piece * width + cell
    own = pieces.take(places).astype(np.int64) * width
    near = np.zeros_like(cells)
    is_kept = np.isin(own + cells.take(places), kept)
    near.flat[places[is_kept]] = cells.take(places[is_kept])
    key = own + nearest_cell(near, places)
    # What lies nearest to the cell of another piece goes to the largest of its own piece's.
    order = np.lexsort((shared, piece))
    largest = np.zeros(several.size, dtype=np.int64)
    largest[piece[order]] = kept[order]
    key = np.where(np.isin(key, kept), key, largest[pieces.take(places)])
    found, part = np.unique(key, return_inverse=True)
    return places, part.ravel(), (found // width - 1).astype(np.intp)
