"""Analysis: from an experiment to its tables."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from zincflux.calibrate import Calibration
from zincflux.edits import EditLog, EditSummary, Schedule
from zincflux.errors import ExperimentError, ZincfluxWarning
from zincflux.experiment import Experiment
from zincflux.gate import Gated
from zincflux.movie import Image, Labels, Movie
from zincflux.pipeline.assay import Assay
from zincflux.pipeline.corrections import corrections_of
from zincflux.pipeline.drawn_labels import DrawnLabels
from zincflux.pipeline.edited import sum_up
from zincflux.pipeline.frame_table import frame_table
from zincflux.pipeline.frames import measure_frames, warn_of_missing_pixels
from zincflux.pipeline.gating import gate_cells
from zincflux.pipeline.identities import identify
from zincflux.pipeline.kept import Clock, Kept
from zincflux.pipeline.plan import make_plan
from zincflux.pipeline.reach import Reach, find_reach
from zincflux.pipeline.survey import Progress, survey
from zincflux.pipeline.table import (
    assay_of_table,
    frames_of_table,
    mapping_of_table,
    read_table,
    traces_of_table,
)
from zincflux.pipeline.tables import count_rows, make_tables
from zincflux.pipeline.traces import Traces, assemble
from zincflux.pipeline.zinc import convert
from zincflux.steps import complete
from zincflux.trace_tables import TraceTable


@dataclass(frozen=True, eq=False)
class Analysis:
    """A finished analysis.

    Attributes
    ----------
    traces, cells, responses, frames, suspects
        Tables; their columns are described in `zincflux.columns`.
    channels
        Measured channels.
    calibration
        What the signal was converted with, or None.
    experiment
        The settings.
    overview
        The image (Y, X) that static cells were found in, or the first frame; None for a table.
    label_images
        Label images (Y, X) with ``cell_id`` as value: one in the coordinates of the first frame
        (static), or one per frame (follow); none for a table.
    pixel_size_um
        Edge of a pixel; None for a table.
    warnings
        What is doubtful.
    counts
        Frames, cells and rows before and after each filter.
    timings_s
        Wall time of each stage.
    provenance
        Versions and hashes, where the analysis comes from files.
    reach
        What the indicator can say in this experiment; None without a calibration.
    mapping
        How the columns of a table were read; empty for a movie.
    gated
        Which rows of ``cells`` carry the reporter; None without a gate.
    edits
        What became of the corrections by hand.
    kept
        What `reanalyze` starts from, where it was asked for; else None.
    corrections
        What was found of ``background`` and ``bleaching``, as in ``run.json``; empty for a table.
    view
        The view that static cells were found in, as in ``run.json``; None without them.
    """

    traces: pd.DataFrame
    cells: pd.DataFrame
    responses: pd.DataFrame
    frames: pd.DataFrame
    suspects: pd.DataFrame
    channels: tuple[str, ...]
    calibration: Calibration | None
    experiment: Experiment
    overview: Image | None
    label_images: Sequence[Labels]
    pixel_size_um: float | None
    warnings: tuple[str, ...]
    counts: dict[str, int]
    timings_s: dict[str, float]
    provenance: dict[str, dict[str, str]] = field(default_factory=dict)
    reach: Reach | None = None
    mapping: tuple[dict[str, str], ...] = ()
    gated: Gated | None = None
    edits: EditSummary = field(default_factory=EditSummary)
    kept: Kept | None = None
    corrections: dict[str, Any] = field(default_factory=dict)
    view: dict[str, Any] | None = None

    @property
    def labels(self) -> Labels | None:
        """Label image (Y, X) that belongs to the overview; None for a table."""
        return self.label_images[0] if self.label_images else None


def analyze(
    experiment: Experiment,
    *,
    movie: Movie | None = None,
    table: TraceTable | None = None,
    jobs: int | None = None,
    edits: EditLog | None = None,
    keep: bool = False,
) -> Analysis:
    """Analyse one experiment.

    Parameters
    ----------
    experiment
        The settings.
    movie
        What is analysed instead of ``experiment.movie``, for example an array.
    table
        What is analysed instead of ``experiment.table``, once it has been read.
    jobs
        Threads; the number of cores if not given. The result does not depend on it.
    edits
        Corrections by hand, instead of those in the file ``experiment.edits.path``.
    keep
        Whether to keep what `reanalyze` starts from; `zincflux.pipeline.kept.Kept` says how much.

    Raises
    ------
    ZincfluxError
        If a setting is wrong or the movie cannot be read.
    """
    return complete(
        iter_analyze(experiment, movie=movie, table=table, jobs=jobs, edits=edits, keep=keep)
    )


def iter_analyze(
    experiment: Experiment,
    *,
    movie: Movie | None = None,
    table: TraceTable | None = None,
    jobs: int | None = None,
    edits: EditLog | None = None,
    keep: bool = False,
) -> Generator[Progress, None, Analysis]:
    """Do what `analyze` does, step by step, so that the caller can show progress or stop.

    Yields
    ------
    Progress
        After each frame of each stage.

    Returns
    -------
    Analysis
        As the generator's return value.
    """
    if experiment.table is not None and edits is not None:
        raise ExperimentError(
            "edits: of no use for a table, which has no outlines to correct. Leave them out."
        )
    if experiment.table is None:
        steps = _movie_steps(experiment, movie, jobs, edits)
    else:
        steps = _table_steps(experiment, table)
    analysis = yield from recorded(steps)
    return analysis if keep else replace(analysis, kept=None)


def recorded(
    steps: Generator[Progress, None, Analysis], earlier: Sequence[str] = ()
) -> Generator[Progress, None, Analysis]:
    """Take steps of an analysis, and store in it the warnings that they give.

    Parameters
    ----------
    steps
        What the analysis is made by.
    earlier
        Warnings that hold from before.
    """
    messages = [*earlier]
    while True:
        before = tuple(messages)
        # Only around one step: the filters must be the caller's own while it holds control.
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ZincfluxWarning)
            try:
                step = next(steps)
            except StopIteration as stop:
                step = stop.value
        for item in caught:
            warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
            if issubclass(item.category, ZincfluxWarning):
                messages.append(str(item.message))
        if isinstance(step, Analysis):
            kept = None if step.kept is None else replace(step.kept, messages=before)
            return replace(step, warnings=tuple(dict.fromkeys(messages)), kept=kept)
        yield step


def _movie_steps(
    experiment: Experiment, movie: Movie | None, jobs: int | None, edits: EditLog | None
) -> Generator[Progress, None, Analysis]:
    clock = Clock()
    movie = movie or experiment.open_movie()
    plan = make_plan(experiment, movie)
    if edits is not None:
        schedule = Schedule.of(edits, n_frames=movie.n_frames, follows=plan.follows)
        plan = replace(plan, edits=schedule)
    found = yield from survey(plan)
    clock.stage("survey")
    frames = []
    for rows in measure_frames(found, jobs=jobs):
        frames.append(rows)
        yield Progress("measure", len(frames), movie.n_frames)
    clock.stage("measure")
    n_measured = sum(rows.runs["cell"].ids.size for rows in frames)
    return finish(Kept(found, tuple(frames), n_measured=n_measured), clock)


def finish(kept: Kept, clock: Clock) -> Analysis:
    """Link, correct and convert what was measured."""
    found, frames = kept.found, kept.frames
    warn_of_missing_pixels(frames)
    who = identify(found, frames)
    traces = assemble(found, frames, who)
    clock.stage("link and correct")
    plan = found.plan
    gated = gate_cells(plan, traces)
    analysis = _conclude(
        plan, traces, frame_table(found, frames, traces), clock, gated and gated.rows
    )
    return replace(
        analysis,
        gated=gated and gated.cells,
        overview=found.overview,
        label_images=DrawnLabels.of(found, frames, who),
        pixel_size_um=plan.pixel_size_um,
        edits=sum_up(found, frames, who.skipped),
        kept=kept,
        corrections=corrections_of(found, frames, traces),
        view=found.view,
    )


def _table_steps(
    experiment: Experiment, table: TraceTable | None
) -> Generator[Progress, None, Analysis]:
    clock = Clock()
    yield Progress("convert", 0, 1)
    table = table or read_table(experiment)
    assay = assay_of_table(experiment, table)
    traces = traces_of_table(table)
    analysis = _conclude(assay, traces, frames_of_table(assay, traces), clock)
    yield Progress("convert", 1, 1)
    return replace(analysis, mapping=mapping_of_table(table))


def _conclude(
    assay: Assay,
    traces: Traces,
    frames: pd.DataFrame,
    clock: Clock,
    gated: Gated | None = None,
) -> Analysis:
    """Convert traces, and make all that does not show pictures."""
    converted = convert(assay, traces, frames["defocused"].to_numpy(dtype=bool))
    tables = make_tables(assay, traces, converted, frames, gated)
    clock.stage("convert")
    return Analysis(
        traces=tables["traces"],
        cells=tables["cells"],
        responses=tables["responses"],
        frames=tables["frames"],
        suspects=tables["suspects"],
        channels=assay.channels,
        calibration=converted.calibration,
        experiment=assay.experiment,
        overview=None,
        label_images=(),
        pixel_size_um=None,
        warnings=(),
        counts=count_rows(tables),
        timings_s=clock.seconds,
        reach=find_reach(assay, traces, converted, gated),
    )
