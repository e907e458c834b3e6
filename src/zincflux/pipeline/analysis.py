"""Analysis: from an experiment to its tables."""

from __future__ import annotations

import time
import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from zincflux.calibrate import Calibration
from zincflux.errors import CorrectionWarning, ZincfluxWarning
from zincflux.experiment import Experiment
from zincflux.focus import defocused
from zincflux.measure import LabelRuns
from zincflux.movie import Image, Labels, Movie
from zincflux.pipeline.frame_table import frame_table
from zincflux.pipeline.frames import FrameRows, measure_frames
from zincflux.pipeline.plan import make_plan
from zincflux.pipeline.reach import Reach, find_reach
from zincflux.pipeline.survey import Progress, Survey, survey
from zincflux.pipeline.tables import make_tables
from zincflux.pipeline.traces import Identities, assemble, identify
from zincflux.pipeline.zinc import convert


@dataclass(frozen=True, eq=False)
class Analysis:
    """A finished analysis.

    Attributes
    ----------
    traces, cells, responses, frames
        Tables; their columns are described in `zincflux.columns`.
    channels
        Measured channels.
    calibration
        What the signal was converted with, or None.
    experiment
        The settings.
    overview
        The image (Y, X) that static cells were found in, or the first frame.
    label_images
        Label images (Y, X) with ``cell_id`` as value: one in the coordinates of the first frame
        (static), or one per frame (follow).
    pixel_size_um
        Edge of a pixel.
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
    """

    traces: pd.DataFrame
    cells: pd.DataFrame
    responses: pd.DataFrame
    frames: pd.DataFrame
    channels: tuple[str, ...]
    calibration: Calibration | None
    experiment: Experiment
    overview: Image
    label_images: Sequence[Labels]
    pixel_size_um: float
    warnings: tuple[str, ...]
    counts: dict[str, int]
    timings_s: dict[str, float]
    provenance: dict[str, dict[str, str]] = field(default_factory=dict)
    reach: Reach | None = None

    @property
    def labels(self) -> Labels:
        """Label image (Y, X) that belongs to the overview."""
        return self.label_images[0]


def analyze(
    experiment: Experiment, *, movie: Movie | None = None, jobs: int | None = None
) -> Analysis:
    """Analyse one experiment.

    Parameters
    ----------
    experiment
        The settings.
    movie
        What is analysed instead of ``experiment.movie``, for example an array.
    jobs
        Threads; the number of cores if not given. The result does not depend on it.

    Raises
    ------
    ZincfluxError
        If a setting is wrong or the movie cannot be read.
    """
    steps = iter_analyze(experiment, movie=movie, jobs=jobs)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: Analysis = stop.value
            return result


def iter_analyze(
    experiment: Experiment, *, movie: Movie | None = None, jobs: int | None = None
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
    messages: list[str] = []
    steps = _steps(experiment, movie, jobs)
    while True:
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
            return replace(step, warnings=tuple(dict.fromkeys(messages)))
        yield step


def _steps(
    experiment: Experiment, movie: Movie | None, jobs: int | None
) -> Generator[Progress, None, Analysis]:
    clock = _Clock()
    movie = movie or experiment.movie.open()
    plan = make_plan(experiment, movie)
    found = yield from survey(plan)
    clock.stage("survey")
    frames = []
    for rows in measure_frames(found, jobs=jobs):
        frames.append(rows)
        yield Progress("measure", len(frames), movie.n_frames)
    clock.stage("measure")
    _warn_of_missing_pixels(frames)
    who = identify(found, frames)
    traces = assemble(found, frames, who)
    clock.stage("link and correct")
    blurred = defocused(np.array([rows.focus for rows in frames], dtype=np.float64))
    converted = convert(found.plan, traces, blurred)
    tables = make_tables(
        found.plan, traces, converted, frame_table(found, frames, traces, converted)
    )
    clock.stage("convert")
    return Analysis(
        traces=tables["traces"],
        cells=tables["cells"],
        responses=tables["responses"],
        frames=tables["frames"],
        channels=plan.channels,
        calibration=converted.calibration,
        experiment=experiment,
        overview=found.overview,
        label_images=DrawnLabels.of(found, frames, who),
        pixel_size_um=plan.pixel_size_um,
        warnings=(),
        counts=_counts(tables, movie),
        timings_s=clock.seconds,
        reach=find_reach(plan, traces, converted),
    )


def _warn_of_missing_pixels(frames: Sequence[FrameRows]) -> None:
    """Say where cells hold pixels that are no numbers: their means leave these out."""
    cells = [rows.raw["cell"] for rows in frames]
    affected = [int((cell.n_valid < cell.area_px).any(axis=0).sum()) for cell in cells]
    if any(affected):
        warnings.warn(
            f"pixels: {sum(affected)} measurements in {np.count_nonzero(affected)} of "
            f"{len(frames)} frames leave out pixels that are NaN or infinite.",
            CorrectionWarning,
            stacklevel=2,
        )


class _Clock:
    """Wall time of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def stage(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = round(now - self._last, 3)
        self._last = now


@dataclass(frozen=True, eq=False)
class DrawnLabels(Sequence[Labels]):
    """Label images drawn on demand from run lengths, which are small enough to keep."""

    runs: tuple[LabelRuns, ...]

    @classmethod
    def of(cls, found: Survey, frames: Sequence[FrameRows], who: Identities) -> DrawnLabels:
        """Collect the cells of a movie: once for static cells, else per frame with cell ids."""
        if not found.plan.follows:
            return cls((found.regions["cell"],))
        return cls(
            tuple(
                replace(rows.runs["cell"], ids=cells.astype(np.int32))
                for rows, cells in zip(frames, who.of_frame, strict=True)
            )
        )

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, t: int) -> Labels:  # type: ignore[override] # no slices
        return self.runs[t].to_labels()


def _counts(tables: dict[str, pd.DataFrame], movie: Movie) -> dict[str, int]:
    """Count what each filter left over."""
    traces, cells = tables["traces"], tables["cells"]
    flags = traces["flag"].value_counts().sort_index()
    with_zinc = traces.loc[traces["zinc_nM"].notna(), "cell_id"]
    excluded = cells.loc[cells["excluded"], "cell_id"]
    return {
        "n_frames": movie.n_frames,
        "n_cells": int(cells["cell_id"].nunique()),
        "n_excluded": int(excluded.nunique()),
        "n_with_zinc": int(with_zinc.nunique()),
        "n_rows": len(traces),
        **{f"n_rows_{flag if flag != '' else 'clean'}": int(n) for flag, n in flags.items()},
    }
