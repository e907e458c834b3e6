"""Two arms compared: the log ratio (or the difference) per experiment, with its t interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtr, stdtrit

from zincflux.movie import FloatArray
from zincflux.statistics.bootstrap import percentile_interval
from zincflux.statistics.keys import MIN_EXPERIMENTS

Pairing = Literal["paired", "unpaired", ""]


@dataclass(frozen=True, eq=False)
class Contrast:
    """One arm against another, over experiments.

    Attributes
    ----------
    estimate
        Mean difference of the levels: a log ratio where the levels are logarithms.
    low, high
        Ends of its t interval; NaN where it is withheld.
    statistic, df, p_value
        Of the t test; NaN where it is withheld.
    effect_size
        ``effect_measure`` says which: "d_z" (mean over standard deviation of the differences
        per experiment) or "Hedges' g".
    effect_measure
        Empty without a number.
    pairing
        Whether experiments were paired.
    experiments
        Names of the experiments that count.
    bootstrap_low, bootstrap_high
        Ends of the percentile bootstrap interval.
    note
        Why numbers are withheld, and what to mind.
    """

    estimate: float = np.nan
    low: float = np.nan
    high: float = np.nan
    statistic: float = np.nan
    df: float = np.nan
    p_value: float = np.nan
    effect_size: float = np.nan
    effect_measure: str = ""
    pairing: Pairing = ""
    experiments: tuple[str, ...] = ()
    bootstrap_low: float = np.nan
    bootstrap_high: float = np.nan
    note: str = ""


def contrast(
    treated: Mapping[str, float], control: Mapping[str, float], alpha: float = 0.05
) -> Contrast:
    """Compare two arms by their levels per experiment.

    Paired where at least three experiments have both arms, or where pairs are all there is: then
    what differs from day to day cancels. Otherwise Welch's test on the levels.

    Parameters
    ----------
    treated, control
        Level by the name of the experiment; logarithms give a log ratio.
    alpha
        The interval holds 1 − alpha.

    References
    ----------
    Welch BL. The generalization of 'Student's' problem when several different population variances
    are involved. Biometrika 1947;34:28-35.

    Examples
    --------
    >>> import math
    >>> treated = {"Mon": math.log(2.0), "Tue": math.log(3.0), "Wed": math.log(4.0)}
    >>> control = {"Mon": math.log(1.0), "Tue": math.log(1.5), "Wed": math.log(1.6)}
    >>> found = contrast(treated, control)
    >>> found.pairing, round(math.exp(found.estimate), 3)
    ('paired', 2.154)
    """
    shared = sorted(treated.keys() & control.keys())
    fewest = min(len(treated), len(control))
    if fewest == 0:
        return Contrast(note="no experiment with a number on both sides")
    if len(shared) >= MIN_EXPERIMENTS or (shared and fewest < MIN_EXPERIMENTS):
        differences = np.array([treated[name] - control[name] for name in shared])
        alone = len(treated.keys() ^ control.keys())
        note = f"{alone} experiments have only one of the two arms and are left out"
        return paired(differences, tuple(shared), alpha, note if alone else "")
    note = (
        f"only {len(shared)} experiments have both arms: compared as if all were separate"
        if shared
        else "no experiment has both arms: compared unpaired"
    )
    return _unpaired(treated, control, alpha, note)


def paired(
    differences: FloatArray, experiments: tuple[str, ...], alpha: float = 0.05, note: str = ""
) -> Contrast:
    """Test whether differences, one per experiment, have the mean 0.

    Parameters
    ----------
    differences
        One per experiment, in a fixed order, shape (n,).
    experiments
        Their names.
    alpha
        The interval holds 1 − alpha.
    note
        What to mind.
    """
    n, estimate = len(differences), float(np.mean(differences))
    known = Contrast(estimate=estimate, pairing="paired", experiments=experiments, note=note)
    if n < MIN_EXPERIMENTS:
        return _withheld(known, too_few(n))
    sd = float(np.std(differences, ddof=1))
    if _is_nothing(sd, differences):
        return _withheld(known, NO_SCATTER)
    error = sd / n**0.5
    interval = percentile_interval(differences, None, alpha)
    return _tested(known, error, n - 1, alpha, (estimate / sd, "d_z"), interval)


def _unpaired(
    treated: Mapping[str, float], control: Mapping[str, float], alpha: float, note: str
) -> Contrast:
    first, second = (np.array([arm[name] for name in sorted(arm)]) for arm in (treated, control))
    known = Contrast(
        estimate=float(first.mean() - second.mean()),
        pairing="unpaired",
        experiments=tuple(sorted(treated.keys() | control.keys())),
        note=note,
    )
    if min(len(first), len(second)) < MIN_EXPERIMENTS:
        return _withheld(known, too_few(min(len(first), len(second))))
    variances = [float(np.var(arm, ddof=1)) for arm in (first, second)]
    if _is_nothing(sum(variances) ** 0.5, np.concatenate([first, second])):
        return _withheld(known, NO_SCATTER)
    parts = [v / len(arm) for v, arm in zip(variances, (first, second), strict=True)]
    df = sum(parts) ** 2 / sum(
        part**2 / (len(arm) - 1) for part, arm in zip(parts, (first, second), strict=True)
    )
    effect = hedges_g(first, second), "Hedges' g"
    return _tested(
        known, sum(parts) ** 0.5, df, alpha, effect, percentile_interval(first, second, alpha)
    )


def hedges_g(first: FloatArray, second: FloatArray) -> float:
    """Give the difference of two means over the pooled standard deviation, unbiased.

    References
    ----------
    Hedges LV. Distribution theory for Glass's estimator of effect size and related estimators.
    J Educ Stat 1981;6:107-128.
    """
    freedom = len(first) + len(second) - 2
    squares = sum(float(np.sum((arm - arm.mean()) ** 2)) for arm in (first, second))
    correction = 1 - 3 / (4 * freedom - 1)
    pooled = float(np.sqrt(squares / freedom))
    return correction * float(first.mean() - second.mean()) / pooled


NO_SCATTER = "the experiments do not differ at all, so that no test is possible"


def too_few(n: int) -> str:
    """Say that there are too few experiments."""
    return f"too few experiments ({n}): at least {MIN_EXPERIMENTS} are needed"


def _is_nothing(sd: float, values: FloatArray) -> bool:
    """Tell rounding errors from scatter."""
    return sd <= 1e-12 * float(np.max(np.abs(values)))


def _tested(
    known: Contrast,
    error: float,
    df: float,
    alpha: float,
    effect: tuple[float, str],
    bootstrap: tuple[float, float],
) -> Contrast:
    reach = float(stdtrit(df, 1 - alpha / 2)) * error
    statistic = known.estimate / error
    return Contrast(
        estimate=known.estimate,
        low=known.estimate - reach,
        high=known.estimate + reach,
        statistic=statistic,
        df=float(df),
        p_value=float(2 * stdtr(df, -abs(statistic))),
        effect_size=effect[0],
        effect_measure=effect[1],
        pairing=known.pairing,
        experiments=known.experiments,
        bootstrap_low=bootstrap[0],
        bootstrap_high=bootstrap[1],
        note=known.note,
    )


def _withheld(known: Contrast, reason: str) -> Contrast:
    return Contrast(
        estimate=known.estimate,
        pairing=known.pairing,
        experiments=known.experiments,
        note="; ".join(part for part in (reason, known.note) if part),
    )
