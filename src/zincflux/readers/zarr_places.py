"""Places that hold Zarr: local folders, and addresses that fsspec opens."""

from __future__ import annotations

import json
import lzma
import os
import struct
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zincflux.errors import ReaderError
from zincflux.readers.store_tags import named, tags

LARGEST_JSON_BYTES = 2**26
"""Far above the metadata of any image; a larger file is none."""

DEEPEST = 9
"""Folders between an array and its chunks, at most; ends a walk through links that go round."""

_EXTRA = 'Install it: pip install "zincflux[formats]"'

# zarr and its codecs raise any of these on metadata or chunks that are damaged.
_DAMAGE: tuple[type[Exception], ...] = (
    OSError,
    ValueError,  # every error of zarr, JSON and Unicode
    RuntimeError,  # every error of the codecs; recursion
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    MemoryError,
    EOFError,
    ImportError,  # a codec that is not installed
    struct.error,
    zlib.error,
    lzma.LZMAError,
)


def is_address(path: str | os.PathLike[str]) -> bool:
    """Tell an address such as ``s3://bucket/movie.zarr`` from a path."""
    return "://" in os.fspath(path)


@dataclass(frozen=True)
class Place:
    """A folder or address.

    Attributes
    ----------
    where
        Path or address, without a slash at its end.
    """

    where: str

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Place:
        """Name a place; a path is made absolute, since the working folder may change."""
        text = os.fspath(path)
        return cls(text.rstrip("/") if is_address(text) else os.path.abspath(text))

    @property
    def is_address(self) -> bool:
        """Whether fsspec opens it."""
        return is_address(self.where)

    def child(self, path: object) -> Place:
        """Go down by a path that stands in metadata.

        Raises
        ------
        ReaderError
            If it is no relative path, or leads out of this place.
        """
        text = path.rstrip("/") if isinstance(path, str) else ""
        parts = text.split("/")
        if any(part in ("", ".", "..") for part in parts) or any(c in text for c in "\\:\0"):
            raise ReaderError(
                f"{self.where}: expected metadata that name a folder below this one, found "
                f"{path!r}. The metadata are damaged, or not to be trusted: export it again."
            )
        return Place(f"{self.where}/{text}" if self.is_address else str(Path(self.where, *parts)))

    def read(self, name: str) -> bytes | None:
        """Read a small file of this place; None where there is none.

        Raises
        ------
        ReaderError
            If it cannot be read, or is not small.
        """
        with damage_told(f"{self.where}/{name}"):
            data = self._read_remote(name) if self.is_address else self._read_local(name)
        if data is not None and len(data) > LARGEST_JSON_BYTES:
            raise ReaderError(
                f"{self.where}/{name}: expected metadata, found more than "
                f"{LARGEST_JSON_BYTES // 2**20} MB. The file is damaged: export it again."
            )
        return data

    def _read_local(self, name: str) -> bytes | None:
        try:
            with open(Path(self.where, name), "rb") as file:
                return file.read(LARGEST_JSON_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _read_remote(self, name: str) -> bytes | None:
        fs, path = filesystem(self.where)
        try:
            # Some web servers send all, whatever is asked for.
            return bytes(fs.cat_file(f"{path}/{name}", start=0, end=LARGEST_JSON_BYTES + 1))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
            # Object stores forbid what is absent where listing is not allowed.
            return None

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Read a JSON document of this place; None where there is none.

        Raises
        ------
        ReaderError
            If it is no JSON document.
        """
        data = self.read(name)
        if data is None:
            return None
        try:
            found = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ReaderError(
                f"{self.where}/{name}: expected JSON, found it broken ({error}). Copy or export "
                "it again."
            ) from None
        if not isinstance(found, dict):
            raise ReaderError(
                f"{self.where}/{name}: expected a JSON object, found {type(found).__name__}. "
                "Copy or export it again."
            )
        return found

    def keys(self) -> list[str] | None:
        """List the files of this place and below, by relative path with slashes.

        None where that cannot be told: web servers give no lists.

        Raises
        ------
        ReaderError
            If the place cannot be read.
        """
        if not self.is_address:
            return list(_walk(Path(self.where), DEEPEST))
        with damage_told(self.where):
            fs, path = filesystem(self.where)
            if "http" in fs.protocol:
                return None
            root = path.strip("/") + "/"
            return [key.lstrip("/").removeprefix(root) for key in fs.find(path)]


def _walk(folder: Path, depth: int) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise ReaderError(
            f"{folder}: expected a folder that can be read, found: {error.strerror}. Check its "
            "permissions."
        ) from None
    for entry in entries:
        if not _is_folder(entry):
            yield entry.name
        elif depth > 0:
            yield from (f"{entry.name}/{key}" for key in _walk(folder / entry.name, depth - 1))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def filesystem(address: str) -> tuple[Any, str]:
    """Open the file system of an address; its path there comes second.

    Raises
    ------
    ReaderError
        If fsspec, or the package for such an address, is not installed, or there is no such.
    """
    try:
        from fsspec.core import url_to_fs
    except ModuleNotFoundError:
        raise ReaderError(
            f"{address}: reading from an address needs the package fsspec, which is not "
            f"installed. {_EXTRA}"
        ) from None
    try:
        fs, path = url_to_fs(address)
    except ImportError as error:
        raise ReaderError(f"{address}: this address cannot be opened: {error}. {_EXTRA}") from None
    except ValueError as error:
        raise ReaderError(
            f"{address}: expected an address such as s3://… or https://…, found one that fsspec "
            f"does not know ({error}). Correct the address."
        ) from None
    return fs, str(path)


def fingerprint(address: str) -> str:
    """Name the content of an address, for telling whether it has changed, without reading pixels.

    The metadata, and where the store lists them, names, sizes and tags (or dates) of its objects.
    A web server gives no lists: there it is the metadata of the images that are named, with their
    tags and dates.

    Raises
    ------
    ReaderError
        If it cannot be read.
    """
    import hashlib

    place, told = Place.of(address), list[object]()
    with damage_told(address):
        fs, path = filesystem(place.where)
        # A list that was kept from before would hide what has changed since.
        fs.invalidate_cache()
        if "http" in fs.protocol:
            told += _metadata_below(place)
        else:
            names = (*_METADATA, "0/zarr.json", "0/.zarray")
            told += [(name, place.read(name)) for name in names]
            listed = fs.find(path, detail=True)
            told += [(key, tags(about)) for key, about in sorted(listed.items())]
    return hashlib.sha256(repr(told).encode()).hexdigest()


_METADATA = ("zarr.json", ".zattrs", ".zgroup", ".zarray")
_MOST_PLACES = 256
"""Groups and arrays on a web server whose metadata are compared."""


def _metadata_below(root: Place) -> list[object]:
    """Read the metadata of a place, and of those that they name."""
    told: list[object] = []
    todo, seen = [root], {root}
    while todo:
        place = todo.pop(0)
        found = {name: data for name in _METADATA if (data := place.read(name)) is not None}
        told += [(place.where, name, data, _web_tags(place, name)) for name, data in found.items()]
        for name in (name for data in found.values() for name in named(data)):
            with suppress(ReaderError):  # one that leads out is refused when it is opened
                child = place.child(name)
                if child not in seen and len(seen) < _MOST_PLACES:
                    seen.add(child)
                    todo.append(child)
    return told


def _web_tags(place: Place, name: str) -> list[str]:
    fs, path = filesystem(place.where)
    try:
        return tags(fs.info(f"{path}/{name}"))
    except FileNotFoundError:  # some servers tell nothing but the content
        return []


@contextmanager
def damage_told(where: str) -> Iterator[None]:
    """Turn whatever goes wrong in reading a place into one message.

    Raises
    ------
    ReaderError
        If it does.
    """
    try:
        yield
    except ReaderError:
        raise
    except _every_damage() as error:
        text = str(error).strip() or type(error).__name__
        raise ReaderError(
            f"{where}: expected data that can be read, found them damaged, incomplete or out of "
            f"reach ({text[:300]}). Copy or export it again; of an address, check it and its "
            "permissions."
        ) from error


def _every_damage() -> tuple[type[Exception], ...]:
    """List what may be raised, with the errors of those network packages that are in use."""
    names = (("aiohttp", "ClientError"), ("botocore.exceptions", "BotoCoreError"))
    loaded = [(sys.modules.get(module), name) for module, name in names]
    return (*_DAMAGE, *(getattr(module, name) for module, name in loaded if module is not None))
