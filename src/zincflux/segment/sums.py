"""Sums over the pixels of pieces, from which every property of joined pieces follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray, Labels

IntArray = NDArray[np.intp]

MOMENTS = tuple((order - x, x) for order in range(5) for x in range(order + 1))
"""Powers (of y, of x) whose sums are kept: all up to the fourth order, area first."""

LOG, LOG_SQUARE, LIGHT, FIRST_BLOB = (len(MOMENTS) + k for k in range(4))
"""Columns of Σ log brightness, Σ its square, Σ brightness, and of the blob images after them."""


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums that stay true when pieces are joined: they are added.

    Attributes
    ----------
    inside
        Per piece, sums over its pixels: the `MOMENTS` (from the middle of the image), log
        brightness, its square, brightness, each blob image; shape (n, columns).
    outline
        Per piece: edges of pixels towards background, towards the edge of the frame, towards
        other pieces, and Σ log brightness along the last; shape (n, 4).
    box
        Per piece: least y, least x, −largest y, −largest x; shape (n, 4). Joined by the minimum.
    pairs
        Neighbouring pieces, smaller index first, shape (m, 2).
    borders
        Per pair: edges of pixels between them, Σ log brightness along these; shape (m, 2).
    """

    inside: FloatArray
    outline: FloatArray
    box: FloatArray
    pairs: IntArray
    borders: FloatArray

    @classmethod
    def of(
        cls, labels: Labels, log: FloatArray, light: FloatArray, blobs: Sequence[FloatArray] = ()
    ) -> Sums:
        """Sum up a label image (Y, X) with ids 1…n.

        Parameters
        ----------
        labels
            Label image (Y, X) of the pieces, ids 1…n.
        log, light
            Logarithm of brightness, and brightness, (Y, X).
        blobs
            Further images (Y, X) to be summed.
        """
        n = int(labels.max(initial=0))
        pixels = np.flatnonzero(labels)
        owner = labels.take(pixels).astype(np.intp) - 1
        g = log.take(pixels)
        values = [g, g * g, light.take(pixels), *(blob.take(pixels) for blob in blobs)]
        sums = [np.bincount(owner, value, minlength=n) for value in values]
        moments, box = _geometry(pixels, owner, n, labels.shape)
        pairs, borders, free = _edges(labels, log, n)
        outline: FloatArray = np.zeros((n, 4))
        outline[:, 0], outline[:, 1] = free, _frame_edges(labels, n)
        for partner in (0, 1):
            np.add.at(outline[:, 2:], pairs[:, partner], borders)
        return cls(np.stack([*moments, *sums], axis=1), outline, box, pairs, borders)


def _geometry(
    pixels: IntArray, owner: IntArray, n: int, shape: tuple[int, ...]
) -> tuple[FloatArray, FloatArray]:
    """Sum up the `MOMENTS` and find the boxes, from the runs of a piece's pixels along the rows."""
    row, column = np.divmod(pixels, shape[1])
    fresh = np.ones(pixels.size, dtype=bool)
    fresh[1:] = (np.diff(pixels) > 1) | (column[1:] == 0) | (np.diff(owner) != 0)
    first = np.flatnonzero(fresh)
    last = np.append(first[1:], pixels.size)[: first.size] - 1
    owner, row, low, high = owner[first], row[first], column[first], column[last]
    along = _sums_of_powers(low - (shape[1] - 1) / 2, (high - low + 1).astype(np.float64))
    y: FloatArray = row - (shape[0] - 1) / 2
    powers: list[FloatArray] = [np.ones(y.size)]
    for _ in range(4):
        powers.append(powers[-1] * y)
    moments: FloatArray = np.stack(
        [np.bincount(owner, powers[p] * along[q], minlength=n) for p, q in MOMENTS]
    )
    box: FloatArray = np.full((4, n), np.inf)
    for side, place in zip(box, (row, low, -row, -high), strict=True):
        # Without a change of type on the way it is many times faster.
        np.minimum.at(side, owner, place.astype(np.float64))
    return moments, box.T


def _sums_of_powers(start: FloatArray, length: FloatArray) -> list[FloatArray]:
    """Σ x^k over runs of pixels, k = 0…4; about their middles, which loses no digits."""
    x = start + (length - 1) / 2
    second = length * (length**2 - 1) / 12
    fourth = second * (3 * length**2 - 7) / 20
    xx = x * x
    return [
        length,
        length * x,
        length * xx + second,
        (length * xx + 3 * second) * x,
        (length * xx + 6 * second) * xx + fourth,
    ]


def _edges(labels: Labels, log: FloatArray, n: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Pairs and borders as in `Sums`, and edges towards background, shape (n,)."""
    flat, width = labels.ravel(), labels.shape[1]
    right = np.flatnonzero(flat[1:] != flat[:-1])
    right = right[(right + 1) % width > 0]
    down = np.flatnonzero(flat[width:] != flat[:-width])
    before = np.concatenate([right, down])
    after = np.concatenate([right + 1, down + width])
    one, other = flat.take(before), flat.take(after)
    low, high = (pick(one, other).astype(np.intp) for pick in (np.minimum, np.maximum))
    free = np.bincount(high[low == 0], minlength=n + 1)[1:].astype(np.float64)
    meet = np.flatnonzero(low)
    value = (log.take(before[meet]) + log.take(after[meet])) / 2
    pairs = np.stack([low[meet], high[meet]], axis=1) - 1
    return *pool(pairs, np.stack([np.ones(value.size), value], axis=1), n), free


def _frame_edges(labels: Labels, n: int) -> FloatArray:
    """Edges towards the edge of the frame, shape (n,)."""
    sides = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return np.bincount(sides, minlength=n + 1)[1:].astype(np.float64)


def pool(pairs: IntArray, borders: FloatArray, n: int) -> tuple[IntArray, FloatArray]:
    """Add up what belongs to the same pair.

    Parameters
    ----------
    pairs
        Pairs of indices below `n`, smaller one first, shape (k, 2).
    borders
        What is added, shape (k, columns).
    n
        Number of pieces.

    Returns
    -------
    tuple
        Each pair once, shape (m, 2), in order; and its sums, shape (m, columns).
    """
    key, group = np.unique(pairs[:, 0].astype(np.int64) * n + pairs[:, 1], return_inverse=True)
    summed = [np.bincount(group.ravel(), column, minlength=key.size) for column in borders.T]
    return np.stack([key // max(n, 1), key % max(n, 1)], axis=1), np.stack(summed, axis=1)


def spread(inside: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Second central moments yy, yx, xx of pieces, each of shape (n,).

    Parameters
    ----------
    inside
        As in `Sums`, shape (n, columns).
    """
    area = inside[:, 0]
    y, x = inside[:, 1] / area, inside[:, 2] / area
    # A pixel is a square: its own second moment is 1/12.
    yy = inside[:, 3] / area - y * y + 1 / 12
    xx = inside[:, 5] / area - x * x + 1 / 12
    return yy, inside[:, 4] / area - y * x, xx


def roundness(inside: FloatArray) -> FloatArray:
    """Area over that of the ellipse with the same second moments: 1 for an ellipse, else less.

    Parameters
    ----------
    inside
        As in `Sums`, shape (n, columns).
    """
    yy, yx, xx = spread(inside)
    result: FloatArray = inside[:, 0] / (4 * np.pi * np.sqrt(np.maximum(yy * xx - yx * yx, 1e-9)))
    return result


def shape_signs(inside: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Four numbers that a rotation, a stretch and a change of size leave as they are, or nearly.

    Parameters
    ----------
    inside
        As in `Sums`, shape (n, columns).

    Returns
    -------
    tuple
        Roundness; logarithm of the ratio of the axes; logarithm of the fourth moment over that of
        an ellipse (above 0: dumb-bells, tails; below: rings); squared skewness (0 for an
        ellipse). Each of shape (n,).
    """
    yy, yx, xx = spread(inside)
    det = np.maximum(yy * xx - yx * yx, 1e-9)
    middle = (yy + xx) / 2
    long = middle + np.sqrt(np.maximum(middle**2 - det, 0))
    central = _central(inside)
    # The inverse of the second moments measures every distance in units of the ellipse.
    iyy, iyx, ixx = xx / det, -yx / det, yy / det
    fourth = (
        iyy**2 * central[4, 0]
        + 4 * iyy * iyx * central[3, 1]
        + (2 * iyy * ixx + 4 * iyx**2) * central[2, 2]
        + 4 * iyx * ixx * central[1, 3]
        + ixx**2 * central[0, 4]
    )
    third_y = iyy * central[3, 0] + 2 * iyx * central[2, 1] + ixx * central[1, 2]
    third_x = iyy * central[2, 1] + 2 * iyx * central[1, 2] + ixx * central[0, 3]
    skewness = iyy * third_y**2 + 2 * iyx * third_y * third_x + ixx * third_x**2
    # A uniform ellipse has 16/3.
    tailed = np.log(np.maximum(fourth, 0.1) * 3 / 16)
    return roundness(inside), np.log(long**2 / det) / 2, tailed, skewness


def _central(inside: FloatArray) -> dict[tuple[int, int], FloatArray]:
    """Third and fourth moments about the centroid, by their powers of y and x."""
    area = inside[:, 0]
    raw = {powers: inside[:, k] / area for k, powers in enumerate(MOMENTS)}
    y, x = raw[1, 0], raw[0, 1]
    central: dict[tuple[int, int], FloatArray] = {}
    for p, q in MOMENTS:
        if p + q >= 3:
            terms = [
                comb(p, i) * comb(q, j) * (-y) ** (p - i) * (-x) ** (q - j) * raw[i, j]
                for i in range(p + 1)
                for j in range(q + 1)
            ]
            central[p, q] = np.sum(terms, axis=0)
    return central
