"""Where results come from: hashes of the inputs and versions of the software."""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Self

from zincflux import __version__
from zincflux.errors import ReaderError
from zincflux.pipeline import Progress
from zincflux.readers.zarr_places import Place, fingerprint

_PACKAGES = ("numpy", "scipy", "scikit-image", "pandas", "tifffile", "numba", "pyarrow")
_CHUNK_BYTES = 2**18
"""Small enough to stay in the processor's cache between reading and hashing."""

_OF_FILE_MANAGERS = {".DS_Store", "Thumbs.db", "desktop.ini"}
"""What looking at a folder leaves behind in it."""

_LOOK_S = 0.1
"""How often progress is told while hashes are waited for."""


class Hashing:
    """The SHA-256 of input files, computed by a thread while other work goes on.

    Use it as a context: entering it makes sure that all files are there, leaving it stops the
    thread.

    Parameters
    ----------
    paths
        Files; folders, which count as what lies in them; and addresses, of which only a fingerprint
        is taken. Each counts once.

    Examples
    --------
    >>> with Hashing([]) as hashing:
    ...     list(hashing.wait())
    []
    """

    def __init__(self, paths: Iterable[Path | str]) -> None:
        self._files = list(dict.fromkeys(paths))
        self._parts: dict[Path, list[Path]] = {}
        self._done_bytes = self._total_bytes = 0
        self._stopped = False
        self._pool = ThreadPoolExecutor(1)
        self._result: Future[dict[str, str]] = Future()

    def __enter__(self) -> Self:
        for path in self._files:
            if isinstance(path, Path):
                with _reading(path):
                    self._parts[path] = list(_content(path))
                    self._total_bytes += sum(file.stat().st_size for file in self._parts[path])
        self._result = self._pool.submit(self._hashes)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped = True
        self._pool.shutdown()

    def wait(self) -> Generator[Progress, None, dict[str, str]]:
        """Wait for the hashes.

        Yields
        ------
        Progress
            In MB, while they are not done.

        Returns
        -------
        dict
            Hash by path, as the generator's return value.

        Raises
        ------
        ReaderError
            If a file cannot be read.
        """
        waited = False
        while not wait([self._result], _LOOK_S).done:
            waited = True
            yield self._progress()
        result = self._result.result()
        if waited:
            yield self._progress()
        return result

    def _progress(self) -> Progress:
        done, total = (round(n / 1e6) for n in (self._done_bytes, self._total_bytes))
        return Progress("check inputs (MB)", done, total)

    def _hashes(self) -> dict[str, str]:
        result = {path.as_posix(): self._hash(path, part) for path, part in self._parts.items()}
        addresses = [address for address in self._files if isinstance(address, str)]
        return result | {address: fingerprint(address) for address in addresses}

    def _hash(self, path: Path, files: Iterable[Path]) -> str:
        """Hash a file, or the names and content of all files of a folder."""
        digest, chunk = hashlib.sha256(), memoryview(bytearray(_CHUNK_BYTES))
        for name in files:
            if name is not path:
                digest.update(f"{name.relative_to(path).as_posix()}\0".encode())
            with _reading(name), open(name, "rb", buffering=0) as file:
                while not self._stopped and (n := file.readinto(chunk)):
                    digest.update(chunk[:n])
                    self._done_bytes += n
        return digest.hexdigest()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn the failure to read a file or folder into one message."""
    try:
        yield
    except OSError as error:
        raise ReaderError(
            f"{error.filename or path}: expected a file that can be read, found: "
            f"{error.strerror or error}. Check the path."
        ) from error


def _content(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        return (path,)
    keys = Place.of(path).keys() or ()
    return (path / key for key in keys if Path(key).name not in _OF_FILE_MANAGERS)


def versions() -> dict[str, str]:
    """List the versions of Python and of the packages that the numbers depend on."""
    return {"python": platform.python_version(), "zincflux": __version__} | {
        name: metadata.version(name) for name in _PACKAGES
    }


def peak_memory_mb() -> float | None:
    """Give the most memory that the process held, in MB; None on Windows, which does not tell."""
    # Elsewhere, the peak of what started the process counts as well.
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        found = re.search(r"VmHWM:\s*(\d+) kB", status)
        if found is not None:
            return round(int(found[1]) / 2**10, 1)
    try:
        import resource
    except ModuleNotFoundError:
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)
