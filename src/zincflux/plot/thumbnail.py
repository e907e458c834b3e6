"""A small picture of the cells that were found, for pages that show many movies."""

from __future__ import annotations

import io
from collections.abc import Collection
from typing import Any

import numpy as np
from matplotlib.image import imsave
from numpy.typing import NDArray

from zincflux.movie import Image, Labels
from zincflux.plot.overlay import grey, outlines

MAX_BYTES = 60_000

_SIDES_PX = (320, 256, 192, 128, 96, 64, 32)
"""Longest side, tried in turn until the file is small enough."""

_GREYS = 48
"""More tell the eye nothing, and pack badly."""


def thumbnail(image: Image | None, labels: Labels, *, excluded: Collection[int] = ()) -> bytes:
    """Draw the outlines of the cells on a small grey image, as PNG of at most 60 kB.

    Parameters
    ----------
    image
        Grey image (Y, X); None for a black one.
    labels
        Label image (Y, X), 0 is background.
    excluded
        Numbers of cells that are outlined in another colour.

    Returns
    -------
    bytes
        The same for the same pixels.
    """
    out = np.asarray(sorted(excluded), dtype=np.int64)
    picture = np.zeros(labels.shape) if image is None else grey(image)
    for side in _SIDES_PX:
        packed = _png(_drawn(picture, labels, out, side))
        if len(packed) <= MAX_BYTES:
            break
    return packed


def _drawn(
    picture: NDArray[np.float64], labels: Labels, excluded: NDArray[np.int64], side: int
) -> NDArray[np.uint8]:
    step = -(-max(labels.shape) // side)
    height, width = (n // step * step or n for n in labels.shape)
    rows, columns = max(height // step, 1), max(width // step, 1)
    blocks = picture[:height, :width].reshape(rows, height // rows, columns, width // columns)
    level = np.round(blocks.mean(axis=(1, 3)) * (_GREYS - 1)) * (255 / (_GREYS - 1))
    small = np.repeat(level.astype(np.uint8)[..., None], 3, axis=2)
    lines = outlines(labels[: rows * step : step, : columns * step : step], excluded)
    drawn = lines[..., 3] > 0
    small[drawn] = lines[drawn, :3]
    return small


def _png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    nothing: dict[str, Any] = {"Software": None}
    imsave(buffer, pixels, format="png", metadata=nothing)
    return buffer.getvalue()
