"""Binding: the constants that zinc is calculated with, and where they come from."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from zincflux.calibrate.settings import CalibrationSettings
from zincflux.errors import CalibrationError, CalibrationWarning, ExperimentError
from zincflux.indicators import Indicator, Record
from zincflux.response import half_saturation


@dataclass(frozen=True)
class Binding:
    """Constants of an indicator as they are used.

    Attributes
    ----------
    k_nM
        Free zinc at half saturation, nM; θ = Zⁿ / (Kⁿ + Zⁿ).
    hill
        Hill coefficient n.
    beta
        Brightness of free over bound indicator at the ratio's denominator; 1 for intensities,
        None where it is not known.
    k_includes_beta
        Whether ``k_nM`` is the half saturation of the ratio (K_app), so that β must not be applied
        again.
    k_sd_nM, hill_sd, beta_sd
        Standard deviations of K, n and β; None where they are not known. These errors are shared
        by all cells.
    covariance_ln_k_hill
        Covariance of ln K and n, where they were fitted together.
    record
        Name of the indicator's record.
    confidence
        How far K was checked against its source, or that it is from a titration of one's own;
        empty where the user gave it.
    source, doi
        Where the constants come from.

    Raises
    ------
    CalibrationError
        If a constant is not above 0, or a β is needed but not known.
    """

    k_nM: float
    hill: float = 1.0
    beta: float | None = None
    k_includes_beta: bool = False
    k_sd_nM: float | None = None
    hill_sd: float | None = None
    beta_sd: float | None = None
    covariance_ln_k_hill: float = 0.0
    record: str = ""
    confidence: str = ""
    source: str = ""
    doi: str = ""

    def __post_init__(self) -> None:
        for key in ("k_nM", "hill", "beta"):
            value = getattr(self, key)
            if value is not None and not 0 < value < np.inf:
                raise CalibrationError(
                    f"calibration: expected {key} above 0, found {value}. "
                    f"Correct calibration.{key}."
                )
        if self.beta is None and not self.k_includes_beta:
            raise CalibrationError(
                "calibration: K is that of the dye, so the ratio needs beta, the brightness of "
                "free over bound dye at the denominator; found none. Set calibration.beta, or "
                "give calibration.k_nM as read off a titration of the ratio with "
                "calibration.k_includes_beta = true."
            )

    @property
    def applied_beta(self) -> float:
        """Value of β in the inversion: 1 where K contains it already."""
        return 1.0 if self.k_includes_beta or self.beta is None else self.beta

    @property
    def occupancy_beta(self) -> float:
        """Value of β for the bound fraction: NaN where it is not known."""
        return np.nan if self.beta is None else self.beta


def resolve_binding(indicator: Indicator, settings: CalibrationSettings) -> Binding:
    """Choose the indicator's record, and replace what the settings give.

    Raises
    ------
    CalibrationError
        If a ratio's K does not contain β and no β is given.
    ExperimentError
        If there is no such record, or β is given for an intensity.
    """
    record = indicator.record(settings.record)
    k_nM, k_sd_nM = half_saturation_of(record)
    ratio = indicator.kind != "intensity"
    if not ratio and (settings.beta is not None or settings.k_includes_beta):
        raise ExperimentError(
            f"calibration: beta and k_includes_beta belong to ratios, and {indicator.name} is an "
            "intensity indicator. Remove them."
        )
    if not ratio and settings.beta_sd is not None:
        raise ExperimentError(
            f"calibration: beta_sd belongs to ratios, and {indicator.name} is an intensity "
            "indicator. Remove it."
        )
    _warn_unverified(indicator, record, settings)
    contains = settings.k_includes_beta
    replaced = [key for key in ("k_nM", "hill", "beta") if getattr(settings, key) is not None]
    source = record.source
    if replaced:
        given = f"{', '.join(replaced)} given in the experiment file"
        source = f"{given}, the rest from the record {record.name}: {source}"
    return Binding(
        k_nM=k_nM if settings.k_nM is None else settings.k_nM,
        hill=record.hill if settings.hill is None else settings.hill,
        beta=settings.beta if ratio else 1.0,
        k_includes_beta=record.k_includes_beta if contains is None else contains,
        k_sd_nM=_first(settings.k_sd_nM, k_sd_nM if settings.k_nM is None else None),
        hill_sd=settings.hill_sd,
        beta_sd=settings.beta_sd,
        record=record.name,
        source=source,
        doi=record.doi if settings.k_nM is None else "",
        confidence=record.confidence if settings.k_nM is None else "",
    )


def _first(given: float | None, otherwise: float | None) -> float | None:
    return otherwise if given is None else given


def _warn_unverified(indicator: Indicator, record: Record, settings: CalibrationSettings) -> None:
    """Say where K comes from no source that was read."""
    if record.confidence == "unverified" and settings.k_nM is None:
        warnings.warn(
            f"indicator: K of {indicator.name} ({record.name}: {record.k_nM:g} nM) is unverified: "
            "nobody read it in the source. Check it there and set calibration.k_nM, or choose "
            "another one with calibration.record.",
            CalibrationWarning,
            stacklevel=3,
        )


def half_saturation_of(record: Record) -> tuple[float, float | None]:
    """Give K of a record and its standard deviation, in nM, at half saturation."""
    if record.hill_convention == "half-saturation":
        return record.k_nM, record.k_sd_nM
    k_nM = float(half_saturation(record.k_nM, record.hill))
    relative = None if record.k_sd_nM is None else record.k_sd_nM / record.k_nM / record.hill
    return k_nM, None if relative is None else k_nM * relative
