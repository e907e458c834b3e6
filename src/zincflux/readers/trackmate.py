"""Tracks that TrackMate saved: its XML file, or its tables of spots and edges.

References
----------
Ershov D. et al. (2022) TrackMate 7: integrating state-of-the-art segmentation algorithms into
tracking pipelines. Nature Methods 19:829-832. doi:10.1038/s41592-022-01507-1
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

# No tree is built and no entity is expanded: a document type, which could define some, is refused.
from xml.parsers import expat

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from zincflux.errors import MetadataWarning, ReaderError
from zincflux.readers.metadata import length_um

COLUMNS = ("frame", "spot_id", "cell_id", "parent_id", "y_um", "x_um")

_PIXELS = ("pixel", "pixels", "px")

_DAMAGE = (OSError, ValueError, LookupError, OverflowError)


class _Model(NamedTuple):
    """Spots ``spot_id, frame, y, x`` and edges ``source, target``; µm of the unit of length."""

    spots: pd.DataFrame
    edges: pd.DataFrame
    unit_um: float


def sniff(path: Path) -> bool:
    """Tell by its name whether a file may be one of TrackMate."""
    return path.suffix.lower() in (".xml", ".csv")


def trackmate_files(path: str | Path) -> tuple[Path, ...]:
    """List the files that the tracks are read from: the XML file, or both tables.

    Raises
    ------
    ReaderError
        If there is no table of edges beside that of spots.
    """
    where = Path(path)
    if where.suffix.lower() != ".csv":
        return (where,)
    name = re.sub("spots(?!.*spots)", "edges", where.name, flags=re.IGNORECASE)
    edges = where.with_name(name)
    if name == where.name or not edges.is_file():
        raise ReaderError(
            f"{where}: expected TrackMate's table of spots with that of edges beside it, as "
            "spots.csv and edges.csv, found no table of edges. Export both (Tracks » Export to "
            "CSV) into one folder, or give the XML file."
        )
    return where, edges


def read_trackmate(path: str | Path, pixel_size_um: float) -> pd.DataFrame:
    """Read the tracks of a TrackMate file; spots that are in no track are left out.

    Parameters
    ----------
    path
        The XML file that TrackMate saves, or its table of spots (CSV) with that of edges beside it.
    pixel_size_um
        Edge of a pixel of the movie, µm.

    Returns
    -------
    pandas.DataFrame
        ``frame``, ``spot_id``, ``cell_id``, ``parent_id`` (0: none), ``y_um``, ``x_um`` (0 is the
        centre of the first pixel), by frame and spot. A track that splits is one cell before and
        several after, each with the first as its parent.

    Raises
    ------
    ReaderError
        If the file is damaged, is another one, or its spots and edges do not agree.

    Warns
    -----
    MetadataWarning
        If tracks merge, which cells do not: only the nearest of those that merge goes on.
    """
    files = trackmate_files(path)
    model = _read_xml(files[0], pixel_size_um) if len(files) == 1 else _read_csv(*files)
    unit_um = pixel_size_um if np.isnan(model.unit_um) else model.unit_um
    spots, edges = _checked(files[0], model)
    spots["cell_id"], spots["parent_id"] = _cells(files[0], spots, edges)
    spots["y_um"], spots["x_um"] = spots["y"] * unit_um, spots["x"] * unit_um
    return spots[list(COLUMNS)].sort_values(["frame", "spot_id"], ignore_index=True)


class _Handler:
    """Collects what matters from an XML file of any size, element by element."""

    def __init__(self) -> None:
        self.root = ""
        self.unit = ""
        self.pixel_width = np.nan
        self.spots: list[tuple[int, int, float, float]] = []
        self.edges: list[tuple[int, int, int]] = []
        self.shown: set[int] = set()
        self.track = 0
        self.on: dict[str, Callable[[dict[str, str]], None]] = {
            "Model": self._model,
            "Spot": self._spot,
            "Track": self._track,
            "Edge": self._edge,
            "TrackID": lambda at: self.shown.add(_whole(at["TRACK_ID"])),
            "ImageData": self._image,
        }

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.root = self.root or name
        if name in self.on:
            self.on[name](attributes)

    def _model(self, at: dict[str, str]) -> None:
        self.unit = at.get("spatialunits", "")

    def _spot(self, at: dict[str, str]) -> None:
        frame = _whole(float(at["FRAME"]))
        place = float(at["POSITION_Y"]), float(at["POSITION_X"])
        self.spots.append((_whole(at["ID"]), frame, *place))

    def _track(self, at: dict[str, str]) -> None:
        self.track = _whole(at["TRACK_ID"])

    def _edge(self, at: dict[str, str]) -> None:
        ends = _whole(at["SPOT_SOURCE_ID"]), _whole(at["SPOT_TARGET_ID"])
        self.edges.append((self.track, *ends))

    def _image(self, at: dict[str, str]) -> None:
        self.pixel_width = float(at.get("pixelwidth", "nan"))


def _whole(number: str | float) -> int:
    """Read a whole number, which has to fit into a column."""
    return int(np.int64(int(number)))


def _refuse(*_: Any) -> None:
    raise ValueError("a document type, which TrackMate does not write")


def _read_xml(path: Path, pixel_size_um: float) -> _Model:
    handler = _Handler()
    parser = expat.ParserCreate()
    parser.StartElementHandler = handler.start
    parser.StartDoctypeDeclHandler = _refuse
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except (*_DAMAGE, expat.ExpatError) as error:
        raise ReaderError(
            f"{path}: expected the XML file that TrackMate saves, found a damaged one: {error}. "
            "Save it again."
        ) from error
    if handler.root != "TrackMate":
        raise ReaderError(
            f"{path}: expected the XML file that TrackMate saves, found one of <{handler.root}>. "
            "Give the file that the button Save of TrackMate writes, not an export of tracks."
        )
    spots = pd.DataFrame(handler.spots, columns=["spot_id", "frame", "y", "x"])
    edges = pd.DataFrame(handler.edges, columns=["track", "source", "target"])
    # TrackMate lists the tracks that pass its filters.
    edges = edges[edges["track"].isin(list(handler.shown))]
    # In pixels of the image that TrackMate saw, a wrong pixel size in ImageJ does no harm.
    width = handler.pixel_width
    known = np.isfinite(width) and width > 0
    return _Model(spots, edges, pixel_size_um / width if known else _unit_um(path, handler.unit))


def _read_csv(spots_path: Path, edges_path: Path) -> _Model:
    wanted = {"spot_id": "ID", "frame": "FRAME", "y": "POSITION_Y", "x": "POSITION_X"}
    spots, units = _table(spots_path, wanted)
    edges, _ = _table(edges_path, {"source": "SPOT_SOURCE_ID", "target": "SPOT_TARGET_ID"})
    return _Model(spots, edges, _unit_um(spots_path, units["x"]))


def _table(path: Path, wanted: dict[str, str]) -> tuple[pd.DataFrame, pd.Series[str]]:
    """Read columns of a table as numbers, and their units.

    Below the names stand three more rows of heads: long names, short names, units in brackets.
    """
    try:
        # Texts, since the heads would make objects of all columns anyway.
        table = pd.read_csv(path, dtype=str, usecols=list(wanted.values()), encoding="utf-8")
        table = table.rename(columns={head: name for name, head in wanted.items()})
        is_head = pd.to_numeric(table.iloc[:3, 0], errors="coerce").isna()
        n_heads = int(is_head.cumprod().sum())
        last_head = table.iloc[n_heads - 1] if n_heads else pd.Series("", index=table.columns)
        units = last_head.fillna("").str.strip().str.strip("()")
        numbers = table.iloc[n_heads:].astype(np.float64)
        whole = [name for name in numbers if name not in ("y", "x")]
        return numbers.astype(dict.fromkeys(whole, np.int64)), units
    except _DAMAGE as error:
        raise ReaderError(
            f"{path}: expected a table that TrackMate exported, with the columns "
            f"{', '.join(wanted.values())}, found: {error}. Export it again (Tracks » Export to "
            "CSV)."
        ) from error


def _unit_um(path: Path, unit: str) -> float:
    """Give µm per unit; NaN for pixels."""
    if unit.lower() in _PIXELS:
        return np.nan
    found = length_um(1.0, unit)
    if found is None:
        raise ReaderError(
            f"{path}: expected positions in µm, another unit of length or pixels, found the unit "
            f"{unit!r}. Set the unit in ImageJ (Image » Properties) and run TrackMate again."
        )
    return found


def _checked(path: Path, model: _Model) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Check the edges, let them point onwards in time, and drop the spots that have none."""
    ends = model.edges[["source", "target"]]
    spots = model.spots.set_index("spot_id")
    if ends.empty or not spots.index.is_unique or not ends.isin(spots.index).to_numpy().all():
        found = "no tracks" if ends.empty else "edges between spots that are not listed once each"
        raise ReaderError(
            f"{path}: expected spots and the edges that join them to tracks, found {found}. "
            "Finish the tracking in TrackMate before saving, and keep files of one session "
            "together."
        )
    frame = np.stack([spots["frame"].reindex(ends[end]) for end in ends], axis=1)
    place = spots.loc[np.unique(ends)]
    if (
        (frame[:, 0] == frame[:, 1]).any()
        or (frame < 0).any()
        or not np.isfinite(place).all(axis=None)
    ):
        raise ReaderError(
            f"{path}: expected tracks that go from frame to frame, found an edge within a frame, "
            "a frame below 0, or a spot without a place. Correct the track in TrackMate."
        )
    onwards = np.take_along_axis(ends.to_numpy(), np.argsort(frame, axis=1), axis=1)
    return place.reset_index(), pd.DataFrame(onwards, columns=["source", "target"])


def _cells(
    path: Path, spots: pd.DataFrame, edges: pd.DataFrame
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Cut the tracks where they split; number the cells by first frame and spot."""
    edges = _without_merges(path, spots, edges.drop_duplicates())
    number = pd.Series(np.arange(len(spots)), index=spots["spot_id"])
    source, target = (number.loc[edges[end]].to_numpy() for end in ("source", "target"))
    goes_on = np.bincount(source, minlength=len(spots))[source] == 1
    joined = (np.ones(goes_on.sum()), (source[goes_on], target[goes_on]))
    _, part = connected_components(coo_array(joined, shape=(len(spots),) * 2), directed=False)
    order = np.lexsort((spots["spot_id"], spots["frame"]))
    _, first = np.unique(part[order], return_index=True)
    cell = (np.argsort(np.argsort(first)) + 1)[part]
    parent_of = np.zeros(cell.max() + 1, dtype=np.int64)
    parent_of[cell[target[~goes_on]]] = cell[source[~goes_on]]
    return cell, parent_of[cell]


def _without_merges(path: Path, spots: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """Keep one edge into each spot: the shortest."""
    place = spots.set_index("spot_id")[["y", "x"]]
    step = place.loc[edges["source"]].to_numpy() - place.loc[edges["target"]].to_numpy()
    kept = edges.assign(length=np.hypot(*step.T)).sort_values("length", kind="stable")
    kept = kept.drop_duplicates("target").sort_index()
    if len(kept) < len(edges):
        warnings.warn(
            f"{path}: {len(edges) - len(kept)} track(s) merge into another, which cells do not; "
            "they end there. Correct the tracks in TrackMate if cells were confused",
            MetadataWarning,
            stacklevel=4,
        )
    return kept
