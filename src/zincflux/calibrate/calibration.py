"""Calibration: the ends of the signal of every cell, and the constants between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zincflux.calibrate.binding import Binding
from zincflux.errors import CalibrationError
from zincflux.indicators import Indicator
from zincflux.movie import FloatArray

CELL_ARRAYS = ("minimum", "minimum_sd", "maximum", "maximum_sd", "covariance")
SHARED = ("minimum_shared_sd", "maximum_shared_sd")


@dataclass(frozen=True)
class Pooled:
    """What the cells that were calibrated by themselves have in common; NaN where unknown.

    Attributes
    ----------
    n_cells
        Number of these cells.
    dynamic_range, dynamic_range_se, dynamic_range_spread
        Maximum over minimum: its median, the standard error of that, and the standard deviation
        from cell to cell.
    minimum, minimum_sd, maximum, maximum_sd, covariance
        Of ratios: ends as they stand for any one cell; the standard deviations hold the spread
        from cell to cell and the standard error of the median.
    minimum_se, maximum_se
        Standard errors of both alone: the part of their errors that all cells share.
    """

    n_cells: int = 0
    dynamic_range: float = np.nan
    dynamic_range_se: float = np.nan
    dynamic_range_spread: float = np.nan
    minimum: float = np.nan
    minimum_sd: float = np.nan
    maximum: float = np.nan
    maximum_sd: float = np.nan
    covariance: float = np.nan
    minimum_se: float = np.nan
    maximum_se: float = np.nan

    @property
    def has_ends(self) -> bool:
        """Whether minimum and maximum are known, with their standard deviations."""
        ends = (self.minimum, self.maximum, self.minimum_sd, self.maximum_sd)
        return bool(np.isfinite(ends).all())


@dataclass(frozen=True, eq=False)
class Calibration:
    """Minimum and maximum of the signal of n cells, and the constants of the indicator.

    Attributes
    ----------
    indicator, kind
        Name of the indicator; intensity, ratio or fret.
    binding
        Constants that are used.
    cell_ids
        Number of each cell, shape (n,), int64.
    minimum, minimum_sd, maximum, maximum_sd
        Zinc-free and zinc-saturated signal and their standard deviations, shape (n,); NaN where
        the cell has no calibration.
    covariance
        Covariance of minimum and maximum, shape (n,): not 0 where one was made from the other.
    reason
        Why a cell has no calibration, or not its own, shape (n,); empty where it has.
    pooled
        What the cells have in common.
    origin
        How minimum and maximum were obtained.
    minimum_shared_sd, maximum_shared_sd
        Parts of the errors that come from a pool or a given value, and so are the same in all
        cells that share it, shape (n,); None where no cell shares an end.

    Raises
    ------
    CalibrationError
        If the arrays do not fit one another.
    """

    indicator: str
    kind: str
    binding: Binding
    cell_ids: NDArray[np.int64]
    minimum: FloatArray
    minimum_sd: FloatArray
    maximum: FloatArray
    maximum_sd: FloatArray
    covariance: FloatArray
    reason: NDArray[np.str_]
    pooled: Pooled = field(default_factory=Pooled)
    origin: str = ""
    minimum_shared_sd: FloatArray | None = None
    maximum_shared_sd: FloatArray | None = None

    def __post_init__(self) -> None:
        for name in (*CELL_ARRAYS, "reason"):
            length = len(getattr(self, name))
            if length != len(self.cell_ids):
                raise CalibrationError(
                    f"calibration: expected {name} of {len(self.cell_ids)} cells, found {length}."
                )

    @classmethod
    def uniform(
        cls,
        indicator: Indicator,
        binding: Binding,
        cell_ids: ArrayLike,
        ends: Pooled,
        origin: str,
    ) -> Self:
        """Give all cells the same ends."""
        ids = np.asarray(cell_ids, dtype=np.int64)
        return cls(
            indicator=indicator.name,
            kind=indicator.kind,
            binding=binding,
            cell_ids=ids,
            reason=np.full(len(ids), "", dtype=np.str_),
            pooled=ends,
            origin=origin,
            minimum_shared_sd=np.full(len(ids), np.nan_to_num(ends.minimum_se)),
            maximum_shared_sd=np.full(len(ids), np.nan_to_num(ends.maximum_se)),
            **{name: np.full(len(ids), getattr(ends, name)) for name in CELL_ARRAYS},
        )

    @property
    def dynamic_range(self) -> FloatArray:
        """Maximum over minimum of each cell, shape (n,); NaN where the minimum is not above 0."""
        positive = np.where(self.minimum > 0, self.minimum, np.nan)
        return np.asarray(self.maximum / positive)

    @property
    def calibrated(self) -> NDArray[np.bool_]:
        """Which cells have a calibration, shape (n,)."""
        return np.isfinite(self.minimum) & np.isfinite(self.maximum)

    def to_toml(self) -> str:
        """Write the calibration as TOML text; `from_toml` reads it back without loss."""
        from zincflux.calibrate.stored import write

        return write(self)

    @staticmethod
    def from_toml(text: str, *, where: str = "calibration.toml") -> Calibration:
        """Read a calibration from TOML text.

        Parameters
        ----------
        text
            What `to_toml` wrote.
        where
            Name of the file, for messages.

        Raises
        ------
        ExperimentError
            If the text is not TOML or not a calibration.
        """
        from zincflux.calibrate.stored import parse

        return parse(text, where)
