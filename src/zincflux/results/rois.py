"""Labels as regions for ImageJ's ROI Manager."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import ResultsError
from zincflux.movie import Labels
from zincflux.results.outlines import IntArray, trace_outlines

LARGEST_PX = 32767
"""ImageJ keeps corners as 16-bit numbers."""

_MOVE, _LINE, _CLOSE = 0.0, 1.0, 4.0

_VERSION = 227
"""Version of ImageJ's own format; roifile's default changes from release to release."""

MARK = b"Outlines of zincflux"
"""The comment of the zip, by which an earlier export is known."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time that every entry gets, so that the same labels give the same bytes."""


def write_rois(labels: Sequence[Labels], path: Path) -> None:
    """Write the outlines of label images as a zip that ImageJ's ROI Manager opens.

    Parameters
    ----------
    labels
        Label images (Y, X): one, or one per frame.
    path
        File to write. Regions are named by their label, ``12``; those of one image per frame also
        by their frame from 1, ``12_t3``, at whose position they are.

    Raises
    ------
    ResultsError
        If the images are larger than ImageJ's regions may be.
    OSError
        If the file cannot be written.
    """
    height, width = labels[0].shape
    if max(height, width) > LARGEST_PX:
        raise ResultsError(
            f"{path.name}: expected images of at most {LARGEST_PX} px, as ImageJ's regions allow, "
            f"found {height} × {width}. Use labels.ome.tif, which ImageJ opens too."
        )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = MARK
        for t, image in enumerate(labels):
            for label, polygons in trace_outlines(image).items():
                name = f"{label}_t{t + 1}" if len(labels) > 1 else str(label)
                entry = zipfile.ZipInfo(f"{name}.roi", _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                frame = t + 1 if len(labels) > 1 else 0
                archive.writestr(entry, _region(name, frame, polygons))


def _region(name: str, frame: int, polygons: tuple[IntArray, ...]) -> bytes:
    """Encode a region: a traced outline, or a composite of several."""
    from roifile import ROI_TYPE, ImagejRoi

    corners = np.concatenate(polygons)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    roi = ImagejRoi(version=_VERSION, name=name, position=frame, t_position=frame)
    roi.left, roi.top, roi.right, roi.bottom = int(left), int(top), int(right), int(bottom)
    if len(polygons) == 1:
        roi.roitype = ROI_TYPE.TRACED
        roi.integer_coordinates = (corners - (left, top)).astype(np.int32)
        roi.n_coordinates = len(corners)
    else:
        roi.roitype = ROI_TYPE.RECT
        roi.multi_coordinates = np.concatenate([_path(one) for one in polygons])
        roi.shape_roi_size = len(roi.multi_coordinates)
    encoded: bytes = roi.tobytes()
    return encoded


def _path(corners: IntArray) -> NDArray[np.float32]:
    """Write a polygon as commands of a path: go there, line to, …, close."""
    commands = np.full((len(corners), 1), _LINE)
    commands[0] = _MOVE
    steps = np.hstack([commands, corners]).ravel()
    return np.append(steps, _CLOSE).astype(np.float32)
