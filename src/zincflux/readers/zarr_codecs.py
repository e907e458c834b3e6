"""Which codecs of Zarr are trusted, and a guard for those that do not guard themselves.

The metadata of an array name the codecs that its bytes go through. One of those that exist runs
whatever program the bytes hold (pickle); Blosc trusts the numbers in the header of its bytes, and a
damaged chunk ends the interpreter; and few bytes may unpack to more than there is memory. So codecs
are taken from a list, Blosc's header is checked, and nothing unpacks to much more than its chunk.

References
----------
Blosc1 chunk format, https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst
"""

from __future__ import annotations

import asyncio
import bz2
import functools
import gzip
import io
import lzma
import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zincflux.errors import ReaderError
from zincflux.readers.array_planes import MOST_BYTES

_COMPRESSORS = {"bz2", "gzip", "lz4", "lzma", "zlib", "zstd"}
_FILTERS = {"adler32", "crc32", "crc32c", "delta", "fixedscaleoffset", "fletcher32", "shuffle"}
_UNPACKING = {"blosc", *_COMPRESSORS}
_OLD = {"blosc", *_COMPRESSORS, *_FILTERS}
_NEW = {
    *("blosc", "bytes", "crc32c", "gzip", "sharding_indexed", "transpose", "zstd"),
    *(f"numcodecs.{name}" for name in (*_COMPRESSORS, *_FILTERS)),
}

_GUARDED = "zincflux_guarded"
"""Name under which zarr and numcodecs find the guarded codecs."""

_ROOM = 8
"""How many times the bytes of its pixels a chunk may unpack to: filters store them as wider types.

Checksums take a little more, as does what does not shrink.
"""

_HEADER = struct.Struct("<BBBBIII")
_BLOSC_VERSION = 2
_STORED_AS_IS = 2


def trusted(document: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Check the codecs in the metadata of an array, and guard those that compress.

    Parameters
    ----------
    document
        The metadata.
    where
        The array, for the message.

    Returns
    -------
    dict
        The metadata with guarded codecs.

    Raises
    ------
    ReaderError
        If there is a codec that is not trusted.
    """
    if document.get("zarr_format") == 2:
        filters, n_bytes = document.get("filters"), _bytes_of_chunk(document)
        return {
            **document,
            "compressor": _replaced_old(document.get("compressor"), n_bytes, where),
            "filters": [_replaced_old(one, n_bytes, where) for one in filters]
            if isinstance(filters, list)
            else filters,
        }
    return {**document, "codecs": _chain(document.get("codecs"), where)}


def _bytes_of_chunk(document: Mapping[str, Any]) -> int:
    """Give the bytes of a chunk in metadata of Zarr 2, which are checked later."""
    try:
        n_bytes = math.prod(document["chunks"]) * np.dtype(document["dtype"]).itemsize
        return min(max(int(n_bytes), 0), MOST_BYTES)
    except (TypeError, ValueError, LookupError, ArithmeticError):
        return MOST_BYTES


def _chain(codecs: object, where: str) -> object:
    if not isinstance(codecs, list):
        return codecs
    return [_replaced(codec, where) for codec in codecs]


def _replaced_old(codec: object, n_bytes: int, where: str) -> object:
    """Guard a codec of Zarr 2, which does not know of its chunk."""
    name = _trusted_name(codec, "id", _OLD, where)
    if name is None or not isinstance(codec, dict) or name not in _UNPACKING:
        return codec
    _register()
    return {"id": _GUARDED, "codec": codec, "n_bytes": n_bytes}


def _replaced(codec: object, where: str) -> object:
    """Guard a codec of Zarr 3, which zarr tells of its chunk."""
    name = _trusted_name(codec, "name", _NEW, where)
    if name is None:
        return codec
    settings = codec.get("configuration") if isinstance(codec, dict) else None
    short = name.removeprefix("numcodecs.")
    if short in _UNPACKING:
        _register()
        inside = {**(settings if isinstance(settings, dict) else {}), "id": short}
        return {"name": _GUARDED, "configuration": {"codec": inside}}
    if isinstance(codec, dict) and isinstance(settings, dict):
        inner = {k: _chain(v, where) for k, v in settings.items() if k in _INNER}
        return {**codec, "configuration": {**settings, **inner}}
    return codec


def _trusted_name(codec: object, key: str, known: set[str], where: str) -> str | None:
    name = codec.get(key) if isinstance(codec, dict) else codec
    if name is None:
        return None
    if not isinstance(name, str) or name not in known:
        raise ReaderError(
            f"{where}: expected one of the codecs {', '.join(sorted(known))}, found {name!r:.100}. "
            "Export it again with one of these, or as OME-TIFF."
        )
    return name


_INNER = ("codecs", "index_codecs")
"""Settings of a codec that hold codecs: those of shards."""


def _guarded(which: int, *settings: Any) -> Any:
    """Make a guarded codec; movies are sent to other processes, which know no inner classes."""
    return _register()[which](*settings)


@functools.cache
def _register() -> tuple[Any, Any]:
    """Tell zarr and numcodecs of the guarded codecs, under a name of their own."""
    import numcodecs
    from zarr.registry import register_codec

    new, old = _codec_of_zarr_3(), _codec_of_zarr_2()
    register_codec(_GUARDED, new)
    numcodecs.register_codec(old)
    return new, old


def _codec_of_zarr_3() -> Any:
    from zarr.abc.codec import BytesBytesCodec

    @dataclass(frozen=True)
    class Guarded(BytesBytesCodec):  # type: ignore[misc]
        """A codec of Zarr 3; it stands on its own, so that zarr cannot go round the guard."""

        codec: dict[str, Any] = field(default_factory=dict)
        is_fixed_size = False

        @classmethod
        def from_dict(cls, data: dict[str, Any]) -> Any:
            return cls(data["configuration"]["codec"])

        def __reduce__(self) -> tuple[Any, ...]:
            return _guarded, (0, self.codec)

        def to_dict(self) -> dict[str, Any]:
            return {"name": _GUARDED, "configuration": {"codec": self.codec}}

        def _decode_sync(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
            dtype = chunk_spec.dtype
            native = dtype.to_native_dtype() if hasattr(dtype, "to_native_dtype") else dtype
            n_bytes = math.prod(chunk_spec.shape) * np.dtype(native).itemsize
            data = unpacked(self.codec, chunk_bytes.to_bytes(), n_bytes)
            return chunk_spec.prototype.buffer.from_bytes(data)

        async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
            return await asyncio.to_thread(self._decode_sync, chunk_bytes, chunk_spec)

        def compute_encoded_size(self, input_byte_length: int, chunk_spec: Any) -> int:
            raise NotImplementedError("chunks are only read, never written")

    return Guarded


def _codec_of_zarr_2() -> Any:
    import numcodecs

    class GuardedOld(numcodecs.abc.Codec):  # type: ignore[misc]
        """A codec of Zarr 2."""

        codec_id = _GUARDED

        def __init__(self, codec: dict[str, Any], n_bytes: int) -> None:
            self.codec, self.n_bytes = codec, n_bytes

        def __reduce__(self) -> tuple[Any, ...]:
            return _guarded, (1, self.codec, self.n_bytes)

        def encode(self, buf: Any) -> Any:
            raise NotImplementedError("chunks are only read, never written")

        def decode(self, buf: Any, out: Any = None) -> Any:
            packed = bytes(numcodecs.compat.ensure_contiguous_ndarray(buf))
            data = unpacked(self.codec, packed, self.n_bytes)
            return numcodecs.compat.ndarray_copy(data, out)

    return GuardedOld


def unpacked(codec: Mapping[str, Any], data: bytes, n_bytes: int) -> bytes:
    """Unpack a chunk, as long as it does not become far larger than it should be.

    Parameters
    ----------
    codec
        Name (``id``) and settings of the codec.
    data
        The chunk.
    n_bytes
        Bytes of its pixels.

    Raises
    ------
    ValueError
        If it is damaged or becomes too large.
    OSError, RuntimeError, EOFError, zlib.error, lzma.LZMAError
        If it is damaged.
    """
    most = min(_ROOM * n_bytes + 2**16, MOST_BYTES)
    name = codec["id"]
    if name in ("blosc", "lz4"):
        return _unpacked_by_header(name, data, most)
    if name == "zstd":
        return _unpacked_zstd(data, n_bytes, most)
    if name == "zlib":
        stream = zlib.decompressobj()
        result = stream.decompress(data, most + 1)
        if not stream.eof and len(result) <= most:
            raise EOFError("a chunk ends amid its data")
    else:
        with _opened(codec, io.BytesIO(data)) as file:
            result = file.read(most + 1)
    if len(result) > most:
        raise ValueError(f"a chunk of {n_bytes} bytes unpacks to more than {most}")
    return result


def _opened(codec: Mapping[str, Any], data: io.BytesIO) -> Any:
    if codec["id"] == "gzip":
        return gzip.GzipFile(fileobj=data, mode="rb")
    if codec["id"] == "bz2":
        return bz2.BZ2File(data)
    return lzma.LZMAFile(
        data, format=codec.get("format", lzma.FORMAT_XZ), filters=codec.get("filters")
    )


def _unpacked_zstd(data: bytes, n_bytes: int, most: int) -> bytes:
    import imagecodecs

    # No more memory is taken than usual; the library writes no further than it.
    try:
        return bytes(imagecodecs.zstd_decode(data, out=max(n_bytes, 1)))
    except imagecodecs.ZstdError:
        return bytes(imagecodecs.zstd_decode(data, out=most))


def _unpacked_by_header(name: str, data: bytes, most: int) -> bytes:
    """Unpack what says first how large it becomes, and is taken at its word."""
    import numcodecs

    if name == "blosc":
        check_blosc(data, most)
        return bytes(numcodecs.Blosc().decode(data))
    announced = int.from_bytes(data[:4], "little")
    if announced > most:
        raise ValueError(f"a chunk announces {announced} bytes, which is more than {most}")
    return bytes(numcodecs.LZ4().decode(data))


def check_blosc(data: bytes, most: int = MOST_BYTES) -> None:
    """Make sure that the header of a Blosc chunk fits its bytes, and is not too large.

    Raises
    ------
    ValueError
        If decoding it would read beyond its end, or give more than so many bytes.
    """
    if len(data) >= _HEADER.size:
        version, _, flags, size, n_bytes, block, n_stored = _HEADER.unpack_from(data)
        is_sane = version == _BLOSC_VERSION and size and 0 < block <= n_bytes <= most
        if is_sane and n_stored == len(data):
            starts = 4 * -(-n_bytes // block)
            needed = n_bytes if flags & _STORED_AS_IS else starts
            if _HEADER.size + needed <= n_stored:
                return
    raise ValueError("the header of a Blosc chunk does not fit it")
