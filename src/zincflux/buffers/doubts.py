"""What makes the free metal of a buffer doubtful."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from zincflux.buffers.conditional import Conditions, free_ion_fraction
from zincflux.buffers.constants import Chelator, Metal

FloatArray = NDArray[np.float64]

_PH = (4.0, 10.0)
_IONIC_STRENGTH_M = (0.01, 0.5)
_WARMER_C = 20.0
_HYDROLYSED = 0.05
_EDGE = (0.1, 0.9)
_UNBUFFERED = (0.05, 0.95)
_TAKEN = 0.5


def doubts_of_conditions(
    metals: Sequence[Metal], chelators: Sequence[Chelator], conditions: Conditions
) -> list[str]:
    """List what is doubtful about the constants at these conditions."""
    found = []
    ph, strength = conditions.ph, conditions.ionic_strength_M
    if not _PH[0] <= ph <= _PH[1]:
        found.append(
            f"pH {ph:g} lies outside {_PH[0]:g} to {_PH[1]:g}: complexes with more protons or with "
            "hydroxide, which are not counted, matter there."
        )
    if not _IONIC_STRENGTH_M[0] <= strength <= _IONIC_STRENGTH_M[1]:
        low, high = _IONIC_STRENGTH_M
        found.append(
            f"ionic strength {strength:g} M lies outside {low:g} to {high:g} M: its correction is "
            "not to be trusted there."
        )
    found += _doubts_of_temperature(metals, chelators, conditions.temperature_C)
    for metal in metals:
        lost = 1 - float(free_ion_fraction(metal, ph))
        if lost > _HYDROLYSED and not conditions.hydrolysis:
            found.append(
                f"{lost:.0%} of the {metal.symbol} without chelator has taken up hydroxide at pH "
                f"{ph:g}, which is not counted: add --hydrolysis."
            )
    return found


def _doubts_of_temperature(
    metals: Sequence[Metal], chelators: Sequence[Chelator], temperature_C: float
) -> list[str]:
    found = []
    for one in chelators:
        away = abs(temperature_C - one.temperature_C)
        if away > _WARMER_C:
            found.append(
                f"{temperature_C:g} °C lies {away:g} °C from where the constants of {one.name} "
                f"were measured ({one.temperature_C:g} °C): enthalpies change over such a range."
            )
        if away and len(one.enthalpy_protonation_kcal) < len(one.log_k_protonation):
            found.append(
                f"not every enthalpy of the protons of {one.name} is known; those that are not "
                "count as 0."
            )
    for one, metal in product(chelators, metals):
        unknown = one.complex_with(metal.symbol).enthalpy_kcal is None
        if unknown and temperature_C != one.temperature_C:
            found.append(
                f"the enthalpy of {metal.symbol} with {one.name} is not known and counts as 0: its "
                f"constant is that of {one.temperature_C:g} °C."
            )
    return found


def doubts_of_filling(
    metals: Sequence[str],
    chelators: Sequence[str],
    bound_M: FloatArray,
    chelator_M: FloatArray,
    main: str,
) -> list[str]:
    """List what is doubtful about how full the chelator is that holds most of a metal.

    Parameters
    ----------
    metals, chelators
        Names of the metals (m) and chelators (n).
    bound_M
        (m, n) complexes, M.
    chelator_M
        (n,) total chelators, M.
    main
        The metal that the buffer is for.
    """
    row = metals.index(main)
    holder = int(np.argmax(bound_M[row]))
    if not bound_M[row, holder] > 0:
        return []
    shares = bound_M[:, holder] / chelator_M[holder]
    own, full = round(float(shares[row]), 4), round(float(shares.sum()), 4)
    name = chelators[holder]
    found = []
    if own < _EDGE[0]:
        found.append(
            f"{main} fills {own:.1%} of {name}, {_verdict(own < _UNBUFFERED[0])}: a little {main} "
            "from water, glass or salts changes its free concentration in proportion."
        )
    if full > _EDGE[1]:
        found.append(
            f"{name} is {full:.1%} full, {_verdict(full > _UNBUFFERED[1])}: a small error of an "
            "amount changes the free metal several-fold."
        )
    found += [
        f"{other} takes {share:.0%} of {name}: the free {main} then depends on {other} and on its "
        "constant as well."
        for other, share in zip(metals, shares.tolist(), strict=True)
        if other != main and share > _TAKEN
    ]
    return found


def _verdict(beyond: bool) -> str:
    if beyond:
        return f"beyond {_UNBUFFERED[0]:.0%} to {_UNBUFFERED[1]:.0%}, where nothing is buffered"
    return f"at the edge of the useful {_EDGE[0]:.0%} to {_EDGE[1]:.0%}"
