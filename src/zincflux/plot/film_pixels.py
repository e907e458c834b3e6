"""Pixels of a film: of the movie, of the cells, and the stripes of cells beyond the range."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import Image, Labels


class Resample:
    """From pixels of the movie to those of the film."""

    def __init__(self, source: tuple[int, int], shape: tuple[int, int]) -> None:
        self.shape = shape
        self._nearest = [
            np.minimum(((np.arange(new) + 0.5) * old / new).astype(int), old - 1)
            for old, new in zip(source, shape, strict=True)
        ]
        self._is_smaller = shape[0] < source[0] or shape[1] < source[1]
        self._starts = [
            (np.arange(new) * old / new).astype(int) for old, new in zip(source, shape, strict=True)
        ]
        self._counts = [
            np.diff(np.append(starts, old))
            for starts, old in zip(self._starts, source, strict=True)
        ]

    def nearest(self, image: Image) -> Image:
        """Take the nearest pixel: labels must not be mixed."""
        rows, columns = self._nearest
        return np.asarray(image[rows][:, columns])

    def mean(self, image: Image) -> Image:
        """Take the mean of the pixels that fall on one, or repeat them."""
        if not self._is_smaller:
            return self.nearest(image)
        rows = np.add.reduceat(image, self._starts[0], axis=0) / self._counts[0][:, None]
        return np.asarray(np.add.reduceat(rows, self._starts[1], axis=1) / self._counts[1])


def edges_of(labels: Labels) -> NDArray[np.bool_]:
    """Tell the inner edge of every label."""
    edge = np.zeros(labels.shape, dtype=bool)
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    return edge & (labels > 0)


def stripes(shape: tuple[int, ...], period: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which pixels lie between rising stripes, and which between falling ones."""
    wide = max(period, 2)
    y, x = np.ogrid[: shape[0], : shape[1]]
    return (x + y) // wide % 2 == 1, (x - y) // wide % 2 == 1
