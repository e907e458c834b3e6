"""Where the plugin keeps what has no place beside the movie."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Give the folder of the user for samples and autosaves; it may not exist yet."""
    own = os.environ.get("ZINCFLUX_CACHE")
    if own:
        return Path(own)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "zincflux"


def autosave_file(movie: str | os.PathLike[str]) -> Path:
    """Name the file that keeps the corrections of a movie until an experiment is saved.

    Parameters
    ----------
    movie
        What the user opened; the same movie has the same file.
    """
    place = os.path.abspath(movie)
    mark = hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return cache_folder() / "corrections" / f"{Path(place).stem}-{mark}.edits.toml"
