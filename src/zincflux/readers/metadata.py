"""What a file says about its movie, turned into µm and s."""

from __future__ import annotations

import unicodedata
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import MetadataWarning
from zincflux.movie import FloatArray

_UM = {
    "m": 1e6,
    "meter": 1e6,
    "cm": 1e4,
    "centimeter": 1e4,
    "mm": 1e3,
    "millimeter": 1e3,
    "µm": 1.0,
    "âµm": 1.0,  # µm in UTF-8 that was read as Latin-1
    "\\u00b5m": 1.0,  # ImageJ escapes the µ
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "å": 1e-4,
    "angstrom": 1e-4,
    "pm": 1e-6,
    "picometer": 1e-6,
    "in": 25400.0,
    "inch": 25400.0,
}
_S = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "millisecond": 1e-3,
    "µs": 1e-6,
    "us": 1e-6,
    "microsecond": 1e-6,
    "ns": 1e-9,
    "nanosecond": 1e-9,
    "min": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "hour": 3600.0,
    "hours": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
}

PRINT_PIXEL_UM = 20.0
"""A TIFF resolution coarser than this (1270 dots per inch) is meant for a printer."""

SQUARE_TOLERANCE = 0.01
"""Relative difference of width and height up to which a pixel counts as square."""


def _unit(table: dict[str, float], unit: str) -> float | None:
    # NFKC makes one letter of the micro sign and the Greek mu.
    text = unicodedata.normalize("NFKC", unit).strip().casefold()
    return {unicodedata.normalize("NFKC", key): value for key, value in table.items()}.get(text)


def length_um(value: float, unit: str) -> float | None:
    """Turn a length into µm; None if the unit is no length (as ``pixel``) or the value not > 0.

    Examples
    --------
    >>> length_um(650, "nm")
    0.65
    """
    factor = _unit(_UM, unit)
    if factor is None or not 0 < value < np.inf:
        return None
    return float(value * factor)


def seconds(value: float, unit: str) -> float | None:
    """Turn a duration into s; None if the unit is no time.

    Examples
    --------
    >>> seconds(250, "ms")
    0.25
    """
    factor = _unit(_S, unit)
    return None if factor is None else float(value * factor)


def square_pixel(x_um: float | None, y_um: float | None, where: str) -> float | None:
    """Return the edge of a pixel in µm, or None if the file does not give one.

    Warns
    -----
    MetadataWarning
        If width and height differ: areas and distances would be wrong, so none is taken.
    """
    if x_um is None or y_um is None:
        return x_um or y_um
    if abs(x_um - y_um) > SQUARE_TOLERANCE * max(x_um, y_um):
        warnings.warn(
            f"{where}: expected square pixels, found {x_um:g} µm wide and {y_um:g} µm high; "
            "neither is used. Set movie.pixel_size_um",
            MetadataWarning,
            stacklevel=2,
        )
        return None
    return x_um


def resolution_um(x: float, y: float, unit: str, where: str) -> float | None:
    """Turn the resolution tags of a TIFF (pixels per unit) into a pixel size in µm.

    A print resolution, such as the 72 dots per inch that many programs write, is no pixel size.
    """
    if min(x, y) <= 0 or (unit in ("inch", "centimeter") and _UM[unit] / x > PRINT_PIXEL_UM):
        return None
    return square_pixel(length_um(1 / x, unit), length_um(1 / y, unit), where)


def saturation_level(dtype: np.dtype[Any], bits: int | None) -> float | None:
    """Return the counts at the camera's limit: 2^bits − 1, or the dtype's; None for float."""
    if dtype.kind not in "iu":
        return None
    top = int(np.iinfo(dtype).max)
    return float(top if not bits or bits >= 8 * dtype.itemsize else min(top, 2**bits - 1))


@dataclass(frozen=True, eq=False)
class Facts:
    """What a file says about its movie; None or empty where it says nothing.

    Attributes
    ----------
    channels
        Names of the channels.
    pixel_size_um
        Edge of a pixel in µm.
    interval_s
        Time between frames in s.
    plane_time_s, plane_exposure_s
        Time stamp and exposure of each plane in s, shape (number of planes,), NaN where unknown.
    bits
        Bits of the camera.
    """

    channels: tuple[str, ...] = ()
    pixel_size_um: float | None = None
    interval_s: float | None = None
    plane_time_s: FloatArray | None = None
    plane_exposure_s: FloatArray | None = None
    bits: int | None = None

    def time_s(
        self, table: NDArray[np.intp], where: str, *, warn: bool = True
    ) -> FloatArray | None:
        """Return the time of each frame in s: the first stamp of its planes, else the interval.

        Parameters
        ----------
        table
            Plane numbers, shape (T, C, Z).
        where
            The file, for the message.
        warn
            Whether stamps that do not increase are worth a warning.

        Warns
        -----
        MetadataWarning
            If the stamps do not increase.
        """
        n_frames = len(table)
        if self.plane_time_s is not None:
            stamps = np.fmin.reduce(self.plane_time_s[table].reshape(n_frames, -1), axis=1)
            if np.all(np.isfinite(stamps)) and np.all(np.diff(stamps) > 0):
                return np.asarray(stamps - stamps[0], dtype=np.float64)
            # Writers that keep no stamps fill in zeros.
            if warn and np.all(np.isfinite(stamps)) and np.ptp(stamps) > 0:
                warnings.warn(
                    f"{where}: expected time stamps that increase from frame to frame, found "
                    f"{stamps[:5]} s…; they are not used. Set movie.frame_interval_s",
                    MetadataWarning,
                    stacklevel=2,
                )
        if self.interval_s is None or not 0 < self.interval_s < np.inf:
            return None
        return np.arange(n_frames, dtype=np.float64) * self.interval_s

    def exposure_s(self, table: NDArray[np.intp]) -> FloatArray | None:
        """Return the exposure of each frame and channel in s, shape (T, C), if all are known."""
        if self.plane_exposure_s is None:
            return None
        exposure: FloatArray = self.plane_exposure_s[table[:, :, 0]]
        return exposure if np.all(np.isfinite(exposure)) else None
