"""Folders of the Cell Tracking Challenge: one label image per frame, and a table of tracks.

Each line of the table is ``L B E P``: label, first and last frame from 0, and the label of the
parent or 0. A label must be in every frame from B to E, and a parent must end before its children
begin. A cell that was missed for a while is therefore two tracks, the second with the first as its
parent; read back, it is one cell again.

References
----------
Maška M. et al. (2023) The Cell Tracking Challenge: 10 years of objective benchmarking. Nature
Methods 20:1010-1020. doi:10.1038/s41592-023-01879-y
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from zincflux.errors import ReaderError
from zincflux.movie import Labels
from zincflux.readers.images import read_labels
from zincflux.readers.polygons import IntArray

TRACK_FILES = ("res_track.txt", "man_track.txt")
"""Name of the table in a folder of results, and in one of annotations."""

_TOO_LARGE = 2**31
"""Labels and frames are counted in 32 bits."""

_MASK = re.compile(r"(?:mask|man_track)(\d{3,})\.tiff?", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class CtcLabels:
    """Label images of a folder, read one at a time.

    Attributes
    ----------
    path
        The folder.
    files
        Its label images, by frame.
    shape
        Shape (T, Y, X).
    """

    path: Path
    files: tuple[Path, ...]
    shape: tuple[int, int, int]
    doubts: tuple[str, ...] = ()

    def __getitem__(self, t: int, /) -> Labels:
        return read_labels(self.files[t])[0]


def ctc_files(folder: str | Path) -> tuple[Path, ...]:
    """List the label images of a folder by frame, and after them the table of tracks.

    Raises
    ------
    ReaderError
        If there is no such folder, or an image or the table is missing.
    """
    where = Path(folder)
    names = sorted(where.iterdir()) if where.is_dir() else []
    numbered = {int(match[1]): name for name in names if (match := _MASK.fullmatch(name.name))}
    if not numbered:
        raise ReaderError(
            f"{where}: expected a folder of the Cell Tracking Challenge, found no label images "
            "such as mask000.tif in it. Give the folder that ends in _RES (or TRA)."
        )
    absent = next((t for t, number in enumerate(sorted(numbered)) if t != number), None)
    if absent is not None:
        raise ReaderError(
            f"{where}: expected one label image per frame from 0 to {max(numbered)}, found none "
            f"for frame {absent}. Copy the folder completely."
        )
    table = next((where / name for name in TRACK_FILES if (where / name).is_file()), None)
    if table is None:
        raise ReaderError(
            f"{where}: expected the table of tracks {TRACK_FILES[0]} beside the label images, "
            "found none. Copy the folder completely."
        )
    return (*(numbered[t] for t in sorted(numbered)), table)


def ctc_labels(folder: str | Path) -> CtcLabels:
    """Open the label images of a folder.

    Raises
    ------
    ReaderError
        If the folder is not complete, or an image cannot be read.
    """
    *files, _ = ctc_files(folder)
    return CtcLabels(Path(folder), tuple(files), (len(files), *read_labels(files[0]).shape[1:]))


def read_ctc(folder: str | Path, pixel_size_um: float) -> pd.DataFrame:
    """Read the tracks of a folder.

    Parameters
    ----------
    folder
        Holds ``mask000.tif``… and ``res_track.txt``, or ``man_track000.tif``… and
        ``man_track.txt``.
    pixel_size_um
        Edge of a pixel, µm.

    Returns
    -------
    pandas.DataFrame
        ``frame``, ``label``, ``cell_id``, ``parent_id`` (0: none), ``y_um``, ``x_um`` (centroid; 0
        is the centre of the first pixel), by frame and label. ``cell_id`` is the label, except for
        a cell that was missed for a while: it keeps the label it had before.

    Raises
    ------
    ReaderError
        If the folder is not complete, or table and images do not agree.
    """
    *files, table = ctc_files(folder)
    tracks = _read_table(table)
    seen = pd.concat([_objects(t, file) for t, file in enumerate(files)], ignore_index=True)
    _check_presence(table, tracks, seen, len(files))
    cells = _cells(tracks)
    rows = seen.merge(cells, on="label")
    rows[["y_um", "x_um"]] *= pixel_size_um
    columns = ["frame", "label", "cell_id", "parent_id", "y_um", "x_um"]
    return rows[columns].sort_values(["frame", "label"], ignore_index=True)


def _read_table(path: Path) -> IntArray:
    """Read ``L B E P`` (n, 4)."""
    try:
        text = path.read_text(encoding="utf-8")
        lines = [[int(word) for word in line.split()] for line in text.splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise ReaderError(
            f"{path}: expected lines of four whole numbers (L B E P), found: {error}. Export the "
            "tracks again."
        ) from error
    for number, line in enumerate(lines, start=1):
        is_whole = len(line) == 4 and min(line) >= 0 and max(line) < _TOO_LARGE
        if not is_whole or line[0] == 0 or line[2] < line[1]:
            raise ReaderError(
                f"{path}: expected a label above 0, its first and last frame, and its parent or "
                f"0 (L B E P), found {' '.join(map(str, line))} in line {number}. Export the "
                "tracks again."
            )
    tracks = np.array(lines, dtype=np.int64).reshape(-1, 4)
    _check_links(path, tracks)
    return tracks


def _check_links(path: Path, tracks: IntArray) -> None:
    labels, count = np.unique(tracks[:, 0], return_counts=True)
    if (count > 1).any():
        raise ReaderError(
            f"{path}: expected one line per label, found label {labels[count > 1][0]} in several. "
            "Export the tracks again."
        )
    ends = dict(zip(tracks[:, 0].tolist(), tracks[:, 2].tolist(), strict=True))
    for label, first, _, parent in tracks.tolist():
        if parent and ends.get(parent, first) >= first:
            found = f"ends in frame {ends[parent]}" if parent in ends else "is in no line"
            raise ReaderError(
                f"{path}: expected the parent of label {label} to end before frame {first}, in "
                f"which {label} begins, but parent {parent} {found}. Correct the line."
            )


def _objects(t: int, file: Path) -> pd.DataFrame:
    """Labels of an image and their centroids in px."""
    image = read_labels(file)[0]
    y, x = np.nonzero(image)
    ids, number, area = np.unique(image[y, x], return_inverse=True, return_counts=True)
    place = [np.bincount(number, weights=axis, minlength=ids.size) / area for axis in (y, x)]
    return pd.DataFrame(
        {"frame": t, "label": ids.astype(np.int64), "y_um": place[0], "x_um": place[1]}
    )


def _check_presence(path: Path, tracks: IntArray, seen: pd.DataFrame, n_frames: int) -> None:
    """Compare the labels that the table promises with those in the images."""
    late = tracks[tracks[:, 2] >= n_frames]
    if len(late):
        raise ReaderError(
            f"{path}: expected tracks within the frames 0 to {n_frames - 1} of the label images, "
            f"found label {late[0, 0]} up to frame {late[0, 2]}. Copy the folder completely."
        )
    length = tracks[:, 2] - tracks[:, 1] + 1
    offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    frames, labels = np.repeat(tracks[:, 1], length) + offset, np.repeat(tracks[:, 0], length)
    promised = pd.DataFrame({"frame": frames, "label": labels})
    both = promised.merge(seen[["frame", "label"]], how="outer", indicator=True)
    wrong = both[both["_merge"] != "both"]
    if len(wrong):
        frame, label, side = wrong.iloc[0]
        found = "in the table but not" if side == "left_only" else "not in the table but"
        raise ReaderError(
            f"{path}: expected each label in every frame of its line and nowhere else, found label "
            f"{label} {found} in the image of frame {frame} ({len(wrong)} such cases). Export "
            "labels and tracks together."
        )


def _cells(tracks: IntArray) -> pd.DataFrame:
    """Give each label its cell: an only child that comes after a gap is the cell seen again."""
    label, first, last, parent = tracks.T.tolist() if len(tracks) else ([], [], [], [])
    ends = dict(zip(label, last, strict=True))
    n_children = pd.Series(parent, dtype=np.int64).value_counts()
    cell: dict[int, int] = {}
    mother: dict[int, int] = {}
    for own, start, above in sorted(zip(label, first, parent, strict=True), key=lambda row: row[1]):
        is_again = above and n_children[above] == 1 and start > ends[above] + 1
        cell[own] = cell[above] if is_again else own
        mother[own] = mother[above] if is_again else cell.get(above, 0)
    return pd.DataFrame(
        {"label": list(cell), "cell_id": list(cell.values()), "parent_id": list(mother.values())},
        dtype=np.int64,
    )
