"""Intervals of K and n by profile likelihood."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import lmfit
from lmfit.minimizer import MinimizerException

_EXACT = 1e-16


def intervals(minimiser: Any, result: Any) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """95 % intervals of ln K and n by profile likelihood.

    All other parameters, the gains of replicates among them, are fitted anew at each step, so
    that their errors are in the interval.

    Returns
    -------
    limits
        Lower and upper limit by name; infinite on a side where the fit has no limit.
    failed
        Names whose interval is from the covariance instead.
    """
    from scipy.stats import t

    names = [name for name in ("ln_k", "hill") if result.params[name].vary]
    traced: dict[str, list[tuple[float, float]]] = {}
    exact = result.redchi < _EXACT  # rounding alone: there is no likelihood to follow
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a side without a limit is told by the limit itself
        with contextlib.suppress(MinimizerException, ValueError):
            traced = lmfit.conf_interval(minimiser, result, p_names=names, sigmas=[0.95])
    limits, failed = {}, []
    for name in names:
        found = [float(value) for _, value in traced.get(name, [])]
        if not exact and len(found) == 3 and found[0] < found[1] < found[2]:
            limits[name] = (found[0], found[2])
            continue
        failed += [] if exact else [name]
        parameter = result.params[name]
        reach = t.ppf(0.975, result.nfree) * parameter.stderr
        limits[name] = (float(parameter.value - reach), float(parameter.value + reach))
    for name in ("ln_k", "hill"):
        limits.setdefault(name, (result.params[name].value,) * 2)
    return limits, failed
