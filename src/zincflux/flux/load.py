"""Indicator load: how much zinc the indicator and the cell bind for each free ion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pydantic import Field, model_validator

from zincflux.errors import ExperimentError
from zincflux.movie import FloatArray
from zincflux.settings import Settings


@dataclass(frozen=True)
class ZincBuffer:
    """What binds zinc in the cell.

    Attributes
    ----------
    concentration_nM
        Total indicator D in the cell, nM.
    kappa_endogenous
        Bound over free zinc of the cell itself, for small changes; no unit.
    k_nM
        Free zinc at half saturation of the indicator, K, nM.
    hill
        Hill coefficient n.

    References
    ----------
    The binding ratio κ = ∂bound/∂free of calcium indicators: Neher, Augustine, J Physiol 1992;
    450:273, doi 10.1113/jphysiol.1992.sp019127.
    """

    concentration_nM: float
    kappa_endogenous: float
    k_nM: float
    hill: float = 1.0

    def __post_init__(self) -> None:
        if min(self.concentration_nM, self.kappa_endogenous) < 0 or min(self.k_nM, self.hill) <= 0:
            raise ExperimentError(
                "indicator_load: expected a concentration and κ of at least 0, and K and Hill "
                f"above 0; found {self}. Correct indicator_load or the indicator's record."
            )

    def kappa_indicator(self, free_nM: FloatArray) -> FloatArray:
        """Give zinc that the indicator binds per rise of free zinc, without unit.

        κ_D = D · n · xⁿ / (Z · (1 + xⁿ)²) with x = Z / K; D · K / (K + Z)² for n = 1.

        Examples
        --------
        >>> import numpy as np
        >>> buffer = ZincBuffer(concentration_nM=100_000, kappa_endogenous=0, k_nM=15)
        >>> buffer.kappa_indicator(np.array([0.1, 1, 15, 100])).round()
        array([6579., 5859., 1667.,  113.])
        """
        x = (free_nM / self.k_nM) ** self.hill
        result: FloatArray = self.concentration_nM * self.hill * x / (free_nM * (1 + x) ** 2)
        return result

    def total_nM(self, free_nM: FloatArray) -> FloatArray:
        """Give total zinc (free, bound to the cell and to the indicator) in nM, for free zinc.

        total = Z · (1 + κ_endogenous) + D · Zⁿ / (Kⁿ + Zⁿ)

        Its derivative with respect to Z is 1 + κ_endogenous + κ_D, where for n = 1
        κ_D = D · K / (K + Z)².

        Examples
        --------
        >>> import numpy as np
        >>> buffer = ZincBuffer(concentration_nM=100_000, kappa_endogenous=0, k_nM=15)
        >>> total = buffer.total_nM(np.array([14.999, 15.001]))
        >>> round(float(np.diff(total)[0] / 0.002))  # 1 + κ_D at Z = K
        1668
        """
        x = (free_nM / self.k_nM) ** self.hill
        result: FloatArray = free_nM * (1 + self.kappa_endogenous) + (
            self.concentration_nM * x / (1 + x)
        )
        return result


class IndicatorLoad(Settings):
    """Indicator in the cell and buffering of the cell itself; both are needed for total flux."""

    concentration_uM: float | None = Field(
        default=None, ge=0, description="Indicator in the cell, µM; needed for the total flux"
    )
    kappa_endogenous: float | None = Field(
        default=None,
        ge=0,
        description="Zinc bound by the cell itself for each free ion; needed for the total flux",
    )

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.concentration_uM is None) != (self.kappa_endogenous is None):
            raise ValueError(
                "concentration_uM and kappa_endogenous are needed together for the total flux; "
                "give both or neither"
            )
        return self

    def buffer(self, k_nM: float, hill: float = 1.0) -> ZincBuffer | None:
        """Join the load with the indicator's binding constants; None where no load is given."""
        if self.concentration_uM is None or self.kappa_endogenous is None:
            return None
        return ZincBuffer(
            concentration_nM=1000.0 * self.concentration_uM,
            kappa_endogenous=self.kappa_endogenous,
            k_nM=k_nM,
            hill=hill,
        )
