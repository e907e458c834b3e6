"""Where the plugin keeps what has no place beside the movie."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Give the folder of the user for samples, which can be made again; it may not exist yet."""
    return _own_folder("XDG_CACHE_HOME", ".cache", "Caches")


def data_folder() -> Path:
    """Give the folder of the user for what cannot be made again; it may not exist yet."""
    return _own_folder("XDG_DATA_HOME", ".local/share", "Application Support")


def _own_folder(variable: str, linux: str, mac: str) -> Path:
    own = os.environ.get("ZINCFLUX_CACHE")
    if own:
        return Path(own)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / mac
    else:
        base = os.environ.get(variable) or Path.home() / linux
    return Path(base) / "zincflux"


def autosave_file(opened: str | os.PathLike[str]) -> Path:
    """Name a file for the corrections of what was opened, where they have no other place.

    It lies in a folder that nobody empties: corrections cannot be made again by a computer.

    Parameters
    ----------
    opened
        What the user opened; the same movie or experiment has the same file.
    """
    place = os.path.abspath(opened)
    mark = hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return data_folder() / "corrections" / f"{Path(place).stem}-{mark}.edits.toml"


def can_write(file: Path) -> bool:
    """Tell whether a file can be written or replaced: its folder is there and may be written to."""
    folder = file.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
