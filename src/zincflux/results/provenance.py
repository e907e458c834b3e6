"""Where results come from: hashes of the inputs and versions of the software."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Generator, Iterable
from importlib import metadata
from pathlib import Path

from zincflux import __version__
from zincflux.errors import ReaderError
from zincflux.pipeline import Progress

_PACKAGES = ("numpy", "scipy", "scikit-image", "pandas", "tifffile", "numba", "pyarrow")
_CHUNK_BYTES = 2**26


def iter_hashes(paths: Iterable[Path]) -> Generator[Progress, None, dict[str, str]]:
    """Compute the SHA-256 of each input file.

    Yields
    ------
    Progress
        After each 64 MB, in MB.

    Returns
    -------
    dict
        Hash by path, as the generator's return value.

    Raises
    ------
    ReaderError
        If a file cannot be read.
    """
    files = list(dict.fromkeys(paths))
    result = {}
    done = 0
    try:
        total = sum(path.stat().st_size for path in files)
        for path in files:
            digest = hashlib.sha256()
            with open(path, "rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    done += len(chunk)
                    yield Progress("check inputs (MB)", round(done / 1e6), round(total / 1e6))
            result[path.as_posix()] = digest.hexdigest()
    except OSError as error:
        raise ReaderError(
            f"{error.filename or path}: expected a file that can be read, found: "
            f"{error.strerror or error}. Check the path."
        ) from error
    return result


def versions() -> dict[str, str]:
    """List the versions of Python and of the packages that the numbers depend on."""
    return {"python": platform.python_version(), "zincflux": __version__} | {
        name: metadata.version(name) for name in _PACKAGES
    }


def peak_memory_mb() -> float | None:
    """Give the most memory that the process held, in MB; None on Windows, which does not tell."""
    try:
        import resource
    except ModuleNotFoundError:
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)
