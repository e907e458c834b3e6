"""What the two passes over the finished folders keep of each movie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from zincflux.batch.courses import (
    Course,
    Grid,
    Protocol,
    aligned_start,
    cell_courses,
    courses_of,
    dish_courses,
)
from zincflux.batch.finished import OF_DISH, Finished
from zincflux.batch.quality import quality_row, reason_rows
from zincflux.batch.wide import Wide, beyond_baseline, beyond_peak, beyond_plateau
from zincflux.columns import STUDY_CELLS, STUDY_RESPONSES, Column, conform
from zincflux.movie import FloatArray
from zincflux.phases import Phase
from zincflux.plot.thumbnail import thumbnail
from zincflux.results.pictures import read_pictures
from zincflux.results.study import Constants

MAX_THUMBNAILS = 200
"""Movies of a study that are shown as pictures: those of more would fill the page."""

COUNTS = ("n_frames", "n_cells", "n_excluded", "n_with_zinc")


@dataclass
class Gathered:
    """What the first pass keeps: tables of cells, times, constants, pictures."""

    times: list[FloatArray] = field(default_factory=list)
    cell_tables: list[pd.DataFrame] = field(default_factory=list)
    response_tables: list[pd.DataFrame] = field(default_factory=list)
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    constants: dict[Constants, list[str]] = field(default_factory=dict)
    thumbnails: dict[str, bytes] = field(default_factory=dict)
    protocols: list[Protocol] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def add(self, finished: Finished, align_phase: str | None) -> None:
        """Keep what is needed of a movie."""
        name, run = finished.sample.sample, finished.run
        start_s = aligned_start(finished, align_phase)
        time_s = finished.frames["time_s"].to_numpy(np.float64)
        self.times.append(time_s - start_s)
        self.protocols.append(
            Protocol(name, finished.experiment.phases, start_s, float(time_s.max(initial=0.0)))
        )
        self.cell_tables.append(_keyed(finished, finished.cells, STUDY_CELLS))
        self.response_tables.append(_keyed(finished, _responses(finished), STUDY_RESPONSES))
        counts = {key: run["counts"][key] for key in COUNTS}
        self.counts[name] = counts | {"n_warnings": len(run["warnings"])}
        self.warnings += [(name, str(text)) for text in run["warnings"]]
        self.constants.setdefault(replace(finished.constants(), samples=()), []).append(name)
        self.versions = self.versions or dict(run["versions"])
        if len(self.thumbnails) < MAX_THUMBNAILS:
            self._add_thumbnail(finished)

    def _add_thumbnail(self, finished: Finished) -> None:
        image, labels = read_pictures(finished.folder)
        if labels is not None:
            out = finished.cells.loc[finished.cells["excluded"].astype(bool), "cell_id"]
            picture = thumbnail(image, labels, excluded=out.tolist())
            self.thumbnails[finished.sample.sample] = picture

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Phases of the first movie."""
        return tuple(self.protocols[0].phases) if self.protocols else ()

    @property
    def align_s(self) -> float:
        """Time in the first movie that is 0 in the courses, s."""
        return self.protocols[0].start_s if self.protocols else 0.0

    def differing(self, step_s: float) -> list[str]:
        """Name the movies that were treated otherwise, or at other times, than the first one."""
        return [one.sample for one in self.protocols if one.differs(self.protocols[0], step_s)]

    @property
    def cells(self) -> pd.DataFrame:
        """Cells of all movies."""
        return stacked(self.cell_tables, STUDY_CELLS)

    @property
    def responses(self) -> pd.DataFrame:
        """Responses of all movies."""
        return stacked(self.response_tables, STUDY_RESPONSES)


class Traced:
    """What the second pass makes of the traces, one dish at a time."""

    def __init__(self, grid: Grid, chosen: pd.DataFrame) -> None:
        self.grid = grid
        self.chosen = dict(list(chosen.groupby("sample", sort=False)))
        self.dish: tuple[Any, ...] = ()
        self.open: list[Course] = []
        self.dish_keys: dict[str, Any] = {}
        self.courses: list[pd.DataFrame] = []
        self.heat: list[pd.DataFrame] = []
        self.quality: dict[str, dict[str, Any]] = {}
        self.reasons: dict[str, list[dict[str, Any]]] = {}
        self.beyond: dict[str, dict[str, Any]] = {}

    def add(self, finished: Finished, align_phase: str | None) -> None:
        """Take the traces of the next movie."""
        sample, wide = finished.sample, Wide.of(finished)
        if sample.dish != self.dish:
            self.close_dish()
            self.dish = sample.dish
            keys = sample.filled_keys
            self.dish_keys = {name: keys[name] for name in OF_DISH}
        start_s = aligned_start(finished, align_phase)
        self.open += courses_of(finished, wide, self.grid, start_s)
        if sample.sample in self.chosen:
            picked = self.chosen[sample.sample]
            self.heat.append(cell_courses(finished, wide, self.grid, start_s, picked))
        self.quality[sample.sample] = quality_row(finished, wide)
        self.reasons[sample.sample] = reason_rows(finished)
        self.beyond[sample.sample] = _beyond(finished, wide)

    def close_dish(self) -> None:
        """Summarise the dish whose movies have all been taken."""
        self.courses += dish_courses(self.dish_keys, self.open, self.grid)
        self.open = []


def _responses(finished: Finished) -> pd.DataFrame:
    """Responses with the group of each cell, and whether it is used."""
    told = finished.cells[["cell_id", "region", "group", "excluded"]]
    return finished.responses.merge(told, on=["cell_id", "region"], how="left")


def _keyed(finished: Finished, table: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    rows = table.assign(**finished.sample.filled_keys)
    return conform(rows, columns, (), regions=True)


def stacked(tables: Sequence[pd.DataFrame], columns: Sequence[Column]) -> pd.DataFrame:
    """Put tables below one another, with exactly these columns."""
    filled = [table for table in tables if len(table)]
    rows = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
    return conform(rows, columns, (), regions=True)


def _beyond(finished: Finished, wide: Wide) -> dict[str, Any]:
    """Sides of the range, in the order of the rows of ``cells``."""
    smoothing_s = finished.experiment.flux.smoothing_s
    return {
        "baseline": beyond_baseline(finished, wide),
        "place": finished.cells[["cell_id", "region"]],
        "peak": {p.name: beyond_peak(wide, p, smoothing_s) for p in finished.response_phases},
        "plateau": {p.name: beyond_plateau(wide, p) for p in finished.response_phases},
    }
