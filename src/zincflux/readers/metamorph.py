"""What MetaMorph and MetaXpress write about a stack (STK) or image (MetaSeries) into TIFF tags."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from zincflux.movie import FloatArray
from zincflux.readers.metadata import Facts, length_um, seconds, square_pixel


def facts(meta: Mapping[str, Any], where: str) -> Facts:
    """Read calibration, wavelength, time stamps, exposure and bit depth.

    Parameters
    ----------
    meta
        Values of the UIC tags as tifffile reads them.
    where
        The file, for messages.
    """
    n_planes = int(meta.get("NumberPlanes", 1))
    return Facts(
        channels=(str(meta.get("Name") or ""),),
        pixel_size_um=_pixel_size(meta, where),
        plane_time_s=_stamps(meta, n_planes),
        plane_exposure_s=_exposures(meta.get("PlaneDescriptions", ()), n_planes),
        bits=_bits(meta.get("PlaneProperty", ())),
    )


def series_facts(meta: Mapping[str, Any], where: str) -> Facts:
    """Read what MetaXpress says about one image (MetaSeries).

    Parameters
    ----------
    meta
        Its XML as tifffile reads it.
    where
        The file, for messages.
    """
    plane = meta.get("PlaneInfo") or {}
    unit = str(plane.get("spatial-calibration-units") or "")
    is_known = bool(plane.get("spatial-calibration-state"))
    x, y = (length_um(_number(plane, f"spatial-calibration-{axis}"), unit) for axis in "xy")
    bits = int(_number(plane, "Camera Bit Depth"))
    return Facts(
        channels=(str(plane.get("_IllumSetting_") or plane.get("image-name") or ""),),
        pixel_size_um=square_pixel(x, y, where) if is_known else None,
        plane_exposure_s=_exposures([f"Exposure: {plane.get('Exposure Time', '')}"], 1),
        bits=bits if 0 < bits <= 64 else None,
    )


def started(meta: Mapping[str, Any]) -> datetime | None:
    """Return when an image was recorded, if MetaXpress says so."""
    time = (meta.get("PlaneInfo") or {}).get("acquisition-time-local")
    return time if isinstance(time, datetime) else None


def _number(plane: Mapping[str, Any], name: str) -> float:
    value = plane.get(name)
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else 0.0


def _pixel_size(meta: Mapping[str, Any], where: str) -> float | None:
    if not meta.get("SpatialCalibration"):
        return None
    unit = str(meta.get("CalibrationUnits", ""))
    x, y = (length_um(float(meta.get(f"{axis}Calibration", 0)), unit) for axis in "XY")
    return square_pixel(x, y, where)


def _stamps(meta: Mapping[str, Any], n_planes: int) -> FloatArray | None:
    dates = meta.get("DatetimeCreated")
    if dates is None or len(dates) != n_planes:
        return None
    dates = np.asarray(dates, dtype="datetime64[ns]")
    return np.asarray((dates - dates[0]) / np.timedelta64(1, "s"), dtype=np.float64)


def _exposures(descriptions: Sequence[str], n_planes: int) -> FloatArray | None:
    found = [re.search(r"Exposure: *([\d.]+) *(ms|s|us|µs)\b", text) for text in descriptions]
    if len(found) != n_planes or not all(found):
        return None
    return np.array([seconds(float(m.group(1)), m.group(2)) for m in found if m], dtype=np.float64)


def _bits(properties: object) -> int | None:
    # tifffile before 2024 leaves the place of the properties here, not their values.
    for item in properties if isinstance(properties, list) else ():
        if item.get("name") == "Camera Bit Depth":
            return int(item["value"])
    return None
