"""The shapes that ImageJ's regions may have, as polygons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zincflux.movie import FloatArray

if TYPE_CHECKING:
    from roifile import ImagejRoi

_ARC_POINTS = 720
"""Corners of a full ellipse: of one 1000 px wide, none is off by more than 0.005 px."""

_CURVE_POINTS = 16

_MOVE, _LINE, _QUADRATIC, _CUBIC, _CLOSE = range(5)
_N_NUMBERS = {_MOVE: 2, _LINE: 2, _QUADRATIC: 4, _CUBIC: 6, _CLOSE: 0}
"""Numbers that follow each command of a path (java.awt.geom.PathIterator)."""


def area_polygons(roi: ImagejRoi) -> tuple[FloatArray, ...] | None:
    """Turn a region into polygons; None if it has no area, as a line or a point.

    Parameters
    ----------
    roi
        A region as roifile decodes it.

    Returns
    -------
    tuple of numpy.ndarray
        Corners (n, 2) as (x, y), px from the top left corner of the frame.

    Raises
    ------
    ValueError
        If the path of a composite region is damaged.
    """
    from roifile import ROI_SUBTYPE, ROI_TYPE

    if roi.subtype in (ROI_SUBTYPE.TEXT, ROI_SUBTYPE.IMAGE):
        return None
    if roi.roitype in (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED):
        return (np.asarray(roi.coordinates(), dtype=np.float64),)
    if roi.multi_coordinates is not None:
        return _path_polygons([float(number) for number in roi.multi_coordinates])
    if roi.roitype == ROI_TYPE.OVAL:
        return (_rounded(roi, _box(roi)[2:]),)
    if roi.roitype == ROI_TYPE.RECT:
        arc = float(roi.rounded_rect_arc_size)
        return (_rounded(roi, np.minimum(arc, _box(roi)[2:])),)
    return None


def is_spline(roi: ImagejRoi) -> bool:
    """Tell whether ImageJ draws a smooth curve through the corners of a region."""
    from roifile import ROI_OPTIONS

    return bool(roi.options & ROI_OPTIONS.SPLINE_FIT)


def _box(roi: ImagejRoi) -> FloatArray:
    """Left, top, width and height in px."""
    if roi.subpixelrect:
        return np.array([roi.xd, roi.yd, roi.widthd, roi.heightd], dtype=np.float64)
    width, height = roi.right - roi.left, roi.bottom - roi.top
    return np.array([roi.left, roi.top, width, height], dtype=np.float64)


def _rounded(roi: ImagejRoi, arc: FloatArray) -> FloatArray:
    """Draw a box whose corners are quarters of an ellipse ``arc`` (width, height) in size."""
    left_top, size = _box(roi)[:2], _box(roi)[2:]
    angle = np.linspace(0, 2 * np.pi, _ARC_POINTS, endpoint=False) + np.pi / _ARC_POINTS
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    middle: FloatArray = left_top + size / 2 + unit * arc / 2 + np.sign(unit) * (size - arc) / 2
    return middle


def _path_polygons(path: list[float]) -> tuple[FloatArray, ...]:
    """Split the path of a composite region into polygons, its curves into short lines."""
    polygons: list[list[tuple[float, float]]] = []
    at = 0
    while at < len(path):
        command, at = int(path[at]), at + 1
        numbers = path[at : at + _N_NUMBERS.get(command, -1)]
        if len(numbers) != _N_NUMBERS.get(command) or not (polygons or command == _MOVE):
            raise ValueError(f"command {command} in the path of a composite region is damaged")
        at += len(numbers)
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        if command == _MOVE:
            polygons.append(points)
        elif command != _CLOSE:
            polygons[-1] += _curve([polygons[-1][-1], *points])
    return tuple(np.array(corners, dtype=np.float64) for corners in polygons)


def _curve(controls: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Follow a Bézier curve of any degree (de Casteljau); a line has only its end."""
    if len(controls) == 2:
        return controls[1:]
    share = np.linspace(0, 1, _CURVE_POINTS + 1)[1:, None, None]
    points = np.broadcast_to(np.array(controls), (_CURVE_POINTS, len(controls), 2))
    while points.shape[1] > 1:
        points = points[:, :-1] * (1 - share) + points[:, 1:] * share
    return [(float(x), float(y)) for x, y in points[:, 0]]
