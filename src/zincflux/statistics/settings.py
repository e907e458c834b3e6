"""Settings of the statistics over a whole study."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from zincflux.settings import Settings

Level = Literal["median", "mean", "geometric-mean"]
"""What stands for the cells of a dish."""

Comparison = Literal["dunnett", "tukey"]
"""How more than two arms are compared."""

RATES = (
    "rate_nM_per_s",
    "rate_f_f0_per_s",
    "exponential_rate_nM_per_s",
    "total_rate_uM_per_s",
)
"""Metrics that are slopes, from which the slope of a control can be subtracted."""


class StudySettings(Settings):
    """How the experiments of a study are summarised and compared."""

    control: str | None = Field(
        default=None,
        min_length=1,
        description="Condition that the others are compared with; without it, fold changes exist "
        "only within a condition that has the control dose",
    )
    control_dose: float = Field(
        default=0.0,
        ge=0,
        allow_inf_nan=False,
        description="Dose that the other doses of the same condition are compared with, in the "
        "unit of the sheet",
    )
    metrics: tuple[str, ...] = Field(
        default=(),
        description='Columns of cells or responses to compare, such as "rate_nM_per_s"; the first '
        "is the headline; chosen by what there is if not given",
    )
    level: Level = Field(
        default="median",
        description='What stands for the cells of a dish: "median" (counts cells beyond the '
        'calibrated range), "mean" or "geometric-mean" (blank where more than 5 % are beyond it)',
    )
    comparison: Comparison = Field(
        default="dunnett",
        description='After the analysis of variance: "dunnett" compares each arm with the '
        'control, "tukey" each with each',
    )
    alpha: float = Field(
        default=0.05,
        gt=0,
        lt=0.5,
        description="Error probability of tests; intervals hold 1 − alpha",
    )
    align_phase: str | None = Field(
        default=None,
        min_length=1,
        description="Phase whose start is time 0 of the courses; the first response phase if not "
        "given",
    )
    subtract_control: str | None = Field(
        default=None,
        min_length=1,
        description="Condition whose mean rate, in the same experiment, is subtracted from rates: "
        "a leak or vehicle control",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.metrics)) < len(self.metrics) or "" in self.metrics:
            raise ValueError(
                f"metrics: expected names that differ, found {', '.join(map(repr, self.metrics))}. "
                "Name each metric once."
            )
        if self.subtract_control is not None and self.metrics and not set(self.metrics) & {*RATES}:
            raise ValueError(
                "subtract_control has no effect: it changes rates, but metrics names none. Remove "
                f"it, or add one of {', '.join(RATES)}."
            )
        return self
