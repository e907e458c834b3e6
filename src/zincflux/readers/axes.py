"""What the axes of a file mean; an axis that the file does not name is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import ExperimentError
from zincflux.movie import Source

KNOWN = "TCZYX"

ZChoice = Literal["max", "mean"] | int | None
PlaneTable = NDArray[np.intp]
"""Numbers of the planes of a file, shape (T, C, Z)."""


@dataclass(frozen=True)
class Choice:
    """What the experiment says about a file.

    Attributes
    ----------
    scene, z, axes
        The keys of these names under ``movie``.
    interval_given
        Whether a frame interval is given, so that doubts about the file's own need no warning.
    """

    scene: int | None = None
    z: ZChoice = None
    axes: str | None = None
    interval_given: bool = False


class KeyNeeded(ExperimentError):
    """A file leaves something open that a key must say.

    Attributes
    ----------
    what, key
        What is open, and the key that supplies it.
    provisional
        A value of ``movie`` with which the rest of the file can be described.
    """

    def __init__(self, message: str, *, what: str, key: str, provisional: dict[str, Any]) -> None:
        super().__init__(message)
        self.what = what
        self.key = key
        self.provisional = provisional


def name_axes(source: Source, given: str | None) -> tuple[str, tuple[int, ...]]:
    """Name every axis of a file, from the file or from ``movie.axes``.

    Returns
    -------
    axes : str
        One of ``TCZYX`` for each axis.
    shape : tuple of int
        Length of each.

    Raises
    ------
    ExperimentError
        If the given axes do not fit, or an axis is neither named by the file nor given.
    """
    axes, shape = source.axes, source.shape
    if given is not None:
        _check_given(source, given)
        axes = given
    unknown = [n for n, letter in enumerate(axes) if letter not in KNOWN]
    if unknown:
        raise _ask(source, unknown)
    return axes, shape


def _where(source: Source) -> str:
    return source.name


def _check_given(source: Source, given: str) -> None:
    shown = " × ".join(map(str, source.shape))
    if len(given) != len(source.axes):
        raise ExperimentError(
            f"movie.axes: expected one letter for each of the {len(source.axes)} axes of "
            f"{_where(source)} ({shown}), found {given!r}. Correct movie.axes."
        )
    for letter in "YX":
        if given.index(letter) != source.axes.index(letter):
            raise ExperimentError(
                f"movie.axes: {given!r} moves {letter}, but {_where(source)} ({shown}) stores its "
                f"images as {source.axes!r}. Keep Y and X in their places."
            )


def _ask(source: Source, unknown: Sequence[int]) -> KeyNeeded:
    where, shown = _where(source), " × ".join(map(str, source.shape))
    if source.axes[unknown[0]] == "S":
        named = _fill(source.axes, [*unknown], "CZT")
        return KeyNeeded(
            f"{where}: expected one value per pixel and channel, found a colour picture (RGB), "
            f"which is made for display, not for measuring. Export the channels from the "
            f'microscope\'s software; or, if its colours are channels, set movie.axes = "{named}".',
            what="what the colour samples are",
            key="movie.axes",
            provisional={"axes": named},
        )
    lengths = ", ".join(str(source.shape[n]) for n in unknown)
    named = _fill(source.axes, unknown, "TCZ")
    return KeyNeeded(
        f"{where}: the file does not say what its axis of length {lengths} is ({shown}). "
        f'Set movie.axes: "{named}" if it is time (T; else C for channels, Z for depth).',
        what=f"meaning of the axis of length {lengths}",
        key="movie.axes",
        provisional={"axes": named},
    )


def _fill(axes: str, unknown: Sequence[int], letters: str) -> str:
    free = [letter for letter in letters if letter not in axes]
    named = list(axes)
    for n in unknown:
        named[n] = free.pop(0) if free else "?"
    return "".join(named)


def plane_table(axes: str, shape: Sequence[int]) -> PlaneTable:
    """Arrange the planes of a file by time, channel and depth.

    Parameters
    ----------
    axes
        Letters of ``TCZYX``, in the order in which the file stores them.
    shape
        Length of each axis.

    Returns
    -------
    numpy.ndarray
        Plane numbers in storage order, shape (T, C, Z).

    Examples
    --------
    >>> plane_table("CTYX", (2, 3, 64, 64))[:, :, 0].tolist()
    [[0, 3], [1, 4], [2, 5]]
    """
    outer = [(letter, n) for letter, n in zip(axes, shape, strict=True) if letter not in "YX"]
    letters = [letter for letter, _ in outer]
    lengths = [n for _, n in outer]
    table = np.arange(int(np.prod(lengths)), dtype=np.intp).reshape(lengths)
    for letter in "TCZ":
        if letter not in letters:
            table = table[..., np.newaxis]
            letters.append(letter)
    return table.transpose([letters.index(letter) for letter in "TCZ"])


def choose_depth(table: PlaneTable, z: ZChoice, source: Source) -> PlaneTable:
    """Keep the chosen plane of each z stack; all planes for a projection.

    Raises
    ------
    ExperimentError
        If there are several planes and no choice, or no plane of that number.
    """
    n_z = table.shape[2]
    if isinstance(z, int):
        if not 0 <= z < n_z:
            raise ExperimentError(
                f"movie.z: expected a plane from 0 to {n_z - 1} in {_where(source)}, found {z}. "
                "Correct movie.z."
            )
        return table[:, :, z : z + 1]
    if n_z > 1 and z is None:
        time = ""
        if len(table) == 1:
            named = source.axes.replace("Z", "T")
            time = f', or movie.axes = "{named}" if these planes are time points'
        raise KeyNeeded(
            f"{_where(source)}: found {n_z} planes in z. Set movie.z to a plane number, "
            f'"max" or "mean"{time}.',
            what=f"which of {n_z} planes in z, or their projection",
            key="movie.z",
            provisional={"z": "max"},
        )
    return table
