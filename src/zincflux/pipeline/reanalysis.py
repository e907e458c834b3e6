"""A finished analysis with other corrections by hand."""

from __future__ import annotations

from collections.abc import Generator

from zincflux.edits import EditLog, Schedule
from zincflux.pipeline.analysis import Analysis, finish, recorded
from zincflux.pipeline.kept import Clock, Kept
from zincflux.pipeline.remeasure import remeasure_frames
from zincflux.pipeline.survey import Progress
from zincflux.steps import complete


def reanalyze(analysis: Analysis, edits: EditLog) -> Analysis:
    """Analyse again with other corrections by hand, measuring only what they change.

    The tables equal those that ``analyze(experiment, edits=edits)`` gives. Of static cells those
    are measured that an edit changed; painting outside of all cells also changes the area that
    the background is taken from, which is then measured in every frame. Of moving cells, the frames
    that an edit names are measured. Cells are not looked for again.

    Parameters
    ----------
    analysis
        An analysis that was made with ``keep=True``, or comes from here.
    edits
        All corrections, not only new ones.

    Raises
    ------
    ValueError
        If the analysis was made without ``keep=True``.
    """
    return complete(iter_reanalyze(analysis, edits))


def iter_reanalyze(analysis: Analysis, edits: EditLog) -> Generator[Progress, None, Analysis]:
    """Do what `reanalyze` does, step by step, so that the caller can show progress or stop.

    Yields
    ------
    Progress
        After each frame.

    Returns
    -------
    Analysis
        As the generator's return value; ``kept.n_measured`` counts the cells that were measured.
    """
    if analysis.kept is None:
        raise ValueError(
            "analysis: expected one that kept what it measured, found none of it. Make it with "
            "analyze(..., keep=True)."
        )
    steps = _steps(analysis.kept, edits)
    return (yield from recorded(steps, analysis.kept.messages))


def _steps(kept: Kept, edits: EditLog) -> Generator[Progress, None, Analysis]:
    clock = Clock()
    plan = kept.found.plan
    schedule = Schedule.of(edits, n_frames=plan.movie.n_frames, follows=plan.follows)
    found = kept.found.corrected(schedule)
    frames, n_measured = [], 0
    for rows, n in remeasure_frames(kept, found):
        frames.append(rows)
        n_measured += n
        yield Progress("measure", len(frames), len(kept.frames))
    clock.stage("measure")
    return finish(Kept(found, tuple(frames), n_measured=n_measured), clock)
