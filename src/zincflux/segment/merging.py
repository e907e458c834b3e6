"""Joining the pieces of a cell that was cut too often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray, Labels

IntArray = NDArray[np.intp]


@dataclass(frozen=True)
class JoinWeights:
    """How much each sign counts for two neighbouring pieces being one cell.

    The sum of sign times weight is the log-odds of it. The weights were fitted by logistic
    regression to neighbouring pieces of hand-drawn nuclei (Data Science Bowl 2018: every sixth
    image from the fourth on, which no test scores) and of simulated cells; then rounded.

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
    constant
        Log-odds when every sign is 0.
    """

    roundness: float = 3.3
    size: float = -4.1
    dip: float = -11.5
    step: float = -8.0
    contact: float = 2.6
    constant: float = -5.6

    def vector(self) -> FloatArray:
        """Weights in the order of the signs, shape (6,)."""
        return np.array(
            [self.roundness, self.size, self.dip, self.step, self.contact, self.constant]
        )


@dataclass(frozen=True, eq=False)
class Pieces:
    """Sums that stay true when pieces are joined.

    Attributes
    ----------
    sums
        Per piece: area, Σy, Σx, Σy², Σx², Σyx, Σ brightness; shape (n, 7).
    pairs
        Neighbouring pieces, smaller index first, shape (m, 2).
    borders
        Per pair: length of the border, Σ brightness along it; shape (m, 2).
    """

    sums: FloatArray
    pairs: IntArray
    borders: FloatArray

    @classmethod
    def of(cls, labels: Labels, brightness: FloatArray) -> Pieces:
        """Sum up a label image (Y, X) with ids 1…n and its log brightness (Y, X)."""
        n = int(labels.max(initial=0))
        inside = labels > 0
        y, x = (axis.astype(np.float64) for axis in np.nonzero(inside))
        index, g = labels[inside] - 1, brightness[inside]
        columns = (np.ones(g.size), y, x, y * y, x * x, y * x, g)
        sums = [np.bincount(index, column, minlength=n) for column in columns]
        return cls(np.stack(sums, axis=1), *_borders(labels, brightness, n))


def _borders(labels: Labels, brightness: FloatArray, n: int) -> tuple[IntArray, FloatArray]:
    pairs, values = [], []
    for axis in (0, 1):
        first = np.take(labels, range(labels.shape[axis] - 1), axis=axis)
        second = np.take(labels, range(1, labels.shape[axis]), axis=axis)
        meet = (first != second) & (first > 0) & (second > 0)
        mean = np.take(brightness, range(labels.shape[axis] - 1), axis=axis)[meet]
        mean = (mean + np.take(brightness, range(1, labels.shape[axis]), axis=axis)[meet]) / 2
        pairs.append(np.sort(np.stack([first[meet], second[meet]], axis=1), axis=1) - 1)
        values.append(mean)
    value = np.concatenate(values)
    return _pool(np.concatenate(pairs), np.stack([np.ones(value.size), value], axis=1), n)


def _pool(pairs: IntArray, borders: FloatArray, n: int) -> tuple[IntArray, FloatArray]:
    """Add up what belongs to the same pair."""
    key, group = np.unique(pairs[:, 0].astype(np.int64) * n + pairs[:, 1], return_inverse=True)
    summed = [np.bincount(group.ravel(), column, minlength=key.size) for column in borders.T]
    return np.stack([key // max(n, 1), key % max(n, 1)], axis=1), np.stack(summed, axis=1)


def signs(pieces: Pieces, cell_area_px: float) -> FloatArray:
    """Signs that two neighbours are one cell, in the order of `JoinWeights`.

    Parameters
    ----------
    pieces
        The pieces.
    cell_area_px
        Expected area of a cell, pixels.

    Returns
    -------
    numpy.ndarray
        Shape (m, 6).
    """
    first, second = pieces.sums[pieces.pairs[:, 0]], pieces.sums[pieces.pairs[:, 1]]
    both = first + second
    mean_first, mean_second = first[:, 6] / first[:, 0], second[:, 6] / second[:, 0]
    at_border = pieces.borders[:, 1] / pieces.borders[:, 0]
    smaller = np.minimum(first[:, 0], second[:, 0])
    return np.stack(
        [
            roundness(both),
            np.log(both[:, 0] / cell_area_px),
            np.minimum(mean_first, mean_second) - at_border,
            np.abs(mean_first - mean_second),
            pieces.borders[:, 0] / np.sqrt(smaller),
            np.ones(len(both)),
        ],
        axis=1,
    )


def roundness(sums: FloatArray) -> FloatArray:
    """Area over that of the ellipse with the same second moments: 1 for an ellipse, else less.

    Parameters
    ----------
    sums
        As in `Pieces`, shape (n, 7).
    """
    area = sums[:, 0]
    y, x = sums[:, 1] / area, sums[:, 2] / area
    # A pixel is a square: its own second moment is 1/12.
    yy = sums[:, 3] / area - y * y + 1 / 12
    xx = sums[:, 4] / area - x * x + 1 / 12
    yx = sums[:, 5] / area - y * x
    result: FloatArray = area / (4 * np.pi * np.sqrt(np.maximum(yy * xx - yx * yx, 1e-9)))
    return result


def join(
    labels: Labels,
    brightness: FloatArray,
    cell_area_px: float,
    weights: JoinWeights | None = None,
) -> Labels:
    """Join pieces, the surest pairs first, until no pair is more likely one cell than two.

    In every round the pairs are joined that are the best choice of both partners.

    Parameters
    ----------
    labels
        Label image (Y, X) of the pieces, ids 1…n.
    brightness
        Logarithm of brightness, (Y, X).
    cell_area_px
        Expected area of a cell, pixels.
    weights
        How much each sign counts.

    Returns
    -------
    numpy.ndarray
        Label image (Y, X), int32; a cell has the lowest id of its pieces.
    """
    vector = (weights or JoinWeights()).vector()
    pieces = Pieces.of(labels, brightness)
    n = len(pieces.sums)
    name = np.arange(n)
    while len(pieces.pairs):
        to = _mutual_choice(pieces.pairs, signs(pieces, cell_area_px) @ vector, n)
        if np.array_equal(to, np.arange(n)):
            break
        name = to[name]
        pieces = _joined(pieces, to)
    return np.concatenate([[0], name + 1])[labels].astype(np.int32)


def _mutual_choice(pairs: IntArray, odds: FloatArray, n: int) -> IntArray:
    """Where each piece goes: to the partner that prefers it too, else to itself."""
    # Ranks instead of odds: no two are equal, so nobody has two best partners.
    rank = np.empty(odds.size, dtype=np.int64)
    rank[np.argsort(odds, kind="stable")] = np.arange(odds.size)
    best = np.full(n, -1)
    np.maximum.at(best, pairs[:, 0], rank)
    np.maximum.at(best, pairs[:, 1], rank)
    chosen = (odds > 0) & (rank == best[pairs[:, 0]]) & (rank == best[pairs[:, 1]])
    to = np.arange(n)
    to[pairs[chosen, 1]] = pairs[chosen, 0]
    return to


def _joined(pieces: Pieces, to: IntArray) -> Pieces:
    n = len(to)
    columns = [np.bincount(to, column, minlength=n) for column in pieces.sums.T]
    pairs = np.sort(to[pieces.pairs], axis=1)
    apart = pairs[:, 0] != pairs[:, 1]
    return Pieces(np.stack(columns, axis=1), *_pool(pairs[apart], pieces.borders[apart], n))
