"""Readers of what napari itself cannot open: microscopes' own formats and folders of results."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_zincflux.layers import LayerData

PathOrPaths = str | Sequence[str]
RESULT_FILES = ("run.json", "traces.parquet")

MOVIE_ENDINGS = (
    ".nd2",
    ".czi",
    ".lif",
    ".lof",
    ".xlif",
    ".xlef",
    ".oif",
    ".oib",
    ".companion.ome",
)
"""Endings of the files that are claimed. TIFF is napari's; the dock opens it by zincflux."""


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """Choose the reader of a path, or decline it; reads no pixels.

    Parameters
    ----------
    path
        A file or folder; a list (files to be stacked) is declined unless it holds one path.
    """
    only = _only(path)
    if only is None:
        return None
    if only.is_dir():
        return _folder_reader(only)
    return read_movie_file if only.name.lower().endswith(MOVIE_ENDINGS) else None


def read_movie_file(path: PathOrPaths) -> list[LayerData]:
    """Open a movie as one lazy image layer per channel.

    Raises
    ------
    zincflux.ZincfluxError
        If the file cannot be read, or leaves something open that only a key can say.
    """
    import zincflux
    from napari_zincflux.layers import movie_layers

    only = _one(path)
    return movie_layers(zincflux.open_movie(only), name=_title(only), place=only)


def read_results_folder(path: PathOrPaths) -> list[LayerData]:
    """Open finished results as labels with their tables, over the movie where it is still there.

    Raises
    ------
    zincflux.ResultsError
        If the folder holds no readable results.
    """
    import zincflux
    from napari_zincflux.layers import results_layers

    return results_layers(zincflux.read_results(_one(path)))


def _folder_reader(folder: Path) -> Callable[[PathOrPaths], list[LayerData]] | None:
    if all((folder / name).is_file() for name in RESULT_FILES):
        return read_results_folder
    return read_movie_file if is_zarr_movie(folder) else None


def is_zarr_movie(folder: Path) -> bool:
    """Tell whether a folder is an OME-Zarr image with a time axis; others are left to napari.

    Parameters
    ----------
    folder
        A folder.
    """
    for name in (".zattrs", "zarr.json"):
        try:
            content = json.loads((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if "t" in _axes(content):
            return True
    return False


def _axes(content: Any) -> list[str]:
    """Name the axes that the metadata of OME-Zarr tell, of versions 0.4 and 0.5."""
    try:
        attributes = content["attributes"]["ome"] if "attributes" in content else content
        axes = attributes["multiscales"][0]["axes"]
        return [axis if isinstance(axis, str) else axis["name"] for axis in axes]
    except (KeyError, IndexError, TypeError):
        return []


def _title(path: Path) -> str:
    for ending in (".companion.ome", ".ome.zarr"):
        if path.name.lower().endswith(ending):
            return path.name[: -len(ending)]
    return path.stem


def _only(path: PathOrPaths) -> Path | None:
    paths = [path] if isinstance(path, str | Path) else list(path)
    return Path(paths[0]) if len(paths) == 1 else None


def _one(path: PathOrPaths) -> Path:
    only = _only(path)
    if only is None:
        raise ValueError(f"expected one path, found {len(path)}. Open them one by one.")
    return only
