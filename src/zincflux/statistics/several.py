"""More than two arms: analysis of variance over experiments, then Dunnett's or Tukey's test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc, stdtr

from zincflux.movie import FloatArray
from zincflux.statistics.max_t import dunnett_critical, dunnett_p, tukey_critical, tukey_p
from zincflux.statistics.settings import Comparison


@dataclass(frozen=True, eq=False)
class Model:
    """Arms, and days where they are shared, fitted by least squares.

    Attributes
    ----------
    means
        Level of each arm, shape (a,); differences between them are what is meant.
    covariance
        Of the means, over the variance, shape (a, a).
    variance
        Residual variance.
    df
        Its degrees of freedom.
    f_statistic, f_df, f_p_value
        Of the test that all arms have the same level; ``f_df`` is that of the numerator.
    omega_squared
        Share of the variance that the arms explain, that of the days left out (partial), unbiased
        to first order, never below 0.
    blocked
        Whether the level of each experiment was taken out.
    """

    means: FloatArray
    covariance: FloatArray
    variance: float
    df: int
    f_statistic: float
    f_df: int
    f_p_value: float
    omega_squared: float
    blocked: bool


@dataclass(frozen=True)
class Pair:
    """One pair of arms out of several, adjusted for how many pairs there are.

    Attributes
    ----------
    first, second
        Numbers of the arms.
    estimate, low, high
        Difference first − second, with its simultaneous interval.
    statistic, p_value, p_adjusted
        Of the t test with the common variance, alone and among all pairs.
    """

    first: int
    second: int
    estimate: float
    low: float
    high: float
    statistic: float
    p_value: float
    p_adjusted: float


def fit_arms(levels: Sequence[Mapping[str, float]]) -> Model | None:
    """Fit the levels of arms over experiments.

    Where experiments link all arms, each experiment has a level of its own (randomised blocks):
    what differs from day to day is taken out. Otherwise all levels count as independent.

    Parameters
    ----------
    levels
        For each arm the level by the name of the experiment; at least two arms.

    Returns
    -------
    Model or None
        None where nothing is left to tell the scatter from.

    References
    ----------
    Lazic SE. Experimental Design for Laboratory Biologists. Cambridge University Press, 2016.
    Olejnik S, Algina J. Generalized eta and omega squared statistics. Psychol Methods
    2003;8:434-447.
    """
    arm = np.array([i for i, own in enumerate(levels) for _ in own])
    names = [name for own in levels for name in own]
    days, day = np.unique(np.array(names, dtype=object), return_inverse=True)
    y = np.array([value for own in levels for value in own.values()], dtype=np.float64)
    of_arms = np.eye(len(levels))[arm]
    blocked = linked(arm, day, len(levels)) and len(days) < len(y)
    of_days = np.eye(len(days))[day] if blocked else np.ones((len(y), 1))
    design = np.hstack([of_arms, of_days[:, 1:]])
    inverse = np.linalg.pinv(design.T @ design)
    fitted = inverse @ design.T @ y
    full = float(np.sum((y - design @ fitted) ** 2))
    reduced = float(np.sum((y - of_days @ np.linalg.lstsq(of_days, y, rcond=None)[0]) ** 2))
    df, f_df = len(y) - design.shape[1], len(levels) - 1
    if df < 1 or full <= 1e-24 * max(float(np.sum(y**2)), 1e-300):
        return None
    variance = full / df
    f_statistic = (reduced - full) / f_df / variance
    explained = reduced - full
    omega = (explained - f_df * variance) / (explained + (len(y) - f_df) * variance)
    inner = inverse[: len(levels), : len(levels)]
    return Model(
        means=fitted[: len(levels)],
        covariance=inner,
        variance=variance,
        df=df,
        f_statistic=f_statistic,
        f_df=f_df,
        f_p_value=float(fdtrc(f_df, df, max(f_statistic, 0.0))),
        omega_squared=max(omega, 0.0),
        blocked=blocked,
    )


def linked(arm: NDArray[np.int64], day: NDArray[np.int64], n_arms: int) -> bool:
    """Tell whether experiments connect all arms, so that their differences do not need the days."""
    place = np.arange(n_arms)
    for one in np.unique(day):
        members = place[np.unique(arm[day == one])]
        place[np.isin(place, members)] = members.min()
    return bool((place == place[0]).all())


def compare_pairs(
    model: Model, control: int | None, comparison: Comparison, alpha: float = 0.05
) -> tuple[Pair, ...]:
    """Compare each arm with the control (Dunnett), or each with each (Tukey and Kramer).

    Parameters
    ----------
    model
        What `fit_arms` gave.
    control
        Number of the control; None for none, which Dunnett's test needs.
    comparison
        Which of the two.
    alpha
        All intervals together hold with 1 − alpha.

    References
    ----------
    Dunnett CW. A multiple comparison procedure for comparing several treatments with a control.
    J Am Stat Assoc 1955;50:1096-1121.
    Kramer CY. Extension of multiple range tests to group means with unequal numbers of
    replications. Biometrics 1956;12:307-310.
    """
    n_arms = len(model.means)
    if comparison == "dunnett" and control is None:
        return ()
    if comparison == "dunnett":
        pairs = [(arm, control or 0) for arm in range(n_arms) if arm != control]
    else:
        pairs = [(second, first) for first, second in combinations(range(n_arms), 2)]
    signs = np.zeros((len(pairs), n_arms))
    for row, (first, second) in enumerate(pairs):
        signs[row, first], signs[row, second] = 1.0, -1.0
    estimates = signs @ model.means
    covariance = model.variance * signs @ model.covariance @ signs.T
    errors = np.sqrt(np.diag(covariance))
    statistics = estimates / errors
    if comparison == "dunnett":
        correlation = covariance / np.outer(errors, errors)
        adjusted = [dunnett_p(abs(t), correlation, model.df) for t in statistics]
        critical = dunnett_critical(alpha, correlation, model.df)
    else:
        adjusted = [tukey_p(abs(t), n_arms, model.df) for t in statistics]
        critical = tukey_critical(alpha, n_arms, model.df)
    alone = 2 * stdtr(model.df, -np.abs(statistics))
    return tuple(
        Pair(
            *pair,
            float(estimates[i]),
            float(estimates[i] - critical * errors[i]),
            float(estimates[i] + critical * errors[i]),
            float(statistics[i]),
            float(alone[i]),
            max(adjusted[i], float(alone[i])),
        )
        for i, pair in enumerate(pairs)
    )
