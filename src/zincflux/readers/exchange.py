"""Outlines and tracks from other programs: which reader reads what a setting names."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pandas as pd

from zincflux.errors import ReaderError
from zincflux.movie import Labels
from zincflux.readers import ome_zarr, rois, trackmate
from zincflux.readers.ctc import ctc_files, ctc_labels, read_ctc
from zincflux.readers.images import read_labels


class LabelSource(Protocol):
    """Label images that are read one at a time."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (1 or T, Y, X)."""
        ...

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is doubtful about the file, in words."""
        ...

    def __getitem__(self, t: int, /) -> Labels:
        """Read the labels (Y, X) of a frame."""
        ...


def open_labels(path: str | Path, shape: tuple[int, int, int]) -> LabelSource:
    """Open outlines that were made elsewhere.

    Parameters
    ----------
    path
        A label image or a stack of them (TIFF, OME-Zarr), ImageJ's regions (``.roi`` or zip), or a
        folder of the Cell Tracking Challenge.
    shape
        Shape (1 or T, Y, X) that is needed: regions are drawn into it, images have their own.

    Raises
    ------
    ReaderError
        If the file cannot be read.
    """
    where = Path(path)
    if where.is_dir() and not ome_zarr.sniff(where):
        return ctc_labels(where)
    if rois.sniff(where):
        return rois.roi_labels(where, shape)
    return read_labels(where)


def read_tracks(path: str | Path, pixel_size_um: float) -> pd.DataFrame:
    """Read tracks that were made elsewhere.

    Parameters
    ----------
    path
        A folder of the Cell Tracking Challenge, TrackMate's XML file, or its table of spots with
        that of edges beside it.
    pixel_size_um
        Edge of a pixel, µm.

    Returns
    -------
    pandas.DataFrame
        ``frame``, ``label`` or ``spot_id``, ``cell_id``, ``parent_id``, ``y_um``, ``x_um``; see
        `read_ctc` and `read_trackmate`.

    Raises
    ------
    ReaderError
        If the file cannot be read, or is none of these.
    """
    where = Path(path)
    if where.is_dir():
        return read_ctc(where, pixel_size_um)
    if where.is_file() and trackmate.sniff(where):
        return trackmate.read_trackmate(where, pixel_size_um)
    raise ReaderError(
        f"{where}: expected a folder of the Cell Tracking Challenge, TrackMate's XML file, or its "
        f"spots.csv, found {'another file' if where.is_file() else 'nothing there'}. Check "
        "track.file."
    )


def input_files(path: str | Path) -> tuple[Path, ...]:
    """List the files behind a path: those of a folder, or both tables of TrackMate.

    Of OME-Zarr these are its metadata and the folder of the array.

    Raises
    ------
    ReaderError
        If one that belongs to it is missing.
    """
    where = Path(path)
    if ome_zarr.sniff(where):
        return ome_zarr.read_stack(where).source.paths
    if where.is_dir():
        return ctc_files(where)
    return trackmate.trackmate_files(where) if trackmate.sniff(where) else (where,)
