"""Corrected cells as pictures that a network can learn from, in files of their own; no Qt."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_zincflux.corrected_outlines import log_of
from zincflux import Movie
from zincflux.edits import LabelEdit
from zincflux.results import write_label_stack, write_movie, writing
from zincflux.segment.contrast import picture_area
from zincflux.segment.extras import filled
from zincflux.training.pictures import Picture

if TYPE_CHECKING:
    from zincflux import Analysis
    from zincflux.movie import Image, Labels

MOST_FRAMES = 20
"""Corrected frames that are learnt from; of more, so many are spread over them."""

UNCORRECTED_FRAMES = 10
"""Frames that are learnt from where cells move and no outline was corrected."""

N_BANDS = 5
"""Of so many pictures one is set aside to judge by; fewer are cut into so many bands each."""

LEAST_WIDTH, LEAST_CELLS = 4.0, 3
"""Width in diameters, and cells, that every band must have."""

SUFFIX = ".ome.tif"


def frames_to_learn(analysis: Analysis) -> list[int]:
    """Choose the frames whose cells are learnt from.

    Parameters
    ----------
    analysis
        Made with ``keep=True``.

    Returns
    -------
    list of int
        0 alone where cells stay in place: they have one view. Where they move, the frames in which
        outlines were corrected; if none were, frames spread over the movie.
    """
    n_frames = len(analysis.label_images)
    if n_frames <= 1:
        return list(range(n_frames))
    edited = {edit.frame for edit in log_of(analysis).edits if isinstance(edit, LabelEdit)}
    corrected = sorted(t for t in edited if t is not None and t < n_frames)
    if corrected:
        return [corrected[n] for n in _spread(len(corrected), MOST_FRAMES)]
    return _spread(n_frames, UNCORRECTED_FRAMES)


def _spread(n: int, most: int) -> list[int]:
    return [int(t) for t in np.unique(np.linspace(0, n - 1, min(n, most)).round())]


def picture_at(analysis: Analysis, t: int, name: str) -> Picture:
    """Give what cells were found in, with their outlines as they were corrected.

    Parameters
    ----------
    analysis
        Made with ``keep=True``.
    t
        Frame, one of `frames_to_learn`.
    name
        Of the picture.
    """
    labels = np.asarray(analysis.label_images[t], dtype=np.int32)
    image = _image(analysis, t)
    inner = picture_area(image)
    return Picture(name, filled(image[inner]), labels[inner])


def _image(analysis: Analysis, t: int) -> Image:
    kept = analysis.kept
    if len(analysis.label_images) == 1 or kept is None:
        assert analysis.overview is not None  # noqa: S101 - whoever has outlines has one
        return analysis.overview
    plan = kept.found.plan
    return plan.segment_image(plan.flat(plan.read(t)))


def cut(pictures: Sequence[Picture]) -> list[Picture]:
    """Cut pictures into bands across their longer side, where there are too few to set one aside.

    Pictures that are too small for it, or hold too few cells, stay whole.
    """
    if len(pictures) >= N_BANDS:
        return list(pictures)
    return [part for picture in pictures for part in _bands(picture)]


def _bands(picture: Picture) -> list[Picture]:
    axis = int(np.argmax(picture.image.shape))
    wide = picture.image.shape[axis] / N_BANDS >= LEAST_WIDTH * picture.diameter_px
    parts = zip(
        np.array_split(picture.image, N_BANDS, axis),
        np.array_split(picture.labels, N_BANDS, axis),
        strict=True,
    )
    bands = [
        Picture(f"{picture.name}_part{n}", image, labels)
        for n, (image, labels) in enumerate(parts, start=1)
    ]
    # Of no cells the diameter is NaN, and nothing is wide enough.
    return (
        bands if wide and all(_n_cells(one.labels) >= LEAST_CELLS for one in bands) else [picture]
    )


def _n_cells(labels: Labels) -> int:
    return int(np.count_nonzero(np.unique(labels)))


def prefix_of(name: str, place: str) -> str:
    """Begin the names of a movie's pictures: its name, and a mark of the place that it lies at."""
    mark = hashlib.sha256(place.encode()).hexdigest()[:6]
    return f"{re.sub(r'[^0-9A-Za-z.-]+', '-', name).strip('-.') or 'movie'}-{mark}_"


def folder_beside(model: Path) -> Path:
    """Give the folder of the pictures that a network learns from."""
    return model.with_name(f"{model.stem}_pictures")


def store(pictures: Sequence[Picture], folder: Path, prefix: str) -> Iterator[Picture]:
    """Write the pictures of a movie in place of those that were there; all others stay.

    Yields
    ------
    Picture
        Each, after it is written.

    Raises
    ------
    zincflux.ZincfluxError
        If a file cannot be written.
    """
    with writing(folder):
        folder.mkdir(exist_ok=True)
        for path in folder.glob(f"*{SUFFIX}"):
            if path.name.startswith(prefix):
                path.unlink()
    for picture in pictures:
        image = np.asarray(picture.image, dtype=np.float32)[np.newaxis, np.newaxis]
        movie = Movie(image, ("cells",), pixel_size_um=None, time_s=np.zeros(1))
        # Labels last: a picture without them is not learnt from.
        write_movie(movie, folder / f"{picture.name}{SUFFIX}")
        labels = folder / f"{picture.name}_labels{SUFFIX}"
        with writing(labels):
            write_label_stack(labels, [picture.labels], (1, *picture.labels.shape), None, None)
        yield picture


def take_over(source: Path, folder: Path, prefix: str) -> None:
    """Copy the pictures that an earlier network learnt from, except those of a movie."""
    if not source.is_dir() or source == folder:
        return
    with writing(folder):
        for path in source.glob(f"*{SUFFIX}"):
            if not path.name.startswith(prefix):
                shutil.copyfile(path, folder / path.name)
