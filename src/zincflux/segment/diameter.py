"""The diameter of cells, read from the picture."""

from __future__ import annotations

import numpy as np

from zincflux.errors import ExperimentError
from zincflux.movie import Image
from zincflux.segment.candidates import find_candidates
from zincflux.segment.choice import LEAST_LIKENESS, chosen_cells
from zincflux.segment.contrast import measure_contrast, picture_area
from zincflux.segment.likeness import learnt
from zincflux.segment.outline import outline_levels
from zincflux.segment.pieces import areas

SMALLEST_TRIAL_PX = 6.0
"""Smallest diameter that is tried, pixels."""

TRIAL_RATIO = 1.5
"""Ratio of successive diameters that are tried: cells are found well within half of that."""

LARGEST_SIDE_PX = 640
"""Side of the middle part of a larger picture that is looked at."""

TRIAL_CONTRAST = 0.2
"""Least brightness of a cell while its diameter is estimated: the default of the segmenter."""


def estimate_diameter(image: Image, pixel_size_um: float) -> float:
    """Estimate the diameter of the cells of an image.

    Cells are looked for with diameters from 6 pixels to a third of the image. The one is taken
    with which most of what is seen looks like whole cells: the gain, as in `choose`, times the
    share of the light that they hold and the square of their mean probability is largest. The
    estimate is the diameter of a disc of the median area of the cells found with it.

    Parameters
    ----------
    image
        Pixels (Y, X) of any real dtype.
    pixel_size_um
        Edge of a pixel, µm.

    Returns
    -------
    float
        Diameter, µm.

    Raises
    ------
    ExperimentError
        If nothing in the image looks like a cell.

    Examples
    --------
    >>> y, x = np.mgrid[:96, :96]
    >>> discs = sum(np.hypot(y - b, x - a) < 10 for b, a in ((20, 30), (70, 25), (40, 75)))
    >>> round(estimate_diameter(discs * 100.0, 0.5))
    10
    """
    part = image[picture_area(image)]
    part = part[tuple(_middle(n) for n in part.shape)]
    best_gain, best_px, trial_px = 0.0, 0.0, SMALLEST_TRIAL_PX
    while trial_px <= min(part.shape, default=0) / 3:
        gain, found_px = _try(part, trial_px)
        if gain > best_gain:
            best_gain, best_px = gain, found_px
        trial_px *= TRIAL_RATIO
    if best_px == 0:
        raise ExperimentError(
            "segment.diameter_um: expected cells whose diameter can be estimated, found nothing in "
            "the image that looks like a cell. Set segment.diameter_um to a number."
        )
    return best_px * pixel_size_um


def _middle(n_pixels: int) -> slice:
    spare = max(0, n_pixels - LARGEST_SIDE_PX) // 2
    return slice(spare, n_pixels - spare)


def _try(image: Image, diameter_px: float) -> tuple[float, float]:
    """How well the cells found with a diameter explain the image, and their median diameter."""
    contrast = measure_contrast(image, diameter_px)
    found = None if contrast is None else find_candidates(contrast, TRIAL_CONTRAST)
    if contrast is None or found is None:
        return 0.0, 0.0
    likeness = learnt()(found.looks)
    cells, nodes = chosen_cells(found, likeness)
    if not nodes.size:
        return 0.0, 0.0
    level = outline_levels(cells, contrast)
    trimmed = np.where(contrast.value > level[cells], cells, 0)
    area = areas(trimmed)[1:]
    light = contrast.value[trimmed > 0].sum() / contrast.value[found.pieces > 0].sum()
    gain = np.sum(likeness[nodes] - LEAST_LIKENESS) * likeness[nodes].mean() ** 2 * light
    return float(gain), float(2 * np.sqrt(np.median(area) / np.pi)) * contrast.bins
