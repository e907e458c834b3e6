"""Labels and tracks as a folder of the Cell Tracking Challenge; `zincflux.readers.ctc` reads it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray

from zincflux.errors import MetadataWarning, ResultsError
from zincflux.movie import Labels

TABLE = "res_track.txt"

MARK = b"masks of zincflux"
"""What every mask says it was made by, by which an earlier export is known."""

LARGEST_LABEL = 65535
"""The masks are 16-bit images."""

IntArray = NDArray[np.int64]


class _Parts(NamedTuple):
    """Unbroken stretches of frames in which a cell is seen, by cell and time.

    Attributes
    ----------
    cell, first, last
        Cell, first and last frame of each part, (n,).
    label
        Number of each part: that of the cell for its first part, new ones for the others.
    parent
        Number of the part it comes from, or 0.
    """

    cell: IntArray
    first: IntArray
    last: IntArray
    label: IntArray
    parent: IntArray


def write_ctc(labels: Sequence[Labels], parents: Mapping[int, int], folder: Path) -> None:
    """Write label images and tracks into a folder.

    A cell that is missed in some frames goes on under a new label with the old one as parent, since
    a label of the challenge must be in every frame of its track.

    Parameters
    ----------
    labels
        One label image (Y, X) per frame, with the cell as value.
    parents
        Cell that each cell was born from; cells without one may be left out.
    folder
        Where ``mask000.tif``… and ``res_track.txt`` are put.

    Raises
    ------
    ResultsError
        If there are no cells, or more labels than the format allows.
    OSError
        If a file cannot be written.

    Warns
    -----
    MetadataWarning
        If a parent is still there when its daughter begins: the link is left out.
    """
    parts = _parts(labels, parents, folder.name)
    digits = max(3, len(str(len(labels) - 1)))
    for t, image in enumerate(labels):
        here = (parts.first <= t) & (t <= parts.last)
        mask = _relabelled(image, parts.cell[here], parts.label[here])
        name = folder / f"mask{t:0{digits}d}.tif"
        tifffile.imwrite(
            name,
            mask,
            compression="zlib",
            photometric="minisblack",
            metadata=None,
            software=MARK.decode(),
        )
    rows = np.stack([parts.label, parts.first, parts.last, parts.parent], axis=1)
    lines = [" ".join(map(str, row)) for row in rows[np.argsort(parts.label)].tolist()]
    (folder / TABLE).write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")


def _relabelled(image: Labels, cells: IntArray, numbers: IntArray) -> NDArray[np.uint16]:
    """Replace each cell, given ascending, by its number."""
    place = np.searchsorted(cells, image)
    return np.where(image > 0, np.r_[numbers, 0][place], 0).astype(np.uint16)


def _parts(labels: Sequence[Labels], parents: Mapping[int, int], folder: str) -> _Parts:
    """Cut the cells where they are missed, and number the parts."""
    seen = [np.unique(image) for image in labels]
    cell = np.concatenate([ids[ids > 0] for ids in seen]).astype(np.int64)
    frame = np.repeat(np.arange(len(seen)), [int((ids > 0).sum()) for ids in seen])
    if not cell.size:
        raise ResultsError(
            f"{folder}: expected cells to export, found none in the label images. Run the "
            "experiment with settings that find cells first."
        )
    order = np.lexsort((frame, cell))
    cell, frame = cell[order], frame[order]
    is_first = np.r_[True, (np.diff(cell) != 0) | (np.diff(frame) > 1)]
    is_last = np.r_[is_first[1:], True]
    cell, first, last = cell[is_first], frame[is_first], frame[is_last]
    goes_on = np.r_[False, np.diff(cell) == 0]
    label = cell.copy()
    label[goes_on] = cell.max() + 1 + np.arange(goes_on.sum())
    if label.max() > LARGEST_LABEL:
        raise ResultsError(
            f"{folder}: expected labels up to {LARGEST_LABEL}, which is all that the 16-bit masks "
            f"of the Cell Tracking Challenge hold, found {label.max()}. Export with --to geff, or "
            "run a shorter part of the movie."
        )
    parent = np.where(goes_on, np.r_[0, label[:-1]], 0)
    parts = _Parts(cell, first, last, label, parent)
    _add_births(parts, parents, ~goes_on)
    return parts


def _add_births(parts: _Parts, parents: Mapping[int, int], is_birth: NDArray[np.bool_]) -> None:
    """Write the parents of new cells: the last part of the mother that ends before, in place."""
    late = []
    for row in np.flatnonzero(is_birth):
        mother = parents.get(int(parts.cell[row]), 0)
        begin, end = np.searchsorted(parts.cell, [mother, mother + 1])
        before = parts.label[begin:end][parts.last[begin:end] < parts.first[row]]
        if before.size:
            parts.parent[row] = before[-1]
        elif mother and begin < end:
            late.append(f"{parts.cell[row]} of {mother}")
    if late:
        warnings.warn(
            f"{len(late)} daughters begin before their parent ends ({', '.join(late[:5])}), which "
            "the Cell Tracking Challenge does not allow; they are written without a parent",
            MetadataWarning,
            stacklevel=4,
        )
