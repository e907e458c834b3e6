"""One view of a movie with its cells, as fast as settings can be tuned by eye."""

from __future__ import annotations

from collections.abc import Generator

from zincflux.edits import replay_labels
from zincflux.experiment import Experiment
from zincflux.movie import Image, Labels, Movie
from zincflux.pipeline.plan import make_plan
from zincflux.pipeline.survey import Progress, label_image, survey


def iter_view(
    experiment: Experiment, movie: Movie
) -> Generator[Progress, None, tuple[Image, Labels, float]]:
    """Find the cells of the view that a run starts from, and measure nothing.

    Of a long movie whose drift is corrected, the view is made of frames spread over it, as that of
    other movies is; a run looks at all of them, so that an outline may come to differ a little.

    Yields
    ------
    Progress
        After each frame that is read.

    Returns
    -------
    tuple
        The view (Y, X): the projection of a static movie, the first frame of another; its label
        image (Y, X); and the edge of a pixel in µm.
    """
    found = yield from survey(make_plan(experiment, movie), sampled=True)
    if found.plan.follows:
        automatic = label_image(found.plan, found.overview, 0)
        labels = replay_labels(automatic, found.plan.edits.outlines_of(0)).labels
    else:
        labels = found.regions["cell"].to_labels()
    return found.overview, labels, found.plan.pixel_size_um
