"""Finished results for other programs."""

from __future__ import annotations

import difflib
import os
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import ExperimentError, MetadataWarning, ResultsError
from zincflux.measure import LabelRuns
from zincflux.movie import Labels
from zincflux.readers import open_movie
from zincflux.results.corrected import write_corrected
from zincflux.results.ctc import TABLE, write_ctc
from zincflux.results.folder import LABELS_FILE, Results, read_results
from zincflux.results.geff import write_geff
from zincflux.results.rois import write_rois
from zincflux.results.staging import staging, writing

_OWN_NAMES = {
    "ctc": re.compile(rf"mask\d{{3,}}\.tif|{re.escape(TABLE)}"),
    "geff": re.compile(r"nodes|edges|zarr\.json|\.zgroup|\.zattrs|\.zmetadata"),
    "imagej-rois": re.compile(r"\d+(_t\d+)?\.roi"),
    "ome-zarr": re.compile(r"zarr\.json|labels|\d"),
}
"""What a folder or zip that was exported before may hold, and nothing else."""

_FILES = {"imagej-rois": ".zip"}
"""Formats that are a file, with the ending of its name; the others are folders."""


def export_results(
    folder: str | os.PathLike[str],
    to: str,
    out: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> Path:
    """Write the cells and tracks of finished results in a format of other programs.

    Parameters
    ----------
    folder
        Folder that ``zincflux run`` wrote.
    to
        One of `EXPORTS`: ``ctc``, a folder of the Cell Tracking Challenge; ``geff``, a graph of the
        tracks with what was measured; ``imagej-rois``, a zip of outlines for the ROI Manager;
        ``ome-zarr``, the corrected movie with the cells.
    out
        File or folder to write.
    overwrite
        Whether to replace what was exported there before.

    Returns
    -------
    pathlib.Path
        What was written.

    Raises
    ------
    ExperimentError
        If the format is unknown, the name does not suit it, or something is in the place.
    ResultsError
        If there are no such results, they cannot be said in this format, or cannot be written.

    Warns
    -----
    MetadataWarning
        If outlines for ImageJ are those of a field that drifts.
    """
    target = Path(out)
    if to not in EXPORTS:
        near = difflib.get_close_matches(to, EXPORTS, n=1)
        raise ExperimentError(
            f"--to: expected {', '.join(EXPORTS)}, found {to!r}."
            + (f" Did you mean {near[0]!r}?" if near else " Choose one of these.")
        )
    _check_place(target, to, overwrite=overwrite)
    results = read_results(folder)
    with staging(target) as aside, writing(target):
        new = aside / target.name
        EXPORTS[to](results, new)
        _put(new, target, aside)
    return target


def _check_place(target: Path, to: str, *, overwrite: bool) -> None:
    ending = _FILES.get(to, "")
    if not target.name.lower().endswith(ending):
        raise ExperimentError(
            f"--out: expected a name that ends in {ending} for {to}, found {target}. Rename it."
        )
    if not target.exists():
        return
    if not overwrite:
        raise ExperimentError(
            f"{target}: this is already there. Add --overwrite or choose another --out."
        )
    wanted = "file" if ending else "folder"
    if target.is_dir() != (wanted == "folder"):
        found = "folder" if target.is_dir() else "file"
        raise ExperimentError(
            f"{target}: expected a {wanted}, found a {found}. Choose another --out."
        )
    others = [name for name in _content(target) if not _OWN_NAMES[to].fullmatch(name)]
    if others:
        raise ExperimentError(
            f"{target}: expected an earlier export to replace, found a {wanted} that also holds "
            f"{others[0]}. Choose another --out."
        )


def _content(target: Path) -> list[str]:
    """Name what is in a folder or zip."""
    if target.is_dir():
        return [path.name for path in target.iterdir()]
    try:
        with zipfile.ZipFile(target) as archive:
            return archive.namelist()
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise ExperimentError(
            f"{target}: expected an earlier export to replace, found another file: {error}. "
            "Choose another --out."
        ) from error


def _put(new: Path, target: Path, aside: Path) -> None:
    """Move what was written into place; what was there is kept until that has worked."""
    earlier = aside / "earlier"
    if not target.is_dir():
        os.replace(new, target)
        return
    os.replace(target, earlier)
    try:
        os.replace(new, target)
    except OSError:
        os.replace(earlier, target)
        raise


def _labels(results: Results) -> Labels:
    if results.labels is None:
        raise ResultsError(
            f"{results.folder}: expected results of a movie, found those of a table, which have no "
            "outlines and no tracks. Choose results that zincflux run made from a movie."
        )
    return results.labels


def _frame_labels(results: Results) -> list[Labels]:
    """Give the labels of every frame in its own coordinates, moved with the drift if static."""
    labels = _labels(results)
    if len(labels) == len(results.frames):
        return list(labels)
    shifts_px = _shifts_px(results)
    if not shifts_px.any():
        return [labels[0]] * len(shifts_px)
    runs = LabelRuns.of(labels[0])
    return [runs.shifted(dy, dx).to_labels() for dy, dx in shifts_px.tolist()]


def _shifts_px(results: Results) -> NDArray[np.int64]:
    """Give the drift of every frame (T, 2) in whole pixels, by which cells are moved."""
    drift_um = results.frames[["drift_y_um", "drift_x_um"]].to_numpy(np.float64)
    if not drift_um.any():
        return np.zeros(drift_um.shape, dtype=np.int64)
    where = results.labels_file or results.folder / LABELS_FILE
    pixel_size_um = open_movie(where).require_pixel_size()
    return np.rint(drift_um / pixel_size_um).astype(np.int64)


def _to_ctc(results: Results, path: Path) -> None:
    path.mkdir()
    cells = results.cells.drop_duplicates("cell_id")
    parents = dict(zip(cells["cell_id"].tolist(), cells["parent_id"].tolist(), strict=True))
    write_ctc(_frame_labels(results), parents, path)


def _to_geff(results: Results, path: Path) -> None:
    _labels(results)
    regions = results.experiment.segment.regions
    region = "cell" if "cell" in regions else regions[0]
    write_geff(results.traces, results.cells, path, region=region)


def _to_rois(results: Results, path: Path) -> None:
    labels = _labels(results)
    shift_px = np.abs(_shifts_px(results)).max(initial=0)
    if len(labels) < len(results.frames) and shift_px:
        warnings.warn(
            f"{path.name}: the outlines are where the cells are in the first frame, but the field "
            f"drifts by up to {shift_px} px. Correct the drift in ImageJ before measuring there, "
            "or export with --to ctc, which has masks for every frame.",
            MetadataWarning,
            stacklevel=3,
        )
    write_rois(labels, path)


def _to_zarr(results: Results, path: Path) -> None:
    labels = _labels(results)
    write_corrected(results, labels, _shifts_px(results), path)


EXPORTS: dict[str, Callable[[Results, Path], None]] = {
    "ctc": _to_ctc,
    "geff": _to_geff,
    "imagej-rois": _to_rois,
    "ome-zarr": _to_zarr,
}
"""Formats by name."""
