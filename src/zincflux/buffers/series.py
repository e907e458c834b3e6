"""A titration plate: two stocks with the same chelators, one of them with the metal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from zincflux.buffers.conditional import Conditions
from zincflux.buffers.constants import ConstantSet, load_constants
from zincflux.buffers.mixture import Buffer, compute_buffer
from zincflux.errors import ExperimentError

_PIPETTE_UL = 1.0


@dataclass(frozen=True)
class Plate:
    """What the wells of a titration are mixed from.

    Attributes
    ----------
    metal
        Symbol of the metal that is titrated.
    stock_M
        Its total in the metal stock, M; none in the other stock.
    volume_uL
        Volume of a well, µL.
    """

    metal: str
    stock_M: float
    volume_uL: float

    def __post_init__(self) -> None:
        if not (self.stock_M > 0 and self.volume_uL > 0):
            raise ExperimentError(
                f"series: expected a metal stock and a volume above 0, found {self.stock_M:g} M "
                f"{self.metal} and {self.volume_uL:g} µL. Correct --metal or --volume."
            )


@dataclass(frozen=True)
class Well:
    """One well: µL of either stock, and the metal in M and as p = −log10 of the free metal.

    Attributes
    ----------
    free_M, total_M
        Free and total metal, M.
    p_free
        −log10 of the free metal (pZn); None without metal.
    chelator_stock_uL, metal_stock_uL
        Volumes to pipette, µL.
    warnings
        Doubts about this well.
    """

    free_M: float
    p_free: float | None
    total_M: float
    chelator_stock_uL: float
    metal_stock_uL: float
    warnings: tuple[str, ...]

    def summary(self) -> dict[str, object]:
        """Give the well as plain data."""
        return {**asdict(self), "warnings": list(self.warnings)}


def titration_series(
    chelators_M: Mapping[str, float],
    metals_M: Mapping[str, float],
    conditions: Conditions,
    plate: Plate,
    targets: Sequence[float] | int,
    *,
    constants: ConstantSet | None = None,
) -> tuple[Well, ...]:
    """Volumes of two stocks that give a series of free metal at constant total chelator.

    Parameters
    ----------
    chelators_M
        Total of each chelator in both stocks, M.
    metals_M
        Total of other metals in both stocks, M.
    conditions
        pH, temperature, ionic strength and conventions of the wells.
    plate
        Metal stock, and volume of a well.
    targets
        Free concentrations to reach, M; or a number of wells that go from one stock to the other
        in equal steps.
    constants
        Constants; those that come with the package by default.

    Raises
    ------
    ExperimentError
        If a target needs more metal than the metal stock holds, or nothing is asked for.

    Examples
    --------
    >>> wells = titration_series(
    ...     {"EGTA": 1e-3}, {}, Conditions(ph=7.2), Plate("Zn", 1e-3, 200.0), [2.565e-9]
    ... )
    >>> f"{wells[0].metal_stock_uL:.1f}"
    '100.0'
    """
    library = constants or load_constants()
    symbol = library.metal(plate.metal).symbol
    others = {
        name: total for name, total in metals_M.items() if library.metal(name).symbol != symbol
    }
    mixtures: list[tuple[Mapping[str, float], Mapping[str, float] | None]]
    if isinstance(targets, int):
        mixtures = [({symbol: total, **others}, None) for total in _steps(plate, targets)]
    else:
        mixtures = [(others, {symbol: free}) for free in _checked(targets)]
    return tuple(
        _well(
            plate,
            symbol,
            compute_buffer(chelators_M, metals, conditions, free_M=free, constants=library),
        )
        for metals, free in mixtures
    )


def _steps(plate: Plate, number: int) -> list[float]:
    if number < 2:
        raise ExperimentError(f"--points: expected 2 or more wells, found {number}. Correct it.")
    steps: list[float] = np.linspace(0.0, plate.stock_M, number).tolist()
    return steps


def _checked(targets: Sequence[float]) -> Sequence[float]:
    if not targets:
        raise ExperimentError(
            "--series: expected free concentrations, found none. Write for example: "
            "--series 0.1nM,1nM,10nM"
        )
    return targets


def _well(plate: Plate, symbol: str, made: Buffer) -> Well:
    place = made.metals.index(symbol)
    free, total = float(made.free_metal_M[place]), float(made.total_metal_M[place])
    part = total / plate.stock_M
    if part > 1 + 1e-9:  # a target that is the stock itself
        raise ExperimentError(
            f"--series: {free * 1e9:.4g} nM free {symbol} needs {total:.4g} M {symbol}, but the "
            f"metal stock holds {plate.stock_M:.4g} M. Ask for less, or give a stock with more: "
            f"--metal {symbol}=…"
        )
    metal_uL = min(part, 1.0) * plate.volume_uL
    volumes = (plate.volume_uL - metal_uL, metal_uL)
    doubts = [
        f"{volume:.2g} µL is too little to pipette well: mix a larger volume, or dilute the metal "
        "stock with the chelator stock first."
        for volume in volumes
        if 0 < volume < _PIPETTE_UL
    ]
    return Well(
        free_M=free,
        p_free=-math.log10(free) if free > 0 else None,
        total_M=total,
        chelator_stock_uL=volumes[0],
        metal_stock_uL=volumes[1],
        warnings=(*made.filling_doubts, *doubts),
    )
