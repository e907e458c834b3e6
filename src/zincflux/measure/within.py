"""Means over the surroundings of each pixel that never leave its cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray, Labels


def disc_px(diameter_px: float) -> NDArray[np.intp]:
    """List the pixels of a disc, relative to its centre.

    Parameters
    ----------
    diameter_px
        Diameter in pixels; below 2 only the centre is left.

    Returns
    -------
    numpy.ndarray
        Shape (k, 2) as (y, x).

    Examples
    --------
    >>> disc_px(2.0).tolist()
    [[-1, 0], [0, -1], [0, 0], [0, 1], [1, 0]]
    """
    reach = int(diameter_px / 2)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    inside = y**2 + x**2 <= (diameter_px / 2) ** 2
    return np.stack([y[inside], x[inside]], axis=1).astype(np.intp)


def mean_within_cells(
    values: FloatArray, labels: Labels, disc: NDArray[np.intp]
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Take the mean over a disc around each pixel of a cell, as far as it lies in the same cell.

    Parameters
    ----------
    values
        Numbers of the pixels of cells, row by row, shape (k, N); those that are not finite are
        left out of every mean.
    labels
        Label image (Y, X) with N pixels of cells.
    disc
        What `disc_px` gives.

    Returns
    -------
    mean
        Shape (k, N); NaN where no number is in reach.
    n
        How many pixels are in it, (k, N).
    """
    reach = int(np.abs(disc).max(initial=0))
    padded = np.pad(labels, reach)
    flat = padded.ravel()
    place = np.flatnonzero(flat)
    own = flat[place]
    known = np.isfinite(values)
    spread = np.zeros((len(values), flat.size))
    spread[:, place] = np.where(known, values, 0.0)
    # Counted once for all where every number is known, as it mostly is.
    counted = known[:1] if known.all() else known
    told = np.zeros((len(counted), flat.size), dtype=bool)
    told[:, place] = counted
    total, n = np.zeros(values.shape), np.zeros((len(told), len(place)), dtype=np.int64)
    for dy, dx in disc.tolist():
        near = place + (dy * padded.shape[1] + dx)
        same = flat.take(near) == own
        for part, source in zip(total, spread, strict=True):
            part += source.take(near) * same
        for part, source in zip(n, told, strict=True):
            part += source.take(near) & same
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n > 0, total / n, np.nan), np.broadcast_to(n, values.shape)
