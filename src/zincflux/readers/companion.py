"""OME companion files: OME-XML beside the TIFFs that hold its planes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from zincflux.movie import Movie
from zincflux.readers import ome, ome_files, tiff
from zincflux.readers.axes import Choice

NAME = "OME companion file"


def sniff(path: Path) -> bool:
    """Tell by its start whether a file is OME-XML."""
    return ome_files.is_companion(path)


def read(path: Path, choice: Choice) -> Movie:
    """Open the TIFFs that a companion file names as one movie.

    Raises
    ------
    ReaderError
        If the file is damaged, names a TIFF that is absent, or one outside its folder.
    ExperimentError
        If a key is needed.

    Warns
    -----
    MetadataWarning
        If there are several images (scenes) and none is chosen.
    """
    return tiff.read_described(ome_files.of_companion(path), choice.scene).movie(choice)


def started(path: Path) -> datetime | None:
    """Return when the recording was started, if the file says so."""
    root = ome_files.of_companion(path).root
    return None if root is None else ome.started(root)
