"""Settings of the calibration: where the ends of the signal and the constants come from."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from zincflux.errors import CalibrationWarning, ExperimentError
from zincflux.phases import Phase, with_role
from zincflux.settings import InputPath, Settings

Source = Literal["in-situ", "file", "experiment", "constants", "none"]

_ERRORS = ("k_sd_nM", "hill_sd", "beta_sd")
_RECORD = ("record", "k_nM", "hill", "beta", "k_includes_beta", *_ERRORS)
_USED: dict[str, tuple[str, ...]] = {
    "in-situ": ("scope", "minimum_dynamic_range", "plateau_frames", "file", *_RECORD),
    "constants": ("minimum", "minimum_sd", "maximum", "maximum_sd", "file", *_RECORD),
    "file": ("file", "same_optics"),
    "experiment": ("file", "between_dishes_sd", "plateau_frames"),
    "none": (),
}


class CalibrationSettings(Settings):
    """How the signal becomes free zinc."""

    source: Source | None = Field(
        default=None,
        description="in-situ (minimum and maximum from the phases), file (a calibration.toml), "
        "experiment (the calibration.toml of a sister dish's results), "
        "constants (minimum and maximum below) or none; if not given, in-situ where there are a "
        "minimum and a maximum phase, else none",
    )
    scope: Literal["per-cell", "shrunk", "pooled"] = Field(
        default="per-cell",
        description="per-cell; pooled over cells: Rmin and Rmax of ratios, the dynamic range of "
        "intensities; or shrunk: each cell's own ends, drawn towards the pooled ones the more, the "
        "noisier they are",
    )
    minimum_dynamic_range: float = Field(
        default=1.1,
        ge=1,
        description="A cell whose signal changes by a smaller factor than this "
        "between minimum and maximum is not calibrated by itself",
    )
    plateau_frames: int = Field(
        default=5, ge=3, description="Fewest frames that make a minimum or a maximum"
    )
    file: InputPath | None = Field(
        default=None,
        description="A calibration.toml: K, hill and beta are taken from it; with source = file "
        "also minimum and maximum, for ratios only; with source = experiment also what its "
        "cells have in common: both ends of ratios, the dynamic range of intensities",
    )
    between_dishes_sd: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="What sister dishes differ by, with source = experiment: relative standard "
        "deviation of the dynamic range, or of either end over the span of a ratio",
    )
    same_optics: bool = Field(
        default=False,
        description="Whether the file was measured with this microscope, filters and exposure; "
        "only then its Rmin and Rmax hold here",
    )
    minimum: float | None = Field(
        default=None, description="Signal without zinc, counts above background or ratio"
    )
    minimum_sd: float | None = Field(default=None, ge=0, description="Its standard deviation")
    maximum: float | None = Field(
        default=None, description="Signal at saturation, counts above background or ratio"
    )
    maximum_sd: float | None = Field(default=None, ge=0, description="Its standard deviation")
    record: str | int | None = Field(
        default=None,
        description="Record of the indicator to use: its name, or its number from 0",
    )
    k_nM: float | None = Field(
        default=None, gt=0, description="K at half saturation, nM; replaces that of the record"
    )
    hill: float | None = Field(
        default=None, gt=0, le=10, description="Hill coefficient; replaces that of the record"
    )
    beta: float | None = Field(
        default=None,
        gt=0,
        description="Brightness of free over bound indicator at the ratio's denominator",
    )
    k_sd_nM: float | None = Field(
        default=None,
        ge=0,
        description="Standard deviation of K, nM; as in the record if not given, 0 for none",
    )
    hill_sd: float | None = Field(
        default=None, ge=0, description="Standard deviation of the Hill coefficient"
    )
    beta_sd: float | None = Field(default=None, ge=0, description="Standard deviation of beta")
    k_includes_beta: bool | None = Field(
        default=None,
        description="Whether K was read off a titration of the ratio, and so contains beta; as in "
        "the record if not given",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        # Without a source, it will be in-situ or none: what in-situ does not use, neither does.
        self._refuse_unused(self.source or "in-situ")
        if self.file is not None and any(getattr(self, key) is not None for key in _RECORD):
            raise ValueError(
                f"file gives K, hill and beta already; remove {', '.join(self._given(_RECORD))}"
            )
        if self.source in ("file", "experiment") and self.file is None:
            raise ValueError(f"source = {self.source!r} needs the key file; add it")
        if self.source == "constants":
            self._check_constants()
        return self

    def _check_constants(self) -> None:
        for key in ("minimum", "maximum"):
            if getattr(self, key) is None:
                raise ValueError(f"source = 'constants' needs the key {key}; add it")
        if self.minimum == self.maximum:
            raise ValueError(f"minimum and maximum are both {self.minimum:g}; correct one of them")

    def _given(self, keys: Sequence[str]) -> list[str]:
        """Name the keys that differ from their default: a resolved file states the others too."""
        fields = type(self).model_fields
        return [key for key in keys if getattr(self, key) != fields[key].default]

    def _refuse_unused(self, source: Source) -> None:
        used = _USED[source]
        unused = self._given(
            [k for k in type(self).model_fields if k != "source" and k not in used]
        )
        if unused:
            users = [name for name, keys in _USED.items() if set(unused) <= set(keys)]
            advice = (
                f"set source = {' or '.join(map(repr, users))}, or remove" if users else "remove"
            )
            raise ValueError(f"source = {source!r} does not use {', '.join(unused)}; {advice} it")

    def resolve(self, phases: Sequence[Phase]) -> Source:
        """Decide the source: as given, else in-situ where both phases exist, else none.

        Raises
        ------
        ExperimentError
            If no source is left and keys are given that none uses.

        Warns
        -----
        CalibrationWarning
            If only one of the two phases exists.
        """
        if self.source is not None:
            return self.source
        missing = [role for role in ("minimum", "maximum") if not with_role(phases, role)]
        if not missing:
            return "in-situ"
        try:
            self._refuse_unused("none")
        except ValueError as error:
            raise ExperimentError(
                f"calibration: there is no phase with the role {' or '.join(missing)}, so no "
                f"calibration can be made, and {error}."
            ) from None
        if len(missing) == 1:
            warnings.warn(
                f"phases: there is no phase with the role {missing[0]}, so zinc is not calculated. "
                "Add the phase, or give calibration.minimum and calibration.maximum.",
                CalibrationWarning,
                stacklevel=2,
            )
        return "none"


class Uncertainty(Settings):
    """How intervals are found, and what they hold beside the noise that is measured."""

    method: Literal["analytic", "monte-carlo"] = Field(
        default="analytic",
        description="analytic (Fieller's interval of the saturation, joined with the errors of K, "
        "hill and beta) or monte-carlo (all errors drawn)",
    )
    draws: int = Field(
        default=512, ge=200, le=100_000, description="Draws of monte-carlo for each value"
    )
    seed: int = Field(default=0, ge=0, description="Seed of monte-carlo")

    signal_error: float = Field(
        default=0.02,
        ge=0,
        lt=1,
        description="Relative error of a cell's signal that noise does not show: light of "
        "neighbours and from out of focus, outline, lamp (standard deviation)",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        fields = type(self).model_fields
        unused = [key for key in ("draws", "seed") if getattr(self, key) != fields[key].default]
        if self.method == "analytic" and unused:
            raise ValueError(
                f"method = 'analytic' does not use {', '.join(unused)}; set method = "
                "'monte-carlo', or remove it"
            )
        return self
