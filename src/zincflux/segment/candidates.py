"""All the cells there might be in an image, and how each of them looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zincflux.movie import FloatArray, Labels
from zincflux.segment.contrast import Contrast
from zincflux.segment.fragments import bright_mask, cut, log_brightness, raise_cells, threshold_of
from zincflux.segment.hierarchy import Hierarchy, JoinWeights, grow
from zincflux.segment.looks import blob_images, looks
from zincflux.segment.sums import Sums


@dataclass(frozen=True, eq=False)
class Candidates:
    """Pieces of the bright area, and all that they are joined to.

    Attributes
    ----------
    pieces
        Label image (y, x) of the binned image, ids 1…n.
    tree
        Its first n nodes are the pieces.
    looks
        Shape (N, looks).
    """

    pieces: Labels
    tree: Hierarchy
    looks: FloatArray


def find_candidates(
    contrast: Contrast, minimum_contrast: float, weights: JoinWeights | None = None
) -> Candidates | None:
    """Cut what stands out of the background into bumps, and join them in all likely ways.

    Parameters
    ----------
    contrast
        Brightness above background.
    minimum_contrast
        See `bright_mask`.
    weights
        In which order pieces are joined.

    Returns
    -------
    Candidates or None
        None where nothing stands out.
    """
    mask = bright_mask(contrast, minimum_contrast)
    if not mask.any():
        return None
    threshold = threshold_of(contrast, minimum_contrast)
    brightness = log_brightness(contrast, threshold)
    blobs = blob_images(contrast, raise_cells(brightness, mask))
    pieces = cut(blobs[-1], mask)
    tree = grow(Sums.of(pieces, brightness, contrast.value, blobs), contrast.cell_area_px, weights)
    noise = float(np.log(threshold / contrast.noise_sd))
    bright = float(np.quantile(brightness[mask], 0.75))
    return Candidates(pieces, tree, looks(tree, contrast.cell_area_px, noise, bright))
