"""Finding cells: a segmenter turns an image (Y, X) into a label image."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from numpy.typing import NDArray
from pydantic import Field, model_validator

from zincflux.errors import ExperimentError
from zincflux.movie import Image, Labels
from zincflux.segment.labels import GivenLabels
from zincflux.segment.otsu import Otsu
from zincflux.segment.projection import Projection, ProjectionKind
from zincflux.segment.regions import Region, split_regions
from zincflux.segment.size import CellSize
from zincflux.segment.watershed import MinimumContrast, Watershed
from zincflux.settings import InputPath

__all__ = [
    "SEGMENTERS",
    "GivenLabels",
    "Otsu",
    "Projection",
    "Segment",
    "Segmenter",
    "Watershed",
    "split_regions",
]


class Segmenter(Protocol):
    """Anything that finds cells."""

    def __call__(self, image: Image, pixel_size_um: float) -> Labels:
        """Turn an image (Y, X) into labels (Y, X): int32, ids 1…n, 0 where there is no cell."""
        ...


SEGMENTERS: dict[str, type[Watershed] | type[Otsu]] = {"watershed": Watershed, "otsu": Otsu}
"""Segmenters by the name of their method; each takes its own keys of ``[segment]``."""


class Segment(CellSize):
    """How cells are found: the section ``[segment]``."""

    method: Literal["watershed", "otsu", "labels"] = Field(
        default="watershed",
        description="watershed (splits touching cells), otsu (one threshold, for cells apart) or "
        "labels (a label image)",
    )
    minimum_contrast: MinimumContrast = 0.2
    labels: InputPath | None = Field(
        default=None, description="Label image; only with method = labels"
    )
    projection: ProjectionKind = Field(
        default="mean",
        description="Image that the cells of a static movie are found in: mean, max or sd of its "
        "frames",
    )
    regions: tuple[Region, ...] = Field(
        default=("cell",),
        min_length=1,
        description="What is measured of each cell: cell, nucleus, ring (cytosol around the "
        "nucleus); the last two need channels.nucleus",
    )
    ring_width_um: float = Field(
        default=2.0, gt=0, allow_inf_nan=False, description="Width of the ring of cytosol, µm"
    )
    ring_gap_um: float = Field(
        default=0.5,
        ge=0,
        allow_inf_nan=False,
        description="Distance left free between nucleus and ring, µm",
    )

    @model_validator(mode="after")
    def _every_key_counts(self) -> Segment:
        """Refuse a key that the chosen method or regions would leave unused."""
        if self.method == "labels" and self.labels is None:
            raise ValueError('method = "labels" needs a label image. Set segment.labels.')
        unused = [key for key in self._keys_of_others() if self._is_changed(key)]
        if unused:
            raise ValueError(
                f'{unused[0]} has no effect with method = "{self.method}". Leave it out, or change '
                "segment.method."
            )
        if len(set(self.regions)) < len(self.regions):
            raise ValueError(f"regions: expected each region once, found {self.regions}")
        ring = [key for key in ("ring_width_um", "ring_gap_um") if self._is_changed(key)]
        if ring and "ring" not in self.regions:
            raise ValueError(
                f'{ring[0]} has no effect without the region "ring". Add it to segment.regions.'
            )
        return self

    def _keys_of_others(self) -> tuple[str, ...]:
        if self.method == "labels":
            return ("minimum_contrast", "smallest_um2", "largest_um2", "exclude_border")
        return ("labels",) if self.method == "watershed" else ("labels", "minimum_contrast")

    def _is_changed(self, key: str) -> bool:
        return bool(getattr(self, key) != type(self).model_fields[key].default)

    def segmenter(self, labels: NDArray[Any] | None = None) -> Segmenter:
        """Make the segmenter that these settings name.

        Parameters
        ----------
        labels
            The label image (Y, X) read from ``labels``; only with ``method = "labels"``.

        Raises
        ------
        ExperimentError
            If the method is ``"labels"`` and no label image is given.
        """
        if self.method == "labels":
            if labels is None:
                raise ExperimentError(
                    "segment.labels: expected a label image, found none. Read it from "
                    "segment.labels and hand it over."
                )
            return GivenLabels(labels, origin=str(self.labels))
        make = SEGMENTERS[self.method]
        return make(**{key: getattr(self, key) for key in make.model_fields})
