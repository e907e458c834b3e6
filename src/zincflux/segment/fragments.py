"""Cutting bright areas into pieces that are at most one cell each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import local_maxima
from skimage.segmentation import watershed

from zincflux.movie import FloatArray, Labels
from zincflux.segment.basins import fill_basins, flood
from zincflux.segment.contrast import SIGNIFICANT, Contrast, bin_down, bin_up
from zincflux.segment.filters import opened
from zincflux.segment.pieces import fill_holes


def bright_mask(contrast: Contrast, minimum_contrast: float) -> NDArray[np.bool_]:
    """Find the pixels that stand out of the background.

    Parameters
    ----------
    contrast
        Brightness above background.
    minimum_contrast
        Least brightness as a fraction of the bright level, which is Otsu's threshold among the
        significant pixels.

    Returns
    -------
    numpy.ndarray
        Booleans of the shape of ``contrast.value``, without specks and with small holes filled.
    """
    mask = contrast.value > threshold_of(contrast, minimum_contrast)
    if contrast.diameter_px > 8:
        mask = opened(mask)
    return fill_holes(mask.astype(np.int32), 0.5 * contrast.cell_area_px) > 0


def threshold_of(contrast: Contrast, minimum_contrast: float) -> float:
    """Brightness above background from which a pixel belongs to a cell.

    Parameters
    ----------
    contrast
        Brightness above background.
    minimum_contrast
        See `bright_mask`.
    """
    return max(SIGNIFICANT * contrast.noise_sd, minimum_contrast * contrast.bright_level)


def log_brightness(contrast: Contrast, threshold: float) -> FloatArray:
    """Logarithm of brightness over the threshold, 0 below it: equal steps for equal ratios.

    Dark spots that brighter pixels surround on all sides, such as nuclei that keep a dye out, are
    filled to the level of the lowest way out.

    Parameters
    ----------
    contrast
        Brightness above background.
    threshold
        `threshold_of` it.

    Returns
    -------
    numpy.ndarray
        Shape of ``contrast.value``, float64.
    """
    brightness = np.log(np.maximum(contrast.value, threshold) / threshold)
    # Half the resolution shows every dark nucleus, in a quarter of the time.
    step = 2 if contrast.diameter_px > 8 else 1
    coarse = bin_down(brightness, step)
    filled = fill_basins(coarse)
    raised = bin_up(np.where(filled > coarse, filled, 0.0), brightness.shape, step)
    result: FloatArray = np.maximum(brightness, raised)
    return result


def raise_cells(brightness: FloatArray, mask: NDArray[np.bool_]) -> FloatArray:
    """Give log brightness a step at the outline: that of a cell e times above the threshold.

    Parameters
    ----------
    brightness
        `log_brightness`, (Y, X).
    mask
        `bright_mask`, (Y, X).
    """
    return np.where(mask, brightness + 1.0, 0.0)


def cut(bumps: FloatArray, mask: NDArray[np.bool_]) -> Labels:
    """Cut the bright area into bumps, more than there are cells.

    Outlines, constrictions between touching cells, dips in brightness and the shoulder that a dim
    cell makes beside a bright one all show in the Laplacian of the logarithm of brightness.

    Parameters
    ----------
    bumps
        Negative Laplacian of `raise_cells` at a fraction of a cell's diameter, (Y, X).
    mask
        `bright_mask`, (Y, X).

    Returns
    -------
    numpy.ndarray
        Label image (Y, X), int32, ids 1…n.
    """
    height = np.where(mask, bumps, bumps.min() - 1.0)
    # Every maximum counts, however shallow: the pieces of a cell are joined by their looks later.
    summits = local_maxima(height, connectivity=2) & mask
    tops = ndimage.label(summits, structure=np.ones((3, 3)))[0].astype(np.int32)
    pieces = flood(-height, tops, mask)
    if pieces is None:
        pieces = watershed(-height, tops, mask=mask).astype(np.int32)
    return pieces
