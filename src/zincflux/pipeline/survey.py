"""The first pass over a movie: what must be known before any frame can be measured."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from zincflux.camera import NoiseModel, estimate_noise
from zincflux.correct.drift import DEFAULT_MAX_SHIFT_UM, DriftTracker
from zincflux.correct.flat_field import FlatFieldEstimator
from zincflux.errors import CorrectionWarning, ExperimentError
from zincflux.measure import LabelRuns
from zincflux.movie import FloatArray, Image, Labels
from zincflux.pipeline.plan import Plan
from zincflux.readers import read_labels
from zincflux.segment.projection import Projection
from zincflux.segment.regions import split_regions

PROJECTED_FRAMES = 60
"""Frames of a movie without drift correction that its projection is made of."""

NOISE_PAIRS = 12
"""Pairs of successive frames that the camera noise is estimated from."""

UNCORRECTED_DRIFT_UM = 1.0
"""Drift between first and last frame that is worth a warning when it is not corrected."""


class Progress(NamedTuple):
    """How far a long piece of work is."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True, eq=False)
class Survey:
    """What the first pass found.

    Attributes
    ----------
    plan
        The plan, with flat-field gains if they were estimated.
    shifts_px
        Where the content of each frame lies relative to the first frame, (T, 2) as (y, x).
    overview
        The image (Y, X) that static cells were found in; the first frame for moving cells.
    regions
        Runs of each region for static cells; empty for moving cells.
    noise
        Noise of the camera.
    """

    plan: Plan
    shifts_px: FloatArray
    overview: Image
    regions: dict[str, LabelRuns]
    noise: NoiseModel

    def rounded_shift(self, t: int) -> tuple[int, int]:
        """Shift of frame ``t`` in whole pixels (y, x)."""
        dy, dx = np.rint(self.shifts_px[t]).astype(int)
        return int(dy), int(dx)


def survey(plan: Plan) -> Generator[Progress, None, Survey]:
    """Look at the whole movie once: flat field, noise, drift, and for static cells the labels.

    Yields
    ------
    Progress
        After each frame.

    Returns
    -------
    Survey
        As the generator's return value.
    """
    plan = yield from _estimate_flat_field(plan)
    noise = plan.noise or _estimate_noise(plan)
    shifts, overview, nucleus = yield from _register(plan)
    regions: dict[str, LabelRuns] = {}
    if not plan.follows:
        labels = label_image(plan, overview, 0)
        regions = regions_of(plan, labels, nucleus)
    return Survey(plan, shifts, overview, regions, noise)


def label_image(plan: Plan, image: Image, t: int) -> Labels:
    """Find the cells of an image (Y, X), or take the user's labels of frame ``t``."""
    segment = plan.experiment.segment
    if segment.method != "labels" or segment.labels is None:
        return segment.segmenter()(image, plan.pixel_size_um)
    given = read_labels(segment.labels)
    expected = plan.movie.n_frames if plan.follows else 1
    if given.shape[0] != expected:
        raise ExperimentError(
            f"segment.labels: expected {expected} label image(s), as track.mode = "
            f"{plan.experiment.track.mode!r} needs them, found {given.shape[0]} in "
            f"{segment.labels}. Use labels made from this movie, or change track.mode."
        )
    return segment.segmenter(given[t])(image, plan.pixel_size_um)


def regions_of(plan: Plan, labels: Labels, nucleus: Image | None) -> dict[str, LabelRuns]:
    """Split cells into the regions that are measured; the whole cells always come first."""
    segment = plan.experiment.segment
    wanted = dict.fromkeys(("cell", *segment.regions))
    if len(wanted) == 1:
        return {"cell": LabelRuns.of(labels)}
    split = split_regions(
        labels,
        tuple(wanted),
        nucleus_image=nucleus,
        ring_width_um=segment.ring_width_um,
        ring_gap_um=segment.ring_gap_um,
        pixel_size_um=plan.pixel_size_um,
    )
    return {region: LabelRuns.of(part) for region, part in split.items()}


def _estimate_flat_field(plan: Plan) -> Generator[Progress, None, Plan]:
    if plan.experiment.flat_field.method != "estimate":
        return plan
    estimator = FlatFieldEstimator(plan.dark)
    chosen = _spread(plan.movie.n_frames, PROJECTED_FRAMES)
    for done, t in enumerate(chosen, start=1):
        estimator.update(plan.read(t))
        yield Progress("flat field", done, len(chosen))
    return plan.with_gains(estimator.result())


def _estimate_noise(plan: Plan) -> NoiseModel:
    last = max(plan.movie.n_frames - 1, 1)

    def pairs() -> Iterator[tuple[Image, Image]]:
        for t in _spread(last, NOISE_PAIRS):
            yield plan.read(t), plan.read(min(t + 1, plan.movie.n_frames - 1))

    camera = plan.experiment.camera
    return estimate_noise(pairs(), offset=camera.offset, saturation_level=plan.saturation_level)


def _spread(n: int, most: int) -> list[int]:
    """Choose at most ``most`` of ``n`` frames, evenly."""
    return [int(t) for t in np.unique(np.linspace(0, n - 1, min(n, most)).round())]


def _register(
    plan: Plan,
) -> Generator[Progress, None, tuple[FloatArray, Image, Image | None]]:
    """Follow the drift, and project the registered frames of a static movie."""
    n = plan.movie.n_frames
    shifts = np.zeros((n, 2))
    tracker = plan.experiment.drift.tracker(plan.pixel_size_um)
    if tracker is not None:
        chosen = list(range(n))
    else:
        chosen = [0] if plan.follows else _spread(n, PROJECTED_FRAMES)
        _warn_of_drift(plan)
    kind = "mean" if plan.follows else plan.experiment.segment.projection
    view, nucleus = Projection(kind), Projection("mean")
    for done, t in enumerate(chosen, start=1):
        flat = plan.flat(plan.read(t))
        if tracker is not None:
            shifts[t] = tracker.update(_drift_image(plan, flat))
        if t == 0 or not plan.follows:
            dy, dx = -np.rint(shifts[t]).astype(int)
            view.update(moved(plan.segment_image(flat), int(dy), int(dx)))
            if plan.roles.nucleus is not None:
                nucleus.update(moved(flat[plan.roles.nucleus], int(dy), int(dx)))
        yield Progress("survey", done, len(chosen))
    rejected = 0 if tracker is None else tracker.rejected
    if rejected:
        warnings.warn(
            f"drift: {rejected} of {n} frames could not be registered and keep the last shift",
            CorrectionWarning,
            stacklevel=2,
        )
    has_nucleus = plan.roles.nucleus is not None
    return shifts, view.result(), nucleus.result() if has_nucleus else None


def _drift_image(plan: Plan, flat: Image) -> Image:
    channel = plan.experiment.drift.channel
    if channel is None:
        return plan.segment_image(flat)
    index = plan.movie.channel_index(channel, key="drift.channel")
    if index not in plan.indices:
        raise ExperimentError(
            f"drift.channel: {plan.movie.channels[index]!r} is not among the measured channels. "
            "Add it to channels.extra."
        )
    return np.asarray(flat[plan.indices.index(index)])


def _warn_of_drift(plan: Plan) -> None:
    """Compare first and last frame, so that an uncorrected drift does not go unnoticed."""
    if plan.movie.n_frames < 2 or plan.follows:
        return
    tracker = DriftTracker(DEFAULT_MAX_SHIFT_UM / plan.pixel_size_um)
    tracker.update(plan.segment_image(plan.flat(plan.read(0))))
    shift = tracker.update(plan.segment_image(plan.flat(plan.read(plan.movie.n_frames - 1))))
    drift_um = float(np.hypot(*shift)) * plan.pixel_size_um
    if drift_um > UNCORRECTED_DRIFT_UM:
        warnings.warn(
            f"drift: the last frame lies {drift_um:.1f} µm from the first and is not corrected. "
            'Set drift.method = "phase-correlation".',
            CorrectionWarning,
            stacklevel=2,
        )


def moved(image: Image, dy: int, dx: int) -> Image:
    """Move an image (Y, X) by whole pixels; what enters repeats the edge."""
    if dy == 0 and dx == 0:
        return image
    height, width = image.shape
    rows = np.clip(np.arange(height) - dy, 0, height - 1)
    columns = np.clip(np.arange(width) - dx, 0, width - 1)
    return image[np.ix_(rows, columns)]
