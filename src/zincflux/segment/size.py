"""Settings of size that all segmenters share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from zincflux.errors import ExperimentError
from zincflux.settings import Settings

SMALLEST_DIAMETER_PX = 3.0
"""Pixels across a cell below which it cannot be told from a speck."""

SMALLEST_AREA = 0.15
"""Smallest area of a cell, as a fraction of the area of a disc of the given diameter."""

LARGEST_AREA = 12.0
"""Largest area, likewise; above it stands what is no cell at all."""


def _number_or_auto(value: Any) -> Any:
    """Say in one sentence what pydantic says of each part of the union."""
    if value == "auto" or (isinstance(value, int | float) and 0 < value < np.inf):
        return value
    raise ValueError(f'expected a number of µm greater than 0, or "auto"; found {value!r}')


Diameter = Annotated[float | Literal["auto"], BeforeValidator(_number_or_auto)]
"""A diameter in µm, or the word that asks for an estimate."""


class CellSize(Settings):
    """How large cells are, and which of them are kept."""

    diameter_um: Diameter = Field(
        default=15.0,
        description="Diameter of a typical cell, µm: sets smoothing, splitting and size limits; "
        "auto estimates it once from the movie",
    )
    smallest_um2: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="Smallest area of a cell, µm²; 0.15 of a disc of diameter_um if not given; of "
        "cells that the edge of the frame cuts, half of it",
    )
    largest_um2: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Largest area of a cell, µm²; 12 discs of diameter_um if not given",
    )
    exclude_border: bool = Field(
        default=False, description="Leave out cells that the edge of the frame cuts"
    )

    @model_validator(mode="after")
    def _ordered(self) -> CellSize:
        if self.diameter_um == "auto":
            # What the limits that are not given come to is not known yet.
            smallest, largest = self.smallest_um2 or 0.0, self.largest_um2 or np.inf
        else:
            smallest, largest = self._area_limits_um2()
        if smallest >= largest:
            raise ValueError(
                f"smallest_um2 must be below largest_um2, found {smallest:g} and {largest:g}"
            )
        return self

    def _area_limits_um2(self) -> tuple[float, float]:
        disc = np.pi / 4 * self.number_um() ** 2
        smallest = SMALLEST_AREA * disc if self.smallest_um2 is None else self.smallest_um2
        largest = LARGEST_AREA * disc if self.largest_um2 is None else self.largest_um2
        return smallest, largest

    def area_limits_px(self, pixel_size_um: float) -> tuple[float, float]:
        """Smallest and largest area of a cell in pixels, for pixels of an edge in µm."""
        smallest, largest = self._area_limits_um2()
        return smallest / pixel_size_um**2, largest / pixel_size_um**2

    def number_um(self) -> float:
        """Diameter of a typical cell as a number, µm.

        Raises
        ------
        ExperimentError
            If it is still to be estimated.
        """
        if isinstance(self.diameter_um, str):
            raise ExperimentError(
                "segment.diameter_um: expected a number of µm, found 'auto'. Estimate it from an "
                "image first, with Segment.with_diameter or estimate_diameter."
            )
        return self.diameter_um

    def diameter_px(self, pixel_size_um: float) -> float:
        """Diameter of a cell in pixels.

        Parameters
        ----------
        pixel_size_um
            Edge of a pixel, µm.

        Raises
        ------
        ExperimentError
            If a cell is too few pixels across.
        """
        diameter = self.number_um() / pixel_size_um
        if diameter < SMALLEST_DIAMETER_PX:
            raise ExperimentError(
                f"segment.diameter_um: expected cells at least {SMALLEST_DIAMETER_PX:g} pixels "
                f"across, found {self.number_um():g} µm = {diameter:.2g} pixels of "
                f"{pixel_size_um:g} µm. Check segment.diameter_um and movie.pixel_size_um."
            )
        return diameter
