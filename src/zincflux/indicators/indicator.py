"""Indicator: what is known of a zinc sensor, with every value's source."""

from __future__ import annotations

import difflib
from typing import Literal, Self

from pydantic import Field, model_validator

from zincflux.errors import ExperimentError
from zincflux.settings import Settings

Kind = Literal["intensity", "ratio", "fret"]
Confidence = Literal["read in the source", "secondary", "unverified"]


class Record(Settings):
    """One published set of constants, with the conditions it was measured under."""

    name: str = Field(min_length=1, description="Name to choose the record by")
    k_nM: float = Field(
        gt=0, description="K for zinc, nM (nM to the power of hill where hill_convention is power)"
    )
    k_sd_nM: float | None = Field(
        default=None, ge=0, description="Standard deviation of K, in the units of k_nM"
    )
    hill: float = Field(default=1.0, gt=0, le=10, description="Hill coefficient n")
    hill_convention: Literal["half-saturation", "power"] = Field(
        default="half-saturation",
        description="half-saturation: Z^n / (K^n + Z^n); power: Z^n / (K + Z^n)",
    )
    k_includes_beta: bool = Field(
        description="Whether K was read off a titration of the ratio, and so contains beta (K_app)"
    )
    ph: float | None = Field(default=None, ge=0, le=14, description="pH of the measurement")
    temperature_C: float | None = Field(
        default=None, ge=-10, le=100, description="Temperature of the measurement, °C"
    )
    ionic_strength_M: float | None = Field(
        default=None, ge=0, description="Ionic strength of the measurement, M"
    )
    source: str = Field(min_length=1, description="Citation, and what of it was read")
    doi: str = Field(
        default="", pattern=r"^(10\.\d{4,9}/\S+)?$", description="DOI; empty if not known"
    )
    confidence: Confidence = Field(
        description="read in the source: the number stands in what the source names (full text, "
        "abstract or code); secondary: in a work that quotes the source; unverified: neither was "
        "read for it"
    )
    note: str = Field(default="", description="What a reader of the value should know")


class Indicator(Settings):
    """A zinc sensor and all records of it."""

    name: str = Field(min_length=1, max_length=80, description="Name of the indicator")
    kind: Kind = Field(
        description="intensity (one channel), ratio (dye, two wavelengths) or fret (two proteins)"
    )
    turn_off: bool = Field(default=False, description="Whether the signal falls with zinc")
    default: str | int = Field(
        description="Record that is used unless told otherwise: its name, or number from 0"
    )
    excitation_nm: tuple[float, ...] = Field(
        default=(), description="Excitation, nm; of a ratio dye the numerator's first"
    )
    emission_nm: tuple[float, ...] = Field(
        default=(),
        description="Emission, nm; of a FRET sensor the donor's first, of a ratio dye the "
        "numerator's",
    )
    dynamic_range: tuple[float, float] | None = Field(
        default=None,
        description="Lowest and highest reported ratio of the larger end to the smaller",
    )
    optics_source: str = Field(
        default="", description="Where wavelengths and dynamic range come from"
    )
    note: str = Field(default="", description="What a user of the indicator should know")
    records: tuple[Record, ...] = Field(min_length=1, description="Published sets of constants")

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [record.name for record in self.records]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"records: two records are named {name!r}. Give each its own name")
        if self.kind == "intensity" and any(record.k_includes_beta for record in self.records):
            raise ValueError("records: an intensity has no beta. Set k_includes_beta = false")
        try:
            self.record()
        except ExperimentError as error:
            raise ValueError(str(error)) from None
        return self

    def record(self, which: str | int | None = None) -> Record:
        """Choose a record by name or by number from 0; the default one if not told.

        Raises
        ------
        ExperimentError
            If the indicator has no such record.
        """
        wanted = self.default if which is None else which
        for number, record in enumerate(self.records):
            if wanted in (record.name, number):
                return record
        names = [record.name for record in self.records]
        near = difflib.get_close_matches(str(wanted), names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ExperimentError(
            f"{self.name}: expected one of its records ({', '.join(map(repr, names))}, or a number "
            f"from 0), found {wanted!r}.{hint} Set calibration.record."
        )
