"""Outlines, tracks and the corrected movie for programs that look at images."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import MetadataWarning, ResultsError
from zincflux.export.kinds import Options, Steps
from zincflux.measure import LabelRuns
from zincflux.movie import Labels
from zincflux.pipeline import Progress
from zincflux.readers import open_movie
from zincflux.results import LABELS_FILE, Results
from zincflux.results.corrected import iter_corrected
from zincflux.results.ctc import write_ctc
from zincflux.results.drawn import Drawn
from zincflux.results.geff import write_geff
from zincflux.results.rois import write_rois


def labels_of(results: Results) -> Sequence[Labels]:
    """Give the label images (Y, X): one, or one per frame, from memory or read one at a time.

    Raises
    ------
    ResultsError
        If the results were made from a table.
    """
    labels = results.label_images
    if not len(labels):
        raise ResultsError(
            f"{results.folder}: expected results of a movie, found those of a table, which have no "
            "outlines and no tracks. Choose results that zincflux run made from a movie."
        )
    return labels


def frame_labels(results: Results) -> Sequence[Labels]:
    """Give the labels of every frame in its own coordinates, moved with the drift if static.

    Returns
    -------
    sequence
        Label images (Y, X), each read or moved when it is asked for.
    """
    labels = labels_of(results)
    if len(labels) == len(results.frames):
        return labels
    shifts_px = shifts_of(results)
    if not shifts_px.any():
        return [labels[0]] * len(shifts_px)
    runs, steps = LabelRuns.of(labels[0]), shifts_px.tolist()
    return Drawn(len(steps), lambda t: runs.shifted(*steps[t]).to_labels())


def shifts_of(results: Results) -> NDArray[np.int64]:
    """Give the drift of every frame (T, 2) in whole pixels, by which cells are moved."""
    drift_um = results.frames[["drift_y_um", "drift_x_um"]].to_numpy(np.float64)
    if not drift_um.any():
        return np.zeros(drift_um.shape, dtype=np.int64)
    return np.rint(drift_um / pixel_size_of(results)).astype(np.int64)


def pixel_size_of(results: Results) -> float:
    """Give the edge of a pixel in µm."""
    where = results.labels_file or results.folder / LABELS_FILE
    return open_movie(where).require_pixel_size()


def to_ctc(results: Results, path: Path, _: Options) -> Steps:
    """Write a folder of the Cell Tracking Challenge."""
    labels = frame_labels(results)
    yield Progress("masks", 0, 1)
    path.mkdir()
    cells = results.cells.drop_duplicates("cell_id")
    parents = dict(zip(cells["cell_id"].tolist(), cells["parent_id"].tolist(), strict=True))
    write_ctc(labels, parents, path)


def to_geff(results: Results, path: Path, _: Options) -> Steps:
    """Write a graph of the tracks, with what was measured."""
    labels_of(results)
    yield Progress("tracks", 0, 1)
    regions = results.experiment.segment.regions
    region = "cell" if "cell" in regions else regions[0]
    write_geff(results.traces, results.cells, path, region=region)


def to_rois(results: Results, path: Path, _: Options) -> Steps:
    """Write a zip of outlines for the ROI Manager."""
    labels = labels_of(results)
    yield Progress("outlines", 0, 1)
    shift_px = np.abs(shifts_of(results)).max(initial=0)
    if len(labels) < len(results.frames) and shift_px:
        warnings.warn(
            f"{path.name}: the outlines are where the cells are in the first frame, but the field "
            f"drifts by up to {shift_px} px. Correct the drift in ImageJ before measuring there, "
            "or export with --to ctc, which has masks for every frame.",
            MetadataWarning,
            stacklevel=2,
        )
    write_rois(labels, path)


def to_zarr(results: Results, path: Path, _: Options) -> Steps:
    """Write the corrected movie with the cells."""
    labels = labels_of(results)
    yield from iter_corrected(results, labels, shifts_of(results), path)
