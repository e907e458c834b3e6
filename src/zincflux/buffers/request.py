"""What a person asks of the calculator, in words and units, and the answer as plain data."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from zincflux.buffers.conditional import Conditions
from zincflux.buffers.constants import ConstantSet, load_constants
from zincflux.buffers.mixture import compute_buffer
from zincflux.buffers.quantities import parse_amounts, parse_concentration, parse_volume
from zincflux.buffers.series import Plate, titration_series
from zincflux.errors import ExperimentError

_ANY = "free"
_USUAL = "Zn"


@dataclass(frozen=True)
class Request:
    """A mixture, and what is to be known of it.

    Attributes
    ----------
    chelators_M, metals_M, free_M
        Totals of chelators and metals, and free metals to solve for, M.
    constants
        Constants to compute with.
    """

    chelators_M: dict[str, float]
    metals_M: dict[str, float | None]
    free_M: dict[str, float]
    constants: ConstantSet

    @classmethod
    def read(
        cls,
        chelators: Iterable[str],
        metals: Iterable[str],
        solve_for: Iterable[str] = (),
        constants: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Read items such as ``EGTA=1mM``, ``Zn=0.5mM`` and ``free=10nM``.

        Raises
        ------
        ExperimentError
            If an item cannot be read, or the file of constants.
        """
        totals = parse_amounts(metals, option="--metal")
        free = parse_amounts(solve_for, option="--solve-for")
        if _ANY in free:
            free = _named(free, _only_unknown(totals))
        return cls(
            chelators_M=_all_given(parse_amounts(chelators, option="--chelator"), "--chelator"),
            metals_M=totals,
            free_M=_all_given(free, "--solve-for"),
            constants=load_constants(constants),
        )

    def answer(
        self,
        conditions: Conditions,
        *,
        series: str | None = None,
        points: int | None = None,
        volume: str = "200uL",
    ) -> dict[str, Any]:
        """Compute the buffer, or the plate where a series is asked for.

        Parameters
        ----------
        conditions
            pH, temperature, ionic strength and conventions.
        series
            Free concentrations of the wells, such as ``0.1nM,1nM``.
        points
            Or the number of wells between the two stocks.
        volume
            Volume of a well, such as ``200uL``.

        Returns
        -------
        dict
            `Buffer.summary`; of a plate that of the metal stock, with `series`, a list of wells.

        Raises
        ------
        ExperimentError
            If the request does not fit together, or a pair has no constant.
        """
        if series is None and points is None:
            made = compute_buffer(
                self.chelators_M,
                self.metals_M,
                conditions,
                free_M=self.free_M,
                constants=self.constants,
            )
            return made.summary()
        return self._plate(conditions, series, points, parse_volume(volume, key="--volume"))

    def _plate(
        self, conditions: Conditions, series: str | None, points: int | None, volume_uL: float
    ) -> dict[str, Any]:
        if self.free_M or (series is not None and points is not None):
            raise ExperimentError(
                "buffer: expected one of --solve-for, --series and --points, found more. Leave "
                "all but one out."
            )
        metal = self._titrated()
        stock = self.metals_M.get(metal)
        if stock is None:
            stock = sum(self.chelators_M.values())
        others = _all_given(
            {name: total for name, total in self.metals_M.items() if name != metal}, "--metal"
        )
        wells = titration_series(
            self.chelators_M,
            others,
            conditions,
            Plate(metal=metal, stock_M=stock, volume_uL=volume_uL),
            points if points is not None else _targets(series or ""),
            constants=self.constants,
        )
        made = compute_buffer(
            self.chelators_M, {metal: stock, **others}, conditions, constants=self.constants
        )
        return {
            **made.summary(),
            "warnings": list(made.condition_doubts),
            "series": [well.summary() for well in wells],
            "series_metal": made.metals[0],
            "volume_uL": volume_uL,
        }

    def _titrated(self) -> str:
        """Choose the metal of a plate: the one without total, else zinc, else the only one."""
        unknown = [name for name, total in self.metals_M.items() if total is None]
        zinc = [name for name in self.metals_M if self.constants.metal(name).symbol == _USUAL]
        chosen = unknown or zinc or list(self.metals_M) or [_USUAL]
        if len(chosen) > 1:
            raise ExperimentError(
                f"--series: expected one metal to titrate, found {', '.join(chosen)}. Leave out "
                "the total of that one only: --metal Zn"
            )
        return chosen[0]


def _named(free: dict[str, float | None], metal: str) -> dict[str, float | None]:
    """Put a metal's name in the place of ``free``."""
    if metal in free:
        raise ExperimentError(
            f"--solve-for: expected {metal} once, found it as free too. Leave one out."
        )
    return {metal if name == _ANY else name: value for name, value in free.items()}


def _only_unknown(totals: dict[str, float | None]) -> str:
    unknown = [name for name, total in totals.items() if total is None]
    candidates = unknown or list(totals) or [_USUAL]
    if len(candidates) > 1:
        raise ExperimentError(
            f"--solve-for free: expected one metal that it can mean, found "
            f"{', '.join(candidates)}. Name it: --solve-for {candidates[0]}=10nM"
        )
    return candidates[0]


def _all_given(amounts: dict[str, float | None], option: str) -> dict[str, float]:
    for name, amount in amounts.items():
        if amount is None:
            raise ExperimentError(
                f"{option} {name}: expected a concentration, found none. Write for example: "
                f"{option} {name}=1mM"
            )
    return {name: amount for name, amount in amounts.items() if amount is not None}


def _targets(text: str) -> list[float]:
    return [parse_concentration(part, key="--series") for part in text.split(",") if part.strip()]
