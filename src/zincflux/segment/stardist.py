"""Nuclei by StarDist, if it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zincflux.movie import Image, Labels
from zincflux.segment.extras import filled, import_extra, is_blank, tidy, with_model
from zincflux.segment.size import CellSize

KNOWN_PX = (10.0, 30.0)
"""Diameters of nuclei that the published model saw enough of; others are scaled into it."""


class StarDist(CellSize):
    """Find round cells or nuclei with a network of StarDist.

    References
    ----------
    .. [1] U. Schmidt et al., "Cell detection with star-convex polygons", MICCAI 2018, 265–273.
    """

    model: str = Field(
        default="2D_versatile_fluo",
        min_length=1,
        description="Name of a published model, or the folder of your own; StarDist downloads a "
        "published one when it is first used",
    )

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
            If StarDist is not installed, or the model cannot be loaded.
        """
        diameter_px = self.diameter_px(pixel_size_um)
        models = import_extra("stardist.models", "stardist")
        pixels = filled(image)
        if is_blank(pixels):
            return np.zeros(image.shape, dtype=np.int32)
        known_px = float(np.clip(diameter_px, *KNOWN_PX))
        scale = None if known_px == diameter_px else known_px / diameter_px
        labels = with_model(
            "stardist",
            self.model,
            lambda: _load(models, self.model),
            lambda model: model.predict_instances(_normal(pixels), scale=scale)[0],
        )
        return tidy(labels, self, pixel_size_um)


def _load(models: Any, name: str) -> Any:
    folder = Path(name)
    if folder.is_dir():
        return models.StarDist2D(None, name=folder.name, basedir=str(folder.parent))
    model = models.StarDist2D.from_pretrained(name)
    if model is None:
        raise ValueError("StarDist knows no model of that name, and there is no such folder")
    return model


def _normal(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Stretch between the percentiles that StarDist's models were trained with."""
    low, high = np.percentile(image, [1.0, 99.8])
    return np.asarray((image - low) / (high - low or 1.0), dtype=np.float32)
