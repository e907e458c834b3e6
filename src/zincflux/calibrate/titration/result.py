"""What a titration says of an indicator: constants, ends, curve and doubts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zincflux.calibrate.titration.model import bare_problem, saturations
from zincflux.calibrate.titration.settings import TitrationFitting
from zincflux.calibrate.titration_table import Titration
from zincflux.movie import FloatArray


class Band(NamedTuple):
    """The fitted curve and its 95 % band."""

    signal: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, eq=False)
class TitrationFit:
    """What a titration says of an indicator.

    Attributes
    ----------
    k_nM, hill
        Half saturation in nM, and Hill coefficient.
    k_interval_nM, hill_interval
        Their 95 % intervals by profile likelihood; infinite where the points set no
        limit, a point where held.
    minimum, maximum
        Metal-free and saturated signal, in units of the signal; where replicates have gains, of a
        replicate of middle gain; where each was divided by its maximum, as a fraction of that.
    beta, beta_sd
        β, where it is known.
    k_includes_beta
        Whether K is that of the ratio.
    covariance
        Of minimum, maximum, ln K and n, shape (4, 4); 0 where held. Fitted gains are integrated
        out, so that their errors are in it. The error of a maximum that replicates were divided
        by is not.
    scaled
        Signal of each point without its replicate's gain, in units of minimum, shape (m,).
    residual
        Distance of each point from the curve through the others without outliers, over its
        standard deviation, shape (m,).
    outlier
        Which points are named, shape (m,).
    outlier_limit
        Size of a residual beyond which a point is named.
    dropped
        Whether they were left out.
    t_quantile
        Student's t at 97.5 %.
    warnings
        Doubts, in words.
    """

    titration: Titration
    settings: TitrationFitting
    k_nM: float
    hill: float
    k_interval_nM: tuple[float, float]
    hill_interval: tuple[float, float]
    minimum: float
    maximum: float
    beta: float | None
    beta_sd: float | None
    k_includes_beta: bool
    covariance: FloatArray
    scaled: FloatArray
    residual: FloatArray
    outlier: NDArray[np.bool_]
    outlier_limit: float
    dropped: bool
    t_quantile: float
    warnings: tuple[str, ...] = ()

    @property
    def k_sd_nM(self) -> float:
        """Standard deviation of K, nM."""
        return self.k_nM * float(np.sqrt(self.covariance[2, 2]))

    @property
    def hill_sd(self) -> float:
        """Standard deviation of n."""
        return float(np.sqrt(self.covariance[3, 3]))

    @property
    def outliers(self) -> tuple[str, ...]:
        """Each point that does not fit, by line, replicate, concentration and residual."""
        return tuple(
            f"{self.titration.describe(int(at))}: residual {self.residual[at]:+.1f} SD"
            for at in np.flatnonzero(self.outlier)
        )

    def curve(self, concentration_nM: ArrayLike) -> Band:
        """Fitted signal at concentrations of the table's kind, with its 95 % band.

        The curve is that of a replicate of middle gain (the geometric mean of those measured), and
        the band holds for it: what the gains add to its error is in ``covariance``.
        """
        x = np.asarray(concentration_nM, dtype=np.float64)
        centre = np.array([self.minimum, self.maximum, np.log(self.k_nM), self.hill])
        middle = self._signal(x, centre)
        slopes = []
        for at, value in enumerate(centre):
            step = 1e-5 * max(abs(value), 1e-3)
            moved = np.array([centre, centre])
            moved[:, at] += step, -step
            slopes.append((self._signal(x, moved[0]) - self._signal(x, moved[1])) / (2 * step))
        gradient = np.stack(slopes)
        variance = np.einsum("ix,ij,jx->x", gradient, self.covariance, gradient)
        reach = self.t_quantile * np.sqrt(np.maximum(variance, 0))
        return Band(middle, middle - reach, middle + reach)

    def _signal(self, x: FloatArray, values: FloatArray) -> FloatArray:
        low, high, ln_k, hill = values
        problem = bare_problem(x, self.settings, self.beta)
        part = saturations(problem, float(np.exp(ln_k)), float(hill))
        return np.asarray(low + (high - low) * part)
