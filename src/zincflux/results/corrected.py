"""The movie as it was measured: corrected, in the coordinates of the first frame, with labels."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import Image, Labels
from zincflux.pipeline import Progress
from zincflux.pipeline.plan import Plan
from zincflux.pipeline.replan import check_movie, iter_plan
from zincflux.results.drawn import Drawn
from zincflux.results.folder import Results
from zincflux.results.zarr_images import (
    ImageFacts,
    iter_zarr_labels,
    iter_zarr_movie,
    need_zarr,
    write_label_list,
)

MADE = "corrected"
"""What the images are, by which an earlier export is known."""


def iter_corrected(
    results: Results, labels: Sequence[Labels], shifts_px: NDArray[np.int64], path: Path
) -> Generator[Progress, None, None]:
    """Write the measured channels of a movie and its cells as OME-Zarr.

    Dark and flat field are applied and the drift is taken off by whole pixels; what has not been
    seen is NaN. No pixel is interpolated. Background and bleaching are left as they are.

    Parameters
    ----------
    results
        Finished results; their movie must still be there.
    labels
        Label images (Y, X): one, or one per frame.
    shifts_px
        Drift of each frame, (T, 2) as (y, x).
    path
        Folder to write.

    Yields
    ------
    Progress
        After each frame.

    Raises
    ------
    ResultsError
        If the movie is not the one that was measured, or zarr is not installed.
    ReaderError
        If the movie cannot be read.
    """
    need_zarr()
    experiment = results.experiment
    plan = yield from iter_plan(experiment, experiment.open_movie())
    first = np.asarray(labels[0], dtype=np.int32)
    check_movie(plan.movie, (len(results.frames), *first.shape), results.folder)
    n_frames = plan.movie.n_frames
    facts = ImageFacts(MADE, plan.pixel_size_um, plan.time_s, plan.channels)
    shape = (n_frames, len(plan.channels), *plan.movie.frame_shape)
    steps = (-shifts_px).tolist()
    frames = (_moved(_flat(plan, t), *steps[t], fill=np.nan) for t in range(n_frames))

    def draw(t: int) -> Labels:
        if len(labels) < n_frames:
            return first
        return np.asarray(_moved(labels[t], *steps[t], fill=0), dtype=np.int32)

    write_label_list(path / "labels", ["cells"])
    own = ImageFacts("cells", plan.pixel_size_um, plan.time_s, source="../../")
    movie = iter_zarr_movie(path, frames, shape, facts)
    cells = iter_zarr_labels(path / "labels/cells", Drawn(n_frames, draw), own)
    for t, _ in zip(movie, cells, strict=True):
        yield Progress("images", t + 1, n_frames)


def _flat(plan: Plan, t: int) -> Image:
    return np.asarray(plan.flat(plan.read(t)), dtype=np.float32)


def _moved(image: Image, dy: int, dx: int, *, fill: float) -> Image:
    """Move an image (…, Y, X) by whole pixels; what enters is filled."""
    if dy == 0 and dx == 0:
        return image
    result = np.full_like(image, fill)
    height, width = image.shape[-2:]
    into = (..., slice(max(dy, 0), height + min(dy, 0)), slice(max(dx, 0), width + min(dx, 0)))
    of = (..., slice(max(-dy, 0), height - max(dy, 0)), slice(max(-dx, 0), width - max(dx, 0)))
    if abs(dy) < height and abs(dx) < width:
        result[into] = image[of]
    return result
