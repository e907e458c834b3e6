"""Gate: which cells carry a reporter, such as the marker of a transfection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from zincflux.errors import ExperimentError
from zincflux.movie import FloatArray
from zincflux.settings import Settings

GROUPS = ("positive", "negative", "")
"""Names of the groups; the last is of cells whose reporter was not measured."""

FEWEST_CELLS = 20
"""Fewest cells that two groups are told apart in."""

BY_CHANCE = 1.3
"""With 2/π, the part of the variance that the halves of one normal explain, and this over the root
of the number of cells, fewer than 3 % of fields of one normal group pass for two."""

VALLEY = 0.5
"""Part of the cells around the middle of either group that may lie around the threshold."""


class Gate(Settings):
    """Which cells carry a reporter; the others are kept as a group of their own."""

    channel: str | int | None = Field(
        default=None,
        description="Channel of the reporter: its name, or its number from 0; no gate if not given",
    )
    minimum: float | None = Field(
        default=None,
        allow_inf_nan=False,
        description="Least brightness of a cell that carries the reporter, counts above "
        "background; found from the cells if not given",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.minimum is not None and self.channel is None:
            raise ValueError("minimum has no effect without the reporter's channel. Set channel")
        return self


@dataclass(frozen=True, eq=False)
class Gated:
    """Cells told apart by their reporter.

    Attributes
    ----------
    signal
        Brightness of the reporter in each cell, counts above background, (n,).
    positive
        Whether the cell carries it, (n,); False where it was not measured.
    minimum
        Least brightness of a cell that does, counts.
    is_estimated
        Whether the minimum was found from the cells.
    """

    signal: FloatArray
    positive: NDArray[np.bool_]
    minimum: float
    is_estimated: bool

    @property
    def names(self) -> NDArray[np.object_]:
        """Group of each cell, (n,): positive or negative; empty where it was not measured."""
        known = np.where(self.positive, "positive", "negative")
        return np.where(np.isfinite(self.signal), known, "").astype(object)

    def summary(self) -> dict[str, Any]:
        """Give plain data, as stored in ``run.json``."""
        return {
            "minimum": self.minimum,
            "is_estimated": self.is_estimated,
            **{f"n_{name or 'unmeasured'}": int((self.names == name).sum()) for name in GROUPS},
        }


def gate(signal: ArrayLike, settings: Gate) -> Gated:
    """Tell the cells that carry a reporter from those that do not.

    Without a minimum, the cells are divided where the variance between the two groups is largest
    (Otsu's criterion), on a scale that is linear within the scatter of the dim group and
    logarithmic above. There must be fewer cells around the threshold than around the middle of
    either group: a skewed hump is no two groups.

    Parameters
    ----------
    signal
        Brightness of the reporter in each cell, counts above background, shape (n,); NaN where it
        was not measured.
    settings
        The minimum, if it is known.

    Raises
    ------
    ExperimentError
        If no minimum is given and the cells are too few, or do not fall into two groups.

    References
    ----------
    Otsu N. A threshold selection method from gray-level histograms. IEEE Trans Syst Man Cybern
    1979;9:62-66.

    Examples
    --------
    >>> found = gate([3, 1, 2, 0, 410, 290], Gate(channel="mCherry", minimum=50))
    >>> int(found.positive.sum())
    2
    """
    values = np.asarray(signal, dtype=np.float64)
    minimum = settings.minimum
    if minimum is None:
        minimum = _minimum(values[np.isfinite(values)])
    positive = np.greater_equal(
        values, minimum, where=np.isfinite(values), out=np.zeros(values.shape, dtype=bool)
    )
    return Gated(values, positive, minimum, settings.minimum is None)


def _minimum(values: FloatArray) -> float:
    """Find the brightness halfway between the two groups."""
    if len(values) < FEWEST_CELLS:
        raise ExperimentError(
            f"gate.minimum: expected at least {FEWEST_CELLS} cells to find it from, found "
            f"{len(values)}. Set gate.minimum, in counts above background."
        )
    ranked = np.sort(values)
    scaled = ranked
    count, told = _split(scaled)
    for _ in range(_ROUNDS):
        centre, spread = _normal(ranked[:count])
        scaled = np.arcsinh((ranked - centre) / (_LINEAR * spread or 1.0))
        refined, told = _split(scaled)
        if refined == count:
            break
        count = refined
    by_chance = 2 / np.pi + BY_CHANCE / np.sqrt(len(ranked))
    if told <= by_chance or not _has_valley(scaled, count):
        raise ExperimentError(
            "gate.minimum: expected two groups of cells, with and without the reporter, found one "
            f"({np.median(values):.3g} counts in the median). Set gate.minimum, or leave out "
            "gate.channel."
        )
    return float((ranked[count - 1] + ranked[count]) / 2)


_ROUNDS = 10
_LINEAR = 3.0
"""Standard deviations of the dim group up to which the scale is linear."""


def _normal(values: FloatArray) -> tuple[float, float]:
    """Centre and standard deviation that outliers do not move."""
    centre = float(np.median(values))
    return centre, 1.4826 * float(np.median(np.abs(values - centre)))


def _split(ranked: FloatArray) -> tuple[int, float]:
    """Divide sorted values by Otsu: how many are low, and which part of the variance that tells."""
    centred = ranked - ranked.mean()
    below = np.arange(1, len(ranked))
    # With the mean taken out, the variance between the groups needs the lower sum alone.
    between = np.cumsum(centred)[:-1] ** 2 / (below * (len(ranked) - below))
    best = int(np.argmax(between))
    variance = float(np.mean(centred**2))
    return best + 1, float(between[best]) / variance if variance > 0 else 0.0


def _has_valley(scaled: FloatArray, count: int) -> bool:
    """Tell whether fewer cells lie around the threshold than in the middle of both groups."""
    middles = float(np.median(scaled[:count])), float(np.median(scaled[count:]))
    reach = (middles[1] - middles[0]) / 8
    low, high, between = (
        np.count_nonzero(np.abs(scaled - centre) <= reach)
        for centre in (*middles, (scaled[count - 1] + scaled[count]) / 2)
    )
    return bool(between < VALLEY * min(low, high))
