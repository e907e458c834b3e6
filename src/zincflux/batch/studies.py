"""What all movies of a batch give together: collected, drawn and written."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

from zincflux.batch.claims import STUDY
from zincflux.batch.finished import Sample
from zincflux.batch.places import Place
from zincflux.batch.plan import BatchProgress, MovieOutcome, Sheet
from zincflux.pipeline import Progress
from zincflux.results import staging
from zincflux.results.study import Study


def iter_study(
    sheet: Sheet, place: Place, outcomes: Sequence[MovieOutcome]
) -> Generator[BatchProgress, None, Study]:
    """Put the study of a batch together and write its files.

    Parameters
    ----------
    sheet
        What was run.
    place
        Where the results lie, and where the files of the study go.
    outcomes
        What became of the movies.

    Yields
    ------
    BatchProgress
        After each movie that was read.

    Returns
    -------
    Study
        As the generator's return value.

    Raises
    ------
    ZincfluxError
        If results are damaged, or the files cannot be written.
    """
    steps = _steps(sheet, place, outcomes)
    n = len(outcomes)
    while True:
        try:
            step = next(steps)
        except StopIteration as stop:
            result: Study = stop.value
            return result
        yield BatchProgress("", step.stage, step.done, step.total, n, n)


def _steps(
    sheet: Sheet, place: Place, outcomes: Sequence[MovieOutcome]
) -> Generator[Progress, None, Study]:
    # Imported when needed: the processes that run movies need none of this.
    from zincflux.batch.collect import iter_collect
    from zincflux.report import render_study
    from zincflux.results import write_study

    earlier = place.earlier_study(sheet, outcomes)
    if earlier is not None:
        yield Progress(STUDY, 1, 1)
        return earlier
    folder, cleaning = yield from place.near(outcomes)
    with cleaning:
        samples = [_sample(folder, outcome) for outcome in outcomes]
        study = yield from iter_collect(samples, sheet.study, name=sheet.name)
        yield Progress(STUDY, 0, 1)
        # Staged inside the folder, where the next batch cleans up.
        with staging(folder / STUDY) as aside:
            write_study(study, aside, folder, report=render_study(study))
        yield from place.keep(folder, sheet, outcomes)
        yield Progress(STUDY, 1, 1)
    return study


def _sample(folder: Path, outcome: MovieOutcome) -> Sample:
    row = outcome.row
    own = None if outcome.status == "failed" else folder / row.folder
    return Sample(row.keys(), row.path, row.folder, own, outcome.reason)
