"""A buffer of metals and chelators: what is free, what is bound, what to add."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from zincflux.buffers.conditional import (
    Conditions,
    apparent_dissociation_M,
    free_ion_fraction,
)
from zincflux.buffers.constants import Chelator, ConstantSet, Metal, load_constants
from zincflux.buffers.doubts import doubts_of_conditions, doubts_of_filling
from zincflux.buffers.equilibrium import free_chelators, free_metals
from zincflux.errors import ExperimentError

FloatArray = NDArray[np.float64]
T = TypeVar("T")


@dataclass(frozen=True)
class Buffer:
    """A buffer at equilibrium.

    Attributes
    ----------
    metals, chelators
        Names of the metals (m) and chelators (n).
    total_metal_M, free_metal_M
        (m,) M. Free is what no chelator holds, with hydrolysis its hydroxides too.
    total_chelator_M, free_chelator_M
        (n,) M. Free is what holds no metal, whatever its protons.
    bound_M, dissociation_M
        (m, n) complexes, and apparent dissociation constants, M.
    ion_fraction
        (m,) part of the free metal that is the bare ion.
    conditions
        Conditions and conventions.
    sources
        Citation of every constant used.
    to_add_M
        By metal that was solved for: what is to be added to what was given, M.
    condition_doubts, filling_doubts
        Doubts about the constants at these conditions, and about how full the chelator is.
    """

    metals: tuple[str, ...]
    chelators: tuple[str, ...]
    total_metal_M: FloatArray
    free_metal_M: FloatArray
    total_chelator_M: FloatArray
    free_chelator_M: FloatArray
    bound_M: FloatArray
    dissociation_M: FloatArray
    ion_fraction: FloatArray
    conditions: Conditions
    sources: tuple[str, ...]
    to_add_M: Mapping[str, float]
    condition_doubts: tuple[str, ...]
    filling_doubts: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """All doubts about the buffer."""
        return (*self.condition_doubts, *self.filling_doubts)

    def summary(self) -> dict[str, Any]:
        """Give everything as plain data, as ``zincflux buffer --json`` prints it."""
        names = (*self.metals, *self.chelators)
        free = np.concatenate([self.free_metal_M, self.free_chelator_M])
        total = np.concatenate([self.total_metal_M, self.total_chelator_M])
        return {
            "free_M": dict(zip(names, free.tolist(), strict=True)),
            "total_M": dict(zip(names, total.tolist(), strict=True)),
            "bound_M": self._by_pair(self.bound_M),
            "apparent_k_M": self._by_pair(self.dissociation_M),
            "ion_M": dict(
                zip(self.metals, (self.free_metal_M * self.ion_fraction).tolist(), strict=True)
            ),
            "to_add_M": dict(self.to_add_M),
            "conditions": self.conditions.model_dump(
                include={"ph", "temperature_C", "ionic_strength_M"}
            ),
            "conventions": conventions(self.conditions),
            "sources": list(self.sources),
            "warnings": list(self.warnings),
        }

    def _by_pair(self, values: FloatArray) -> dict[str, dict[str, float]]:
        return {
            metal: dict(zip(self.chelators, row, strict=True))
            for metal, row in zip(self.metals, values.tolist(), strict=True)
        }


def conventions(conditions: Conditions) -> dict[str, str | bool]:
    """Name the conventions that a buffer is computed by."""
    return {
        "hydrogen": conditions.hydrogen,
        "charges": conditions.charges,
        "hydrolysis": conditions.hydrolysis,
        "protonated_complexes": True,
        "free": "held by no chelator; with hydrolysis it includes hydroxides, ion_M does not",
    }


def compute_buffer(
    chelators_M: Mapping[str, float],
    metals_M: Mapping[str, float | None],
    conditions: Conditions,
    *,
    free_M: Mapping[str, float] | None = None,
    constants: ConstantSet | None = None,
) -> Buffer:
    """Solve a buffer of any metals and chelators together.

    Parameters
    ----------
    chelators_M
        Total of each chelator by name, M.
    metals_M
        Total of each metal by symbol, M; None where only `free_M` is known.
    conditions
        pH, temperature, ionic strength and conventions.
    free_M
        Free concentration of the metals to solve for, M: their totals are the result, and what
        `metals_M` gives for them counts as already there.
    constants
        Constants; those that come with the package by default.

    Raises
    ------
    ExperimentError
        If a name is unknown or given twice, a pair has no constant, a total is missing, or more of
        a metal is there than is asked for.

    Examples
    --------
    >>> made = compute_buffer({"EGTA": 1e-3}, {"Zn": 0.5e-3}, Conditions(ph=7.2))
    >>> f"{made.free_metal_M[0] * 1e9:.3f} nM"
    '2.565 nM'
    """
    library = constants or load_constants()
    given = _by_symbol(metals_M, library)
    wanted = _by_symbol(free_M or {}, library)
    names = tuple(dict.fromkeys([*given, *wanted]))
    metals = [library.metal(name) for name in names]
    chelators = [library.chelator(name) for name in chelators_M]
    _check(given, wanted, [one.name for one in chelators])
    dissociation = apparent_dissociation_M(metals, chelators, conditions)
    total_chelator = np.array(list(chelators_M.values()), dtype=np.float64)
    asked = np.array([wanted.get(name, np.nan) for name in names], dtype=np.float64)
    there = np.array([given.get(name) or 0.0 for name in names], dtype=np.float64)
    _check_amounts(total_chelator, there, np.array(list(wanted.values()), dtype=np.float64))

    free = _all_free(asked, there, total_chelator, dissociation)
    left = free_chelators(free, total_chelator, dissociation)
    bound = free[:, None] * left / dissociation
    total = np.where(np.isnan(asked), there, free + bound.sum(axis=1))
    return Buffer(
        metals=names,
        chelators=tuple(one.name for one in chelators),
        total_metal_M=total,
        free_metal_M=free,
        total_chelator_M=total_chelator,
        free_chelator_M=left,
        bound_M=bound,
        dissociation_M=dissociation,
        ion_fraction=_ion_fractions(metals, conditions),
        conditions=conditions,
        sources=_sources(metals, chelators),
        to_add_M=_to_add(names, wanted, total, there),
        condition_doubts=tuple(doubts_of_conditions(metals, chelators, conditions)),
        filling_doubts=tuple(
            doubts_of_filling(
                names,
                [one.name for one in chelators],
                bound,
                total_chelator,
                _main(wanted or given),
            )
        ),
    )


def _all_free(
    asked: FloatArray, total: FloatArray, chelator: FloatArray, dissociation: FloatArray
) -> FloatArray:
    """Free metals (m,): as asked for, the rest (NaN in `asked`) from their totals.

    A metal at a known free concentration weakens a chelator for the others by a known factor.
    """
    known = ~np.isnan(asked)
    free = np.where(known, asked, 0.0)
    weaker = 1 + free @ (1 / dissociation)
    free[~known] = free_metals(total[~known], chelator, dissociation[~known] * weaker)
    return free


def _by_symbol(amounts: Mapping[str, T], library: ConstantSet) -> dict[str, T]:
    found = {library.metal(name).symbol: value for name, value in amounts.items()}
    if len(found) < len(amounts):
        raise ExperimentError(
            f"metal: expected each metal once, found {', '.join(amounts)}. Leave one out."
        )
    return found


def _check(
    given: Mapping[str, float | None], wanted: Mapping[str, float], chelators: Sequence[str]
) -> None:
    if not chelators or not (given or wanted):
        raise ExperimentError(
            "buffer: expected at least one chelator and one metal. Add --chelator EGTA=1mM or "
            "--metal Zn=0.5mM."
        )
    if len(set(chelators)) < len(chelators):
        raise ExperimentError(
            f"chelator: expected each chelator once, found {', '.join(chelators)}. Leave one out."
        )
    for name, total in given.items():
        if total is None and name not in wanted:
            raise ExperimentError(
                f"--metal {name}: expected a concentration, or one to solve for. Write "
                f"--metal {name}=0.5mM or add --solve-for {name}=10nM"
            )


def _check_amounts(*amounts: FloatArray) -> None:
    for value in np.concatenate(amounts).tolist():
        if not 0 <= value < np.inf:
            raise ExperimentError(
                f"buffer: expected finite concentrations from 0, found {value:g} M. Correct it."
            )


def _to_add(
    names: Sequence[str], wanted: Mapping[str, float], total: FloatArray, there: FloatArray
) -> dict[str, float]:
    missing = dict(zip(names, (total - there).tolist(), strict=True))
    for name in wanted:
        if missing[name] < 0:
            raise ExperimentError(
                f"--solve-for {name}={wanted[name] * 1e9:g}nM: expected a free concentration above "
                f"that of the buffer as given, found that its {name} is already "
                f"{-missing[name]:.3g} M too much. Give less {name}, or more chelator."
            )
    return {name: missing[name] for name in wanted}


def _main(names: Iterable[str]) -> str:
    """Choose the metal that the buffer is for: zinc if it is there, else the first."""
    listed = list(names)
    return "Zn" if "Zn" in listed else listed[0]


def _ion_fractions(metals: Sequence[Metal], conditions: Conditions) -> FloatArray:
    fractions = [
        float(free_ion_fraction(metal, conditions.ph)) if conditions.hydrolysis else 1.0
        for metal in metals
    ]
    return np.array(fractions, dtype=np.float64)


def _sources(metals: Sequence[Metal], chelators: Sequence[Chelator]) -> tuple[str, ...]:
    own = [
        one.complex_with(metal.symbol).source or one.source for one in chelators for metal in metals
    ]
    return tuple(dict.fromkeys([*(one.source for one in chelators), *own]))
