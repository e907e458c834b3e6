"""The report once more, from stored results."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from zincflux.calibrate import Alternative, Calibration, ZincRange
from zincflux.columns import CHANNEL, TRACES
from zincflux.errors import ResultsError
from zincflux.experiment import Experiment
from zincflux.movie import Image, Labels
from zincflux.pipeline import Reach
from zincflux.report import render_report, render_study
from zincflux.results import (
    STUDY_FILE,
    Results,
    read_results,
    read_run,
    read_study,
    write_text,
)
from zincflux.settings import read_toml

REPORT_FILE = "report.html"


def rerender(folder: str | os.PathLike[str]) -> Path:
    """Render the report of a finished run or study again, from what is stored in its folder.

    The page is the same as the one that was written with the results, byte for byte, as long as
    the version of zincflux is the same. Results of versions that stored no overview give a page
    without the picture of the cells.

    Parameters
    ----------
    folder
        Results of ``zincflux run``, ``zincflux convert`` or ``zincflux batch``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ResultsError
        If the folder holds no complete results, or the page cannot be written.
    """
    where = Path(folder)
    if (where / STUDY_FILE).exists():
        page = render_study(read_study(where))
    elif read_run(where) is not None:
        page = render_report(stored_analysis(read_results(where)), where)
    else:
        raise ResultsError(
            f"{where}: expected the results of a run (run.json) or of a study ({STUDY_FILE}), "
            "found neither. Give the folder that zincflux run, convert or batch wrote."
        )
    write_text(where / REPORT_FILE, page)
    return where / REPORT_FILE


@dataclass(frozen=True, eq=False)
class StoredAnalysis:
    """A finished analysis as far as its folder tells; see `zincflux.pipeline.Analysis`."""

    traces: pd.DataFrame
    cells: pd.DataFrame
    responses: pd.DataFrame
    frames: pd.DataFrame
    channels: tuple[str, ...]
    calibration: Calibration | None
    experiment: Experiment
    overview: Image | None
    labels: Labels | None
    pixel_size_um: float | None
    warnings: tuple[str, ...]
    counts: dict[str, int]
    provenance: dict[str, dict[str, str]]
    reach: Reach | None
    mapping: tuple[dict[str, str], ...]
    gated: StoredGate | None
    edits: StoredEdits
    corrections: dict[str, Any]
    view: dict[str, Any] | None


@dataclass(frozen=True)
class StoredGate:
    """How cells were told apart by a reporter."""

    minimum: float
    is_estimated: bool


@dataclass(frozen=True)
class StoredEdits:
    """What became of the corrections by hand."""

    stored: Mapping[str, Any]

    def summary(self) -> dict[str, Any]:
        """Give it as it is stored."""
        return dict(self.stored)


def stored_analysis(results: Results) -> StoredAnalysis:
    """Make what the report needs from a results folder."""
    run, gate = results.run, results.run.get("gate")
    # A nameless experiment takes the name of its file when it is read.
    name = str(read_toml(results.folder / "experiment.toml").get("name", ""))
    corrections = {key: run[key] for key in ("background", "bleaching") if run.get(key)}
    return StoredAnalysis(
        traces=results.traces,
        cells=results.cells,
        responses=results.responses,
        frames=results.frames,
        channels=channels_of(results),
        calibration=results.calibration,
        experiment=results.experiment.model_copy(update={"name": name}),
        overview=results.overview,
        labels=None if results.labels is None else results.labels[0],
        pixel_size_um=run.get("pixel_size_um"),
        warnings=tuple(run["warnings"]),
        counts=run["counts"],
        provenance={"versions": run["versions"], "inputs": run["inputs"]},
        reach=_reach(run.get("reach")),
        mapping=tuple(run.get("mapping") or ()),
        gated=None if gate is None else StoredGate(gate["minimum"], gate["is_estimated"]),
        edits=StoredEdits(run.get("edits") or {"applied": 0, "not_applied": []}),
        corrections=corrections,
        view=run.get("view"),
    )


def channels_of(results: Results) -> tuple[str, ...]:
    """Give the measured channels of finished results."""
    if "channels" in results.run:
        return tuple(results.run["channels"])
    # Earlier versions did not store them.
    ending = next(c.name for c in TRACES if c.name.startswith(CHANNEL)).removeprefix(CHANNEL)
    return tuple(str(c).removesuffix(ending) for c in results.traces if str(c).endswith(ending))


def _reach(stored: Mapping[str, Any] | None) -> Reach | None:
    if stored is None:
        return None
    return Reach(
        zinc_ranges=tuple(
            ZincRange(r["factor"], _number(r["low_nM"]), _number(r["high_nM"]))
            for r in stored["zinc_ranges_nM"]
        ),
        phases=tuple(stored["phases"]),
        zinc_nM=_numbers(stored["zinc_nM"]),
        shared_factors=_numbers(stored["shared_factors"]),
        alternatives=tuple(
            Alternative(
                record=a["record"],
                source="",
                confidence=a["confidence"],
                k_nM=a["k_nM"],
                hill=a["hill"],
                zinc_nM=_numbers(a["zinc_nM"]),
            )
            for a in stored["alternatives"]
        ),
    )


def _number(value: float | None) -> float:
    return float(np.nan) if value is None else value


def _numbers(values: list[float | None]) -> tuple[float, ...]:
    return tuple(_number(value) for value in values)
