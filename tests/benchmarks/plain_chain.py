"""The segmentation that most people would write first, for comparison."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import gaussian, threshold_otsu
from skimage.segmentation import watershed


def plain_chain(image: np.ndarray, diameter_px: float) -> np.ndarray:
    """Gaussian, Otsu, distance transform, its maxima, watershed; specks are dropped.

    Parameters
    ----------
    image
        Pixels (Y, X).
    diameter_px
        Diameter of a cell: smoothing (0.07 of it), least distance of maxima (a third) and
        smallest area (0.15 discs) follow from it, as in `zincflux.segment.Watershed`.

    Returns
    -------
    numpy.ndarray
        Label image (Y, X).
    """
    smooth = gaussian(image.astype(float), max(0.5, 0.07 * diameter_px))
    if np.ptp(smooth) == 0:
        return np.zeros(image.shape, dtype=np.int32)
    mask = smooth > threshold_otsu(smooth)
    distance = ndimage.distance_transform_edt(mask)
    clumps, _ = ndimage.label(mask)
    peaks = peak_local_max(
        distance,
        min_distance=max(1, round(diameter_px / 3)),
        labels=clumps,
        exclude_border=False,
    )
    markers = np.zeros(image.shape, dtype=np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = watershed(-distance, markers, mask=mask)
    small = np.bincount(labels.ravel()) < 0.15 * np.pi / 4 * diameter_px**2
    return np.where(small[labels], 0, labels).astype(np.int32)
