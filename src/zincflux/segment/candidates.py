"""All the cells there might be in an image, and how each of them looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True, eq=False)
class Scene:
    """What of an image is needed to say how any part of it looks.

    Attributes
    ----------
    brightness
        Logarithm of brightness over the threshold, (y, x) of the binned image. All images are
        float64, or float32 once condensed.
    light
        Brightness above background, (y, x).
    blobs
        The images of `blob_images`, each (y, x).
    area_px
        Area of a round cell, binned pixels.
    noise
        Logarithm of the threshold over the noise.
    bright
        Log brightness of the brighter cells of the image.
    """

    brightness: NDArray[Any]
    light: NDArray[Any]
    blobs: tuple[NDArray[Any], ...]
    area_px: float
    noise: float
    bright: float

    def candidates(self, pieces: Labels, weights: JoinWeights | None = None) -> Candidates:
        """Join pieces in all likely ways.

        Parameters
        ----------
        pieces
            Label image (y, x), ids 1…n.
        weights
            In which order pieces are joined.
        """
        sums = Sums.of(pieces, self.brightness, self.light, self.blobs)
        tree = grow(sums, self.area_px, weights)
        return Candidates(pieces, tree, looks(tree, self.area_px, self.noise, self.bright))

    def condensed(self) -> Scene:
        """Keep the images in single precision: of a film, several frames are held at once."""
        images = (self.brightness, self.light, *self.blobs)
        brightness, light, *blobs = (image.astype(np.float32) for image in images)
        return Scene(brightness, light, tuple(blobs), self.area_px, self.noise, self.bright)


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
    seen = look_at(contrast, minimum_contrast)
    return None if seen is None else seen[0].candidates(seen[1], weights)


def look_at(contrast: Contrast, minimum_contrast: float) -> tuple[Scene, Labels] | None:
    """Cut what stands out of the background into bumps, more of them than there are cells.

    Parameters
    ----------
    contrast
        Brightness above background.
    minimum_contrast
        See `bright_mask`.

    Returns
    -------
    tuple or None
        The scene, and the label image (y, x) of its bumps; None where nothing stands out.
    """
    mask = bright_mask(contrast, minimum_contrast)
    if not mask.any():
        return None
    threshold = threshold_of(contrast, minimum_contrast)
    brightness = log_brightness(contrast, threshold)
    blobs = blob_images(contrast, raise_cells(brightness, mask))
    scene = Scene(
        brightness=brightness,
        light=contrast.value,
        blobs=tuple(blobs),
        area_px=contrast.cell_area_px,
        noise=float(np.log(threshold / contrast.noise_sd)),
        bright=float(np.quantile(brightness[mask], 0.75)),
    )
    return scene, cut(blobs[-1], mask)
