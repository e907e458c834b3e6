"""Zinc of each cell over time, and the light that its indicator gives for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray
from zincflux.phases import Phase, Role
from zincflux.synthetic.settings import Simulation

_PROTOCOL: tuple[tuple[str, Role], ...] = (
    ("rest", "baseline"),
    ("Zn uptake", "response"),
    ("TPEN", "minimum"),
    ("Zn + pyrithione", "maximum"),
)


def protocol(settings: Simulation) -> tuple[Phase, ...]:
    """Lay out the phases; those too short for a single frame are left out.

    The last phase ends with the movie, one frame interval after the last frame.
    """
    shares = np.asarray(settings.phase_shares)
    ends = np.round(np.cumsum(shares) / shares.sum() * settings.n_frames)
    # The first frame of even the shortest movie is at rest.
    ends = np.maximum(ends, 1 if shares[0] > 0 else 0)
    phases, start = [], 0.0
    for (name, role), end in zip(_PROTOCOL, ends, strict=True):
        if end > start:
            interval = settings.frame_interval_s
            phases.append(
                Phase(name=name, role=role, start_s=start * interval, end_s=float(end) * interval)
            )
            start = float(end)
    return tuple(phases)


@dataclass(frozen=True)
class Kinetics:
    """What decides the zinc of each cell; every field has shape (n,).

    Attributes
    ----------
    rest_nM, plateau_nM
        Zinc at rest, and the level that the uptake approaches.
    uptake_per_s
        Rate constant of the uptake.
    chelation_s, saturation_s
        Time constants of the fall under TPEN and of the rise to saturation.
    delay_s
        Time between an addition and its arrival at the cell.
    """

    rest_nM: FloatArray
    plateau_nM: FloatArray
    uptake_per_s: FloatArray
    chelation_s: FloatArray
    saturation_s: FloatArray
    delay_s: FloatArray

    @classmethod
    def draw(cls, settings: Simulation, n: int, rng: np.random.Generator) -> Self:
        """Draw the kinetics of ``n`` cells."""
        rest = _lognormal(rng, settings.rest_nM, settings.rest_spread, n)
        plateau = _lognormal(rng, settings.plateau_nM, settings.plateau_spread, n)
        silent = rng.random(n) >= settings.responding_fraction
        return cls(
            rest_nM=rest,
            plateau_nM=np.where(silent, rest, np.maximum(plateau, rest)),
            uptake_per_s=1
            / _lognormal(rng, settings.uptake_time_s, settings.uptake_time_spread, n),
            chelation_s=_lognormal(rng, settings.chelation_time_s, 0.15, n),
            saturation_s=_lognormal(rng, settings.saturation_time_s, 0.15, n),
            delay_s=rng.gamma(4.0, settings.mixing_delay_s / 4.0, n),
        )

    def of(self, cells: NDArray[np.intp]) -> Self:
        """Select cells by index; daughters have the kinetics of their family."""
        return type(self)(**{f.name: getattr(self, f.name)[cells] for f in fields(self)})

    @property
    def initial_rate_nM_per_s(self) -> FloatArray:
        """Derivative of the zinc at the onset of the uptake, shape (n,)."""
        return self.uptake_per_s * (self.plateau_nM - self.rest_nM)


def _lognormal(rng: np.random.Generator, median: float, spread: float, n: int) -> FloatArray:
    """Draw around a median, within two standard deviations: outliers would rule small movies."""
    return median * np.exp(spread * np.clip(rng.standard_normal(n), -2, 2))


def zinc(
    kinetics: Kinetics, phases: Sequence[Phase], time_s: FloatArray, settings: Simulation
) -> FloatArray:
    """Free zinc of each cell at each time.

    Uptake approaches its plateau exponentially. Under TPEN zinc falls exponentially to
    `Simulation.chelated_nM`. Zinc with pyrithione has to fill the chelator first: free zinc then
    rises in equal times by equal factors, so its logarithm relaxes, not zinc itself.

    Parameters
    ----------
    kinetics
        Of n cells.
    phases
        Closed phases, in order, without gaps.
    time_s
        Times in s, shape (T,).
    settings
        Holds the levels under TPEN and at saturation.

    Returns
    -------
    numpy.ndarray
        Zinc in nM, shape (T, n).
    """
    time = np.asarray(time_s, dtype=np.float64)[:, None]
    level = kinetics.rest_nM
    result = np.repeat(level[None, :], len(time), axis=0)
    for phase in phases:
        course = _course(phase.role, level, kinetics, settings)
        arrival = phase.start_s + kinetics.delay_s
        result = np.where(time >= arrival, course(np.maximum(time - arrival, 0.0)), result)
        end = np.inf if phase.end_s is None else phase.end_s + kinetics.delay_s
        level = course(end - arrival)
    return result


def _course(
    role: Role, start: FloatArray, kinetics: Kinetics, settings: Simulation
) -> Callable[[FloatArray], FloatArray]:
    """Zinc as a function of the time since the addition arrived, from the level ``start``."""
    if role == "response":
        gap = kinetics.plateau_nM - start
        return lambda t: start - gap * np.expm1(-kinetics.uptake_per_s * t)
    if role == "minimum":
        floor = settings.chelated_nM
        return lambda t: floor + (start - floor) * np.exp(-t / kinetics.chelation_s)
    if role == "maximum":
        top = np.log(settings.saturating_nM)
        return lambda t: np.exp(top + (np.log(start) - top) * np.exp(-t / kinetics.saturation_s))
    return lambda t: start + 0.0 * t


def emission(zinc_nM: FloatArray, settings: Simulation) -> FloatArray:
    """Light of one unit of indicator in each channel.

    Intensity: F = Fmin + (Fmax − Fmin)·Zⁿ/(Kⁿ + Zⁿ) with Fmin = 1. FRET: a fraction θ of the
    sensor is bound, θ = Zⁿ/(Kdⁿ + Zⁿ); each channel is the sum of the light of free and bound
    sensor. With β the brightness in CFP of free over bound sensor and Kd = K·β^(−1/n), the ratio
    of the two channels follows the Hill curve with the apparent K exactly.

    Parameters
    ----------
    zinc_nM
        Free zinc, any shape.
    settings
        Holds K, Hill coefficient and range.

    Returns
    -------
    numpy.ndarray
        Light relative to that of the free indicator (in CFP for FRET), shape (C, …).

    References
    ----------
    Grynkiewicz G, Poenie M, Tsien RY. J Biol Chem 1985;260:3440–3450.

    Examples
    --------
    >>> fret = Simulation(kind="fret", dynamic_range=2, ratio_minimum=1.2)
    >>> cfp, yfp = emission(np.array([0.811]), fret)
    >>> (yfp / cfp).round(6)  # half way between 1.2 and 2.4
    array([1.8])
    """
    powered = np.asarray(zinc_nM, dtype=np.float64) ** settings.hill
    half = settings.k_nM**settings.hill
    if settings.kind == "intensity":
        bound = powered / (half + powered)
        return np.asarray(1 + (settings.dynamic_range - 1) * bound)[None]
    bound = powered / (half / settings.beta + powered)
    free_fret = settings.ratio_minimum
    bound_cfp = 1 / settings.beta
    bound_fret = free_fret * settings.dynamic_range * bound_cfp
    return np.stack([1 + (bound_cfp - 1) * bound, free_fret + (bound_fret - free_fret) * bound])


def signal(zinc_nM: FloatArray, settings: Simulation) -> FloatArray:
    """Give what zinc is calculated from: F/Fmin, or the ratio FRET over CFP.

    Parameters
    ----------
    zinc_nM
        Free zinc, any shape.
    settings
        Holds K, Hill coefficient and range.
    """
    light = emission(zinc_nM, settings)
    return np.asarray(light[0] if settings.kind == "intensity" else light[1] / light[0])
