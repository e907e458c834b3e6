"""What is asked of a picture before its cells are looked for: how large, and whether bright."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zincflux.movie import Image, Labels
from zincflux.segment.learned.basins import summits_of
from zincflux.segment.learned.cells import Predict, cells_of, predict
from zincflux.segment.learned.scaling import (
    BRIGHT_PERCENTILE,
    DARK_PERCENTILE,
    DIAMETER_PX,
    FloatImage,
    Scaled,
    inputs_of,
)
from zincflux.segment.pieces import areas
from zincflux.segment.size import SMALLEST_DIAMETER_PX

TRIALS_PX = (8.0, 14.0, 25.0, 45.0, 80.0, 140.0)
"""Diameters that are tried when none is given, pixels."""

SIDE_PX = 384
"""Side of the middle part that is looked at in each trial, after scaling."""

MIDDLE = 0.5
"""Median level of a picture, between its darkest and brightest, above which it may be inverted."""

CLEARLY = 1.1
"""How many times better the inverse of a picture must look for it to be called inverted."""

FEWEST = 3
"""Dark cells that must be seen before a picture is called inverted."""


@dataclass(frozen=True)
class Trial:
    """What was found with one diameter.

    Attributes
    ----------
    goodness
        Share of the light that lies in sure cells, less what is far from the common size; 0 to 1.
    diameter_px
        Diameter of a disc of the median area found; 0 if nothing was.
    n_cells
        Number of cells.
    """

    goodness: float
    diameter_px: float
    n_cells: int = 0


NOTHING = Trial(0.0, 0.0)


def estimated_px(network: Predict, image: Image) -> float:
    """Estimate the diameter of a picture's cells, pixels; 0 where nothing looks like a cell.

    The picture is looked at on several scales. The network tells the size of the cell that each
    pixel belongs to; the scale is taken on which cells have the size that it knows best, and are
    most surely seen. The estimate is the diameter of a disc of the median area found with it.

    Parameters
    ----------
    network
        What to ask.
    image
        Pixels (Y, X), all of them finite.
    """
    diameter = best_trial(network, image).diameter_px
    for _ in range(2 if diameter else 0):
        diameter = attempt(network, image, diameter).diameter_px or diameter
    return diameter if diameter >= SMALLEST_DIAMETER_PX else 0.0


def best_trial(network: Predict, image: Image) -> Trial:
    """Look for cells of all diameters that fit into a picture; give what was found best."""
    most = min(image.shape, default=0) / 1.5
    sizes = [trial for trial in TRIALS_PX if trial <= most] or [TRIALS_PX[0]]
    return max((attempt(network, image, size) for size in sizes), key=lambda t: t.goodness)


def is_inverted(network: Predict, image: Image, diameter_px: float | None = None) -> bool:
    """Tell whether a picture shows dark cells on a bright background.

    Only a picture most of which is bright is looked at again, with its brightness inverted.
    A layer of dark cells that leaves little background is not recognised.

    Parameters
    ----------
    network
        What to ask.
    image
        Pixels (Y, X), all of them finite.
    diameter_px
        Diameter of a cell; for each side the one that shows its cells best if not given.
    """
    if not image.size:
        return False
    low, middle, high = np.percentile(image, [DARK_PERCENTILE, 50.0, BRIGHT_PERCENTILE])
    if high <= low:
        low, high = image.min(), image.max()
    if middle - low < MIDDLE * (high - low):
        return False

    def seen(pixels: Image) -> Trial:
        if diameter_px is None:
            return best_trial(network, pixels)
        return attempt(network, pixels, diameter_px)

    there = seen(image.max() - image)
    return there.n_cells >= FEWEST and there.goodness > CLEARLY * seen(image).goodness


def attempt(network: Predict, image: Image, diameter_px: float) -> Trial:
    """Look for cells of one diameter in the middle of a picture."""
    side = round(SIDE_PX * diameter_px / DIAMETER_PX)
    scaled = Scaled.of(image[tuple(_middle(n, side) for n in image.shape)], diameter_px)
    if scaled is None:
        return NOTHING
    said = predict(network, inputs_of(scaled.level((slice(None), slice(None)))))
    labels = cells_of(said)
    area = areas(labels)[1:]
    if not area.size:
        return NOTHING
    found = float(2 * np.sqrt(np.median(area) / np.pi) / DIAMETER_PX)
    return Trial(_goodness(said, labels, found), found * diameter_px, area.size)


def _middle(length: int, side: int) -> slice:
    start = max(0, length - side) // 2
    return slice(start, start + side)


def _goodness(said: FloatImage, labels: Labels, found: float) -> float:
    """Judge what was found; ``found`` is the median diameter over the common one."""
    inside, depth, size = said
    area = areas(labels)[1:]
    told, sure = (
        np.bincount(labels.ravel(), values.ravel(), minlength=area.size + 1)[1:] / area
        for values in (size, inside)
    )
    disagreement = np.abs(told - 0.5 * np.log2(area * 4 / np.pi / DIAMETER_PX**2))
    top = np.clip(summits_of(labels, depth)[1:], 0, 1)
    light = float((sure * top * np.exp(-2 * disagreement) * area).sum() / area.sum())
    off = float(np.median(np.abs(told)))
    far = float(np.exp(-0.5 * off**2) * np.exp(-0.5 * np.log2(found) ** 2))
    return light * far
