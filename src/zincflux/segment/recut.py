"""Cutting the bright area of an image along the outlines of cells of another frame."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from zincflux.movie import Labels
from zincflux.segment.choice import areas, renumbered, shared_px
from zincflux.segment.sums import IntArray

MAJORITY = 0.5
"""Share of a piece that a cell must cover to have all of it."""

STRADDLING = 0.12
"""Area that a second cell must share with a piece so that the piece is cut, in areas of a cell."""


def recut(pieces: Labels, inside: IntArray, cells: Labels, area_px: float) -> Labels:
    """Divide the bright area among the cells of another frame.

    A piece goes as a whole to the cell that covers most of it, so that the image's own edges
    count. A piece that two cells share is cut where the nearer of them changes. A piece that no
    cell covers stays what it is.

    Parameters
    ----------
    pieces
        The image's own piece at each pixel of the bright area, ids 1…n, (m,).
    inside
        Places of these pixels in the flat image, in order, (m,).
    cells
        Label image (y, x) of the other frame's cells, moved to where they would be now.
    area_px
        Expected area of a cell, pixels.

    Returns
    -------
    numpy.ndarray
        New pieces of the same pixels, int32, ids 1…k, (m,).
    """
    n, largest = int(pieces.max(initial=0)) + 1, int(cells.max(initial=0))
    piece, cell, shared = shared_px(pieces, cells.take(inside))
    order = np.lexsort((shared, piece))
    piece, cell, shared = piece[order], cell[order], shared[order]
    last = np.flatnonzero(np.diff(piece, append=-1))
    owner = largest + np.arange(n)
    size = areas(pieces, n - 1)
    owned = last[shared[last] >= MAJORITY * size[piece[last]]]
    owner[piece[owned]] = cell[owned]
    # Of each piece's entries, the one before the last is that of its second cell.
    second = last[(last > 0) & (piece[last - 1] == piece[last])] - 1
    straddles = np.zeros(n, dtype=bool)
    straddles[piece[second]] = shared[second] >= STRADDLING * area_px
    result = owner[pieces]
    split = np.flatnonzero(straddles[pieces])
    result[split] = nearest_cell(cells, inside[split])
    return renumbered(result)[0]


def nearest_cell(cells: Labels, places: IntArray) -> IntArray:
    """Find the cell that is nearest to each of some pixels.

    Parameters
    ----------
    cells
        Label image (y, x).
    places
        Of the pixels in the flat image, (n,).

    Returns
    -------
    numpy.ndarray
        Ids, (n,); all 0 where there are no cells.
    """
    found = cells.take(places).astype(np.intp)
    lost = np.flatnonzero(found == 0)
    if not lost.size or not cells.any():
        return found
    way = ndimage.distance_transform_edt(cells == 0, return_distances=False, return_indices=True)
    found[lost] = cells[way[0].flat[places[lost]], way[1].flat[places[lost]]]
    return found
