"""Which codecs of Zarr are trusted, and a guard for the one that does not guard itself.

The metadata of an array name the codecs that its bytes go through. One of those that exist runs
whatever program the bytes hold (pickle); Blosc trusts the numbers in the header of its bytes, and a
damaged chunk ends the interpreter. So codecs are taken from a list, and Blosc's header is checked.

References
----------
Blosc1 chunk format, https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Mapping
from typing import Any

from zincflux.errors import ReaderError
from zincflux.readers.array_planes import MOST_BYTES

_COMPRESSORS = {"bz2", "gzip", "lz4", "lzma", "zlib", "zstd"}
_FILTERS = {"adler32", "crc32", "crc32c", "delta", "fixedscaleoffset", "fletcher32", "shuffle"}
_OLD = {"blosc", *_COMPRESSORS, *_FILTERS}
_NEW = {
    *("blosc", "bytes", "crc32c", "gzip", "sharding_indexed", "transpose", "zstd"),
    *(f"numcodecs.{name}" for name in (*_COMPRESSORS, *_FILTERS)),
}

_GUARDED = "zincflux_blosc"
"""Name under which zarr and numcodecs find the guarded codec."""

_HEADER = struct.Struct("<BBBBIII")
_BLOSC_VERSION = 2
_STORED_AS_IS = 2


def trusted(document: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Check the codecs in the metadata of an array, and guard Blosc.

    Parameters
    ----------
    document
        The metadata.
    where
        The array, for the message.

    Returns
    -------
    dict
        The metadata with the guarded codec in place of Blosc.

    Raises
    ------
    ReaderError
        If there is a codec that is not trusted.
    """
    if document.get("zarr_format") == 2:
        filters = document.get("filters")
        return {
            **document,
            "compressor": _replaced(document.get("compressor"), "id", _OLD, where),
            "filters": [_replaced(one, "id", _OLD, where) for one in filters]
            if isinstance(filters, list)
            else filters,
        }
    return {**document, "codecs": _chain(document.get("codecs"), where)}


def _chain(codecs: object, where: str) -> object:
    if not isinstance(codecs, list):
        return codecs
    return [_replaced(codec, "name", _NEW, where) for codec in codecs]


def _replaced(codec: object, key: str, known: set[str], where: str) -> object:
    name = codec.get(key) if isinstance(codec, dict) else codec
    if name is None:
        return codec
    if name not in known:
        raise ReaderError(
            f"{where}: expected one of the codecs {', '.join(sorted(known))}, found {name!r:.100}. "
            "Export it again with one of these, or as OME-TIFF."
        )
    if not isinstance(codec, dict):
        return codec
    settings = codec.get("configuration")
    if isinstance(settings, dict):
        inner = {k: _chain(v, where) for k, v in settings.items() if k in _INNER}
        codec = {**codec, "configuration": {**settings, **inner}}
    if name == "blosc":
        _register()
        return {**codec, key: _GUARDED}
    return codec


_INNER = ("codecs", "index_codecs")
"""Settings of a codec that hold codecs: those of shards."""


@functools.cache
def _register() -> None:
    """Tell zarr and numcodecs of the guarded codec, under a name of its own."""
    import numcodecs
    from zarr.codecs import BloscCodec
    from zarr.registry import register_codec

    class GuardedBlosc(BloscCodec):  # type: ignore[misc]
        @classmethod
        def from_dict(cls, data: dict[str, Any]) -> Any:
            return super().from_dict({**data, "name": "blosc"})

        async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
            check_blosc(chunk_bytes.to_bytes())
            return await super()._decode_single(chunk_bytes, chunk_spec)

    class GuardedOldBlosc(numcodecs.Blosc):  # type: ignore[misc]
        codec_id = _GUARDED

        def decode(self, buf: Any, out: Any = None) -> Any:
            check_blosc(bytes(numcodecs.compat.ensure_contiguous_ndarray(buf)))
            return super().decode(buf, out)

    register_codec(_GUARDED, GuardedBlosc)
    numcodecs.register_codec(GuardedOldBlosc)


def check_blosc(data: bytes) -> None:
    """Make sure that the header of a Blosc chunk fits its bytes.

    Raises
    ------
    ValueError
        If decoding it would read beyond its end.
    """
    if len(data) >= _HEADER.size:
        version, _, flags, size, n_bytes, block, n_stored = _HEADER.unpack_from(data)
        is_sane = version == _BLOSC_VERSION and size and 0 < block <= n_bytes <= MOST_BYTES
        if is_sane and n_stored == len(data):
            starts = 4 * -(-n_bytes // block)
            needed = n_bytes if flags & _STORED_AS_IS else starts
            if _HEADER.size + needed <= n_stored:
                return
    raise ValueError("the header of a Blosc chunk does not fit it")
