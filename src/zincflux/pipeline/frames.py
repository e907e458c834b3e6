"""The second pass: every frame measured, a few frames in memory."""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np

from zincflux.correct.background import frame_background
from zincflux.correct.level import BackgroundLevel
from zincflux.correct.region import region_mean
from zincflux.correct.rings import ring_background
from zincflux.edits import Skipped
from zincflux.errors import CorrectionWarning
from zincflux.experiment import Experiment
from zincflux.focus import focus_score
from zincflux.measure import LabelRuns, Measurement, measure_labels
from zincflux.movie import FloatArray, Image, Labels, Movie
from zincflux.pipeline.places import Place, moving_place, still_place
from zincflux.pipeline.plan import Plan, make_plan
from zincflux.pipeline.survey import Survey, label_image, survey
from zincflux.segment import Spread


@dataclass(frozen=True, eq=False)
class Automatic:
    """Cells of one frame as they were found, before they were corrected by hand.

    Attributes
    ----------
    runs
        Their runs.
    flat
        Their means and more, after dark and flat field.
    """

    runs: LabelRuns
    flat: Measurement


@dataclass(frozen=True, eq=False)
class FrameRows:
    """Everything measured in one frame.

    Attributes
    ----------
    t
        Number of the frame.
    runs
        Runs of each region, in the frame's own coordinates.
    raw, flat
        Means and more of the pixels as recorded, and after dark and flat field; per region.
    background
        Level and noise of the background per channel.
    ring
        Background of each cell (C, n) per region, where rings are used.
    reference
        Mean of the bleaching reference region (C,), where one is used.
    focus
        Sharpness.
    automatic
        Moving cells before they were corrected by hand; None where they were not.
    skipped
        Edits that do not apply to the cells of this frame.
    """

    t: int
    runs: dict[str, LabelRuns]
    raw: dict[str, Measurement]
    flat: dict[str, Measurement]
    background: BackgroundLevel
    ring: FloatArray | None
    reference: FloatArray | None
    focus: float
    automatic: Automatic | None = None
    skipped: tuple[Skipped, ...] = ()

    @property
    def labels(self) -> Labels:
        """Label image (Y, X) of the cells."""
        return self.runs["cell"].to_labels()


def iter_frames(
    movie: Movie, experiment: Experiment, *, jobs: int | None = None
) -> Iterator[FrameRows]:
    """Measure a movie frame by frame; to stop, stop iterating.

    Parameters
    ----------
    movie
        What is measured.
    experiment
        How.
    jobs
        Threads; the number of cores if not given. The result does not depend on it.

    Yields
    ------
    FrameRows
        One per frame, in order.
    """
    found = _last(survey(make_plan(experiment, movie)))
    yield from measure_frames(found, jobs=jobs)


def _last(steps: Generator[object, None, Survey]) -> Survey:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: Survey = stop.value
            return result


def measure_frames(found: Survey, *, jobs: int | None = None) -> Iterator[FrameRows]:
    """Measure every frame of a surveyed movie, in order, a few frames ahead of the caller."""
    jobs = jobs or os.cpu_count() or 1
    if jobs == 1:
        yield from _measured(found, map)
        return
    with ThreadPoolExecutor(jobs) as pool:
        try:
            yield from _measured(found, partial(_ahead, pool, jobs))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


Item = TypeVar("Item")
Result = TypeVar("Result")


def _ahead(
    pool: ThreadPoolExecutor, jobs: int, function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Result]:
    """Apply a function to items in the threads of a pool, and give the results in order."""
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > jobs:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _measured(found: Survey, spread: Spread) -> Iterator[FrameRows]:
    plan = found.plan
    times = range(plan.movie.n_frames)
    film = plan.experiment.segment.film_segmenter() if plan.follows else None
    if film is None:
        return spread(_FrameWorker(found), times)
    held: deque[Pixels] = deque()

    def images() -> Iterator[Image]:
        for pixels in spread(partial(Pixels.read, plan), times):
            held.append(pixels)
            yield pixels.image

    def frames() -> Iterator[tuple[int, Pixels, Labels]]:
        cells = film.film(images(), plan.pixel_size_um, spread=spread)
        for t, labels in enumerate(cells):
            yield t, held.popleft(), labels

    return spread(partial(_measure_moving, found), frames())


def _measure_moving(found: Survey, frame: tuple[int, Pixels, Labels]) -> FrameRows:
    t, pixels, labels = frame
    return measure_place(found, t, pixels, moving_place(found.plan, labels, pixels.flat, t))


class Pixels(NamedTuple):
    """Pixels of one frame: (C, Y, X) as recorded and after dark and flat field, and segmented."""

    frame: Image
    flat: Image
    image: Image

    @classmethod
    def read(cls, plan: Plan, t: int) -> Pixels:
        """Read a frame."""
        frame = plan.read(t)
        flat = plan.flat(frame)
        return cls(frame, flat, plan.segment_image(flat))


class _FrameWorker:
    """Measures one frame; safe to share between threads."""

    def __init__(self, found: Survey) -> None:
        self.found = found
        self.still = None if found.automatic is None else still_place(found)

    def __call__(self, t: int) -> FrameRows:
        pixels = Pixels.read(self.found.plan, t)
        return measure_place(self.found, t, pixels, self._place(t, pixels))

    def _place(self, t: int, pixels: Pixels) -> Place:
        """Find where the cells are in frame ``t``."""
        plan = self.found.plan
        if self.still is not None:
            return self.still.moved(*self.found.rounded_shift(t))
        return moving_place(plan, label_image(plan, pixels.image, t), pixels.flat, t)


def measure_place(found: Survey, t: int, pixels: Pixels, place: Place) -> FrameRows:
    """Measure everything in a frame whose cells have been found.

    Parameters
    ----------
    found
        The survey.
    t
        Number of the frame.
    pixels
        Its pixels.
    place
        Where the cells are in it.
    """
    plan, flat = found.plan, pixels.flat
    raw = _measure(pixels.frame, place.runs, plan.saturation_level)
    level = background_level(found, t, flat, place)
    ring = None
    if place.rings is not None:
        ring = ring_background(flat, place.rings, place.cells.ids, fallback=level.level)
    return FrameRows(
        t=t,
        runs=place.runs,
        raw=raw,
        flat=raw if flat is pixels.frame else _measure(flat, place.runs, None),
        background=level,
        ring=ring,
        reference=_reference(plan, flat, found.rounded_shift(t)),
        focus=focus_score(pixels.image),
        automatic=_automatic_cells(flat, place),
        skipped=place.skipped,
    )


def background_level(found: Survey, t: int, flat: Image, place: Place) -> BackgroundLevel:
    """Find the background of a frame."""
    if found.blank is not None:
        return BackgroundLevel.given(found.blank.level)
    plan, shift = found.plan, found.rounded_shift(t)
    background = plan.experiment.background
    return frame_background(flat, background, plan.channels, place.sample, shift=shift)


def _automatic_cells(flat: Image, place: Place) -> Automatic | None:
    """Measure the cells of a frame as they were before they were corrected by hand."""
    if place.automatic is None:
        return None
    return Automatic(place.automatic, measure_labels(flat, place.automatic))


def _measure(
    frame: Image, runs: dict[str, LabelRuns], saturation_level: float | None
) -> dict[str, Measurement]:
    return {
        region: measure_labels(frame, part, saturation_level=saturation_level)
        for region, part in runs.items()
    }


def _reference(plan: Plan, flat: Image, shift: tuple[int, int]) -> FloatArray | None:
    bleaching = plan.experiment.bleaching
    if bleaching.method != "reference" or bleaching.roi is None:
        return None
    return region_mean(flat, bleaching.roi, key="bleaching.roi", shift=shift)


def warn_of_missing_pixels(frames: Sequence[FrameRows]) -> None:
    """Say where cells hold pixels that are no numbers: their means leave these out."""
    cells = [rows.raw["cell"] for rows in frames]
    affected = [int((cell.n_valid < cell.area_px).any(axis=0).sum()) for cell in cells]
    if any(affected):
        warnings.warn(
            f"pixels: {sum(affected)} measurements in {np.count_nonzero(affected)} of "
            f"{len(frames)} frames leave out pixels that are NaN or infinite.",
            CorrectionWarning,
            stacklevel=2,
        )
