"""A finished analysis with other corrections by hand."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from zincflux.edits import Accept, Edit, EditLog, EditSummary, Schedule
from zincflux.pipeline.analysis import Analysis, finish, recorded
from zincflux.pipeline.frame_labels import FrameLabels
from zincflux.pipeline.judged import judge
from zincflux.pipeline.kept import Clock, Kept
from zincflux.pipeline.remeasure import remeasure_frames, remeasure_places
from zincflux.pipeline.survey import Progress
from zincflux.pipeline.suspected import with_accepted
from zincflux.pipeline.tables import count_suspects
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
    accepted = _accepted(analysis, analysis.kept, edits)
    if accepted is not None:
        yield Progress("measure", 1, 1)
        return accepted
    steps = _steps(analysis.kept, edits)
    return (yield from recorded(steps, analysis.kept.messages))


def _accepted(analysis: Analysis, kept: Kept, edits: EditLog) -> Analysis | None:
    """Take over other accepted suspects; None where there is more to do than that.

    To accept a suspect changes neither outlines nor links nor numbers.
    """
    plan = kept.found.plan
    known = plan.edits.log.edits
    if known == edits.edits or _others(known) != _others(edits.edits):
        return None
    schedule = Schedule.of(edits, n_frames=plan.movie.n_frames, follows=plan.follows)
    labels = FrameLabels(analysis.label_images.__getitem__)
    judged, skipped = judge(schedule, labels.label)
    # What does not apply is told with its number in the log, among the warnings.
    if skipped or schedule.skipped or analysis.edits.not_applied:
        return None
    suspects = with_accepted(analysis.suspects, judged)
    found = replace(kept.found, plan=replace(plan, edits=schedule))
    return replace(
        analysis,
        suspects=suspects,
        counts=analysis.counts | count_suspects(suspects),
        edits=EditSummary(len(edits)),
        kept=replace(kept, found=found, n_measured=0),
    )


def _others(edits: tuple[Edit, ...]) -> list[Edit]:
    return [edit for edit in edits if not isinstance(edit, Accept)]


def _steps(kept: Kept, edits: EditLog) -> Generator[Progress, None, Analysis]:
    clock = Clock()
    plan = kept.found.plan
    schedule = Schedule.of(edits, n_frames=plan.movie.n_frames, follows=plan.follows)
    found = kept.found.corrected(schedule)
    places = remeasure_places(kept, found)
    frames, n_measured = [], 0
    for rows, n in remeasure_frames(kept, found, places):
        frames.append(rows)
        n_measured += n
        yield Progress("measure", len(frames), len(kept.frames))
    clock.stage("measure")
    place = None if places is None else places[1]
    return finish(Kept(found, tuple(frames), n_measured=n_measured, place=place), clock)
