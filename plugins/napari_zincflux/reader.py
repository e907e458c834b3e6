"""Reader of what napari itself cannot open: Olympus OIF movies and folders of results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from napari_zincflux.layers import LayerData

PathOrPaths = str | Sequence[str]
RESULT_FILES = ("run.json", "traces.parquet")


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """Choose the reader of a path, or decline it; reads nothing.

    Parameters
    ----------
    path
        A file or folder; a list (files to be stacked) is declined unless it holds one path.
    """
    only = _only(path)
    if only is None:
        return None
    if only.is_dir():
        is_results = all((only / name).is_file() for name in RESULT_FILES)
        return read_results_folder if is_results else None
    return read_movie_file if only.suffix.lower() == ".oif" else None


def read_movie_file(path: PathOrPaths) -> list[LayerData]:
    """Open a movie as one lazy image layer per channel.

    Raises
    ------
    zincflux.ReaderError
        If the file cannot be read.
    """
    import zincflux
    from napari_zincflux.layers import movie_layers

    only = _one(path)
    return movie_layers(zincflux.open_movie(only), name=only.stem)


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


def _only(path: PathOrPaths) -> Path | None:
    paths = [path] if isinstance(path, str | Path) else list(path)
    return Path(paths[0]) if len(paths) == 1 else None


def _one(path: PathOrPaths) -> Path:
    only = _only(path)
    if only is None:
        raise ValueError(f"expected one path, found {len(path)}. Open them one by one.")
    return only
