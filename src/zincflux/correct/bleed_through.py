"""Bleed-through: donor light and directly excited acceptor light in the FRET channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from zincflux.errors import ExperimentError
from zincflux.movie import FloatArray
from zincflux.settings import Settings


class BleedThrough(Settings):
    """Fractions of other channels that reach the FRET channel."""

    donor: float = Field(
        default=0.0,
        ge=0,
        le=10,
        allow_inf_nan=False,
        description="Donor bleed-through a: counts in the FRET channel per count in the donor "
        "channel, measured on cells with the donor alone",
    )
    acceptor: float = Field(
        default=0.0,
        ge=0,
        le=10,
        allow_inf_nan=False,
        description="Direct excitation b: counts in the FRET channel per count in the acceptor "
        "channel, measured on cells with the acceptor alone",
    )


def correct_bleed_through(
    fret: ArrayLike, donor: ArrayLike, acceptor: ArrayLike | None, settings: BleedThrough
) -> FloatArray:
    r"""Subtract bleed-through from the FRET channel.

    .. math:: F_c = F - a D - b A

    Parameters
    ----------
    fret, donor
        Background-corrected means in counts, of any shapes that broadcast: (n,) or (n, T).
    acceptor
        The same for the acceptor excited directly; None where it was not recorded.
    settings
        The fractions a and b.

    Returns
    -------
    numpy.ndarray
        Corrected FRET means in counts; NaN stays NaN.

    Raises
    ------
    ExperimentError
        If ``bleed_through.acceptor`` is set but there is no acceptor channel.

    Notes
    -----
    Minimum and maximum must be corrected alike: donor bleed-through adds the same number to every
    ratio, so zinc is unchanged only if all three ratios share it.

    References
    ----------
    Gordon GW, Berry G, Liang XH, Levine B, Herman B. Quantitative fluorescence resonance energy
    transfer measurements using fluorescence microscopy. Biophys J 1998;74:2702-2713.

    Examples
    --------
    >>> correct_bleed_through([900.0], [1000.0], [500.0], BleedThrough(donor=0.4, acceptor=0.1))
    array([450.])
    """
    corrected = np.asarray(fret, dtype=np.float64) - settings.donor * np.asarray(
        donor, dtype=np.float64
    )
    if settings.acceptor == 0:
        return np.asarray(corrected)
    if acceptor is None:
        raise ExperimentError(
            f"bleed_through.acceptor is {settings.acceptor:g}, but no acceptor channel was named. "
            "Set channels.acceptor, or leave bleed_through.acceptor out."
        )
    return np.asarray(corrected - settings.acceptor * np.asarray(acceptor, dtype=np.float64))
