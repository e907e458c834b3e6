"""Constants of a chelator at the pH, temperature and ionic strength of a buffer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from zincflux.buffers.constants import Chelator, Metal
from zincflux.settings import Settings

FloatArray = NDArray[np.float64]

_ZERO_C = 273.15
_GAS = 0.0045765  # R ln 10, kcal/mol/K


class Conditions(Settings):
    """What the buffer is like, and by which conventions it is computed."""

    ph: float = Field(ge=0, le=14, description="pH, as the electrode reads it")
    temperature_C: float = Field(default=25.0, ge=0, le=100, description="Temperature, °C")
    ionic_strength_M: float = Field(default=0.1, ge=0, le=3, description="Ionic strength, M")
    hydrogen: Literal["activity", "concentration"] = Field(
        default="activity",
        description="activity: [H+] = 10^-pH / gamma; concentration: [H+] = 10^-pH",
    )
    charges: Literal["true", "legacy"] = Field(
        default="true",
        description="Charge of a chelator: true, or the number of its protonation constants",
    )
    hydrolysis: bool = Field(default=False, description="Whether the free metal takes up hydroxide")


def hydrogen_ion_M(
    ph: ArrayLike,
    temperature_C: float = 25.0,
    ionic_strength_M: float = 0.1,
    convention: Literal["activity", "concentration"] = "activity",
) -> FloatArray:
    """Concentration of H⁺ that goes with a pH, M.

    Parameters
    ----------
    ph
        pH, any shape.
    temperature_C, ionic_strength_M
        Conditions that the activity coefficient is for.
    convention
        ``activity``: 10^(−pH) / γ; ``concentration``: 10^(−pH).

    Returns
    -------
    numpy.ndarray
        Concentration, M, in the shape of `ph`.

    References
    ----------
    γ as in WEBMAXC (github.com/joel-rosenbaum/free_metal).

    Examples
    --------
    >>> f"{hydrogen_ion_M(7.2, 20.0):.3e}"
    '8.046e-08'
    """
    activity: FloatArray = 10.0 ** -np.asarray(ph, dtype=np.float64)
    if convention == "concentration":
        return activity
    falling = 0.522932 * np.exp(0.0327016 * temperature_C) + 4.015942
    gamma = (
        0.145045 * np.exp(-falling * ionic_strength_M)
        + 0.063546 * np.exp(-43.97704 * ionic_strength_M)
        + 0.695634
    )
    in_water: FloatArray = activity / gamma
    return in_water


def free_ion_fraction(metal: Metal, ph: ArrayLike) -> FloatArray:
    """Fraction of a metal without chelator that is the bare ion: 1 / (1 + 10^(pH − pKa)).

    Examples
    --------
    >>> f"{free_ion_fraction(Metal(symbol='Zn', hydrolysis_pka=9.0), 7.2):.3f}"
    '0.984'
    """
    ph = np.asarray(ph, dtype=np.float64)
    if metal.hydrolysis_pka is None:
        return np.ones_like(ph)[()]
    return (1 / (1 + 10.0 ** (ph - metal.hydrolysis_pka)))[()]


def apparent_dissociation_M(
    metals: Sequence[Metal], chelators: Sequence[Chelator], conditions: Conditions
) -> FloatArray:
    """Apparent dissociation constants: [M without chelator]·[L without metal] / [complexes].

    Parameters
    ----------
    metals, chelators
        Metals (m) and chelators (n).
    conditions
        pH, temperature, ionic strength and conventions.

    Returns
    -------
    numpy.ndarray
        (m, n) float64, M. Protonated complexes count as bound; with hydrolysis, hydroxides of the
        metal count as free.

    Raises
    ------
    ExperimentError
        If a pair has no constant.

    Notes
    -----
    K' = (K_ML + K_MHL·K₁·[H]) / (1 + K₁[H] + K₁K₂[H]² + …); constants are carried to the ionic
    strength by a Davies term, log K + 2·z·z'·(log f° − log f), and to the temperature by
    van 't Hoff with a constant enthalpy; the MHL step has none and is carried with K₁.

    References
    ----------
    The WEBMAXC family of calculators: github.com/joel-rosenbaum/free_metal; PyChelator, BMC
    Bioinformatics 2024;25:239, doi 10.1186/s12859-024-05858-8.
    """
    fraction = [
        free_ion_fraction(metal, conditions.ph) if conditions.hydrolysis else 1.0
        for metal in metals
    ]
    bound = np.array(
        [[_stability(metal, one, conditions) for one in chelators] for metal in metals],
        dtype=np.float64,
    ).reshape(len(metals), len(chelators))
    return 1 / (bound * np.array(fraction, dtype=np.float64).reshape(-1, 1))


def _stability(metal: Metal, chelator: Chelator, conditions: Conditions) -> float:
    """Conditional stability constant of the bare ion, 1/M."""
    constants = chelator.complex_with(metal.symbol)
    charge = _charge(chelator, conditions)
    ionic, thermal = _shifts(chelator, conditions)
    hydrogen = float(
        hydrogen_ion_M(
            conditions.ph,
            conditions.temperature_C,
            conditions.ionic_strength_M,
            conditions.hydrogen,
        )
    )
    protons = _protonation(chelator, charge, ionic, thermal)
    order = np.arange(1, len(protons) + 1)
    covered = 1 + np.sum(10.0 ** (np.cumsum(protons) + order * np.log10(hydrogen)))
    plain = constants.log_k + charge * metal.charge * ionic
    held = 10.0 ** (plain + (constants.enthalpy_kcal or 0.0) * thermal)
    if constants.log_k_protonated is not None and len(protons):
        protonated = constants.log_k_protonated + (charge - 1) * metal.charge * ionic
        held += 10.0 ** (protonated + protons[0]) * hydrogen
    return float(held / covered)


def _charge(chelator: Chelator, conditions: Conditions) -> int:
    legacy = conditions.charges == "legacy"
    return len(chelator.log_k_protonation) if legacy else chelator.charge


def _protonation(chelator: Chelator, charge: int, ionic: float, thermal: float) -> FloatArray:
    """Stepwise log constants of the protons; each one taken up leaves one charge less."""
    log_k = np.array(chelator.log_k_protonation, dtype=np.float64)
    enthalpy = np.zeros_like(log_k)
    enthalpy[: len(chelator.enthalpy_protonation_kcal)] = chelator.enthalpy_protonation_kcal
    result: FloatArray = log_k + (charge - np.arange(len(log_k))) * ionic + enthalpy * thermal
    return result


def _shifts(chelator: Chelator, conditions: Conditions) -> tuple[float, float]:
    """Find what log K changes by, per product of charges and per kcal/mol."""
    reference = _log_f(chelator.temperature_C, chelator.ionic_strength_M)
    ionic = 2 * (reference - _log_f(conditions.temperature_C, conditions.ionic_strength_M))
    warmer = 1 / (chelator.temperature_C + _ZERO_C) - 1 / (conditions.temperature_C + _ZERO_C)
    return ionic, warmer / _GAS


def _log_f(temperature_C: float, ionic_strength_M: float) -> float:
    """Davies term of an ion of charge 1, with the sign that makes it positive below 1 M."""
    permittivity = 87.7251 - 0.3974762 * temperature_C + 0.0008253 * temperature_C**2
    slope = 1.8246e6 / (permittivity * (temperature_C + _ZERO_C)) ** 1.5
    root = float(np.sqrt(ionic_strength_M))
    return float(slope * (root / (1 + root) - 0.25 * ionic_strength_M))
