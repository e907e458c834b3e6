"""Images moved by whole pixels: pixels of the movie are never interpolated."""

from __future__ import annotations

import numpy as np

from zincflux.movie import Image


def moved(image: Image, dy: int, dx: int) -> Image:
    """Move an image (Y, X) by whole pixels; what enters repeats the edge."""
    for axis, step in enumerate((dy, dx)):
        if step:
            image = _moved_along(image, axis, step)
    return image


def _moved_along(image: Image, axis: int, step: int) -> Image:
    n = image.shape[axis]
    step = int(np.clip(step, 1 - n, n - 1))
    edge, kept = (
        (slice(0, 1), slice(0, n - step)) if step > 0 else (slice(-1, None), slice(-step, n))
    )
    index = [slice(None)] * image.ndim
    index[axis] = edge
    entering = np.repeat(image[tuple(index)], abs(step), axis=axis)
    index[axis] = kept
    parts = [entering, image[tuple(index)]]
    return np.concatenate(parts if step > 0 else parts[::-1], axis=axis)
