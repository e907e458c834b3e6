"""OME-Zarr as others write it: arrays by zarr, metadata by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

UNITS = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "micrometer"}
KINDS = {"t": "time", "c": "channel"}


def axis(name: str, unit: str | None) -> dict[str, str]:
    found = {"name": name, "type": KINDS.get(name, "space")}
    return found if unit is None else found | {"unit": unit}


def multiscale(
    axes: str,
    scale: Sequence[float] | None,
    units: dict[str, str] | None = None,
    *,
    path: str = "0",
    name: str = "dish",
) -> dict[str, Any]:
    units = UNITS if units is None else units
    dataset: dict[str, Any] = {"path": path}
    if scale is not None:
        dataset["coordinateTransformations"] = [{"type": "scale", "scale": list(scale)}]
    described = [axis(letter, units.get(letter)) for letter in axes]
    return {"name": name, "axes": described, "datasets": [dataset]}


def omero(*labels: str) -> dict[str, Any]:
    return {"channels": [{"label": label, "color": "00FF00"} for label in labels]}


def write_group(path: Path, ome: dict[str, Any], version: str = "0.5", **own: Any) -> Path:
    """Write the metadata of a group."""
    path.mkdir(parents=True, exist_ok=True)
    if version >= "0.5":
        attributes = {"ome": {"version": version, **ome}, **own}
        document = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
        (path / "zarr.json").write_text(json.dumps(document), encoding="utf-8")
    else:
        (path / ".zgroup").write_text('{"zarr_format": 2}', encoding="utf-8")
        (path / ".zattrs").write_text(json.dumps({**ome, **own}), encoding="utf-8")
    return path


def write_array(
    path: Path,
    data: np.ndarray,
    version: str = "0.5",
    *,
    chunks: tuple[int, ...] | None = None,
    **options: Any,
) -> Path:
    import zarr

    with zarr.config.set({"array.write_empty_chunks": True}):
        array = zarr.create_array(
            store=zarr.storage.LocalStore(path),
            shape=data.shape,
            dtype=data.dtype,
            chunks=chunks or (*(1 for _ in data.shape[:-2]), *data.shape[-2:]),
            zarr_format=3 if version >= "0.5" else 2,
            fill_value=0,
            **options,
        )
        array[...] = data
    return path


def write_image(
    path: Path,
    data: np.ndarray,
    axes: str = "tcyx",
    scale: Sequence[float] | None = None,
    *,
    version: str = "0.5",
    chunks: tuple[int, ...] | None = None,
    compressors: Any = "auto",
    **ome: Any,
) -> Path:
    """Write an image; what ``ome`` holds is added to its metadata, or replaces it."""
    described = multiscale(axes, scale, ome.pop("units", None))
    if version < "0.5":
        described["version"] = version
    write_group(path, {"multiscales": [described], **ome}, version)
    write_array(path / "0", data, version, chunks=chunks, compressors=compressors)
    return path


def compressor(name: str, version: str) -> Any:
    """Give a compressor of zarr for a version of OME-Zarr."""
    if version >= "0.5":
        from zarr import codecs

        return {"blosc": codecs.BloscCodec, "gzip": codecs.GzipCodec, "zstd": codecs.ZstdCodec}[
            name
        ]()
    import numcodecs

    return {"blosc": numcodecs.Blosc, "gzip": numcodecs.GZip, "zstd": numcodecs.Zstd}[name]()


def change(path: Path, *keys: Any, to: Any) -> None:
    """Change one value in a JSON file."""
    document = json.loads(path.read_text(encoding="utf-8"))
    inner = document
    for key in keys[:-1]:
        inner = inner[key]
    if to is None:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = to
    path.write_text(json.dumps(document), encoding="utf-8")
