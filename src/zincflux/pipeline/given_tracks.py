"""Tracks that were made elsewhere, carried over to the cells that were found."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import KDTree

from zincflux.errors import ExperimentError, MetadataWarning
from zincflux.pipeline.frames import FrameRows
from zincflux.pipeline.plan import Plan
from zincflux.readers import read_tracks

IntArray = NDArray[np.int64]


def match_tracks(plan: Plan, frames: Sequence[FrameRows]) -> pd.DataFrame:
    """Give the cells of every frame their tracks in ``track.file``.

    Where the labels come from the same folder as the tracks, they say themselves which track they
    are. Otherwise a spot belongs to the cell under it, or else to the nearest centroid within half
    a diameter; of two spots on a cell the nearer to its centroid counts.

    Parameters
    ----------
    plan
        The plan of the analysis, with ``track.file`` set.
    frames
        The rows of every frame.

    Returns
    -------
    pandas.DataFrame
        ``frame``, ``label``, ``cell_id``, ``parent_id`` as `zincflux.track.link` gives them. A cell
        without a track is a new one in every frame.

    Raises
    ------
    ExperimentError
        If the tracks have frames that the movie has not, or none of them lies on a cell.

    Warns
    -----
    MetadataWarning
        If some spots lie on no cell, or some cells carry no spot.
    """
    tracks = read_tracks(str(plan.experiment.track.file), plan.pixel_size_um)
    _check_frames(plan, tracks, len(frames))
    cells = pd.concat(
        [
            pd.DataFrame({"frame": rows.t, "label": rows.runs["cell"].ids.astype(np.int64)})
            for rows in frames
        ],
        ignore_index=True,
    )
    segment = plan.experiment.segment
    if "label" not in tracks or segment.labels != plan.experiment.track.file:
        tracks = _on_labels(plan, frames, tracks)
    found = cells.merge(tracks[["frame", "label", "cell_id"]], how="left", on=["frame", "label"])
    _tell(plan, tracks, int(found["cell_id"].isna().sum()))
    return _complete(found, tracks)


def _check_frames(plan: Plan, tracks: pd.DataFrame, n_frames: int) -> None:
    if len(tracks) and tracks["frame"].max() >= n_frames:
        raise ExperimentError(
            f"track.file: expected tracks within the {n_frames} frames of the movie, found one in "
            f"frame {tracks['frame'].max()} (from 0) of {plan.experiment.track.file}. Use tracks "
            "made from this movie."
        )


def _on_labels(plan: Plan, frames: Sequence[FrameRows], tracks: pd.DataFrame) -> pd.DataFrame:
    """Replace the label of each spot by that of the cell it belongs to, 0 for none."""
    groups = dict(iter(tracks.groupby("frame")))
    parts = []
    for rows in frames:
        if rows.t in groups:
            part = groups[rows.t]
            spots_px = part[["y_um", "x_um"]].to_numpy(np.float64) / plan.pixel_size_um
            reach_px = plan.experiment.segment.number_um() / plan.pixel_size_um / 2
            parts.append(part.assign(label=_labels_of(rows, spots_px, reach_px)))
    return pd.concat(parts, ignore_index=True) if parts else tracks.assign(label=0)


def _labels_of(rows: FrameRows, spots_px: NDArray[np.float64], reach_px: float) -> IntArray:
    """Find the cell of each spot (y, x) of a frame, one spot per cell; 0 for none."""
    image, cells = rows.labels, rows.runs["cell"]
    ids = cells.ids.astype(np.int64)
    result = np.zeros(len(spots_px), dtype=np.int64)
    if not len(ids):
        return result
    # Clipped first: a place far off may be larger than any whole number.
    at = np.rint(np.clip(spots_px, -1, max(image.shape))).astype(np.int64)
    inside = ((at >= 0) & (at < image.shape)).all(axis=1)
    under = np.zeros(len(spots_px), dtype=np.int64)
    under[inside] = image[tuple(at[inside].T)]
    centres = np.stack([cells.y_px, cells.x_px], axis=1)
    own = np.minimum(np.searchsorted(ids, under), ids.size - 1)
    _assign(result, under, np.hypot(*(spots_px - centres[own]).T))
    left = ~np.isin(ids, result)
    if left.any():
        distance, nearest = KDTree(centres[left]).query(spots_px, distance_upper_bound=reach_px)
        is_near = np.isfinite(distance) & (under == 0)
        near = np.where(is_near, ids[left][np.where(is_near, nearest, 0)], 0)
        _assign(result, near, np.asarray(distance))
    return result


def _assign(result: IntArray, wanted: IntArray, distance: NDArray[np.float64]) -> None:
    """Write the wanted labels, each once: for the spot that is nearest."""
    order = np.lexsort((distance, wanted))
    first = order[np.r_[True, np.diff(wanted[order]) > 0]] if order.size else order
    first = first[wanted[first] > 0]
    result[first] = wanted[first]


def _tell(plan: Plan, tracks: pd.DataFrame, n_alone: int) -> None:
    """Say how many spots and cells did not find each other."""
    file, n_off = plan.experiment.track.file, int((tracks["label"] == 0).sum())
    if len(tracks) and n_off == len(tracks):
        raise ExperimentError(
            f"track.file: expected tracks of the cells in this movie, found that none of the "
            f"{n_off} spots of {file} lies on a cell or within half a segment.diameter_um of one. "
            "Use tracks made from this movie, and check movie.pixel_size_um."
        )
    if n_off or n_alone:
        warnings.warn(
            f"track.file: {n_off} of {len(tracks)} spots lie on no cell and are left out; "
            f"{n_alone} outlines carry no spot and are cells of their own in their frame",
            MetadataWarning,
            stacklevel=4,
        )


def _complete(found: pd.DataFrame, tracks: pd.DataFrame) -> pd.DataFrame:
    """Give numbers to the cells without a track, and add the parents that are there."""
    known = found["cell_id"].to_numpy(np.float64)
    alone = np.isnan(known)
    last = int(tracks["cell_id"].max()) if len(tracks) else 0
    cell_id = np.where(alone, last + np.cumsum(alone), np.nan_to_num(known)).astype(np.int64)
    parents = tracks.drop_duplicates("cell_id").set_index("cell_id")["parent_id"]
    parent_id = parents.reindex(cell_id).fillna(0).to_numpy(np.int64)
    parent_id = np.where(np.isin(parent_id, cell_id), parent_id, 0)
    return found[["frame", "label"]].assign(cell_id=cell_id, parent_id=parent_id)
