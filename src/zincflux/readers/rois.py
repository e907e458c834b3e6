"""ImageJ's regions of interest (.roi, RoiSet.zip) as label images."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from zincflux.errors import ReaderError
from zincflux.movie import FloatArray, Labels
from zincflux.readers.imagej_shapes import area_polygons, is_spline
from zincflux.readers.polygons import IntArray, Runs, fill

_MAGIC = (b"Iout", b"PK\x03\x04", b"PK\x05\x06")
_LARGEST_BYTES = 2**26
"""Size of one region from which a file is taken to be hostile or damaged."""

_NAMED = 5
"""Names that a message lists before it goes on to count."""

_CELL_NAME = re.compile(r"([1-9]\d{0,8})(?:_t\d+)?")

# What zipfile, zlib and roifile raise for files that are not what they seem.
_DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    IndexError,
    RuntimeError,
    OverflowError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
)


@dataclass(frozen=True, eq=False)
class Roi:
    """The outline of a cell.

    Attributes
    ----------
    name
        Its name in ImageJ's ROI Manager.
    frame
        Frame that it was drawn in, from 0; None if it is of no frame in particular.
    polygons
        Corners (n, 2) as (x, y), px from the top left corner of the frame; several for cells in
        pieces or with holes.
    is_spline
        Whether ImageJ draws a smooth curve through the corners.
    """

    name: str
    frame: int | None
    polygons: tuple[FloatArray, ...]
    is_spline: bool = False


def sniff(path: Path) -> bool:
    """Tell whether a file is an ImageJ ROI, or a zip that may hold some."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) in _MAGIC


def read_rois(path: str | Path) -> tuple[Roi, ...]:
    """Read the outlines that ImageJ's ROI Manager saved.

    Parameters
    ----------
    path
        A ``.roi`` file, or a zip of them.

    Returns
    -------
    tuple of Roi
        In the order of the file.

    Raises
    ------
    ReaderError
        If the file is damaged, holds no region, or one that has no area.
    """
    where = Path(path)
    try:
        found = tuple(_decode(where, name, data) for name, data in _entries(where))
    except _DAMAGE as error:
        raise ReaderError(
            f"{where}: expected regions saved by ImageJ's ROI Manager, found a damaged file: "
            f"{error}. Save them again (More » Save)."
        ) from error
    if not found:
        raise ReaderError(
            f"{where}: expected a zip with ImageJ regions (.roi), found none in it. Save them "
            "from the ROI Manager (More » Save)."
        )
    return found


def _entries(path: Path) -> Iterator[tuple[str, bytes]]:
    """Give name and content of each region."""
    with path.open("rb") as file:
        if file.read(4) == _MAGIC[0]:
            file.seek(0)
            yield path.stem, _limited(path.stem, file)
            return
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            # macOS adds files of its own to every zip that it makes.
            if entry.filename.lower().endswith(".roi") and "__MACOSX" not in entry.filename:
                with archive.open(entry) as file:
                    yield Path(entry.filename).stem, _limited(entry.filename, file)


def _limited(name: str, file: Any) -> bytes:
    data: bytes = file.read(_LARGEST_BYTES + 1)
    if len(data) > _LARGEST_BYTES:
        raise ValueError(f"{name} is larger than {_LARGEST_BYTES // 2**20} MB")
    return data


def _decode(path: Path, name: str, data: bytes) -> Roi:
    from roifile import ImagejRoi

    roi = ImagejRoi.frombytes(data)
    polygons = area_polygons(roi)
    if polygons is None:
        raise ReaderError(
            f"{path}: expected outlines of cells, found a {roi.roitype.name.lower()} named "
            f"{name!r}, which has no area. Delete it in ImageJ's ROI Manager and save again."
        )
    if not all(np.isfinite(corners).all() for corners in polygons):
        raise ValueError(f"{name} has corners that are no numbers")
    position = roi.t_position or roi.position
    return Roi(name, position - 1 if position > 0 else None, polygons, is_spline(roi))


@dataclass(frozen=True, eq=False)
class RoiLabels:
    """Label images drawn from outlines; where two overlap, the later one wins.

    Attributes
    ----------
    path
        The file.
    rois
        The outlines.
    shape
        Shape (1 or T, Y, X). A single image holds the outlines of all frames.
    ids
        Label of each outline.
    runs
        Pixels of the outlines.
    """

    path: Path
    rois: tuple[Roi, ...]
    shape: tuple[int, int, int]
    ids: IntArray
    runs: Runs

    def __getitem__(self, t: int, /) -> Labels:
        return self._drawn(range(self.shape[0])[t], self.ids)

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """What is doubtful about the file, in words."""
        splines = [roi.name for roi in self.rois if roi.is_spline]
        return (*self._overlaps(), *_splines(self.path, splines))

    def _drawn(self, t: int, values: IntArray) -> Labels:
        image = np.zeros(self.shape[1:], dtype=np.int32)
        pixel, outline = self._of_frame(t)
        image.ravel()[pixel] = values[outline]  # of those that share a pixel, the last stays
        return image

    def _of_frame(self, t: int) -> tuple[IntArray, IntArray]:
        runs = self.runs
        if self.shape[0] > 1:
            frames = np.array([-1 if roi.frame is None else roi.frame for roi in self.rois])
            runs = runs.take(np.isin(frames[runs.outline], (-1, t)))
        return runs.pixels(self.shape[2])

    def _overlaps(self) -> tuple[str, ...]:
        pairs: dict[tuple[int, int], None] = {}
        order = np.arange(1, len(self.rois) + 1)
        for t in range(self.shape[0]):
            pixel, under = self._of_frame(t)
            over = self._drawn(t, order).ravel()[pixel] - 1
            hidden = np.unique(np.stack([under, over])[:, under != over], axis=1)
            pairs |= dict.fromkeys(map(tuple, hidden.T.tolist()))
        names = [f"{self.rois[a].name!r} under {self.rois[b].name!r}" for a, b in pairs]
        if not names:
            return ()
        return (
            f"{self.path}: {len(names)} pairs of outlines overlap ({_listed(names)}); their common "
            "pixels were given to the later one. Redraw them in ImageJ if the earlier is right.",
        )


def _splines(path: Path, names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    return (
        f"{path}: {len(names)} outlines are fitted splines ({_listed(names)}), whose corners were "
        "joined by straight lines. Choose Edit » Selection » Interpolate in ImageJ to keep curves.",
    )


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f", and {rest} more" if rest > 0 else "")


def roi_labels(path: str | Path, shape: tuple[int, int, int]) -> RoiLabels:
    """Draw the outlines of a file into label images.

    Parameters
    ----------
    path
        A ``.roi`` file, or a zip of them.
    shape
        Shape (1 or T, Y, X) of the label images. For one image the outlines of all frames are
        taken; for several each goes to its own frame, those without a frame to all.

    Returns
    -------
    RoiLabels
        Labels are the names where all of these are numbers (``12``, or ``12_t3`` for frame 3),
        otherwise 1, 2, 3… in the order of the file.

    Raises
    ------
    ReaderError
        If the file cannot be read, or an outline lies outside the frame or holds no pixel.
    """
    where = Path(path)
    state = where.stat()
    # Kept, since a movie asks once per frame; a file that was saved anew is read anew.
    return _roi_labels(where, state.st_mtime_ns, state.st_size, shape)


@lru_cache(maxsize=2)
def _roi_labels(
    path: Path, _changed_ns: int, _n_bytes: int, shape: tuple[int, int, int]
) -> RoiLabels:
    rois = read_rois(path)
    runs = fill([roi.polygons for roi in rois], shape[1:])
    _check_places(path, rois, runs, shape)
    return RoiLabels(path, rois, shape, _ids(rois), runs)


def _check_places(path: Path, rois: Sequence[Roi], runs: Runs, shape: tuple[int, int, int]) -> None:
    n_frames, height, width = shape
    late = [roi for roi in rois if n_frames > 1 and (roi.frame or 0) >= n_frames]
    if late:
        raise ReaderError(
            f"{path}: expected outlines of the frames 1 to {n_frames}, found {late[0].name!r} in "
            f"frame {(late[0].frame or 0) + 1}. Draw them on this movie, opened as a hyperstack."
        )
    absent = np.bincount(runs.outline, minlength=len(rois)) == 0
    if absent.any():
        names = [repr(roi.name) for roi, is_absent in zip(rois, absent, strict=True) if is_absent]
        raise ReaderError(
            f"{path}: expected outlines within the {height} × {width} pixels of the movie, found "
            f"{len(names)} without any pixel there ({_listed(names)}). Use regions drawn on this "
            "movie, and delete those without area."
        )


def _ids(rois: Sequence[Roi]) -> IntArray:
    """Take the names as labels if all are numbers, each once per frame, or else count."""
    matches = [_CELL_NAME.fullmatch(roi.name) for roi in rois]
    named = [(int(match[1]), roi.frame) for match, roi in zip(matches, rois, strict=True) if match]
    if len(set(named)) == len(rois):
        return np.array([number for number, _ in named], dtype=np.int64)
    return np.arange(1, len(rois) + 1)
