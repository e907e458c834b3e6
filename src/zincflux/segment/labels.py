"""Label images that the user brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import ExperimentError
from zincflux.movie import Image, Labels


@dataclass(frozen=True, eq=False)
class GivenLabels:
    """A segmenter that hands out a label image made elsewhere, ids kept.

    Attributes
    ----------
    labels
        Label image (Y, X) of any integer type (or whole floats), 0 for background.
    origin
        Where it came from, for messages.

    Raises
    ------
    ExperimentError
        If it is no image (Y, X) of whole numbers from 0 to 2³¹ − 1.

    Examples
    --------
    >>> given = GivenLabels(np.array([[0, 7], [0, 7]]))
    >>> given(np.zeros((2, 2)), 0.65)
    array([[0, 7],
           [0, 7]], dtype=int32)
    """

    labels: NDArray[Any]
    origin: str = "the given labels"

    def __post_init__(self) -> None:
        values = np.asarray(self.labels)
        if values.ndim != 2:
            raise ExperimentError(
                f"segment.labels: expected one label image (Y, X), found shape {values.shape} in "
                f"{self.origin}. Give one image for a static movie."
            )
        if not _is_whole(values):
            raise ExperimentError(
                "segment.labels: expected whole numbers from 0 (background) to 2147483647, found "
                f"other values in {self.origin}. Give a label image, not intensities."
            )
        object.__setattr__(self, "labels", values.astype(np.int32))

    def __call__(self, image: Image, pixel_size_um: float) -> Labels:
        """Return the labels for an image.

        Parameters
        ----------
        image
            Pixels (Y, X); only the shape counts.
        pixel_size_um
            Edge of a pixel, µm; not used.

        Raises
        ------
        ExperimentError
            If the shapes differ.
        """
        if image.shape != self.labels.shape:
            raise ExperimentError(
                f"segment.labels: expected {' × '.join(map(str, image.shape))} pixels like the "
                f"movie, found {' × '.join(map(str, self.labels.shape))} in {self.origin}. "
                "Use labels made from this movie."
            )
        labels: Labels = self.labels.copy()
        return labels


def _is_whole(values: NDArray[Any]) -> bool:
    if values.dtype.kind not in "biuf":
        return False
    if not values.size:
        return True
    if not np.isfinite(values).all() or np.any(values != np.rint(values)):
        return False
    return bool(values.min() >= 0 and values.max() <= np.iinfo(np.int32).max)
