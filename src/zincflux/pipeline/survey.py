"""The first pass over a movie: what must be known before any frame can be measured."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from zincflux.camera import NoiseModel, estimate_noise
from zincflux.correct.blank import BlankLevel
from zincflux.correct.drift import DEFAULT_MAX_SHIFT_UM, DriftTracker
from zincflux.correct.flat_field import FlatFieldEstimator
from zincflux.edits import Schedule, Skipped, replay_labels
from zincflux.errors import CorrectionWarning, ExperimentError, MetadataWarning
from zincflux.measure import LabelRuns
from zincflux.movie import FloatArray, Image, Labels
from zincflux.pipeline.blank import measure_blank
from zincflux.pipeline.plan import Plan
from zincflux.pipeline.still import Sight, spread, view_names, viewed_frames
from zincflux.pipeline.whole_pixels import moved
from zincflux.readers import LabelSource, open_labels
from zincflux.segment.projection import Projection
from zincflux.segment.regions import split_regions

PROJECTED_FRAMES = 60
"""Frames of a movie without drift correction that its projection is made of."""

NOISE_PAIRS = 12
"""Pairs of successive frames that the camera noise is estimated from."""

DIAMETER_FRAMES = 8
"""Frames of a static movie that the diameter of its cells is estimated from."""

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
    blank
        What the dish without cells says of the background, or None.
    automatic
        Runs of the static cells before they were corrected by hand; None for moving cells.
    nucleus
        Image (Y, X) of the nuclear stain that static cells are split by, or None.
    skipped
        Edits that do not apply to the static cells.
    view
        Name of the view that static cells were found in, the scores of all views, and how many
        outlines were split by their courses; None for moving cells.
    """

    plan: Plan
    shifts_px: FloatArray
    overview: Image
    regions: dict[str, LabelRuns]
    noise: NoiseModel
    blank: BlankLevel | None = None
    automatic: LabelRuns | None = None
    nucleus: Image | None = None
    skipped: tuple[Skipped, ...] = ()
    view: dict[str, Any] | None = None

    def rounded_shift(self, t: int) -> tuple[int, int]:
        """Shift of frame ``t`` in whole pixels (y, x)."""
        dy, dx = np.rint(self.shifts_px[t]).astype(int)
        return int(dy), int(dx)

    def corrected(self, edits: Schedule) -> Survey:
        """Give the survey with other corrections by hand; nothing is read for it."""
        plan = replace(self.plan, edits=edits)
        if self.automatic is None:
            return replace(self, plan=plan)
        done = replay_labels(self.automatic.to_labels(), edits.outlines_of(0))
        regions = regions_of(plan, done.labels, self.nucleus, self.overview)
        return replace(self, plan=plan, regions=regions, skipped=done.skipped)


def survey(plan: Plan, *, sampled: bool = False) -> Generator[Progress, None, Survey]:
    """Look at the whole movie once: flat field, noise, drift, and for static cells the labels.

    Parameters
    ----------
    plan
        The plan.
    sampled
        Whether drift is followed only in the frames that the view is made of, where it is
        corrected at all: enough for a view, not for measuring.

    Yields
    ------
    Progress
        After each frame.

    Returns
    -------
    Survey
        As the generator's return value.
    """
    _check_labels(plan)
    if not plan.follows:
        view_names(plan)
    plan = _with_diameter((yield from _estimate_flat_field(plan)))
    noise = plan.noise or _estimate_noise(plan)
    blank = _measure_blank(plan)
    shifts, sight = yield from _register(plan, sampled=sampled)
    found = Survey(plan, shifts, sight.first(), {}, noise, blank, nucleus=sight.stain())
    if not plan.follows:
        still = sight.find(lambda image: label_image(plan, image, 0))
        found = replace(
            found,
            overview=still.view.image,
            automatic=LabelRuns.of(still.labels),
            view=still.summary(),
        )
    return found.corrected(plan.edits)


def _with_diameter(plan: Plan) -> Plan:
    """Put a number where the diameter of the cells is to be estimated: one for the whole movie."""
    segment = plan.experiment.segment
    if segment.diameter_um != "auto":
        return plan
    view = Projection("mean")
    for t in [0] if plan.follows else spread(plan.movie.n_frames, DIAMETER_FRAMES):
        view.update(plan.segment_image(plan.flat(plan.read(t))))
    known = segment.with_diameter(view.result(), plan.pixel_size_um)
    return replace(plan, experiment=plan.experiment.model_copy(update={"segment": known}))


def _measure_blank(plan: Plan) -> BlankLevel | None:
    if plan.blank is None:
        return None
    # A square of the area of a round cell.
    edge_um = plan.experiment.segment.number_um() * float(np.sqrt(np.pi)) / 2
    return measure_blank(plan.blank, plan.flat, edge_um / plan.pixel_size_um)


def label_image(plan: Plan, image: Image, t: int) -> Labels:
    """Find the cells of an image (Y, X), or take the user's labels of frame ``t``."""
    segment = plan.experiment.segment
    if segment.method != "labels" or segment.labels is None:
        return segment.segmenter()(image, plan.pixel_size_um)
    return segment.segmenter(_given_labels(plan, segment.labels)[t])(image, plan.pixel_size_um)


def _given_labels(plan: Plan, path: str) -> LabelSource:
    expected = plan.movie.n_frames if plan.follows else 1
    given = open_labels(path, (expected, *plan.movie.frame_shape))
    if given.shape[0] != expected:
        raise ExperimentError(
            f"segment.labels: expected {expected} label image(s), as track.mode = "
            f"{plan.experiment.track.mode!r} needs them, found {given.shape[0]} in "
            f"{path}. Use labels made from this movie, or change track.mode."
        )
    return given


def _check_labels(plan: Plan) -> None:
    """Open the user's labels before anything else is done, and tell what is doubtful about them."""
    segment = plan.experiment.segment
    if segment.method == "labels" and segment.labels is not None:
        for doubt in _given_labels(plan, segment.labels).doubts:
            warnings.warn(f"segment.labels: {doubt}", MetadataWarning, stacklevel=3)


def regions_of(
    plan: Plan, labels: Labels, nucleus: Image | None, image: Image
) -> dict[str, LabelRuns]:
    """Split cells into the regions that are measured; the whole cells always come first.

    Parameters
    ----------
    plan
        The plan.
    labels
        Label image (Y, X) of the cells.
    nucleus, image
        The nuclear stain (Y, X), if there is one, and the image the cells were found in.
    """
    segment = plan.experiment.segment
    wanted = dict.fromkeys(("cell", *segment.regions))
    if len(wanted) == 1:
        return {"cell": LabelRuns.of(labels)}
    split = split_regions(
        labels,
        tuple(wanted),
        nucleus_image=nucleus,
        image=image,
        cytosol=segment.cytosol(),
        pixel_size_um=plan.pixel_size_um,
    )
    return {region: LabelRuns.of(part) for region, part in split.items()}


def _estimate_flat_field(plan: Plan) -> Generator[Progress, None, Plan]:
    if plan.experiment.flat_field.method != "estimate":
        return plan
    estimator = FlatFieldEstimator(plan.dark)
    chosen = spread(plan.movie.n_frames, PROJECTED_FRAMES)
    for done, t in enumerate(chosen, start=1):
        estimator.update(plan.read(t))
        yield Progress("flat field", done, len(chosen))
    return plan.with_gains(estimator.result())


def _estimate_noise(plan: Plan) -> NoiseModel:
    last = max(plan.movie.n_frames - 1, 1)

    def pairs() -> Iterator[tuple[Image, Image]]:
        for t in spread(last, NOISE_PAIRS):
            yield plan.read(t), plan.read(min(t + 1, plan.movie.n_frames - 1))

    camera = plan.experiment.camera
    return estimate_noise(pairs(), offset=camera.offset, saturation_level=plan.saturation_level)


def _register(plan: Plan, *, sampled: bool) -> Generator[Progress, None, tuple[FloatArray, Sight]]:
    """Follow the drift, and look at the registered frames."""
    n = plan.movie.n_frames
    shifts = np.zeros((n, 2))
    tracker = plan.experiment.drift.tracker(plan.pixel_size_um)
    if tracker is not None and not sampled:
        chosen = list(range(n))
    else:
        chosen = [0] if plan.follows else viewed_frames(plan, PROJECTED_FRAMES)
    if tracker is None:
        _warn_of_drift(plan)
    sight, stain = Sight(plan, chosen), plan.roles.nucleus
    for done, t in enumerate(chosen, start=1):
        flat = plan.flat(plan.read(t))
        image = plan.segment_image(flat)
        if tracker is not None:
            shifts[t] = tracker.update(_drift_image(plan, flat, image))
        if sight.wants(t):
            dy, dx = (int(step) for step in -np.rint(shifts[t]))
            nucleus = None if stain is None else moved(flat[stain], dy, dx)
            sight.update(t, moved(image, dy, dx), nucleus)
        yield Progress("survey", done, len(chosen))
    if tracker is not None:
        _warn_of_rejected(tracker.rejected, len(chosen))
    return shifts, sight


def _warn_of_rejected(rejected: int, n_frames: int) -> None:
    if rejected:
        warnings.warn(
            f"drift: {rejected} of {n_frames} frames could not be registered and keep the last "
            "shift",
            CorrectionWarning,
            stacklevel=3,
        )


def _drift_image(plan: Plan, flat: Image, image: Image) -> Image:
    channel = plan.experiment.drift.channel
    if channel is None:
        return image
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
