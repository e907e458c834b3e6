"""OME-Zarr: one image, a collection as bioformats2raw writes it, or a plate; plain Zarr arrays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from zincflux.errors import ReaderError
from zincflux.movie import Movie, Source
from zincflux.readers import ome
from zincflux.readers.array_planes import ArrayPlanes
from zincflux.readers.axes import Choice
from zincflux.readers.metadata import Facts
from zincflux.readers.ngff import (
    Node,
    axis_letters,
    dataset_path,
    entries,
    find_node,
    image_facts,
    mapping,
)
from zincflux.readers.stack import Stack, pick_scene
from zincflux.readers.zarr_arrays import missing_planes, open_array
from zincflux.readers.zarr_places import Place

NAME = "OME-Zarr"

_MARKS = ("zarr.json", ".zgroup", ".zattrs", ".zarray")
_XML = "METADATA.ome.xml"


def sniff(path: Path) -> bool:
    """Tell whether a folder holds Zarr."""
    return path.is_dir() and any((path / mark).is_file() for mark in _MARKS)


def read(path: Path | str, choice: Choice) -> Movie:
    """Open an image of OME-Zarr, or a plain Zarr array, of a folder or an address.

    Raises
    ------
    ReaderError
        If it is damaged, or zarr is not installed.
    ExperimentError
        If a key is needed to know what its axes are.

    Warns
    -----
    MetadataWarning
        If there are several images and none is chosen, or metadata are odd.
    """
    return read_stack(path, choice.scene).movie(choice)


def started(path: Path) -> datetime | None:
    """Return when the recording was started: the format does not say."""
    return None


class _Scene(NamedTuple):
    """One image of a collection: its name, its group, and its number there and in OME-XML."""

    name: str
    place: Place
    multiscale: int = 0
    xml: tuple[Place, int] | None = None


def read_stack(path: Path | str, scene: int | None = None) -> Stack:
    """Open an image or array without giving its axes a meaning.

    Raises
    ------
    ReaderError
        If it is damaged, or zarr is not installed.
    ExperimentError
        If there is no such scene.
    """
    root = Place.of(path)
    node = _node(root)
    if node.is_array:
        return _plain_array(node)
    scenes = _scenes(node)
    chosen = scenes[pick_scene([item.name for item in scenes], scene, root.where)]
    image = _node(chosen.place)
    images = entries(image.document.get("multiscales"))
    if image.is_array or chosen.multiscale >= len(images):
        raise ReaderError(
            f"{chosen.place.where}: expected an image of OME-Zarr, found no metadata of one. Copy "
            "or export it again."
        )
    names = tuple(item.name for item in scenes) if len(scenes) > 1 else ()
    return _image(image, images[chosen.multiscale], names, chosen.xml)


def _node(place: Place) -> Node:
    node = find_node(place)
    if node is None:
        raise ReaderError(
            f"{place.where}: expected Zarr, found no zarr.json, .zgroup or .zarray there. Check "
            "the path, or the address and its permissions."
        )
    return node


def _scenes(node: Node) -> list[_Scene]:
    """List the images of a group: its own, the fields of a well or plate, or a collection's."""
    images = entries(node.document.get("multiscales"))
    if images:
        names = [str(image.get("name") or f"image {n}") for n, image in enumerate(images)]
        return [_Scene(name, node.place, n) for n, name in enumerate(names)]
    scenes = _fields(node) or _collection(node)
    if not scenes:
        raise ReaderError(
            f"{node.place.where}: expected an image of OME-Zarr, found a group that lists none. "
            "Name an image inside it, such as its folder 0."
        )
    return scenes


def _fields(node: Node) -> list[_Scene]:
    """List the fields of a well, or of all wells of a plate, by path."""
    plate = entries(mapping(node.document.get("plate")).get("wells"))
    if not plate:
        fields = entries(mapping(node.document.get("well")).get("images"))
        return [_Scene(str(one.get("path")), node.place.child(one.get("path"))) for one in fields]
    scenes = []
    for well in plate:
        place = node.place.child(well.get("path"))
        found = _fields(_node(place))
        scenes += [field._replace(name=f"{well.get('path')}/{field.name}") for field in found]
    return scenes


def _collection(node: Node) -> list[_Scene]:
    """List the images of a collection that bioformats2raw wrote."""
    if "bioformats2raw.layout" not in node.document:
        return []
    side = node.place.child("OME")
    about = find_node(side)
    series = None if about is None else about.document.get("series")
    if isinstance(series, list):
        paths = list(map(str, series))
    else:
        paths = []
        while find_node(node.place.child(str(len(paths)))) is not None:
            paths.append(str(len(paths)))
    return [_Scene(p, node.place.child(p), 0, (side, n)) for n, p in enumerate(paths)]


def _image(
    node: Node,
    multiscale: Mapping[str, Any],
    scenes: tuple[str, ...],
    xml: tuple[Place, int] | None,
) -> Stack:
    path = dataset_path(multiscale, node.place.where)
    place = node.place.child(path)
    array = open_array(place, node.zarr_format)
    axes = axis_letters(multiscale, len(array.shape), node.place.where)
    planes = ArrayPlanes(array, axes, place.where)
    facts = image_facts(node, multiscale, axes, array.shape)
    is_label = "image-label" in node.document
    return Stack(
        planes=planes,
        source=_source(node, place, planes, scenes),
        facts=facts if xml is None else _with_xml(facts, xml, planes),
        # Labels leave out what is empty, and mean it.
        absent=frozenset() if is_label else missing_planes(place, planes),
    )


def _plain_array(node: Node) -> Stack:
    """Open an array that no image describes: its axes are those that it names."""
    array = open_array(node.place, node.zarr_format)
    n_outer = len(array.shape) - 2
    attributes = mapping(node.document.get("attributes"))
    names = node.document.get("dimension_names") or attributes.get("_ARRAY_DIMENSIONS")
    axes = [str(name).upper() for name in names] if isinstance(names, list) else []
    if len(axes) != n_outer + 2 or not {"Y", "X"} <= set(axes) or len(set(axes)) < len(axes):
        axes = ["Q"] * n_outer + ["Y", "X"]
    letters = "".join(letter if letter in tuple("TCZYX") else "Q" for letter in axes)
    planes = ArrayPlanes(array, letters, node.place.where)
    return Stack(
        planes=planes,
        source=_source(node, node.place, planes, ()),
        absent=missing_planes(node.place, planes),
    )


def _source(node: Node, place: Place, planes: ArrayPlanes, scenes: tuple[str, ...]) -> Source:
    """Name what is read: the metadata, and the folder of the array."""
    paths: list[Path] = []
    if not place.is_address:
        files = [Path(node.place.where, mark) for mark in _MARKS]
        paths = [file for file in files if file.is_file() and not node.is_array]
        paths.append(Path(place.where))
    sizes = zip(planes.axes, planes.array.shape, strict=True)
    kept = [(letter, n) for letter, n in sizes if letter in "YX" or n > 1]
    # Images lie as (…, Y, X) in memory, whatever the order of the array.
    kept.sort(key=lambda axis: "YX".find(axis[0]))
    return Source(
        paths=tuple(paths),
        place=node.place.where,
        format="Zarr array" if node.is_array else NAME,
        axes="".join(letter for letter, _ in kept),
        shape=tuple(n for _, n in kept),
        scenes=scenes,
    )


def _with_xml(facts: Facts, xml: tuple[Place, int], planes: ArrayPlanes) -> Facts:
    """Fill in what the OME-XML beside a collection says: names, sizes and time stamps."""
    side, number = xml
    data = side.read(_XML)
    if data is None:
        return facts
    path = Path(side.where) / _XML
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReaderError(
            f"{path}: expected OME-XML, found bytes that are no text ({error}). Copy or export it "
            "again."
        ) from None
    outer = [(axis, n) for axis, n in zip(planes.axes, planes.array.shape, strict=True)]
    outer = [(axis, n) for axis, n in outer if axis not in "YX"]
    told = ome.facts(
        ome.parse(text, path),
        number,
        "",
        "".join(axis for axis, _ in outer),
        [n for _, n in outer],
    )
    return Facts(
        channels=facts.channels if any(facts.channels) else told.channels,
        pixel_size_um=facts.pixel_size_um or told.pixel_size_um,
        interval_s=facts.interval_s or told.interval_s,
        plane_time_s=told.plane_time_s,
        plane_exposure_s=told.plane_exposure_s,
        bits=told.bits,
    )
