"""A study: the tables of all its movies, what follows from them, and what the report needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

import pandas as pd

from zincflux.phases import Phase
from zincflux.statistics.settings import StudySettings


@dataclass(frozen=True)
class Constants:
    """What the numbers of some samples were made with; printed with every result.

    Attributes
    ----------
    samples
        Names of the samples.
    indicator, kind
        Name of the indicator and intensity, ratio or fret; empty without a calibration.
    k_nM, hill, beta
        Constants of the indicator; None where there are none.
    k_includes_beta
        Whether K is already that of the ratio.
    source, doi, confidence
        Where the constants come from, and how far that was checked.
    origin
        How minimum and maximum were obtained.
    background, segmentation, bleaching, drift
        Method of each step.
    rate_window_s, responder_k
        Settings of the responses.
    """

    samples: tuple[str, ...]
    indicator: str = ""
    kind: str = ""
    k_nM: float | None = None
    hill: float | None = None
    beta: float | None = None
    k_includes_beta: bool = False
    source: str = ""
    doi: str = ""
    confidence: str = ""
    origin: str = ""
    background: str = ""
    segmentation: str = ""
    bleaching: str = ""
    drift: str = ""
    rate_window_s: float | None = None
    responder_k: float | None = None

    def plain(self) -> dict[str, Any]:
        """Give plain data."""
        return {**asdict(self), "samples": list(self.samples)}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Make it from plain data; keys that are not known are passed over."""
        known = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        return cls(**{**known, "samples": tuple(data["samples"])})


@dataclass(frozen=True, eq=False)
class Study:
    """A finished study.

    Attributes
    ----------
    name
        Title.
    settings
        How it was summarised.
    experiments, cells, responses, dishes, conditions, tests, dose_response, courses, heat_map,
    quality
        Tables; their columns are described in `zincflux.columns.STUDY_TABLES`.
    reasons
        Table ``sample``, ``reason``, ``what`` (excluded or used), ``n_cells``: why cells are
        excluded or doubtful.
    warnings
        Pairs of sample and text; the sample is empty for what concerns the study.
    thumbnails
        PNG of the cells that were found, by sample, each at most 60 kB; not of every sample of a
        large study, nor of tables.
    constants
        One entry for each distinct set.
    phases
        Closed phases of the first sample, in the time of its movie.
    align_s
        Time in that movie which is 0 in ``courses`` and ``heat_map``.
    metrics
        Names of the metrics, the headline first.
    headline_phase
        Phase of the headline; empty where it has none.
    versions
        Of the software, as in ``run.json``.
    """

    name: str
    settings: StudySettings
    experiments: pd.DataFrame
    cells: pd.DataFrame
    responses: pd.DataFrame
    dishes: pd.DataFrame
    conditions: pd.DataFrame
    tests: pd.DataFrame
    dose_response: pd.DataFrame
    courses: pd.DataFrame
    heat_map: pd.DataFrame
    quality: pd.DataFrame
    reasons: pd.DataFrame
    warnings: tuple[tuple[str, str], ...] = ()
    thumbnails: Mapping[str, bytes] = field(default_factory=dict)
    constants: tuple[Constants, ...] = ()
    phases: tuple[Phase, ...] = ()
    align_s: float = 0.0
    metrics: tuple[str, ...] = ()
    headline_phase: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        """Name of the first metric; empty where there is none."""
        return self.metrics[0] if self.metrics else ""
