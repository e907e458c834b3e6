"""What the network is to say about a picture whose cells are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import spsolve

from zincflux.movie import Labels
from zincflux.segment.learned.scaling import (
    DIAMETER_PX,
    FloatImage,
    levelled,
    nearest,
    places_in,
    resized,
    scaled_shape,
)
from zincflux.training.pictures import Picture

LIGHTEST, HEAVIEST = 0.6, 2.5
"""Limits of the weight of a cell's pixels."""

Example = NDArray[np.float16]
"""Brightness, inside a cell (0 or 1), depth, size and weight, shape (5, Y, X)."""


def example(picture: Picture) -> Example:
    """Scale a picture to the common cell size, and work out what is to be said about it."""
    shape = scaled_shape(picture.image.shape, picture.diameter_px)
    labels = nearest(picture.labels, *map(places_in, shape, picture.labels.shape))
    # A picture of whole numbers may be so bright that half precision does not hold it.
    parts: tuple[FloatImage, ...] = (
        levelled(resized(picture.image, shape)),
        (labels > 0).astype(np.float32),
        depth_in_cells(labels),
        sizes(labels),
        weights(labels),
    )
    return np.clip(np.stack(parts), -60000, 60000).astype(np.float16)


def depth_in_cells(labels: Labels) -> FloatImage:
    """Work out how deep each pixel lies in its cell: 0 outside, 1 where the cell is deepest.

    The depth is √(u/max u) with Δu = −1 inside the cell and u = 0 around it (Prandtl's stress
    function of a twisted rod). In a convex cell, however long or thin, √u is concave, so it has one
    summit, where the distance to the edge can have a ridge; between cells that touch it has a
    sharp valley. At the edge of the picture u is level: a cell that is cut is not pushed inwards.

    Parameters
    ----------
    labels
        Label image (Y, X).

    References
    ----------
    .. [1] L. G. Makar-Limanov, "Solution of Dirichlet's problem for the equation Δu = −1 in a
       convex region", Math. Notes 9 (1971) 52–53.
    """
    inside = labels > 0
    n = int(inside.sum())
    depth = np.zeros(labels.shape, dtype=np.float32)
    if n == 0:
        return depth
    number = np.full(labels.shape, -1, dtype=np.intp)
    number[inside] = np.arange(n)
    diagonal = np.zeros(labels.shape)
    ones, others = [], []
    for axis in (0, 1):
        low, high = _pairs(labels.shape, axis)
        # Half a pixel lies between the middle of a pixel and an edge of the cell.
        same = inside[low] & (labels[low] == labels[high])
        diagonal[low] += np.where(same, 1, 2)
        diagonal[high] += np.where(same, 1, 2)
        ones.append(number[low][same])
        others.append(number[high][same])
    one, other = np.concatenate(ones), np.concatenate(others)
    # A cell that fills the whole picture has no edge: its level is not defined.
    values = np.r_[np.full(2 * one.size, -1.0), diagonal[inside] + 1e-6]
    rows, columns = np.r_[one, other, np.arange(n)], np.r_[other, one, np.arange(n)]
    system = sparse.csc_array((values, (rows, columns)), shape=(n, n))
    # Cells are apart in it, and each is small, so that it is soon solved directly.
    height = np.maximum(spsolve(system, np.ones(n), permc_spec="MMD_AT_PLUS_A"), 0)
    summit = np.zeros(int(labels.max()) + 1)
    np.maximum.at(summit, labels[inside], height)
    depth[inside] = np.sqrt(height / summit[labels[inside]])
    return depth


def _pairs(shape: tuple[int, ...], axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Select all pixels that have a next one along an axis, and these next ones."""
    low, high = [slice(None)] * len(shape), [slice(None)] * len(shape)
    low[axis], high[axis] = slice(None, -1), slice(1, None)
    return tuple(low), tuple(high)


def sizes(labels: Labels) -> FloatImage:
    """Binary logarithm of the diameter of each pixel's cell over the common one; 0 outside."""
    area = np.bincount(labels.ravel()).astype(float)
    area[0] = np.pi / 4 * DIAMETER_PX**2
    diameter = np.sqrt(np.maximum(area, 1) * 4 / np.pi)
    return np.asarray(np.log2(diameter / DIAMETER_PX)[labels], dtype=np.float32)


def weights(labels: Labels) -> FloatImage:
    """Weight of each pixel: a small cell is worth as much as a large one, within limits."""
    area = np.bincount(labels.ravel()).astype(float)
    present = area[1:][area[1:] > 0]
    if not present.size:
        return np.ones(labels.shape, dtype=np.float32)
    weight = np.clip(np.sqrt(np.median(present) / np.maximum(area, 1)), LIGHTEST, HEAVIEST)
    weight[0] = 1
    return np.asarray(weight[labels], dtype=np.float32)
