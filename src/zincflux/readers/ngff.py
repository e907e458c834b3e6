"""What the metadata of OME-Zarr say, version 0.5 and those before it.

References
----------
Next-generation file format (NGFF), https://ngff.openmicroscopy.org/
Moore J. et al. (2023) OME-Zarr: a cloud-optimized bioimaging file format with international
community support. Histochemistry and Cell Biology 160:223-251. doi:10.1007/s00418-023-02209-1
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zincflux.errors import MetadataWarning, ReaderError
from zincflux.movie import FloatArray
from zincflux.readers.metadata import Facts, length_um, seconds, square_pixel
from zincflux.readers.zarr_places import Place

_OLD_AXES = ["t", "c", "z", "y", "x"]
"""Versions 0.1 and 0.2 had these and did not say so."""

OWN = "zincflux"
"""Key of what the format has no place for: what was made, and times that are not evenly apart."""


@dataclass(frozen=True)
class Node:
    """A group or an array.

    Attributes
    ----------
    place
        Where it is.
    zarr_format
        2 or 3.
    is_array
        Whether it is an array.
    document
        Its metadata: of an array, what Zarr keeps; of a group, that of OME-Zarr.
    own
        What zincflux has added.
    """

    place: Place
    zarr_format: int
    is_array: bool
    document: Mapping[str, Any]
    own: Mapping[str, Any]


def find_node(place: Place) -> Node | None:
    """Read the metadata of a place; None if no Zarr is there.

    Raises
    ------
    ReaderError
        If they are broken.
    """
    found = place.read_json("zarr.json")
    if found is not None:
        attributes = mapping(found.get("attributes"))
        own = mapping(attributes.get(OWN))
        if found.get("node_type") == "array":
            return Node(place, 3, True, found, own)
        return Node(place, 3, False, mapping(attributes.get("ome")), own)
    array = place.read_json(".zarray")
    told = place.read_json(".zattrs")
    if array is not None:
        return Node(place, 2, True, {"attributes": told or {}}, {})
    if told is None and place.read_json(".zgroup") is None:
        return None
    return Node(place, 2, False, told or {}, mapping((told or {}).get(OWN)))


def mapping(value: object) -> Mapping[str, Any]:
    """Take a JSON object as it is, and anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def entries(value: object) -> list[Mapping[str, Any]]:
    """Take the JSON objects of a list, and nothing from anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def axis_letters(multiscale: Mapping[str, Any], n_axes: int, where: str) -> str:
    """Name each axis of an image with a letter of ``TCZYX``, or ``Q`` where it is none of these.

    Raises
    ------
    ReaderError
        If the names do not fit the array, or there is no Y or X.
    """
    given = multiscale.get("axes")
    axes = given if isinstance(given, list) else _OLD_AXES if given is None else []
    letters = "".join(map(_letter, axes))
    known = letters.replace("Q", "")
    if len(letters) != n_axes or len(set(known)) < len(known) or not {"Y", "X"} <= set(known):
        raise ReaderError(
            f"{where}: expected metadata that name {n_axes} different axes, Y and X among them, "
            f"found {given!r:.200}. The metadata do not fit the array: export it again."
        )
    return letters


def _letter(axis: object) -> str:
    name, kind = axis, None
    if isinstance(axis, dict):
        name, kind = axis.get("name"), axis.get("type")
    letter = str(name).upper()
    if kind in ("time", "channel"):
        return "T" if kind == "time" else "C"
    return letter if letter in tuple("TCZYX") else "Q"


def dataset_path(multiscale: Mapping[str, Any], where: str) -> object:
    """Give the path of the array of full resolution.

    Raises
    ------
    ReaderError
        If none is listed.
    """
    datasets = entries(multiscale.get("datasets"))
    if not datasets or "path" not in datasets[0]:
        raise ReaderError(
            f"{where}: expected metadata that name the array of the image, found none. Export it "
            "again."
        )
    return datasets[0]["path"]


def image_facts(
    node: Node, multiscale: Mapping[str, Any], axes: str, shape: Sequence[int]
) -> Facts:
    """Read channel names, pixel size and times.

    Parameters
    ----------
    node
        The group of the image.
    multiscale
        The description of the image in it.
    axes, shape
        Axes of the array and their lengths.
    """
    where = node.place.where
    scales = _scales(multiscale, len(axes))
    units = [str(mapping(axis).get("unit") or "") for axis in multiscale.get("axes") or axes]
    _warn_of_units(where, axes, shape, scales, units)
    of_axis = {letter: (scales[n], units[n]) for n, letter in enumerate(axes)}
    x_um, y_um = (length_um(*of_axis[letter]) for letter in "XY")
    return Facts(
        channels=_channels(node),
        pixel_size_um=square_pixel(x_um, y_um, where),
        interval_s=seconds(*of_axis["T"]) if "T" in of_axis else None,
        plane_time_s=_own_times(node, axes, shape),
    )


def _scales(multiscale: Mapping[str, Any], n_axes: int) -> FloatArray:
    """Multiply the scales of the first array and of the whole image; NaN where they say nothing."""
    total = np.ones(n_axes)
    datasets = entries(multiscale.get("datasets"))
    is_told = False
    for level in (datasets[0], multiscale):
        for step in entries(level.get("coordinateTransformations")):
            scale = step.get("scale")
            if step.get("type") != "scale" or not isinstance(scale, list) or len(scale) != n_axes:
                continue
            if all(isinstance(value, int | float) for value in scale):
                total = total * np.array(scale, dtype=np.float64)
                is_told = True
    return total if is_told else np.full(n_axes, np.nan)


def _warn_of_units(
    where: str, axes: str, shape: Sequence[int], scales: FloatArray, units: Sequence[str]
) -> None:
    """Say where a number stands without a unit: it is not taken for µm or s."""
    keys = {"Y": "movie.pixel_size_um", "X": "movie.pixel_size_um", "T": "movie.frame_interval_s"}
    for letter, n, scale, unit in zip(axes, shape, scales, units, strict=True):
        # 1 is what stands there where nothing is known.
        if letter in "TX" and n > 1 and not unit and np.isfinite(scale) and scale != 1:
            warnings.warn(
                f"{where}: the scale {scale:g} of axis {letter} has no unit and is not used. Set "
                f"{keys[letter]}",
                MetadataWarning,
                stacklevel=4,
            )


def _channels(node: Node) -> tuple[str, ...]:
    channels = entries(mapping(node.document.get("omero")).get("channels"))
    return tuple(str(channel.get("label") or "") for channel in channels)


def _own_times(node: Node, axes: str, shape: Sequence[int]) -> FloatArray | None:
    """Spread the times of the frames, where they stand there, over their planes."""
    times = node.own.get("time_s")
    outer = [(letter, n) for letter, n in zip(axes, shape, strict=True) if letter not in "YX"]
    n_frames = dict(outer).get("T", 0)
    if not isinstance(times, list) or len(times) != n_frames:
        return None
    if not all(isinstance(value, int | float) for value in times):
        return None
    along = [n if letter == "T" else 1 for letter, n in outer]
    each = np.array(times, dtype=np.float64).reshape(along)
    return np.broadcast_to(each, [n for _, n in outer]).ravel()
