"""Stacks of frames that are made when they are shown; no Qt."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def lazy_frames(
    read: Callable[[int], NDArray[Any]], n_frames: int, frame_shape: tuple[int, ...], dtype: Any
) -> Any:
    """Make a dask array that reads a frame when it is shown.

    Parameters
    ----------
    read
        Gives the array of frame t.
    n_frames, frame_shape, dtype
        Number, shape and type of the frames.

    Returns
    -------
    dask.array.Array
        Shape (n_frames, *frame_shape).
    """
    import dask.array as da

    def block(block_id: tuple[int, ...]) -> NDArray[Any]:
        return np.asarray(read(block_id[0]), dtype=dtype)[np.newaxis]

    return da.map_blocks(
        block,
        chunks=((1,) * n_frames, *((length,) for length in frame_shape)),
        dtype=dtype,
        meta=np.empty((0,) * (1 + len(frame_shape)), dtype),
        # dask would hash the movie, and so read it, to make a name.
        name=f"frames-{uuid.uuid4()}",
    )


def moved_frames(labels: NDArray[np.int32], frames: pd.DataFrame, pixel_size_um: float) -> Any:
    """Let the label image of a static movie follow the field, as the measurement did.

    Parameters
    ----------
    labels
        Label images, shape (1 or T, Y, X).
    frames
        One row per frame, with the drift since the first one.
    pixel_size_um
        Edge of a pixel.

    Returns
    -------
    array-like
        The labels as they are where there is one image per frame or no drift; otherwise a lazy
        stack (T, Y, X), moved by whole pixels.
    """
    drift = frames[["drift_y_um", "drift_x_um"]].to_numpy() / pixel_size_um
    shifts = np.rint(np.nan_to_num(drift)).astype(int)
    if len(labels) > 1 or not shifts.any():
        return labels
    first = labels[0]
    return lazy_frames(
        lambda t: moved(first, *map(int, shifts[t])), len(shifts), first.shape, first.dtype
    )


def moved(image: NDArray[np.int32], dy: int, dx: int) -> NDArray[np.int32]:
    """Move an image (Y, X) of outlines down and right; what enters is background."""
    height, width = image.shape
    result = np.zeros_like(image)
    kept = image[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
    y, x = max(0, dy), max(0, dx)
    result[y : y + kept.shape[0], x : x + kept.shape[1]] = kept
    return result
