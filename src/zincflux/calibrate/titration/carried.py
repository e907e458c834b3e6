"""What of a titration carries over to a movie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zincflux.calibrate.binding import Binding
from zincflux.calibrate.calibration import Calibration, Pooled
from zincflux.calibrate.titration.result import TitrationFit
from zincflux.indicators import Indicator


def calibration_of_titration(fit: TitrationFit, indicator: Indicator) -> Calibration:
    """Make a calibration without cells: constants, and what of the ends carries over.

    The ends of a ratio hold for the same optics. Those of an intensity hold for the wells only:
    just their quotient is kept.
    """
    varied = fit.settings.hill is None and not fit.settings.total
    name = fit.titration.source
    binding = Binding(
        k_nM=fit.k_nM,
        hill=fit.hill,
        beta=fit.beta,
        k_includes_beta=fit.k_includes_beta,
        k_sd_nM=fit.k_sd_nM,
        hill_sd=fit.hill_sd if varied else None,
        beta_sd=fit.beta_sd,
        covariance_ln_k_hill=float(fit.covariance[2, 3]),
        confidence="own titration",
        source=f"titration {name}".strip(),
    )
    origin = f"titration {name}".strip()
    if indicator.kind == "intensity":
        pooled = _dynamic_range(fit)
        origin += "; minimum and maximum of an intensity hold for its wells only"
    else:
        low, high = np.sqrt(np.diag(fit.covariance)[:2])
        pooled = replace(
            _dynamic_range(fit),
            minimum=fit.minimum,
            minimum_sd=float(low),
            maximum=fit.maximum,
            maximum_sd=float(high),
            covariance=float(fit.covariance[0, 1]),
        )
    return replace(Calibration.uniform(indicator, binding, (), pooled, origin), pooled=pooled)


def _dynamic_range(fit: TitrationFit) -> Pooled:
    if fit.minimum <= 0 or fit.maximum <= 0:
        return Pooled()
    quotient = fit.maximum / fit.minimum
    slope = np.array([-1 / fit.minimum, 1 / fit.maximum])
    error = quotient * float(np.sqrt(slope @ fit.covariance[:2, :2] @ slope))
    return Pooled(dynamic_range=quotient, dynamic_range_se=error)
