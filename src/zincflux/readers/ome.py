"""OME-XML: what an OME-TIFF says about its planes.

References
----------
The OME data model, https://docs.openmicroscopy.org/ome-model/
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from zincflux.errors import ReaderError
from zincflux.movie import FloatArray
from zincflux.readers.metadata import Facts, length_um, seconds, square_pixel

Element = ElementTree.Element

UUID_OF_IMAGE = "{*}Pixels/{*}TiffData/{*}UUID"
"""Where an image says in which file its planes are."""


def parse(xml: str | bytes, path: Path) -> Element:
    """Parse OME-XML.

    Raises
    ------
    ReaderError
        If it is broken.
    """
    try:
        # Python ≥ 3.11 comes with an expat that bounds the expansion of entities; entities that
        # lie in other files are not read.
        root = ElementTree.fromstring(xml)  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # or an unknown encoding
        raise ReaderError(
            f"{path}: expected OME-XML in the image description, found broken XML ({error}). "
            "Export the file again."
        ) from None
    return root


def facts(root: Element, scene: int, name: str, axes: str, shape: Sequence[int]) -> Facts:
    """Read what OME-XML says about one scene.

    Parameters
    ----------
    root
        The document.
    scene, name
        Number and name of the scene.
    axes, shape
        Axes of the file without Y and X, outermost first, and their lengths.
    """
    image = _image(root, scene, name)
    if image is None:
        return Facts()
    pixels = image.find("{*}Pixels")
    if pixels is None:
        return Facts()
    bits = _number(pixels, "SignificantBits")
    interval = _number(pixels, "TimeIncrement")
    return Facts(
        channels=tuple(_channel_name(channel) for channel in pixels.iterfind("{*}Channel")),
        pixel_size_um=_pixel_size(pixels, name or "image"),
        interval_s=None
        if not interval
        else seconds(interval, pixels.get("TimeIncrementUnit", "s")),
        plane_time_s=_of_planes(pixels, "DeltaT", axes, shape),
        plane_exposure_s=_of_planes(pixels, "ExposureTime", axes, shape),
        bits=None if bits is None else int(bits),
    )


def started(root: Element) -> datetime | None:
    """Return when the recording was started, if the file says so."""
    date = root.find("{*}Image/{*}AcquisitionDate")
    try:
        return datetime.fromisoformat((date.text or "").strip()) if date is not None else None
    except ValueError:
        return None


def _image(root: Element, scene: int, name: str) -> Element | None:
    """Find the description of a scene; by name where images without pixels shift the numbers."""
    with_pixels = images(root)
    if scene < len(with_pixels):
        candidate = with_pixels[scene]
        if not name or candidate.get("Name", name) == name:
            return candidate
    every = root.iterfind("{*}Image")
    return next((image for image in every if name and image.get("Name") == name), None)


def images(root: Element) -> list[Element]:
    """List the images that have pixels."""
    return [image for image in root.iterfind("{*}Image") if _has_pixels(image)]


def _has_pixels(image: Element) -> bool:
    """Tell whether pixels belong to a description: beside OME-Zarr it says that they are there."""
    return any(
        image.find(f"{{*}}Pixels/{{*}}{kind}") is not None for kind in ("TiffData", "MetadataOnly")
    )


def _channel_name(channel: Element) -> str:
    return channel.get("Name") or channel.get("Fluor") or ""


def _pixel_size(pixels: Element, where: str) -> float | None:
    sizes = []
    for axis in "XY":
        value = _number(pixels, f"PhysicalSize{axis}")
        unit = pixels.get(f"PhysicalSize{axis}Unit", "µm")
        sizes.append(None if value is None else length_um(value, unit))
    return square_pixel(sizes[0], sizes[1], where)


def _of_planes(
    pixels: Element, attribute: str, axes: str, shape: Sequence[int]
) -> FloatArray | None:
    """Collect a duration of each plane in s, in storage order; None if no plane has it."""
    sizes = dict(zip(axes, shape, strict=True))
    if not set(axes) <= set("TCZ"):
        return None
    values = np.full(tuple(shape), np.nan)
    for plane in pixels.iterfind("{*}Plane"):
        value = _number(plane, attribute)
        index = {axis: int(plane.get(f"The{axis}", 0)) for axis in "TCZ"}
        inside = all(index[axis] < sizes.get(axis, 1) for axis in "TCZ")
        duration = None if value is None else seconds(value, plane.get(f"{attribute}Unit", "s"))
        if duration is not None and inside:
            values[tuple(index[axis] for axis in axes)] = duration
    return None if np.all(np.isnan(values)) else values.ravel()


def _number(element: Element, attribute: str) -> float | None:
    try:
        return float(element.get(attribute, ""))
    except ValueError:
        return None
