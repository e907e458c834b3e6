"""The card in a model file: what it was trained on, and what it wants to be given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from zincflux.segment.learned.scaling import (
    BRIGHT_PERCENTILE,
    DARK_PERCENTILE,
    DIAMETER_PX,
    WINDOW_PX,
)

KEY = "card"
"""Name of the card in the metadata of the ONNX file."""

STRIDE_PX = 16
"""What the sides of a picture shown to the network are multiples of: its coarsest step."""


KNOWN: Mapping[str, Any] = {
    "diameter_px": DIAMETER_PX,
    "percentiles": (DARK_PERCENTILE, BRIGHT_PERCENTILE),
    "window_px": WINDOW_PX,
    "sides_multiple_of": STRIDE_PX,
}
"""How pictures are scaled here."""


class Scaling(BaseModel):
    """How a picture is made into the input of the network; only one way is known here."""

    model_config = ConfigDict(frozen=True, extra="allow")

    diameter_px: float
    percentiles: tuple[float, float]
    window_px: int
    sides_multiple_of: int

    @field_validator("*")
    @classmethod
    def _known(cls, value: Any, info: ValidationInfo) -> Any:
        expected = KNOWN.get(info.field_name or "", value)
        if value != expected:
            raise ValueError(f"expected {expected}, found {value}")
        return value


class Card(BaseModel):
    """What the user of a model should know of it.

    Attributes
    ----------
    name, version
        Of the model.
    input
        How pictures are scaled for it.
    data
        What it has learnt from: name, licence and number of images of each part.
    never_seen
        What was kept from it, so that it can be judged there.
    recipe
        Settings of the training.
    scores
        How well it does, and where.
    parent
        Name and version of the model that the training began from.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = Field(min_length=1)
    version: str = "1"
    input: Scaling
    data: tuple[dict[str, Any], ...] = ()
    never_seen: tuple[str, ...] = ()
    recipe: dict[str, Any] = {}
    scores: dict[str, Any] = {}
    parent: str | None = None
