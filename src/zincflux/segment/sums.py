"""Sums over the pixels of pieces, from which every property of joined pieces follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

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
        mask = labels > 0
        index = labels[mask] - 1
        rows, columns = (axis.astype(np.float64) for axis in np.nonzero(mask))
        y, x = rows - (labels.shape[0] - 1) / 2, columns - (labels.shape[1] - 1) / 2
        g = log[mask]
        values = [*_powers(y, x), g, g * g, light[mask], *(blob[mask] for blob in blobs)]
        inside: FloatArray = np.stack(
            [np.bincount(index, value, minlength=n) for value in values], axis=1
        )
        box: FloatArray = np.full((n, 4), np.inf)
        for side, place in enumerate((rows, columns, -rows, -columns)):
            np.minimum.at(box[:, side], index, place)
        pairs, borders = _borders(labels, log, n)
        outline: FloatArray = np.zeros((n, 4))
        outline[:, :2] = _free_edges(labels, n)
        for partner in (0, 1):
            np.add.at(outline[:, 2:], pairs[:, partner], borders)
        return cls(inside, outline, box, pairs, borders)


def _powers(y: FloatArray, x: FloatArray) -> list[FloatArray]:
    """Products of powers in the order of `MOMENTS`; multiplying is much faster than raising."""
    of_y, of_x = [np.ones(y.size)], [np.ones(x.size)]
    for _ in range(4):
        of_y.append(of_y[-1] * y)
        of_x.append(of_x[-1] * x)
    return [of_y[power_y] * of_x[power_x] for power_y, power_x in MOMENTS]


def _facing(image: NDArray[Any], axis: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Pixels, and the ones after them along an axis."""
    last = image.shape[axis] - 1
    return np.take(image, range(last), axis=axis), np.take(image, range(1, last + 1), axis=axis)


def _free_edges(labels: Labels, n: int) -> FloatArray:
    """Edges towards background and towards the edge of the frame, shape (n, 2)."""
    edges = np.zeros((n + 1, 2))
    for axis in (0, 1):
        first, second = _facing(labels, axis)
        for one, other in ((first, second), (second, first)):
            edges[:, 0] += np.bincount(one[other == 0], minlength=n + 1)
        for side in (0, -1):
            edges[:, 1] += np.bincount(np.take(labels, side, axis=axis), minlength=n + 1)
    return edges[1:]


def _borders(labels: Labels, log: FloatArray, n: int) -> tuple[IntArray, FloatArray]:
    pairs, values = [], []
    for axis in (0, 1):
        first, second = _facing(labels, axis)
        meet = (first != second) & (first > 0) & (second > 0)
        pairs.append(np.sort(np.stack([first[meet], second[meet]], axis=1), axis=1) - 1)
        before, after = _facing(log, axis)
        values.append((before[meet] + after[meet]) / 2)
    value = np.concatenate(values)
    return pool(np.concatenate(pairs), np.stack([np.ones(value.size), value], axis=1), n)


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
