"""Stability constants of metals and chelators, as data with their sources."""

from __future__ import annotations

import difflib
import os
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import Field, model_validator

from zincflux.errors import ExperimentError
from zincflux.settings import Settings, read_toml

LogK = Annotated[float, Field(ge=-20, le=60, allow_inf_nan=False)]
Enthalpy = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]


class Metal(Settings):
    """A metal ion."""

    symbol: str = Field(min_length=1, description="Symbol of the element")
    charge: int = Field(default=2, ge=1, le=4, description="Charge of the free ion")
    hydrolysis_pka: float | None = Field(
        default=None, ge=0, le=20, description="pKa of the hydrated ion; none: not hydrolysed"
    )


class Complex(Settings):
    """What holds a metal on a chelator."""

    metal: str = Field(min_length=1, description="Symbol of the metal")
    log_k: LogK = Field(description="log10 of the stability constant of ML, 1/M")
    log_k_protonated: LogK | None = Field(
        default=None,
        description="log10 of the constant of M + HL = MHL, 1/M; none: no such complex",
    )
    enthalpy_kcal: Enthalpy | None = Field(
        default=None, description="Enthalpy of ML, kcal/mol; none: not known, taken as 0"
    )
    source: str = Field(default="", description="Citation; the chelator's where empty")


class Chelator(Settings):
    """A chelator with its protons and its complexes."""

    name: str = Field(min_length=1, description="Name of the chelator")
    charge: int = Field(
        ge=0, le=12, description="Size of the negative charge without protons (EGTA: 4)"
    )
    log_k_protonation: tuple[LogK, ...] = Field(
        description="log10 of the stepwise protonation constants, 1/M, the most basic site first"
    )
    enthalpy_protonation_kcal: tuple[Enthalpy, ...] = Field(
        default=(), description="Their enthalpies, kcal/mol; missing ones are taken as 0"
    )
    temperature_C: float = Field(
        default=20.0, ge=0, le=100, description="Temperature of the constants, °C"
    )
    ionic_strength_M: float = Field(
        default=0.1, ge=0, le=3, description="Ionic strength of the constants, M"
    )
    source: str = Field(min_length=1, description="Citation")
    complexes: tuple[Complex, ...] = Field(min_length=1, description="Metals that it binds")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.enthalpy_protonation_kcal) > len(self.log_k_protonation):
            raise ValueError(
                f"{self.name}: expected at most {len(self.log_k_protonation)} values in "
                "enthalpy_protonation_kcal, one for each of log_k_protonation; found "
                f"{len(self.enthalpy_protonation_kcal)}"
            )
        _once([item.metal for item in self.complexes], f"{self.name}: metal")
        return self

    def complex_with(self, metal: str) -> Complex:
        """Find the constants for a metal.

        Raises
        ------
        ExperimentError
            If there are none.
        """
        for item in self.complexes:
            if item.metal == metal:
                return item
        known = ", ".join(item.metal for item in self.complexes)
        raise ExperimentError(
            f"{metal} with {self.name}: no stability constant that can be cited is known for this "
            f"pair ({self.name} has constants for {known}). Give your own, with their source, in "
            "a file: --constants FILE.toml"
        )


class ConstantSet(Settings):
    """All metals and chelators that can be chosen."""

    metals: tuple[Metal, ...] = Field(default=(), description="Metals")
    chelators: tuple[Chelator, ...] = Field(default=(), description="Chelators")

    @model_validator(mode="after")
    def _check(self) -> Self:
        _once([metal.symbol for metal in self.metals], "metal")
        _once([chelator.name for chelator in self.chelators], "chelator")
        return self

    def metal(self, symbol: str) -> Metal:
        """Find a metal by its symbol; ``Zn2+``, ``zn`` and ``Fe(II)`` do as well.

        Raises
        ------
        ExperimentError
            If there is no such metal.
        """
        plain = symbol.replace("(II)", "").removesuffix("2+")
        return _find(plain, {metal.symbol: metal for metal in self.metals}, "metal")

    def chelator(self, name: str) -> Chelator:
        """Find a chelator by its name; case does not matter.

        Raises
        ------
        ExperimentError
            If there is no such chelator.
        """
        return _find(name, {one.name: one for one in self.chelators}, "chelator")

    def replaced_by(self, other: ConstantSet) -> ConstantSet:
        """Let the entries of another set stand before those of the same name here."""
        metals = {item.symbol.casefold(): item for item in (*self.metals, *other.metals)}
        chelators = {item.name.casefold(): item for item in (*self.chelators, *other.chelators)}
        return ConstantSet(metals=tuple(metals.values()), chelators=tuple(chelators.values()))


def load_constants(path: str | os.PathLike[str] | None = None) -> ConstantSet:
    """Load the constants that come with the package, and those of a file over them.

    Parameters
    ----------
    path
        TOML file in the layout of ``chelators.toml``: a metal or chelator in it replaces the one
        of the same name.

    Raises
    ------
    ExperimentError
        If the file is missing, or does not describe constants.

    References
    ----------
    NIST Standard Reference Database 46, by way of WEBMAXC (github.com/joel-rosenbaum/free_metal)
    and PyChelator, BMC Bioinformatics 2024;25:239, doi 10.1186/s12859-024-05858-8.

    Examples
    --------
    >>> load_constants().chelator("egta").complex_with("Zn").log_k
    12.661
    """
    if path is None:
        return _library()
    own = ConstantSet.parse(read_toml(path), where=os.fspath(path), folder=Path(path).parent)
    return _library().replaced_by(own)


@cache
def _library() -> ConstantSet:
    with resources.as_file(resources.files(__package__) / "chelators.toml") as path:
        return ConstantSet.parse(read_toml(path), where=path.name)


T = TypeVar("T")


def _find(name: str, known: dict[str, T], what: str) -> T:
    folded = {key.casefold(): value for key, value in known.items()}
    if name.casefold() in folded:
        return folded[name.casefold()]
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    hint = "".join(f" Did you mean {key!r}?" for key in known if key.casefold() in near)
    raise ExperimentError(
        f"{what}: expected one of {', '.join(known)}; found {name!r}.{hint} "
        "Others can be given in a file: --constants FILE.toml"
    )


def _once(names: list[str], what: str) -> None:
    folded = [name.casefold() for name in names]
    for name in names:
        if folded.count(name.casefold()) > 1:
            raise ValueError(f"{what} {name!r} is given more than once; leave one out")
