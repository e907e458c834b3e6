"""Model of a titration: what the signal of each point should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zincflux.calibrate.titration.settings import ErrorModel, TitrationFitting
from zincflux.movie import FloatArray
from zincflux.response import free_from_total, saturation_from_zinc

TINY = 1e-9
"""Least signal of which a logarithm is taken."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What is fitted, with signals near 1 so that no unit matters.

    Attributes
    ----------
    zinc_nM, signal, replicate
        Points, shape (m,).
    n_replicates
        Number of replicates.
    dye_nM
        Indicator in each well, nM, shape (m,); None where the metal is free metal.
    beta
        β of a ratio whose K is that of the dye; 1 otherwise.
    error
        Whether the standard deviation is constant or proportional to the signal.
    gains
        Whether each replicate has its own gain.
    hill, maximum
        Held at this value if not None.
    """

    zinc_nM: FloatArray
    signal: FloatArray
    replicate: NDArray[np.int64]
    n_replicates: int
    dye_nM: FloatArray | None
    beta: float
    error: ErrorModel
    gains: bool
    hill: float | None
    maximum: float | None

    def subset(self, kept: NDArray[np.bool_]) -> Problem:
        """Keep some of the points; replicates keep their numbers."""
        return replace(
            self,
            zinc_nM=self.zinc_nM[kept],
            signal=self.signal[kept],
            replicate=self.replicate[kept],
            dye_nM=None if self.dye_nM is None else self.dye_nM[kept],
        )


def bare_problem(x: FloatArray, settings: TitrationFitting, beta: float | None) -> Problem:
    """Give the problem of concentrations, in nM, whose signals are not known: of one replicate."""
    dye = None if settings.indicator_nM is None else np.full(len(x), settings.indicator_nM)
    return Problem(
        zinc_nM=x,
        signal=np.ones(len(x)),
        replicate=np.zeros(len(x), dtype=np.int64),
        n_replicates=1,
        dye_nM=dye if settings.total else None,
        beta=(beta or 1.0) if settings.total else 1.0,
        error=settings.error,
        gains=False,
        hill=1.0 if settings.total else settings.hill,
        maximum=None,
    )


def saturations(problem: Problem, k_nM: float, hill: float) -> FloatArray:
    """Saturation of the signal at each point."""
    zinc = problem.zinc_nM
    if problem.dye_nM is not None:
        zinc = free_from_total(zinc, problem.dye_nM, k_nM)
    return saturation_from_zinc(zinc, k_nM, hill, problem.beta)


def gains_of(problem: Problem, values: Mapping[str, float]) -> FloatArray:
    """Gain of each replicate, shape (r,); 1 where none is fitted.

    The mean of ln gain is 0: no replicate is the standard for the others, and the last gain follows
    from the others.
    """
    if not problem.gains:
        return np.ones(problem.n_replicates)
    free = np.array([values[name] for name in gain_names(problem)])
    return np.append(free, 1 / np.prod(free))


def gain_names(problem: Problem) -> tuple[str, ...]:
    """Names of the gains that are fitted: all but the last."""
    return tuple(f"gain_{number}" for number in range(problem.n_replicates - 1))


def predicted(problem: Problem, values: Mapping[str, float]) -> FloatArray:
    """Signal of each point by the model, in the units of its replicate."""
    part = saturations(problem, float(np.exp(values["ln_k"])), values["hill"])
    low, high = values["minimum"], values["maximum"]
    return np.asarray((low + (high - low) * part) * gains_of(problem, values)[problem.replicate])


def residuals(problem: Problem, values: Mapping[str, float]) -> FloatArray:
    """Measured less predicted, on the scale on which errors are alike."""
    model = predicted(problem, values)
    if problem.error == "relative":
        return np.asarray(np.log(problem.signal) - np.log(np.maximum(model, TINY)))
    return problem.signal - model


def jacobian(problem: Problem, values: Mapping[str, float], names: Sequence[str]) -> FloatArray:
    """Slopes of the residuals with the named parameters, shape (m, p)."""
    columns = []
    for name in names:
        step = 1e-5 * max(abs(values[name]), 0.01)
        above, below = (
            residuals(problem, {**values, name: values[name] + sign * step}) for sign in (1, -1)
        )
        columns.append((above - below) / (2 * step))
    return np.stack(columns, axis=1)
