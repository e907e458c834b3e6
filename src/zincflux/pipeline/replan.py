"""The plan of a finished analysis once more, so that its pixels can be looked at again."""

from __future__ import annotations

import warnings
from collections.abc import Generator

from zincflux.correct.flat_field import FlatFieldEstimator
from zincflux.edits import Edits
from zincflux.errors import CorrectionWarning, ResultsError
from zincflux.experiment import Experiment
from zincflux.movie import Movie
from zincflux.pipeline.plan import Plan, make_plan
from zincflux.pipeline.still import spread
from zincflux.pipeline.survey import PROJECTED_FRAMES, Progress


def iter_plan(experiment: Experiment, movie: Movie) -> Generator[Progress, None, Plan]:
    """Plan a movie that was measured; the flat field is estimated from the frames it was then.

    Corrections by hand are no part of it: the outlines are there.

    Yields
    ------
    Progress
        After each frame that is read.

    Raises
    ------
    ZincfluxError
        If movie and experiment do not fit, or another dish that is named is not there.
    """
    plan = make_plan(experiment.model_copy(update={"edits": Edits()}), movie)
    if experiment.flat_field.method != "estimate":
        return plan
    estimator = FlatFieldEstimator(plan.dark)
    chosen = spread(movie.n_frames, PROJECTED_FRAMES)
    for done, t in enumerate(chosen, start=1):
        estimator.update(plan.read(t))
        yield Progress("flat field", done, len(chosen))
    with warnings.catch_warnings():
        # What is doubtful about it was told by the run.
        warnings.simplefilter("ignore", CorrectionWarning)
        return plan.with_gains(estimator.result())


def check_movie(movie: Movie, expected: tuple[int, ...], where: object) -> None:
    """Make sure that a movie is the one that was measured, as far as its shape tells.

    Parameters
    ----------
    movie
        The movie.
    expected
        Its shape (T, Y, X) when it was measured.
    where
        What stands in front of the message.

    Raises
    ------
    ResultsError
        If it has another shape.
    """
    found = (movie.n_frames, *movie.frame_shape)
    if found != expected:
        raise ResultsError(
            f"{where}: expected the movie that was measured, of the shape {expected} "
            f"(T, Y, X), found {found} in {movie.source.name}. Put the right movie back, or "
            "run the experiment again."
        )
