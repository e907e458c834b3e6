"""Where the cells, their surroundings and the background are in a frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zincflux.correct.cell_free import cell_free, sample_pixels
from zincflux.correct.rings import ring_labels
from zincflux.edits import Skipped, replay_labels
from zincflux.measure import LabelRuns
from zincflux.movie import Image, Labels
from zincflux.pipeline.plan import Plan
from zincflux.pipeline.survey import Survey, regions_of
from zincflux.pipeline.whole_pixels import moved

HALO_UM = 3.0
"""Distance from a cell within which light of the cell is expected."""


@dataclass(frozen=True, eq=False)
class Place:
    """Where things are in one frame, in its own coordinates.

    Attributes
    ----------
    runs
        Runs of each region.
    free
        Mask (Y, X) of the pixels away from cells, both the automatic and the corrected ones.
    rings
        Label image of the rings around the cells, or None.
    automatic
        Runs of the cells before they were corrected by hand; None where they were not.
    skipped
        Edits that do not apply to the cells of this frame.
    """

    runs: dict[str, LabelRuns]
    free: Image
    rings: Labels | None
    automatic: LabelRuns | None = None
    skipped: tuple[Skipped, ...] = ()

    @property
    def cells(self) -> LabelRuns:
        """Runs of the whole cells."""
        return self.runs["cell"]

    @cached_property
    def sample(self) -> NDArray[np.intp]:
        """Pixels that the background is taken from."""
        return sample_pixels(self.free)

    def moved(self, dy: int, dx: int) -> Place:
        """Move everything with the field; pixels of the movie are never interpolated."""
        if dy == 0 and dx == 0:
            return self
        rings = None
        if self.rings is not None:
            rings = LabelRuns.of(self.rings).shifted(dy, dx).to_labels()
        runs = {name: part.shifted(dy, dx) for name, part in self.runs.items()}
        return Place(runs, moved(self.free, dy, dx), rings)


def still_place(found: Survey, earlier: Place | None = None) -> Place:
    """Find where static cells are, in the coordinates of the first frame.

    Parameters
    ----------
    found
        The survey.
    earlier
        Where they are in the same movie with other corrections; saves looking at what has not
        changed.
    """
    labels = found.regions["cell"].to_labels()
    automatic = labels if found.automatic is None else found.automatic.to_labels()
    if earlier is not None and _cover_the_same(labels, earlier.cells.to_labels(), automatic):
        free = earlier.free
    else:
        free = _free(found.plan, labels, automatic)
    return Place(found.regions, free, _ring_image(found.plan, labels))


def _cover_the_same(labels: Labels, earlier: Labels, automatic: Labels) -> bool:
    """Whether two label images cover the same pixels that were not covered automatically."""
    return bool(np.array_equal((labels != 0) | (automatic != 0), (earlier != 0) | (automatic != 0)))


def moving_place(plan: Plan, automatic: Labels, flat: Image, t: int) -> Place:
    """Correct the cells that were found in frame ``t`` by hand, and find where things are.

    Parameters
    ----------
    plan
        The plan.
    automatic
        Label image (Y, X) of the cells that were found.
    flat
        Pixels (C, Y, X) of the frame after dark and flat field.
    t
        Number of the frame.
    """
    done = replay_labels(automatic, plan.edits.outlines_of(t))
    nucleus = None if plan.roles.nucleus is None else flat[plan.roles.nucleus]
    return Place(
        runs=regions_of(plan, done.labels, nucleus, plan.segment_image(flat)),
        free=_free(plan, done.labels, automatic),
        rings=_ring_image(plan, done.labels),
        automatic=LabelRuns.of(automatic) if done.applied else None,
        skipped=done.skipped,
    )


def _free(plan: Plan, labels: Labels, automatic: Labels) -> Image:
    """Tell which pixels lie away from cells, whether these were found, drawn or deleted."""
    covered = np.where(labels != 0, labels, automatic)
    return cell_free(covered, HALO_UM / plan.pixel_size_um)


def _ring_image(plan: Plan, labels: Labels) -> Labels | None:
    background = plan.experiment.background
    if background.method != "ring":
        return None
    return ring_labels(labels, *background.ring_px(plan.pixel_size_um))
