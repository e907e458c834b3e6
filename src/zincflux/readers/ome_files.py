"""OME-TIFFs of several files, and the one of them that describes the rest.

A set is described either in each of its TIFFs, or in one of them, or in a companion file
(``….companion.ome``) that holds OME-XML and nothing else; the others then only name the file with
the description. What these documents say about files is not trusted: a file is looked for in the
folder of the description and below it, nowhere else.

References
----------
Open Microscopy Environment, OME-TIFF specification, "Binary only" and "companion" files,
https://docs.openmicroscopy.org/ome-model/6.3.1/ome-tiff/specification.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from xml.etree import ElementTree

from zincflux.errors import ReaderError
from zincflux.readers import ome
from zincflux.readers.tiff_open import opened

MOST_BYTES = 2**28
"""Bound on the size of a companion file; a plane takes about 300 bytes of it."""

_SNIFFED = 4096
_ROOT = re.compile(rb"<(\w+:)?OME[\s>]")


@dataclass(frozen=True)
class Description:
    """Where the description of a TIFF is.

    Attributes
    ----------
    root
        The OME-XML; None if there is none.
    path
        The file that holds it.
    tiff
        A TIFF of the set, with which reading begins.
    part
        The TIFF that the user named; None for a companion file.
    xml
        The OME-XML again as text, without entities, where it is not that of the TIFF itself.
    """

    root: ome.Element | None
    path: Path
    tiff: Path
    part: Path | None
    xml: str | None = None

    @property
    def n_images(self) -> int:
        """How many images with pixels are described."""
        return 0 if self.root is None else len(ome.images(self.root))

    def scenes_of_part(self) -> list[int]:
        """Return the numbers of the images that have planes in the part the user named."""
        if self.root is None or self.part is None:
            return []
        own, folder = self.part.absolute(), self.path.parent.absolute()
        return [
            number
            for number, image in enumerate(ome.images(self.root))
            if any(
                folder / uuid.get("FileName", "") == own
                for uuid in image.iterfind(ome.UUID_OF_IMAGE)
            )
        ]


def is_companion(path: Path) -> bool:
    """Tell by its start whether a file is OME-XML."""
    with path.open("rb") as file:
        start = file.read(_SNIFFED).replace(b"\0", b"")  # as UTF-16 has between its letters
    is_xml = start.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<")
    return is_xml and _ROOT.search(start) is not None


def of_companion(path: Path, part: Path | None = None) -> Description:
    """Read a companion file.

    Raises
    ------
    ReaderError
        If it is too large, broken, or names no TIFF.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ReaderError(
            f"{path}: expected OME-XML of at most {MOST_BYTES} bytes, found {size}. Is this file "
            "the description of a recording?"
        )
    root = ome.parse(path.read_bytes(), path)
    blocks = root.findall("{*}Image/{*}Pixels/{*}TiffData")
    names = [uuid.get("FileName") for uuid in root.iterfind(f"{{*}}Image/{ome.UUID_OF_IMAGE}")]
    first = next((name for name in names if name), None)
    if first is None or len(names) < len(blocks) or not all(names):
        raise ReaderError(
            f"{path}: expected OME-XML that names the TIFF file of every plane, found "
            f"{len([name for name in names if name])} names for {len(blocks)} blocks of planes. "
            "Open the TIFF files themselves, or export the recording again."
        )
    check_files(root, path)
    _rename(root, path)
    return Description(root, path, beside(path, first), part, _as_text(root, path))


def _rename(root: ome.Element, path: Path) -> None:
    """Give every file its full path and a name of its own.

    tifffile looks for files from the folder of the first TIFF, and tells them apart by their UUID,
    which may be absent, or the same in all.
    """
    root.set("UUID", path.name)
    for uuid in root.iterfind(f"{{*}}Image/{ome.UUID_OF_IMAGE}"):
        file = str(beside(path, uuid.get("FileName", "")).absolute())
        uuid.set("FileName", file)
        uuid.text = file


def _as_text(root: ome.Element, path: Path) -> str:
    try:
        return ElementTree.tostring(root, encoding="unicode")
    except RecursionError:
        raise ReaderError(
            f"{path}: expected OME-XML, found elements within elements without end. Export the "
            "recording again."
        ) from None


def of_tiff(tif: Any, path: Path) -> Description:
    """Find the description of a TIFF: its own, or the one in the file that it names.

    Raises
    ------
    ReaderError
        If the file that it names is absent or does not describe it.
    """
    root = ome.parse(tif.ome_metadata, path) if tif.is_ome else None
    pointer = None if root is None else root.find("{*}BinaryOnly")
    if root is None or pointer is None:
        return _checked(Description(root, path, path, path))
    name = pointer.get("MetadataFile", "")
    main = beside(path, name) if name else None
    if main is None or not main.is_file():
        raise ReaderError(
            f"{path}: this is a part of an OME-TIFF of several files, and the file with its "
            f"description, {name!r}, is not beside it. Copy all its files into one folder, under "
            "the names that they were written with."
        )
    description = of_companion(main, path) if is_companion(main) else _of_main(main, path)
    if not description.scenes_of_part():
        raise ReaderError(
            f"{path}: expected this part of an OME-TIFF to be named in {name!r}, which describes "
            "it, found no such name there. Was the file renamed? Give it back its name."
        )
    return description


def _of_main(main: Path, part: Path) -> Description:
    with opened(main) as tif:
        root = ome.parse(tif.ome_metadata, main) if tif.is_ome else None
    if root is None or root.find("{*}BinaryOnly") is not None:
        raise ReaderError(
            f"{part}: expected the description of this OME-TIFF in {main.name!r}, found none "
            "there. Export the recording again."
        )
    return _checked(Description(root, main, main, part))


def _checked(description: Description) -> Description:
    if description.root is not None:
        check_files(description.root, description.path)
    return description


def check_files(root: ome.Element, path: Path) -> None:
    """Make sure that every file of an OME-TIFF of several files is there.

    Raises
    ------
    ReaderError
        If one is absent, or its name leads out of the folder.
    """
    own = root.get("UUID")
    for name in dict.fromkeys(_other_names(root, own, path.name)):
        if not beside(path, name).is_file():
            raise ReaderError(
                f"{path}: this recording has a second file {name!r}, which is not beside it. Copy "
                "all its files into one folder, under the names that they were written with."
            )


def _other_names(root: ome.Element, own: str | None, own_name: str) -> Iterator[str]:
    for uuid in root.iterfind(f"{{*}}Image/{ome.UUID_OF_IMAGE}"):
        name = uuid.get("FileName")
        is_this_file = (own is not None and uuid.text == own) or name == own_name
        if name and not is_this_file:
            yield name


def beside(path: Path, name: str) -> Path:
    """Return the path of a file that a document names, in the document's folder or below.

    Raises
    ------
    ReaderError
        If the name leads elsewhere.
    """
    # What is harmless on one system may be a drive, a share or a device on another.
    for kind in (PurePosixPath(name), PureWindowsPath(name)):
        if kind.anchor or ".." in kind.parts or not name.isprintable():
            raise ReaderError(
                f"{path}: expected the name of a file in its folder, found {name!r}, which leads "
                "out of it. Do not open this file unless you trust who made it."
            )
    return path.parent / name
