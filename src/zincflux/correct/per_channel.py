"""Numbers that are given for all channels at once, or for each by its name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

import numpy as np

from zincflux.errors import ExperimentError
from zincflux.movie import FloatArray, clean_name

PerChannel = float | dict[str, float]
"""One number for all channels, or a number for each channel's name."""


def per_channel(
    value: float | Mapping[str, float],
    channels: Sequence[str],
    *,
    key: str,
    missing: float | None = 0.0,
) -> FloatArray:
    """Give each channel its number.

    Parameters
    ----------
    value
        One number for all, or a number for each channel's name.
    channels
        Names of the channels.
    key
        Key of the experiment, for the message.
    missing
        Number of a channel that is not named; None if each must be.

    Returns
    -------
    numpy.ndarray
        Numbers, shape (C,).

    Raises
    ------
    ExperimentError
        If a name is no channel of the movie, or a channel has no number but needs one.

    Examples
    --------
    >>> per_channel({"CFP": 110.0}, ["CFP", "YFP"], key="background.autofluorescence")
    array([110.,   0.])
    """
    if not isinstance(value, Mapping):
        return np.full(len(channels), float(value))
    result = np.full(len(channels), np.nan if missing is None else missing)
    for name, number in value.items():
        if clean_name(name) not in channels:
            near = difflib.get_close_matches(name, channels, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ExperimentError(
                f"{key}: expected names of the movie's channels "
                f"({', '.join(map(repr, channels))}), found {name!r}.{hint}"
            )
        result[channels.index(clean_name(name))] = number
    without = [name for name, number in zip(channels, result, strict=True) if np.isnan(number)]
    if without:
        raise ExperimentError(
            f"{key}: expected a number for every channel, found none for "
            f"{', '.join(map(repr, without))}. Add it, or give one number for all."
        )
    return result
