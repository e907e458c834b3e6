"""Where results come from: hashes of the inputs and versions of the software."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

_PACKAGES = ("zincflux", "numpy", "scipy", "scikit-image", "pandas", "tifffile", "numba", "pyarrow")


def hash_inputs(paths: Mapping[str, Path]) -> dict[str, str]:
    """Compute the SHA-256 of each input file, by its path as written in the settings."""
    result = {}
    for name, path in paths.items():
        with open(path, "rb") as file:
            result[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return result


def versions() -> dict[str, str]:
    """List the versions of Python and of the packages that the numbers depend on."""
    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in _PACKAGES
    }
