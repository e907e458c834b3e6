"""The movie as it was measured: corrected, in the coordinates of the first frame, with labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import Image, Labels
from zincflux.pipeline.plan import Plan
from zincflux.pipeline.replan import check_movie, iter_plan
from zincflux.results.folder import Results
from zincflux.results.zarr_images import (
    ImageFacts,
    need_zarr,
    write_label_list,
    write_zarr_labels,
    write_zarr_movie,
)
from zincflux.steps import complete


@dataclass(frozen=True, eq=False)
class Drawn(Sequence[Labels]):
    """Label images that are made when they are asked for."""

    n_images: int
    draw: Callable[[int], Labels]

    def __len__(self) -> int:
        return self.n_images

    def __getitem__(self, t: int) -> Labels:  # type: ignore[override] # no slices
        return self.draw(t)


def write_corrected(
    results: Results, labels: Labels, shifts_px: NDArray[np.int64], path: Path
) -> None:
    """Write the measured channels of a movie and its cells as OME-Zarr.

    Dark and flat field are applied and the drift is taken off by whole pixels; what has not been
    seen is NaN. No pixel is interpolated. Background and bleaching are left as they are.

    Parameters
    ----------
    results
        Finished results; their movie must still be there.
    labels
        Label images (1 or T, Y, X).
    shifts_px
        Drift of each frame, (T, 2) as (y, x).
    path
        Folder to write.

    Raises
    ------
    ResultsError
        If the movie is not the one that was measured, or zarr is not installed.
    ReaderError
        If the movie cannot be read.
    """
    need_zarr()
    experiment = results.experiment
    plan = complete(iter_plan(experiment, experiment.open_movie()))
    check_movie(plan.movie, (len(results.frames), *labels.shape[1:]), results.folder)
    n_frames = plan.movie.n_frames
    facts = ImageFacts("corrected", plan.pixel_size_um, plan.time_s, plan.channels)
    shape = (n_frames, len(plan.channels), *plan.movie.frame_shape)
    steps = (-shifts_px).tolist()
    frames = (_moved(_flat(plan, t), *steps[t], fill=np.nan) for t in range(n_frames))
    write_zarr_movie(path, frames, shape, facts)

    def draw(t: int) -> Labels:
        if len(labels) < n_frames:
            return np.asarray(labels[0], dtype=np.int32)
        return np.asarray(_moved(labels[t], *steps[t], fill=0), dtype=np.int32)

    write_label_list(path / "labels", ["cells"])
    own = ImageFacts("cells", plan.pixel_size_um, plan.time_s, source="../../")
    write_zarr_labels(path / "labels/cells", Drawn(n_frames, draw), own)


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
