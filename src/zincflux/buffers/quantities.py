"""Concentrations and volumes as people write them: 10nM, 0.5 mM, 200uL."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from zincflux.errors import ExperimentError

_MOLAR = {"M": 1.0, "mM": 1e-3, "uM": 1e-6, "nM": 1e-9, "pM": 1e-12, "fM": 1e-15}
_MICROLITRES = {"L": 1e6, "mL": 1e3, "uL": 1.0}
_MOST_M = 10.0


def parse_concentration(text: str, *, key: str) -> float:
    """Read a concentration with its unit (fM, pM, nM, µM or uM, mM, M), in M.

    Parameters
    ----------
    text
        A number and its unit; a bare 0 needs none.
    key
        What the value was given for; names the place in an error message.

    Raises
    ------
    ExperimentError
        If the text is not a number with such a unit, or is below 0 or above 10 M.

    Examples
    --------
    >>> parse_concentration("0.5 mM", key="--metal Zn")
    0.0005
    """
    value = _parse(text, _MOLAR, key, "10nM")
    if value > _MOST_M:
        raise ExperimentError(
            f"{key}: expected a concentration from 0 to {_MOST_M:g} M, found {text!r}. "
            "Check the unit."
        )
    return value


def parse_volume(text: str, *, key: str) -> float:
    """Read a volume with its unit (µL or uL, mL, L), in µL.

    Raises
    ------
    ExperimentError
        If the text is not a volume above 0.

    Examples
    --------
    >>> parse_volume("0.2 mL", key="--volume")
    200.0
    """
    value = _parse(text, _MICROLITRES, key, "200uL")
    if value <= 0:
        raise ExperimentError(f"{key}: expected a volume above 0, found {text!r}. Correct it.")
    return value


def parse_amounts(texts: Iterable[str], *, option: str) -> dict[str, float | None]:
    """Read ``NAME=CONCENTRATION`` items; a bare name stands for an unknown amount.

    Returns
    -------
    dict
        Concentration in M by name, None where no amount was given.

    Raises
    ------
    ExperimentError
        If an item has no name, is given twice, or holds no concentration.

    Examples
    --------
    >>> parse_amounts(["EGTA=1mM", "NTA"], option="--chelator")
    {'EGTA': 0.001, 'NTA': None}
    """
    amounts: dict[str, float | None] = {}
    for text in texts:
        name, equals, amount = (part.strip() for part in text.partition("="))
        if not name:
            raise ExperimentError(
                f"{option} expects NAME=CONCENTRATION, found {text!r}. "
                f"Write for example: {option} {'EGTA' if option == '--chelator' else 'Zn'}=1mM"
            )
        if name.casefold() in map(str.casefold, amounts):
            raise ExperimentError(
                f"{option} {name}: expected each name once, found it twice. Leave one out."
            )
        amounts[name] = parse_concentration(amount, key=f"{option} {name}") if equals else None
    return amounts


def _parse(text: str, units: Mapping[str, float], key: str, example: str) -> float:
    match = re.fullmatch(
        r"(\S*\d\.?)\s*([A-Za-z]*)", text.strip().replace("µ", "u").replace("μ", "u")
    )
    number, unit = (match[1], match[2]) if match else ("", "")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    scale = 1.0 if value == 0 and not unit else units.get(unit, math.nan)
    if not 0 <= value * scale < math.inf:
        raise ExperimentError(
            f"{key}: expected a number from 0 with a unit ({', '.join(units)}), found {text!r}. "
            f"Write for example: {example}"
        )
    return value * scale
