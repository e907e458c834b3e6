"""Cells by Cellpose, if it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from zincflux.movie import Image, Labels
from zincflux.segment.extras import filled, import_extra, is_blank, tidy, with_model
from zincflux.segment.size import CellSize


class Cellpose(CellSize):
    """Find cells with a network of Cellpose.

    The network sees the image with its cells scaled to the size it was trained on.

    References
    ----------
    .. [1] C. Stringer et al., "Cellpose: a generalist algorithm for cellular segmentation",
       Nat. Methods 18 (2021) 100–106.
    """

    model: str = Field(
        default="cpsam",
        min_length=1,
        description="Name of a published model, or path of your own; Cellpose downloads a "
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
            If Cellpose is not installed, or the model cannot be loaded.
        """
        diameter_px = self.diameter_px(pixel_size_um)
        models = import_extra("cellpose.models", "cellpose")
        pixels = filled(image)
        if is_blank(pixels):
            return np.zeros(image.shape, dtype=np.int32)

        def load() -> Any:
            gpu = import_extra("cellpose.core", "cellpose").use_gpu()
            return models.CellposeModel(gpu=gpu, pretrained_model=self.model)

        masks = with_model(
            "cellpose",
            self.model,
            load,
            lambda model: model.eval(pixels, diameter=diameter_px)[0],
        )
        return tidy(masks, self, pixel_size_um)
