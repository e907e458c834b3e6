"""From a scaled picture to cells: the network tile by tile, and rules for what it says."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from zincflux.movie import FloatArray, Labels
from zincflux.segment.learned.basins import basins, doubtful
from zincflux.segment.learned.card import STRIDE_PX
from zincflux.segment.learned.scaling import (
    FloatImage,
    Scaled,
    inputs_of,
    interpolated,
    nearest,
    places_in,
)
from zincflux.segment.pieces import areas, drop

Predict = Callable[[FloatImage], FloatImage]
"""Maps inputs (2, Y, X) to probability, depth and size (3, Y, X)."""

TILE_PX, MARGIN_PX = 512, 48
"""Side of what one run of the network gives, and what it sees around that."""

BLOCK_PX, OVERLAP_PX = 2048, 128
"""Side of the part of a picture that is worked on at once, and what is seen around that."""

SHIFT_PX = 4
"""How far the middle of a cell may move from one block to the next."""

MOST_THREADS = 4


@dataclass(frozen=True)
class Rules:
    """What the network's word is made into cells by.

    Attributes
    ----------
    inside
        Least probability of a pixel.
    saddle
        Share of the lower summit above which two pieces are one cell.
    smoothing_px
        Blur of the depth.
    least_sure, least_top
        Least mean probability and summit of a cell.
    """

    inside: float = 0.5
    saddle: float = 0.92
    smoothing_px: float = 0.5
    least_sure: float = 0.72
    least_top: float = 0.3


RULES = Rules()
"""Set on images that check the training; none of them is held back or learnt from."""


def predict(network: Predict, inputs: FloatImage, threads: int | None = None) -> FloatImage:
    """Run the network tile by tile.

    Parameters
    ----------
    network
        What to run; its own work is done in one thread.
    inputs
        Shape (2, Y, X).
    threads
        Tiles at a time; as many as there are processors, up to four, if not given. The result is
        the same for any number.

    Returns
    -------
    numpy.ndarray
        Probability, depth and size, shape (3, Y, X).
    """
    height, width = inputs.shape[1:]
    spare = [(MARGIN_PX, MARGIN_PX + -n % STRIDE_PX) for n in (height, width)]
    padded = np.pad(inputs, [(0, 0), *spare], mode="symmetric")
    result = np.empty((3, height, width), dtype=np.float32)

    def tile(corner: tuple[int, int]) -> None:
        sides = [min(TILE_PX, n - c) for c, n in zip(corner, (height, width), strict=True)]
        around = [n + -n % STRIDE_PX + 2 * MARGIN_PX for n in sides]
        y, x = (slice(c, c + n) for c, n in zip(corner, around, strict=True))
        said = network(np.ascontiguousarray(padded[:, y, x]))
        middle = tuple(slice(MARGIN_PX, MARGIN_PX + n) for n in sides)
        y, x = (slice(c, c + n) for c, n in zip(corner, sides, strict=True))
        result[:, y, x] = said[:, *middle]

    corners = [(y, x) for y in range(0, height, TILE_PX) for x in range(0, width, TILE_PX)]
    threads = min(threads or min(os.cpu_count() or 1, MOST_THREADS), len(corners))
    if threads < 2:
        for corner in corners:
            tile(corner)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(tile, corners))
    return result


def cells_of(said: FloatImage, rules: Rules = RULES) -> Labels:
    """Make cells of what the network said (3, Y, X) about a scaled picture."""
    inside, depth = said[0], ndimage.gaussian_filter(said[1], rules.smoothing_px)
    labels = basins(depth, inside > rules.inside, rules.saddle)
    return drop(labels, doubtful(labels, inside, depth, rules.least_sure, rules.least_top))


def find(
    network: Predict, scaled: Scaled, shape: tuple[int, int], threads: int | None = None
) -> Labels:
    """Find the cells of a scaled picture, block by block.

    Blocks overlap; a cell belongs to the block that its middle lies in. What is held at once
    beside the picture and the result does not grow with the picture.

    Parameters
    ----------
    network
        What to run.
    scaled
        The picture.
    shape
        Height and width of the label image, those of the picture before it was scaled.
    threads
        See `predict`.

    Returns
    -------
    numpy.ndarray
        Label image (Y, X), int32, ids from 1.
    """
    labels, n_found = np.zeros(shape, dtype=np.int32), 0
    places = [places_in(new, old) for new, old in zip(shape, scaled.shape, strict=True)]
    for core in _blocks(scaled.shape):
        window = (_grown(core[0], scaled.shape[0]), _grown(core[1], scaled.shape[1]))
        said = predict(network, inputs_of(scaled.level(window)), threads)
        own = _own(cells_of(said), window, core, scaled.shape)
        where, at = zip(*map(_within, places, window), strict=True)
        n_found = _paste(labels[where], drawn(own, said[0], at), n_found)
    return labels


def _blocks(shape: tuple[int, int]) -> list[tuple[slice, slice]]:
    """Share a picture among blocks of about one size."""
    edges = []
    for length in shape:
        n_blocks = -(-length // BLOCK_PX)
        edges.append(np.linspace(0, length, n_blocks + 1).astype(int).tolist())
    rows, columns = ([slice(a, b) for a, b in pairwise(e)] for e in edges)
    return [(y, x) for y in rows for x in columns]


def _grown(span: slice, length: int) -> slice:
    return slice(max(0, span.start - OVERLAP_PX), min(length, span.stop + OVERLAP_PX))


def _own(
    labels: Labels,
    window: tuple[slice, slice],
    core: tuple[slice, slice],
    shape: tuple[int, int],
) -> Labels:
    """Keep the cells of a window whose middle lies in its core, or nearly so."""
    area = np.maximum(areas(labels), 1)
    foreign = np.zeros(area.size, dtype=bool)
    for axis, (seen, own, length) in enumerate(zip(window, core, shape, strict=True)):
        if seen == own:
            continue
        place = np.expand_dims(np.arange(seen.start, seen.stop, dtype=float), 1 - axis)
        weight = np.broadcast_to(place, labels.shape).ravel()
        middle = np.bincount(labels.ravel(), weight, minlength=area.size) / area
        foreign |= (own.start > 0) & (middle < own.start - SHIFT_PX)
        foreign |= (own.stop < length) & (middle >= own.stop + SHIFT_PX)
    return drop(labels, foreign)


def _within(places: FloatArray, span: slice) -> tuple[slice, FloatArray]:
    """Which pixels of the result lie in a span of the scaled picture, and where in it."""
    first, last = np.searchsorted(places, [span.start - 0.5, span.stop - 0.5])
    return slice(int(first), int(last)), places[first:last] - span.start


def drawn(labels: Labels, inside: FloatImage, at: tuple[FloatArray, ...]) -> Labels:
    """Draw cells with other pixels; their edges follow the probability between the pixels.

    Parameters
    ----------
    labels
        Label image (y, x) of a scaled picture.
    inside
        Probability of a cell, (y, x).
    at
        Where the rows and the columns of the result lie in it.
    """
    if labels.max(initial=0) == 0:
        return np.zeros([len(line) for line in at], dtype=np.int32)
    close = ndimage.maximum_filter(labels, 3)
    spread: NDArray[np.int32] = np.where(labels > 0, labels, close)
    is_inside = interpolated(inside, at[0], at[1]) > RULES.inside
    return np.where(is_inside, nearest(spread, at[0], at[1]), 0).astype(np.int32)


def _paste(into: Labels, labels: Labels, n_before: int) -> int:
    """Add cells to those of other blocks, unless they are there already; give their number."""
    area = areas(labels)
    free = np.bincount(labels.ravel(), (into == 0).ravel(), minlength=area.size)
    fresh = drop(labels, free <= 0.5 * area)
    np.copyto(into, fresh + np.int32(n_before), where=(fresh > 0) & (into == 0))
    return n_before + int(fresh.max(initial=0))
