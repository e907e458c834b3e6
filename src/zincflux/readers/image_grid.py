"""Recordings of one image per file: a file for each time point, channel and step in z."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zincflux.errors import ReaderError
from zincflux.movie import Movie, Source
from zincflux.readers import tiff
from zincflux.readers.axes import Choice
from zincflux.readers.metadata import Facts
from zincflux.readers.planes import FilePlanes, check_same_shape
from zincflux.readers.stack import Stack
from zincflux.readers.stored import check_announced

Plane = tuple[int, int, int]
"""Number of the time point, the channel and the step in z."""


@dataclass(frozen=True, eq=False)
class ImageGrid:
    """The files of a recording in storage order.

    Attributes
    ----------
    planes
        All combinations of time point, channel and step in z.
    shape
        Number of time points, channels and steps in z.
    files
        The file of each; the first file stands in for one that is absent.
    movies
        The files, opened.
    absent
        Numbers of the planes without a file.
    """

    planes: tuple[Plane, ...]
    shape: tuple[int, int, int]
    files: tuple[Path, ...]
    movies: tuple[Movie, ...]
    absent: frozenset[int]

    def stack(self, place: Path, kind: str, scenes: Sequence[str], facts: Facts) -> Stack:
        """Put the files together.

        Parameters
        ----------
        place, kind
            The folder, and the name of its format.
        scenes
            Names of all scenes in the folder.
        facts
            Metadata.
        """
        kept = [n for n in range(3) if self.shape[n] > 1]
        return Stack(
            planes=FilePlanes(self.movies),
            source=Source(
                paths=tuple(dict.fromkeys(self.files)),
                place=str(place),
                format=kind,
                axes="".join("TCZ"[n] for n in kept) + "YX",
                shape=(*(self.shape[n] for n in kept), *self.movies[0].frame_shape),
                scenes=tuple(scenes) if len(scenes) > 1 else (),
            ),
            facts=facts,
            absent=self.absent,
        )


def image_grid(
    found: Mapping[Plane, Path], numbers: Sequence[Sequence[int]], place: Path, kind: str
) -> ImageGrid:
    """Open the files of a recording.

    Parameters
    ----------
    found
        The file of each plane.
    numbers
        Numbers of all time points, channels and steps in z that there should be.
    place, kind
        The folder, and the name of its format, for messages.

    Raises
    ------
    ReaderError
        If a file is damaged, holds several images or differs in shape, or far more are announced
        than there are.
    """
    shape = (len(numbers[0]), len(numbers[1]), len(numbers[2]))
    check_announced(place, shape[0] * shape[1] * shape[2], len(found))
    planes = tuple((t, c, z) for t in numbers[0] for c in numbers[1] for z in numbers[2])
    stand_in = found[min(found)]
    files = tuple(found.get(plane, stand_in) for plane in planes)
    return ImageGrid(
        planes, shape, files, _open(files, kind), _absent(planes, found, shape[1] * shape[2])
    )


def _absent(planes: Sequence[Plane], found: Mapping[Plane, Path], per_frame: int) -> frozenset[int]:
    """List the planes without a file; a time point at the end goes whole if one is missing."""
    absent = [n for n, plane in enumerate(planes) if plane not in found]
    without = set(absent)
    first = len(planes)
    while first > per_frame and any(n in without for n in range(first - per_frame, first)):
        first -= per_frame
    return frozenset([*absent, *range(first, len(planes))])


def _open(files: Sequence[Path], kind: str) -> tuple[Movie, ...]:
    opened = {file: tiff.read(file, Choice(scene=0)) for file in dict.fromkeys(files)}
    movies = tuple(opened[file] for file in files)
    check_same_shape(tuple(opened.values()))
    if movies[0].data.shape[:2] != (1, 1):
        raise ReaderError(
            f"{files[0]}: expected one image in each file of a {kind}, found shape "
            f"{movies[0].data.shape}. Name the files by a pattern in movie.path."
        )
    return movies
