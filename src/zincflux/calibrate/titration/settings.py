"""Settings of the fit of a titration."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from zincflux.settings import Settings

ErrorModel = Literal["constant", "relative"]


class TitrationFitting(Settings):
    """How a titration is fitted."""

    error: ErrorModel = Field(
        default="constant",
        description="constant: all points are equally exact; relative: the standard deviation is "
        "proportional to the signal",
    )
    normalise: Literal["auto", "gain", "maximum", "none"] = Field(
        default="auto",
        description="gain: each replicate has a gain of its own that is fitted; maximum: each is "
        "divided by its largest signal; auto: gain for replicates of an intensity, else none",
    )
    hill: float | None = Field(default=None, gt=0, le=10, description="Hold n at this value")
    maximum: float | None = Field(
        default=None, description="Hold the saturated signal at this value; not with gain"
    )
    total: bool = Field(
        default=False, description="Concentrations are total, not free, metal: 1:1 tight binding"
    )
    indicator_nM: float | None = Field(
        default=None, gt=0, description="Indicator in the wells at the start, nM; for total"
    )
    beta: float | None = Field(default=None, gt=0, description="Beta of a ratio, where known")
    drop_outliers: bool = Field(
        default=False,
        description="Leave out the points that are named; none where too few points are there to "
        "name any",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.total and self.indicator_nM is None:
            raise ValueError(
                "indicator_nM: with total metal the indicator's concentration decides how much "
                "of it is free. Give it in nM"
            )
        if self.indicator_nM is not None and not self.total:
            raise ValueError(
                "indicator_nM: belongs to total metal; with free metal nothing is taken from it. "
                "Set total, or leave out indicator_nM"
            )
        if self.normalise == "maximum" and self.maximum not in (None, 1.0):
            raise ValueError(
                "maximum: replicates that are divided by their largest signal saturate near 1, so "
                f"expected 1, found {self.maximum:g}. Give 1, or another normalise"
            )
        if self.total and self.hill not in (None, 1.0):
            raise ValueError("hill: total metal is fitted with 1:1 binding. Leave out hill")
        return self
