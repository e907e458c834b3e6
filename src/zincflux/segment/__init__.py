"""Finding cells: a segmenter turns an image (Y, X) into a label image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, Protocol, runtime_checkable

from numpy.typing import NDArray
from pydantic import (
    Field,
    SerializationInfo,
    TypeAdapter,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

from zincflux.errors import ExperimentError
from zincflux.movie import Image, Labels
from zincflux.segment.cellpose import Cellpose
from zincflux.segment.diameter import estimate_diameter
from zincflux.segment.labels import GivenLabels
from zincflux.segment.learned import Learned
from zincflux.segment.learned.scaling import DIAMETER_PX
from zincflux.segment.otsu import Otsu
from zincflux.segment.over_time import Spread
from zincflux.segment.projection import Projection
from zincflux.segment.regions import OF_CYTOSOL, Cytosol, Region, split_regions
from zincflux.segment.size import CellSize
from zincflux.segment.stardist import StarDist
from zincflux.segment.views import ViewName
from zincflux.segment.watershed import MinimumContrast, Watershed
from zincflux.settings import InputPath

__all__ = [
    "SEGMENTERS",
    "FilmSegmenter",
    "GivenLabels",
    "Learned",
    "Otsu",
    "Projection",
    "Segment",
    "Segmenter",
    "Spread",
    "Watershed",
    "estimate_diameter",
    "split_regions",
]


class Segmenter(Protocol):
    """Anything that finds cells."""

    def __call__(self, image: Image, pixel_size_um: float) -> Labels:
        """Turn an image (Y, X) into labels (Y, X): int32, ids 1…n, 0 where there is no cell."""
        ...


@runtime_checkable
class FilmSegmenter(Segmenter, Protocol):
    """A segmenter to which the frames of a film tell more together than one by one."""

    def film(
        self, images: Iterable[Image], pixel_size_um: float, *, spread: Spread = map
    ) -> Iterator[Labels]:
        """Turn the frames (Y, X) of a film into labels (Y, X), a few frames behind.

        What needs no other frame is done by ``spread``, which is `map` or does the same in threads.
        """
        ...


SEGMENTERS: dict[str, type[Watershed | Otsu | Learned | Cellpose | StarDist]] = {
    "watershed": Watershed,
    "otsu": Otsu,
    "learned": Learned,
    "cellpose": Cellpose,
    "stardist": StarDist,
}
"""Segmenters by the name of their method; each takes its own keys of ``[segment]``."""


_PATH: TypeAdapter[str] = TypeAdapter(InputPath)

_SIZES = ("smallest_um2", "largest_um2", "exclude_border", "split_by_traces")


class Segment(CellSize):
    """How cells are found: the section ``[segment]``."""

    method: Literal["watershed", "otsu", "learned", "cellpose", "stardist", "labels"] = Field(
        default="watershed",
        description="watershed (splits touching cells), otsu (one threshold, for cells apart), "
        "learned (a small network that comes with zincflux), cellpose or stardist (networks of "
        "others, each an extra to install) or labels (a label image)",
    )
    minimum_contrast: MinimumContrast = 0.2
    labels: InputPath | None = Field(
        default=None,
        description="Label image, ImageJ regions (.roi, .zip) or Cell Tracking Challenge folder; "
        "only with method = labels",
    )
    model: str | None = Field(
        default=None,
        min_length=1,
        description="Network to use: for learned the file that zincflux train has written, else "
        "the built-in one; for cellpose or stardist a published name or the path of your own, "
        "else cpsam or 2D_versatile_fluo",
    )
    projection: ViewName = Field(
        default="auto",
        description="View that the cells of a static movie are found in: mean, max or sd of its "
        "frames, phase:NAME (mean of a phase), or auto (the one of these that shows cells best)",
    )
    split_by_traces: bool = Field(
        default=True,
        description="Whether an outline of a static movie is cut in two where its sides brighten "
        "and fade differently; not with method = labels",
    )
    over_time: bool = Field(
        default=True,
        description="Whether the frames of a moving movie settle each other's doubts about what "
        "is a cell; if not, each frame is looked at by itself; only with method = watershed or "
        "learned",
    )
    regions: tuple[Region, ...] = Field(
        default=("cell",),
        min_length=1,
        description="What is measured of each cell: cell, nucleus, ring (cytosol around the "
        "nucleus), cytosol (the cell without its nucleus); all but cell need channels.nucleus",
    )
    ring_width_um: float = Field(
        default=2.0, gt=0, allow_inf_nan=False, description="Width of the ring of cytosol, µm"
    )
    ring_gap_um: float = Field(
        default=0.5,
        ge=0,
        allow_inf_nan=False,
        description="Distance left free between nucleus and ring or cytosol, µm",
    )
    puncta_um: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Diameter of the largest bright spots that are left out of ring and cytosol, "
        "µm, such as vesicles that hold dye; none are left out if not given",
    )

    @field_validator("model")
    @classmethod
    def _starts_from_its_folder(cls, model: str | None, info: ValidationInfo) -> str | None:
        """Make the path of a network of ours absolute; models of others may be mere names."""
        if model is None or info.data.get("method") != "learned":
            return model
        return _PATH.validate_python(model, context=info.context)

    @field_serializer("model")
    def _stands_in_its_folder(self, model: str | None, info: SerializationInfo) -> str | None:
        if model is None or self.method != "learned":
            return model
        return str(_PATH.dump_python(model, context=info.context))

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
        if self.method == "labels" and self.diameter_um == "auto":
            raise ValueError(
                'diameter_um = "auto" has no effect with method = "labels": nothing is looked '
                "for. Leave it out."
            )
        if len(set(self.regions)) < len(self.regions):
            raise ValueError(f"regions: expected each region once, found {self.regions}")
        self._every_region_key_counts()
        return self

    def _every_region_key_counts(self) -> None:
        used_by = {
            "ring_width_um": ("ring",),
            "ring_gap_um": OF_CYTOSOL,
            "puncta_um": OF_CYTOSOL,
        }
        for key, regions in used_by.items():
            if self._is_changed(key) and not set(regions) & set(self.regions):
                wanted = " or ".join(f'"{region}"' for region in regions)
                raise ValueError(
                    f"{key} has no effect without the region {wanted}. Add it to segment.regions."
                )

    def _keys_of_others(self) -> tuple[str, ...]:
        used = {
            "labels": ("labels",),
            "watershed": ("minimum_contrast", "over_time", *_SIZES),
            "otsu": _SIZES,
            "learned": ("model", "over_time", *_SIZES),
            "cellpose": ("model", *_SIZES),
            "stardist": ("model", *_SIZES),
        }
        every = dict.fromkeys(key for keys in used.values() for key in keys)
        return tuple(key for key in every if key not in used[self.method])

    def _is_changed(self, key: str) -> bool:
        return bool(getattr(self, key) != type(self).model_fields[key].default)

    @property
    def splits_by_traces(self) -> bool:
        """Whether outlines are cut by their courses; those that the user brings never are."""
        return self.split_by_traces and self.method != "labels"

    def cytosol(self) -> Cytosol:
        """Give what of the cytosol is measured."""
        return Cytosol(self.ring_width_um, self.ring_gap_um, self.puncta_um)

    def network_px(self, pixel_size_um: float | None) -> float:
        """Tell how many pixels our network sees for each pixel of a frame; 0 without it.

        Parameters
        ----------
        pixel_size_um
            Edge of a pixel, µm. Where it, or the diameter, is not known yet, a cell is taken to
            be as large as the network sees it.
        """
        if self.method != "learned":
            return 0.0
        if pixel_size_um is None or self.diameter_um == "auto":
            return 1.0
        return float((DIAMETER_PX * pixel_size_um / self.number_um()) ** 2)

    def with_diameter(self, image: Image, pixel_size_um: float) -> Segment:
        """Put the estimate for an image where ``diameter_um`` is ``"auto"``.

        Parameters
        ----------
        image
            Pixels (Y, X).
        pixel_size_um
            Edge of a pixel, µm.

        Raises
        ------
        ExperimentError
            If nothing in the image looks like a cell.
        """
        if self.diameter_um != "auto":
            return self
        estimate = (
            Learned(model=self.model).estimate_diameter
            if self.method == "learned"
            else estimate_diameter
        )
        return self.model_copy(update={"diameter_um": estimate(image, pixel_size_um)})

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
        given = {key: getattr(self, key) for key in make.model_fields}
        return make(**{key: value for key, value in given.items() if value is not None})

    def film_segmenter(self) -> FilmSegmenter | None:
        """Make the segmenter that looks at the frames of a film together, if there is one."""
        if not self.over_time or self.method == "labels":
            return None
        segmenter = self.segmenter()
        return segmenter if isinstance(segmenter, FilmSegmenter) else None
