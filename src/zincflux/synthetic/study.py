"""A whole study with known effects: two zinc salts at several doses, on several days."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, model_validator

from zincflux.movie import FloatArray
from zincflux.settings import Settings
from zincflux.synthetic.kinetics import Kinetics
from zincflux.synthetic.settings import Fraction, NotNegative, Positive, Simulation

_DURATION_S = 240.0

_TRUTH_CELLS = 200_000
"""Cells that the true medians are drawn from: their error is far below that of any study."""


class StudySimulation(Settings):
    """A study to be made: the same settings always give the same bytes.

    The zinc that a cell takes up in the end, above its rest, is at dose d of a salt
    gap · [1 + (most − 1) · dʰ / (EC50ʰ + dʰ)], times a factor of the day, which all dishes of the
    day share, and one of the dish.

    Examples
    --------
    >>> StudySimulation().n_movies
    40
    """

    seed: int = Field(default=0, ge=0, description="Seed of everything random")
    n_experiments: int = Field(default=4, ge=1, le=100, description="Days")
    n_dishes: int = Field(
        default=1, ge=1, le=100, description="Dishes of each salt and dose on each day"
    )
    salts: tuple[Annotated[str, Field(min_length=1, max_length=80)], ...] = Field(
        default=("ZnCl2", "Zn gluconate"), min_length=1, description="Names of the salts"
    )
    doses: tuple[NotNegative, ...] = Field(
        default=(0.0, 30.0, 60.0, 90.0, 180.0), min_length=1, description="Doses of each salt"
    )
    dose_unit: str = Field(default="µM", max_length=20, description="Unit of the doses")
    most: tuple[Positive, ...] = Field(
        default=(3.0, 5.0),
        description="Fold change of the uptake that each salt approaches at high doses",
    )
    ec50: tuple[Positive, ...] = Field(
        default=(60.0, 45.0), description="Dose of half of that change, of each salt"
    )
    hill: Positive = Field(default=2.0, description="Hill coefficient of the dose response")
    gap_nM: Positive = Field(
        default=4.0, description="Zinc taken up without any salt, above the rest, nM"
    )
    day_spread: NotNegative = Field(
        default=0.25, description="Spread of the uptake between days (sd of its logarithm)"
    )
    dish_spread: NotNegative = Field(
        default=0.06, description="Spread of it between dishes of a day (sd of its logarithm)"
    )
    cell_spread: NotNegative = Field(
        default=0.25, description="Spread of it between cells of a dish (sd of its logarithm)"
    )
    responding_fraction: Fraction = Field(
        default=1.0, description="Share of the cells that take zinc up"
    )
    n_cells: int = Field(default=14, ge=1, description="Cells of each movie")
    n_frames: int = Field(default=48, ge=20, description="Frames of each movie")
    shape_px: tuple[Annotated[int, Field(ge=32)], Annotated[int, Field(ge=32)]] = Field(
        default=(112, 112), description="Height and width of a frame, pixels"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in ("most", "ec50"):
            if len(getattr(self, name)) != len(self.salts):
                raise ValueError(
                    f"{name}: expected {len(self.salts)} numbers, one for each of "
                    f"{', '.join(self.salts)}; found {len(getattr(self, name))}"
                )
        for name in ("salts", "doses"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"{name}: expected each once; found one twice")
        return self

    @property
    def n_movies(self) -> int:
        """How many movies there are."""
        return self.n_experiments * self.n_dishes * len(self.salts) * len(self.doses)

    def fold(self, salt: int, dose: float) -> float:
        """Give the zinc taken up relative to that without the salt."""
        powered = dose**self.hill
        share = powered / (self.ec50[salt] ** self.hill + powered)
        return float(1 + (self.most[salt] - 1) * share)


@dataclass(frozen=True)
class StudyMovie:
    """One movie of a simulated study.

    Attributes
    ----------
    keys
        Its row of the sheet, without the path.
    simulation
        What it is made from.
    """

    keys: dict[str, str | float]
    simulation: Simulation


def study_movies(settings: StudySimulation) -> Iterator[StudyMovie]:
    """Give the movies of a study, day by day, in the order of the sheet."""
    days, dishes, seeds = _drawn(settings)
    number = 0
    for day in range(settings.n_experiments):
        for salt, name in enumerate(settings.salts):
            for dose in settings.doses:
                for dish in range(settings.n_dishes):
                    factor = days[day] * dishes[number] * settings.fold(salt, dose)
                    yield StudyMovie(
                        {
                            "sample": f"d{day + 1}-s{salt + 1}-{dose:g}-{dish + 1}",
                            "condition": name,
                            "dose": dose,
                            "dose_unit": settings.dose_unit,
                            "replicate": f"s{salt + 1}-{dose:g}-{dish + 1}",
                            "experiment": f"day {day + 1}",
                        },
                        simulation_of(settings, factor, int(seeds[number])),
                    )
                    number += 1


def _drawn(settings: StudySimulation) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Draw the factors of days and dishes, and the seeds of the movies."""
    rng = np.random.default_rng([settings.seed, 0x57D7])
    days = settings.day_spread * rng.standard_normal(settings.n_experiments)
    dishes = settings.dish_spread * rng.standard_normal(settings.n_movies)
    return np.exp(days), np.exp(dishes), rng.integers(0, 2**31, settings.n_movies)


def simulation_of(settings: StudySimulation, factor: float, seed: int) -> Simulation:
    """Give the settings of one movie whose cells take up ``factor`` times the usual zinc."""
    rest_nM = 0.8
    return Simulation(
        seed=seed,
        n_cells=settings.n_cells,
        n_frames=settings.n_frames,
        shape_px=settings.shape_px,
        frame_interval_s=_DURATION_S / settings.n_frames,
        phase_shares=(0.2, 0.3, 0.24, 0.26),
        crowding=0.3,
        debris=1,
        drift_um=1.0,
        rest_nM=rest_nM,
        rest_spread=0.2,
        plateau_nM=rest_nM + settings.gap_nM * factor,
        plateau_spread=settings.cell_spread,
        uptake_time_s=60.0,
        uptake_time_spread=0.2,
        responding_fraction=settings.responding_fraction,
        chelation_time_s=5.0,
        saturation_time_s=5.0,
        bleach_rate_per_s=(0.0,),
        defocus_frames=0,
        electrons_per_unit=200.0,
    )


def true_effects(settings: StudySimulation) -> pd.DataFrame:
    """Tell the truth about every arm: median initial rate, fold change, and EC50.

    The medians are those of very many cells of a dish without a factor of its own.

    Returns
    -------
    pandas.DataFrame
        ``condition``, ``dose``, ``dose_unit``, ``rate_nM_per_s`` (median initial rate),
        ``fold_change`` of it over dose 0 of the same salt, ``most``, ``ec50``, ``hill`` of the
        zinc that is taken up.
    """
    rows = []
    for salt, name in enumerate(settings.salts):
        without = _median_rate(settings, 1.0)
        for dose in settings.doses:
            rate = _median_rate(settings, settings.fold(salt, dose))
            rows.append(
                {
                    "condition": name,
                    "dose": dose,
                    "dose_unit": settings.dose_unit,
                    "rate_nM_per_s": rate,
                    "fold_change": rate / without if without else math.nan,
                    "most": settings.most[salt],
                    "ec50": settings.ec50[salt],
                    "hill": settings.hill,
                }
            )
    return pd.DataFrame(rows)


def _median_rate(settings: StudySimulation, factor: float) -> float:
    # The same cells for every arm: the ratio of two medians then has less error than each.
    rng = np.random.default_rng([settings.seed, 1])
    kinetics = Kinetics.draw(simulation_of(settings, factor, 0), _TRUTH_CELLS, rng)
    return float(np.median(kinetics.initial_rate_nM_per_s))
