"""Cells by one threshold: every connected bright area is a cell."""

from __future__ import annotations

import numpy as np
from skimage.filters import threshold_otsu
from skimage.measure import label as connected
from skimage.segmentation import expand_labels

from zincflux.movie import Image, Labels
from zincflux.segment.contrast import SIGNIFICANT, Contrast, measure_contrast, picture_area
from zincflux.segment.outline import draw, without_clouds
from zincflux.segment.pieces import select
from zincflux.segment.size import CellSize


class Otsu(CellSize):
    """Find cells as the bright side of one threshold on brightness above background.

    Touching cells stay together and dim ones beside bright ones are missed: for sparse, evenly
    bright cells only.

    References
    ----------
    .. [1] N. Otsu, "A threshold selection method from gray-level histograms", IEEE Trans. Syst.
       Man Cybern. 9 (1979) 62–66.

    Examples
    --------
    >>> y, x = np.mgrid[:64, :64]
    >>> image = np.hypot(y - 32, x - 20) < 9
    >>> int(Otsu(diameter_um=12)(image * 100.0, 0.65).max())
    1
    """

    def __call__(self, image: Image, pixel_size_um: float) -> Labels:
        """Find the cells of an image.

        Parameters
        ----------
        image
            Pixels (Y, X) of any real dtype.
        pixel_size_um
            Edge of a pixel, µm.

        Returns
        -------
        numpy.ndarray
            Label image (Y, X), int32, ids 1…n; all 0 where there are no cells.

        Raises
        ------
        ExperimentError
            If a cell would be smaller than a few pixels.
        """
        labels = np.zeros(image.shape, dtype=np.int32)
        inner = picture_area(image)
        contrast = measure_contrast(image[inner], self.diameter_px(pixel_size_um))
        if contrast is None:
            return labels
        threshold = _threshold(contrast)
        cells = without_clouds(connected(contrast.value > threshold, connectivity=1), contrast)
        level = np.full(int(cells.max(initial=0)) + 1, threshold)
        level[0] = np.inf
        # At full resolution a cell may reach a little beyond its bins.
        around = expand_labels(cells, distance=1).astype(np.int32)
        smallest, largest = self.area_limits_px(pixel_size_um)
        drawn = draw(around, contrast, level)
        labels[inner] = select(drawn, smallest, largest, exclude_border=self.exclude_border)
        return labels


def _threshold(contrast: Contrast) -> float:
    """Otsu's threshold, in an empty field the limit of what is significant."""
    noise = SIGNIFICANT * contrast.noise_sd
    return max(noise, float(threshold_otsu(contrast.value)))
