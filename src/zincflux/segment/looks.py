"""How a candidate looks: numbers that tell a whole cell from a part, a clump or no cell."""

from __future__ import annotations

import numpy as np

from zincflux.movie import FloatArray
from zincflux.segment.contrast import Contrast
from zincflux.segment.filters import laplacian, laplacians
from zincflux.segment.hierarchy import DIP, Hierarchy
from zincflux.segment.sums import FIRST_BLOB, LIGHT, LOG, LOG_SQUARE, shape_signs

BLOB_SCALES = (0.15, 0.3, 0.6)
"""Scales (Gaussian sd) at which edges and bumps are measured, in cell diameters."""

LOOKS = (
    "roundness",
    "size",
    "elongation",
    "tails",
    "skewness",
    "brightness",
    "brightness spread",
    "fine edge",
    "edge",
    "coarse edge",
    "bump",
    "outline to background",
    "outline to frame",
    "dip to neighbours",
    "dip around",
    "dents",
    "inner dip",
    "inner step",
    "deepest inner dip",
    "largest inner step",
    "outer dip",
    "outer step",
    "outer contact",
    "noise",
    "brightness in image",
    "roundness if joined",
    "growth if joined",
    "tails if joined",
    "skewness if joined",
    "roundness if cut",
    "size if cut",
)
"""What is measured of each candidate, in the order of the columns of `looks`."""


def blob_images(contrast: Contrast, raised: FloatArray) -> list[FloatArray]:
    """Laplacians of brightness at three scales, and of the raised logarithm at the finest.

    Parameters
    ----------
    contrast
        Brightness above background, (y, x).
    raised
        Logarithm of brightness with a step at the outline, (y, x).

    Returns
    -------
    list
        Four images (y, x), positive on what is brighter than its surroundings.
    """
    scales = [scale * contrast.diameter_px for scale in BLOB_SCALES]
    images = [*laplacians(contrast.value, scales), laplacian(raised, scales[0], mode="reflect")]
    return [-(s**2) * image for s, image in zip([*scales, scales[0]], images, strict=True)]


def looks(tree: Hierarchy, area_px: float, noise: float, bright: float) -> FloatArray:
    """Measure every candidate; none of the numbers depends on units or on the pixel size.

    Parameters
    ----------
    tree
        The candidates, with the sums of `blob_images`.
    area_px
        Expected area of a cell, pixels.
    noise
        Logarithm of the threshold over the noise.
    bright
        Log brightness of the brighter cells of the image.

    Returns
    -------
    numpy.ndarray
        Shape (N, len(LOOKS)).
    """
    inside, outline = tree.sums.inside, tree.sums.outline
    area = inside[:, 0]
    mean = inside[:, LOG] / area
    light = np.maximum(inside[:, LIGHT], 1e-12)
    round_, elongation, tails, skewness = shape_signs(inside)
    size = np.log(area / area_px)
    length = outline[:, :3].sum(axis=1)
    touching = outline[:, 2]
    dip = np.where(touching > 0.5, mean - outline[:, 3] / np.maximum(touching, 1), 0.0)
    low, high = tree.sums.box[:, :2], -tree.sums.box[:, 2:]
    convex_length = 2 * (high - low + 1).sum(axis=1)
    columns = [
        round_,
        size,
        elongation,
        tails,
        skewness,
        mean,
        np.sqrt(np.maximum(inside[:, LOG_SQUARE] / area - mean**2, 0)),
        *(inside[:, FIRST_BLOB + k] / light for k in range(len(BLOB_SCALES))),
        inside[:, FIRST_BLOB + len(BLOB_SCALES)] / area,
        outline[:, 0] / length,
        outline[:, 1] / length,
        dip,
        dip * touching / length,
        length / convex_length,
        *(tree.seam[:, k] for k in (0, 1, 3, 4)),
        *_if_joined(tree, tree.seam[:, DIP : DIP + 3], np.zeros(3)).T,
        np.full(area.size, noise),
        mean - bright,
        *_alternatives(tree, np.stack([round_, size, tails, skewness], axis=1)),
    ]
    return np.stack(columns, axis=1)


def _if_joined(tree: Hierarchy, values: FloatArray, otherwise: FloatArray) -> FloatArray:
    """Values (N, k) of the node that each one is part of."""
    return np.where(tree.parent[:, None] >= 0, values[tree.parent], otherwise)


def _alternatives(tree: Hierarchy, shape: FloatArray) -> list[FloatArray]:
    """Shape of what the candidate would be joined into, and of what it was joined from."""
    round_, size = shape[:, 0], shape[:, 1]
    joined = _if_joined(tree, shape, np.zeros(4))
    joined[:, 1] -= np.where(tree.parent >= 0, size, 0)
    leaf = tree.children[:, 0] < 0
    first, second = tree.children.T
    area = tree.sums.inside[:, 0]
    parts = (round_[first] * area[first] + round_[second] * area[second]) / area
    smaller = np.minimum(size[first], size[second]) - size
    return [*joined.T, np.where(leaf, 1.0, parts), np.where(leaf, -3.0, smaller)]
