"""Single images and label images that stand beside a movie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zincflux.errors import ReaderError
from zincflux.movie import FloatArray, Image, Labels
from zincflux.readers import ome_zarr, tiff
from zincflux.readers.formats import reader_of
from zincflux.readers.planes import Planes
from zincflux.readers.stack import Stack


def read_image(path: str | Path) -> FloatArray:
    """Read a dark or flat-field image.

    Parameters
    ----------
    path
        A TIFF or OME-Zarr with one image, or with a stack of which the mean is taken.

    Returns
    -------
    numpy.ndarray
        Pixels, float64 (Y, X).

    Raises
    ------
    ReaderError
        If the file cannot be read, or holds more than a stack of images.
    """
    stack, n_planes = _one_stack(path)
    total = np.zeros(stack.planes.plane_shape)
    for plane in stack.planes.read(range(n_planes)):
        total += plane
    return total / n_planes


def read_labels(path: str | Path) -> LabelImages:
    """Open a label image, or a stack of one per frame.

    Parameters
    ----------
    path
        A TIFF or OME-Zarr of whole numbers, 0 for background.

    Raises
    ------
    ReaderError
        If the file cannot be read, or holds more than a stack of images.
    """
    stack, n_planes = _one_stack(path)
    return LabelImages(Path(path), stack.planes, n_planes)


def _one_stack(path: str | Path) -> tuple[Stack, int]:
    path = Path(path)
    reader = reader_of(path)
    if reader not in (tiff, ome_zarr):
        raise ReaderError(
            f"{path}: expected a TIFF or OME-Zarr image, found {reader.NAME}. Export it as TIFF."
        )
    stack = tiff.read_stack(path) if reader is tiff else ome_zarr.read_stack(path)
    if len(stack.source.axes) > 3 or "S" in stack.source.axes:
        raise ReaderError(
            f"{path}: expected an image or a stack of images, found "
            f"{' × '.join(map(str, stack.source.shape))} ({stack.source.axes}). Save the channel "
            "that is meant on its own."
        )
    return stack, int(np.prod(stack.source.shape)) // int(np.prod(stack.planes.plane_shape))


@dataclass(frozen=True, eq=False)
class LabelImages:
    """Label images, read one at a time.

    Attributes
    ----------
    path
        The file.
    planes
        Its pixels.
    n_images
        How many there are.
    doubts
        None: a label image says what it means.
    """

    path: Path
    planes: Planes
    n_images: int
    doubts: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (T or 1, Y, X)."""
        return (self.n_images, *self.planes.plane_shape)

    def __getitem__(self, t: int, /) -> Labels:
        number = range(self.n_images)[t]
        return self._as_labels(next(self.planes.read([number])), number)

    def _as_labels(self, image: Image, number: int) -> Labels:
        low, high = image.min(), image.max()
        # NaN fails the first comparison.
        if not (low >= 0 and high <= np.iinfo(np.int32).max) or np.any(image != np.floor(image)):
            raise ReaderError(
                f"{self.path}: expected labels, which are whole numbers from 0, found {low} to "
                f"{high} in image {number}. Is this a label image?"
            )
        return np.asarray(image, dtype=np.int32)
