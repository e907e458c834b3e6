"""The second pass: every frame measured, one frame per worker in memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zincflux.correct.background import frame_background
from zincflux.correct.cell_free import cell_free, sample_pixels
from zincflux.correct.level import BackgroundLevel
from zincflux.correct.region import region_mean
from zincflux.correct.rings import ring_background, ring_labels
from zincflux.experiment import Experiment
from zincflux.focus import focus_score
from zincflux.measure import LabelRuns, Measurement, measure_labels
from zincflux.movie import FloatArray, Image, Labels, Movie
from zincflux.pipeline.plan import Plan, make_plan
from zincflux.pipeline.survey import Survey, label_image, moved, regions_of, survey

HALO_UM = 3.0
"""Distance from a cell within which light of the cell is expected."""


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
    """

    t: int
    runs: dict[str, LabelRuns]
    raw: dict[str, Measurement]
    flat: dict[str, Measurement]
    background: BackgroundLevel
    ring: FloatArray | None
    reference: FloatArray | None
    focus: float

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
    worker = _FrameWorker(found)
    if jobs == 1:
        yield from map(worker, range(found.plan.movie.n_frames))
        return
    waiting: deque[Future[FrameRows]] = deque()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for t in range(found.plan.movie.n_frames):
                waiting.append(pool.submit(worker, t))
                if len(waiting) > jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, eq=False)
class _Place:
    """Where things are in one frame, in its own coordinates.

    Attributes
    ----------
    runs
        Runs of each region.
    free
        Mask (Y, X) of the pixels away from cells.
    rings
        Label image of the rings around the cells, or None.
    """

    runs: dict[str, LabelRuns]
    free: Image
    rings: Labels | None

    @property
    def cells(self) -> LabelRuns:
        return self.runs["cell"]

    @cached_property
    def sample(self) -> NDArray[np.intp]:
        """Pixels that the background is taken from."""
        return sample_pixels(self.free)

    def moved(self, dy: int, dx: int) -> _Place:
        """Move everything with the field; pixels of the movie are never interpolated."""
        if dy == 0 and dx == 0:
            return self
        rings = None
        if self.rings is not None:
            rings = LabelRuns.of(self.rings).shifted(dy, dx).to_labels()
        runs = {name: part.shifted(dy, dx) for name, part in self.runs.items()}
        return _Place(runs, moved(self.free, dy, dx), rings)


class _FrameWorker:
    """Measures one frame; safe to share between threads."""

    def __init__(self, found: Survey) -> None:
        self.found = found
        self.still = None if found.plan.follows else _place(found.plan, found.regions)

    def __call__(self, t: int) -> FrameRows:
        plan = self.found.plan
        frame = plan.read(t)
        flat = plan.flat(frame)
        image = plan.segment_image(flat)
        place = self._place(t, flat, image)
        raw = _measure(frame, place.runs, plan.saturation_level)
        shift = self.found.rounded_shift(t)
        background = plan.experiment.background
        level = frame_background(flat, background, plan.channels, place.sample, shift=shift)
        ring = None
        if place.rings is not None:
            ring = ring_background(flat, place.rings, place.cells.ids, fallback=level.level)
        return FrameRows(
            t=t,
            runs=place.runs,
            raw=raw,
            flat=raw if flat is frame else _measure(flat, place.runs, None),
            background=level,
            ring=ring,
            reference=_reference(plan, flat, shift),
            focus=focus_score(image),
        )

    def _place(self, t: int, flat: Image, image: Image) -> _Place:
        """Find where the cells are in frame ``t``."""
        plan = self.found.plan
        if self.still is not None:
            return self.still.moved(*self.found.rounded_shift(t))
        nucleus = None if plan.roles.nucleus is None else flat[plan.roles.nucleus]
        return _place(plan, regions_of(plan, label_image(plan, image, t), nucleus))


def _place(plan: Plan, regions: dict[str, LabelRuns]) -> _Place:
    labels = regions["cell"].to_labels()
    free = cell_free(labels, HALO_UM / plan.pixel_size_um)
    return _Place(regions, free, _ring_image(plan, labels))


def _measure(
    frame: Image, runs: dict[str, LabelRuns], saturation_level: float | None
) -> dict[str, Measurement]:
    return {
        region: measure_labels(frame, part, saturation_level=saturation_level)
        for region, part in runs.items()
    }


def _ring_image(plan: Plan, labels: Labels) -> Labels | None:
    background = plan.experiment.background
    if background.method != "ring":
        return None
    return ring_labels(labels, *background.ring_px(plan.pixel_size_um))


def _reference(plan: Plan, flat: Image, shift: tuple[int, int]) -> FloatArray | None:
    bleaching = plan.experiment.bleaching
    if bleaching.method != "reference" or bleaching.roi is None:
        return None
    return region_mean(flat, bleaching.roi, key="bleaching.roi", shift=shift)
