"""What the report needs to know of an analysis, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pandas as pd

from zincflux.gate import Gate
from zincflux.movie import Image, Labels
from zincflux.phases import Phase
from zincflux.plot.calibration import BindingConstants


class BindingLike(BindingConstants, Protocol):
    """Constants of an indicator and where they come from."""

    @property
    def k_sd_nM(self) -> float | None:
        """Standard deviation of K, nM."""
        ...

    @property
    def hill_sd(self) -> float | None:
        """Standard deviation of the Hill coefficient."""
        ...

    @property
    def source(self) -> str:
        """Where the constants come from."""
        ...

    @property
    def confidence(self) -> str:
        """How far the source was checked."""
        ...

    @property
    def doi(self) -> str:
        """DOI of the source."""
        ...


class CalibrationLike(Protocol):
    """What the signal was converted to zinc with."""

    @property
    def indicator(self) -> str:
        """Name of the indicator."""
        ...

    @property
    def kind(self) -> str:
        """Kind of the indicator: intensity, ratio or fret."""
        ...

    @property
    def binding(self) -> BindingLike:
        """Constants that were used."""
        ...

    @property
    def origin(self) -> str:
        """How minimum and maximum were obtained."""
        ...


class ZincRangeLike(Protocol):
    """Range of zinc that is told within a factor."""

    @property
    def factor(self) -> float:
        """The factor."""
        ...

    @property
    def low_nM(self) -> float:
        """Lower end, nM; NaN where there is no such range."""
        ...

    @property
    def high_nM(self) -> float:
        """Upper end, nM."""
        ...


class AlternativeLike(Protocol):
    """What one published pair of constants would make of the same signals."""

    @property
    def record(self) -> str:
        """Name of the record."""
        ...

    @property
    def confidence(self) -> str:
        """How far the record was checked."""
        ...

    @property
    def k_nM(self) -> float:
        """K at half saturation, nM."""
        ...

    @property
    def hill(self) -> float:
        """Hill coefficient n."""
        ...

    @property
    def zinc_nM(self) -> tuple[float, ...]:
        """Zinc in each phase, nM."""
        ...


class ReachLike(Protocol):
    """What the indicator can say in this experiment."""

    @property
    def zinc_ranges(self) -> Sequence[ZincRangeLike]:
        """Ranges by factor."""
        ...

    @property
    def phases(self) -> tuple[str, ...]:
        """Phases with a median."""
        ...

    @property
    def zinc_nM(self) -> tuple[float, ...]:
        """Median zinc of each phase, nM."""
        ...

    @property
    def shared_factors(self) -> tuple[float, ...]:
        """Factor that the constants may move all cells by, of each phase."""
        ...

    @property
    def alternatives(self) -> Sequence[AlternativeLike]:
        """One entry per record."""
        ...


class EditsLike(Protocol):
    """What became of the corrections by hand."""

    def summary(self) -> dict[str, Any]:
        """Give plain data, as stored in ``run.json``."""
        ...


class GatedLike(Protocol):
    """How cells were told apart by a reporter."""

    @property
    def minimum(self) -> float:
        """Least brightness of a cell that carries the reporter, counts."""
        ...

    @property
    def is_estimated(self) -> bool:
        """Whether the minimum was found from the cells."""
        ...


class BackgroundLike(Protocol):
    """Settings of the background."""

    @property
    def method(self) -> str:
        """How the background was found."""
        ...


class FluxLike(Protocol):
    """Settings of the flux metrics."""

    @property
    def rate_window_s(self) -> float:
        """Length of the rate window, s."""
        ...

    @property
    def responder_k(self) -> float:
        """How many standard deviations make a responder."""
        ...


class ExperimentLike(Protocol):
    """Settings of the analysis; also a `zincflux.settings.Settings`."""

    @property
    def name(self) -> str:
        """Title."""
        ...

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Closed phases."""
        ...

    @property
    def background(self) -> BackgroundLike:
        """Settings of the background."""
        ...

    @property
    def gate(self) -> Gate:
        """Settings of the gate."""
        ...

    @property
    def flux(self) -> FluxLike:
        """Settings of the flux metrics."""
        ...


class AnalysisLike(Protocol):
    """A finished analysis; the tables are those of `zincflux.columns`."""

    @property
    def traces(self) -> pd.DataFrame:
        """One row per cell and frame."""
        ...

    @property
    def cells(self) -> pd.DataFrame:
        """One row per cell."""
        ...

    @property
    def responses(self) -> pd.DataFrame:
        """One row per cell and response phase."""
        ...

    @property
    def frames(self) -> pd.DataFrame:
        """One row per frame."""
        ...

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        ...

    @property
    def calibration(self) -> CalibrationLike | None:
        """What the signal was converted with, if anything."""
        ...

    @property
    def reach(self) -> ReachLike | None:
        """What the indicator can say, if zinc was calculated."""
        ...

    @property
    def experiment(self) -> ExperimentLike:
        """Settings."""
        ...

    @property
    def overview(self) -> Image | None:
        """Image (Y, X) that the labels belong to; None for a table."""
        ...

    @property
    def labels(self) -> Labels | None:
        """Label image (Y, X); None for a table."""
        ...

    @property
    def pixel_size_um(self) -> float | None:
        """Edge of a pixel, µm; None for a table."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is doubtful."""
        ...

    @property
    def counts(self) -> dict[str, int]:
        """Counts before and after each filter."""
        ...

    @property
    def edits(self) -> EditsLike:
        """What became of the corrections by hand."""
        ...

    @property
    def gated(self) -> GatedLike | None:
        """How cells were told apart by a reporter; None without a gate."""
        ...

    @property
    def corrections(self) -> Mapping[str, Any]:
        """What was found of background and bleaching, as in ``run.json``."""
        ...

    @property
    def view(self) -> Mapping[str, Any] | None:
        """The view that static cells were found in, as in ``run.json``; None without them."""
        ...

    @property
    def mapping(self) -> tuple[dict[str, str], ...]:
        """How the columns of a table were read; empty for a movie."""
        ...

    @property
    def provenance(self) -> Mapping[str, Mapping[str, str]]:
        """Versions, and SHA-256 of the inputs by path."""
        ...
