"""What metadata name, and what stores tell of their objects, to see whether either has changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_TAGS = ("ETag", "etag", "Content-MD5", "Digest", "md5Hash", "crc32c", "generation")
_DATES = ("mtime", "LastModified", "Last-Modified", "last_modified", "updated", "created")

_MOST_BARE = 16
"""Images of a collection that gives no list of them, whose metadata are compared."""


def tags(about: dict[str, Any]) -> list[str]:
    """Take what a store tells of the content of an object; dates only where there is no tag."""
    found = [f"{key}={about[key]}" for key in _TAGS if about.get(key)]
    dates = [f"{key}={about[key]}" for key in _DATES if about.get(key)]
    return [f"size={about.get('size')}", *(found or dates)]


def named(data: bytes) -> Iterator[str]:
    """Find the folders that metadata of OME-Zarr name: wells, fields, images and arrays."""
    try:
        todo = [json.loads(data)]
    except (ValueError, RecursionError):
        return
    while todo:
        value = todo.pop()
        if isinstance(value, list):
            todo += value
        elif isinstance(value, dict):
            if "bioformats2raw.layout" in value:
                yield from ("OME", *map(str, range(_MOST_BARE)))
            if isinstance(value.get("path"), str):
                yield value["path"]
            # The array of full resolution comes first, and no other is read.
            todo += [
                v[:1] if k == "datasets" and isinstance(v, list) else v for k, v in value.items()
            ]
