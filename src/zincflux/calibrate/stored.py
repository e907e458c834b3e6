"""The file calibration.toml: a calibration as text."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
import tomlkit
from pydantic import Field

from zincflux.calibrate.binding import Binding
from zincflux.calibrate.calibration import CELL_ARRAYS, SHARED, Calibration, Pooled
from zincflux.errors import CalibrationError, ExperimentError
from zincflux.movie import FloatArray
from zincflux.settings import Settings

_HEAD = (
    "Calibration of zincflux: free zinc = k_nM * (b * (S - minimum) / (maximum - S)) ^ (1 / hill)",
    "with b = beta, or 1 where k_includes_beta. Signals are counts above background, or ratios.",
    "Intervals of zinc hold the errors of signal, minimum and maximum, and those of k_nM, hill and",
    "beta where k_sd_nM, hill_sd and beta_sd give them; these are the same for all cells.",
)
_POOLED = (
    "The cells calibrated by themselves: median maximum/minimum, its standard error, and the",
    "standard deviation from cell to cell; of ratios also both ends as they stand for one cell.",
)
_CELLS = (
    "One value per cell, in the order of id; nan where a cell has no calibration.",
    "covariance: of minimum and maximum, where one was made from the other.",
)


class _Binding(Settings):
    k_nM: float = Field(gt=0, description="K at half saturation, nM")
    hill: float = Field(gt=0, description="Hill coefficient")
    beta: float | None = Field(default=None, gt=0, description="Free over bound brightness")
    k_includes_beta: bool = Field(description="Whether K contains beta")
    k_sd_nM: float | None = Field(default=None, ge=0, description="Standard deviation of K, nM")
    hill_sd: float | None = Field(default=None, ge=0, description="Standard deviation of hill")
    beta_sd: float | None = Field(default=None, ge=0, description="Standard deviation of beta")
    covariance_ln_k_hill: float = Field(
        default=0.0, description="Covariance of ln K and hill, where fitted together"
    )
    record: str = Field(default="", description="Record of the indicator")
    confidence: str = Field(default="", description="How far the record was checked")
    source: str = Field(default="", description="Citation")
    doi: str = Field(default="", description="DOI")


class _Pooled(Settings):
    n_cells: int = Field(default=0, ge=0, description="Number of cells")
    dynamic_range: float = Field(default=np.nan, description="Maximum over minimum")
    dynamic_range_se: float = Field(default=np.nan, description="Its standard error")
    dynamic_range_spread: float = Field(default=np.nan, description="Its spread over cells")
    minimum: float = Field(default=np.nan, description="Minimum")
    minimum_sd: float = Field(default=np.nan, description="Its standard deviation")
    maximum: float = Field(default=np.nan, description="Maximum")
    maximum_sd: float = Field(default=np.nan, description="Its standard deviation")
    covariance: float = Field(default=np.nan, description="Covariance of both")
    minimum_se: float = Field(default=np.nan, description="Standard error of the minimum")
    maximum_se: float = Field(default=np.nan, description="Standard error of the maximum")


class _Cells(Settings):
    id: tuple[int, ...] = Field(default=(), description="Number of each cell")
    minimum: tuple[float, ...] = Field(default=(), description="Minimum")
    minimum_sd: tuple[float, ...] = Field(default=(), description="Its standard deviation")
    maximum: tuple[float, ...] = Field(default=(), description="Maximum")
    maximum_sd: tuple[float, ...] = Field(default=(), description="Its standard deviation")
    covariance: tuple[float, ...] = Field(default=(), description="Covariance of both")
    minimum_shared_sd: tuple[float, ...] | None = Field(
        default=None, description="Part of its error that cells share"
    )
    maximum_shared_sd: tuple[float, ...] | None = Field(
        default=None, description="Part of its error that cells share"
    )
    reason: tuple[str, ...] = Field(default=(), description="Why not calibrated by itself")


class _Stored(Settings):
    schema_version: Literal[1] = Field(description="Version of the layout")
    indicator: str = Field(description="Indicator")
    kind: Literal["intensity", "ratio", "fret"] = Field(description="Kind of the indicator")
    origin: str = Field(default="", description="How minimum and maximum were obtained")
    binding: _Binding = Field(description="Constants")
    pooled: _Pooled = Field(default=_Pooled(), description="What the cells have in common")
    cells: _Cells = Field(default=_Cells(), description="Ends of each cell")


def write(calibration: Calibration) -> str:
    """Write a calibration as TOML text with comments."""
    document = tomlkit.document()
    _comment(document, _HEAD)
    document.add("schema_version", tomlkit.item(1))
    for name in ("indicator", "kind", "origin"):
        document.add(name, tomlkit.item(getattr(calibration, name)))
    pooled = {k: v for k, v in asdict(calibration.pooled).items() if not np.isnan(v)}
    cells = {
        "id": calibration.cell_ids,
        **{name: getattr(calibration, name) for name in CELL_ARRAYS},
        **{name: values for name in SHARED if (values := getattr(calibration, name)) is not None},
        "reason": calibration.reason,
    }
    binding = {k: v for k, v in asdict(calibration.binding).items() if v is not None}
    document.add("binding", _table((), binding))
    document.add("pooled", _table(_POOLED, pooled))
    document.add("cells", _table(_CELLS, {k: v.tolist() for k, v in cells.items()}))
    return tomlkit.dumps(document)


def _table(comments: tuple[str, ...], values: dict[str, Any]) -> Any:
    table = tomlkit.table()
    _comment(table, comments)
    for name, value in values.items():
        table.add(name, value)
    return table


def _comment(table: Any, lines: tuple[str, ...]) -> None:
    for line in lines:
        table.add(tomlkit.comment(line))


def parse(text: str, where: str) -> Calibration:
    """Read a calibration from TOML text.

    Raises
    ------
    ExperimentError
        If the text is not TOML or not a calibration.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ExperimentError(
            f"{where}: expected a TOML file, found: {error}. Correct the file."
        ) from None
    stored = _Stored.parse(data, where=where)
    try:
        return Calibration(
            indicator=stored.indicator,
            kind=stored.kind,
            binding=Binding(**stored.binding.model_dump()),
            cell_ids=np.asarray(stored.cells.id, dtype=np.int64),
            reason=np.asarray(stored.cells.reason, dtype=np.str_),
            pooled=Pooled(**stored.pooled.model_dump()),
            origin=stored.origin,
            minimum_shared_sd=_array(stored.cells.minimum_shared_sd),
            maximum_shared_sd=_array(stored.cells.maximum_shared_sd),
            **{name: np.asarray(getattr(stored.cells, name), dtype=float) for name in CELL_ARRAYS},
        )
    except CalibrationError as error:
        raise ExperimentError(f"{where}: {error}") from None


def _array(values: tuple[float, ...] | None) -> FloatArray | None:
    return None if values is None else np.asarray(values, dtype=np.float64)
