"""Pictures with known cells: a folder of label images beside them, or results of zincflux."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import ReaderError
from zincflux.movie import Image, Labels
from zincflux.readers.images import read_image, read_labels
from zincflux.results import read_results
from zincflux.results.folder import read_run

LABEL_ENDINGS = ("_labels", "_label", "_masks")
"""Endings of the names of label images; without it, or with ``_image``, the picture is named."""

SUFFIXES = (".tif", ".tiff", ".ome.tif", ".ome.tiff")

LEAST_DIAMETER_PX = 4.0
"""Cells smaller than this across cannot be learnt from."""

Part = Literal["fit", "check", "held back"]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture and its cells.

    Attributes
    ----------
    name
        Unique name.
    image
        Pixels (Y, X).
    labels
        Label image (Y, X), 0 where there is no cell.
    """

    name: str
    image: Image
    labels: Labels

    @property
    def diameter_px(self) -> float:
        """Diameter of a disc of the median cell's area, pixels; NaN without cells."""
        area = np.bincount(self.labels.ravel())[1:]
        area = area[area > 0]
        return float(2 * np.sqrt(np.median(area) / np.pi)) if area.size else np.nan


def read_pictures(folders: Iterable[str | Path]) -> list[Picture]:
    """Read all pictures with cells of some folders.

    A folder of results gives the picture that its cells were found in, with the cells as they were
    corrected. Of any other folder, ``NAME_labels.tif`` holds the cells of ``NAME.tif`` or
    ``NAME_image.tif``; ``_label`` and ``_masks`` count as ``_labels``.

    Parameters
    ----------
    folders
        Where to look; sub-folders are not searched.

    Raises
    ------
    ReaderError
        If a folder or picture is missing or cannot be read, if a picture and its labels differ in
        size, or if there are no cells at all.
    """
    found: list[Picture] = []
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise ReaderError(
                f"{folder}: expected a folder of pictures with label images, found none. Check "
                "the path."
            )
        found += [_of_results(folder)] if read_run(folder) is not None else _of_folder(folder)
    usable = [picture for picture in found if picture.labels.any()]
    if not usable:
        raise ReaderError(
            f"expected cells to learn from, found {len(found)} label images without any. Draw the "
            "cells first."
        )
    return [_checked(picture) for picture in _told_apart(usable)]


def _told_apart(pictures: Sequence[Picture]) -> list[Picture]:
    """Append a number to names that came before, as those of folders of results often did."""
    seen: Counter[str] = Counter()
    result = []
    for picture in pictures:
        seen[picture.name] += 1
        number = seen[picture.name]
        name = picture.name if number == 1 else f"{picture.name} ({number})"
        result.append(replace(picture, name=name))
    return result


def _checked(picture: Picture) -> Picture:
    if picture.image.shape != picture.labels.shape:
        raise ReaderError(
            f"{picture.name}: expected a picture and labels of one size, found "
            f"{_size(picture.image)} and {_size(picture.labels)} pixels. Use the picture that the "
            "labels were drawn on."
        )
    if picture.diameter_px < LEAST_DIAMETER_PX:
        raise ReaderError(
            f"{picture.name}: expected cells at least {LEAST_DIAMETER_PX:g} pixels across, found "
            f"a median of {picture.diameter_px:.1f}. Check that each cell has a number of its own."
        )
    if not np.isfinite(picture.image).all():
        raise ReaderError(
            f"{picture.name}: expected pixels that are numbers, found some that are not. Cut the "
            "picture and its labels to what was seen."
        )
    return picture


def _size(image: NDArray[Any]) -> str:
    return " × ".join(map(str, image.shape))


def _of_results(folder: Path) -> Picture:
    results = read_results(folder)
    if results.labels is None or results.overview is None:
        raise ReaderError(
            f"{folder}: expected results with label images and the picture that they were found "
            "in, found none. Run the experiment again with --overwrite."
        )
    return Picture(folder.name, results.overview, np.asarray(results.labels[0], dtype=np.int32))


def _of_folder(folder: Path) -> list[Picture]:
    pairs = list(pairs_in(folder))
    if not pairs:
        raise ReaderError(
            f"{folder}: expected NAME{LABEL_ENDINGS[0]}.tif beside NAME.tif, found no label image. "
            "Name them so, or give a folder of results."
        )
    return [read_pair(*pair) for pair in pairs]


def read_pair(name: str, image: Path, labels: Path) -> Picture:
    """Read a picture and its label image.

    Raises
    ------
    ReaderError
        If a file cannot be read, or the labels are a stack.
    """
    drawn = read_labels(labels)
    if drawn.n_images > 1:
        raise ReaderError(
            f"{labels}: expected one label image, found {drawn.n_images}. Save each on its own, "
            "beside its picture."
        )
    return Picture(name, read_image(image), _small_numbers(drawn[0]))


def _small_numbers(labels: Labels) -> Labels:
    """Give cells new numbers where theirs are so large that a table of them fills the memory."""
    if labels.max(initial=0) <= labels.size:
        return labels
    ids, places = np.unique(labels, return_inverse=True)
    numbers = np.arange(ids.size, dtype=np.int32) + np.int32(ids[0] > 0)
    return np.asarray(numbers[places].reshape(labels.shape))


def pairs_in(folder: Path) -> Iterator[tuple[str, Path, Path]]:
    """Give name, picture and label image of each pair of files, by name.

    Raises
    ------
    ReaderError
        If the picture of a label image is missing.
    """
    stems = {_stem(path): path for path in sorted(folder.iterdir()) if _stem(path)}
    for stem, path in stems.items():
        name = _without_ending(stem)
        if name == stem:
            continue
        image = stems.get(name) or stems.get(f"{name}_image")
        if image is None:
            raise ReaderError(
                f"{path}: expected its picture as {name}.tif or {name}_image.tif beside it, found "
                "neither. Put it there, or take the label image away."
            )
        yield name, image, path


def _stem(path: Path) -> str:
    """Name without its suffix; empty of what is no TIFF."""
    fitting = [suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)]
    return path.name[: -len(max(fitting, key=len))] if fitting else ""


def _without_ending(stem: str) -> str:
    for ending in LABEL_ENDINGS:
        if stem.endswith(ending):
            return stem.removesuffix(ending)
    return stem


def part_of(name: str) -> Part:
    """Tell which part of the built-in recipe's images one belongs to, by a hash of its name.

    A third is held back to the very end. An eighth of the rest checks the progress and sets the
    few rules that follow the network.
    """
    if _hashed(name) % 3 == 0:
        return "held back"
    return "check" if _hashed(f"check {name}") % 8 == 0 else "fit"


def set_aside(pictures: Sequence[Picture]) -> tuple[list[Picture], list[Picture]]:
    """Share pictures between what is learnt from, and the fifth on which the network is judged.

    Nothing is set aside of fewer than five.

    Returns
    -------
    learnt, judged
        Pictures in their order.
    """
    n_aside = len(pictures) // 5
    aside = sorted(range(len(pictures)), key=lambda n: _hashed(f"aside {pictures[n].name}"))
    chosen = set(aside[:n_aside])
    learnt = [picture for n, picture in enumerate(pictures) if n not in chosen]
    return learnt, [pictures[n] for n in sorted(chosen)]


def _hashed(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)
