"""A rectangle drawn in the image, and the mean of what it holds."""

from __future__ import annotations

import numpy as np

from zincflux.errors import ExperimentError
from zincflux.movie import FloatArray, Image

Region = tuple[int, int, int, int]
"""(y0, x0, y1, x1) in pixels from the top left corner; the end is not part of it."""


def check_order(region: Region | None, key: str) -> None:
    """Make sure that a rectangle holds at least one pixel.

    Raises
    ------
    ValueError
        If it is empty or starts before the image; pydantic turns it into its own report.
    """
    if region is None:
        return
    y0, x0, y1, x1 = region
    if not (0 <= y0 < y1 and 0 <= x0 < x1):
        raise ValueError(
            f"{key}: expected (y0, x0, y1, x1) in pixels with 0 <= y0 < y1 and 0 <= x0 < x1, "
            f"found {tuple(region)}"
        )


def cut_region(frame: Image, region: Region, *, key: str, shift: tuple[int, int] = (0, 0)) -> Image:
    """Cut a rectangle out of a frame.

    Parameters
    ----------
    frame
        Pixels (C, Y, X).
    region
        The rectangle, px, in the coordinates of the first frame.
    key
        Key of the experiment that names it, for the message.
    shift
        (dy, dx) in px by which the content of this frame has moved. What has left the frame is
        left out.

    Returns
    -------
    numpy.ndarray
        A view (C, y, x); empty where the rectangle has drifted out of view.

    Raises
    ------
    ExperimentError
        If the rectangle does not lie within the frame.
    """
    y0, x0, y1, x1 = region
    height, width = frame.shape[-2:]
    if y0 < 0 or x0 < 0 or y1 > height or x1 > width:
        raise ExperimentError(
            f"{key}: expected a rectangle (y0, x0, y1, x1) within the frame of {height} x {width} "
            f"px, found {tuple(region)}. Draw it again within the frame."
        )
    dy, dx = shift
    rows = slice(max(y0 + dy, 0), max(y1 + dy, 0))
    columns = slice(max(x0 + dx, 0), max(x1 + dx, 0))
    return frame[..., rows, columns]


def region_mean(
    frame: Image, region: Region, *, key: str, shift: tuple[int, int] = (0, 0)
) -> FloatArray:
    """Average a rectangle of a frame.

    Parameters
    ----------
    frame
        Pixels (C, Y, X); those that are not finite are left out.
    region, key, shift
        As in `cut_region`.

    Returns
    -------
    numpy.ndarray
        Mean of each channel in counts, shape (C,); NaN where nothing is in view.

    Raises
    ------
    ExperimentError
        If the rectangle does not lie within the frame.
    """
    pixels = np.asarray(cut_region(frame, region, key=key, shift=shift), dtype=np.float64)
    pixels = pixels.reshape(len(frame), -1)
    finite = np.isfinite(pixels)
    # Not nanmean, whose warning could only be silenced for all threads at once.
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(finite, pixels, 0.0).sum(axis=1) / finite.sum(axis=1))
