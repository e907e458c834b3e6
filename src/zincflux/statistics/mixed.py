"""Mixed model of single cells, with random experiments and dishes: secondary."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from zincflux.statistics.keys import MAX_CENSORED, MIN_EXPERIMENTS, notes
from zincflux.statistics.ratios import too_few

MAX_CELLS_PER_DISH = 100
"""Cells that stand for a dish: more tell nothing of other dishes, and cost time."""

MAX_ARMS = 30


@dataclass(frozen=True)
class MixedEffect:
    """An arm against the control by the mixed model.

    Attributes
    ----------
    arm
        Name of the arm.
    estimate, low, high
        Difference of the levels (ln where logarithms were given), with its interval.
    statistic, df, p_value
        Of Wald's test, by Student's distribution with as many degrees of freedom as experiments
        less one.
    converged
        Whether the fit did.
    n_cells, n_experiments
        What the model was fitted to.
    note
        What to mind, or why there is no number.
    """

    arm: str
    estimate: float = np.nan
    low: float = np.nan
    high: float = np.nan
    statistic: float = np.nan
    df: float = np.nan
    p_value: float = np.nan
    converged: bool = False
    n_cells: int = 0
    n_experiments: int = 0
    note: str = ""


def mixed_model(cells: pd.DataFrame, control: str, alpha: float = 0.05) -> tuple[MixedEffect, ...]:
    """Fit cell = arm + experiment + arm in experiment + dish, all but the arm random, by REML.

    The arm in the experiment (that a treatment works better on some days) is a term of its own only
    where an arm has several dishes in an experiment; else the dish is that term.

    Parameters
    ----------
    cells
        One row per cell: ``arm``, ``experiment``, ``dish`` (unique over the study), ``level`` (ln
        where ratios are meant; NaN for none) and ``censored`` (bool).
    control
        The arm that the others are compared with.
    alpha
        The interval holds 1 − alpha.

    Returns
    -------
    tuple of MixedEffect
        One per arm but the control, sorted by name.

    References
    ----------
    Laird NM, Ware JH. Random-effects models for longitudinal data. Biometrics 1982;38:963-974.
    """
    others = sorted(set(cells.arm) - {control})
    reason = _reason_against(cells, control)
    if reason:
        return tuple(MixedEffect(arm, note=reason) for arm in others)
    used = _thinned(cells[np.isfinite(cells.level)])
    result, remarks = _fitted(used, [control, *others])
    if result is None:
        return tuple(MixedEffect(arm, note=remarks) for arm in others)
    if len(used) < int(np.isfinite(cells.level).sum()):
        remarks = notes([remarks, f"{MAX_CELLS_PER_DISH} cells at most of each dish"])
    n_experiments = int(used.experiment.nunique())
    return tuple(
        _effect(arm, i + 1, result, remarks, (len(used), n_experiments, alpha))
        for i, arm in enumerate(others)
    )


def _reason_against(cells: pd.DataFrame, control: str) -> str:
    """Say why the model cannot be fitted; empty if it can."""
    known = cells[np.isfinite(cells.level)]
    if set(known.arm) != set(cells.arm) or control not in set(known.arm):
        return "an arm has no cell with a number"
    per_arm = int(known.groupby("arm").experiment.nunique().min())
    if per_arm < MIN_EXPERIMENTS:
        return too_few(per_arm)
    if cells.arm.nunique() > MAX_ARMS:
        return f"more than {MAX_ARMS} arms: not fitted"
    if known.dish.nunique() == len(known):
        return "one cell per dish: a dish and a cell cannot be told apart"
    of_dish = known.groupby("dish")["level"]
    if (of_dish.max() - of_dish.min()).max() <= 1e-9 * known["level"].abs().max():
        return "the cells of a dish do not differ: not fitted"
    if cells.censored.groupby(cells.arm).mean().max() > MAX_CENSORED:
        return "more than 5 % of the cells of an arm lie beyond the range, which this cannot use"
    return ""


def _thinned(cells: pd.DataFrame) -> pd.DataFrame:
    """Let every k-th cell by rank stand for a large dish."""
    order = np.lexsort((cells.level.to_numpy(), cells.dish.to_numpy()))
    cells = cells.iloc[order]
    grouped = cells.groupby("dish")["level"]
    size, rank = grouped.transform("size").to_numpy(), grouped.cumcount().to_numpy()
    share = MAX_CELLS_PER_DISH / np.maximum(size, MAX_CELLS_PER_DISH)
    kept: pd.DataFrame = cells[np.floor((rank + 0.5) * share) != np.floor((rank - 0.5) * share)]
    return kept


def _fitted(cells: pd.DataFrame, arms: list[str]) -> tuple[Any, str]:
    """Fit; give the result of statsmodels, or None, and what it remarked."""
    from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

    index = {arm: i for i, arm in enumerate(arms)}
    number = cells.arm.map(index).to_numpy()
    design = np.eye(len(arms))[number]
    design[:, 0] = 1.0
    experiments = cells.experiment.astype(str).to_numpy()
    parts = {"dish": cells.dish.to_numpy()}
    own = cells.groupby(["arm", "experiment"]).dish.nunique()
    if (own > 1).any() and (own.groupby("experiment").size() > 1).any():
        parts["arm"] = cells.arm.to_numpy()
    spec = VCSpec(*_components(parts, experiments))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = MixedLM(
                cells.level.to_numpy(),
                design,
                groups=experiments,
                exog_re=np.ones((len(cells), 1)),
                exog_vc=spec,
                missing="none",
            )
            # Gradients mislead where a random part is nearly 0, as it often is.
            result = model.fit(reml=True, method="powell")
        except (np.linalg.LinAlgError, ValueError) as error:
            return None, f"not fitted: {error}"
    doubts = {str(item.message).split("\n")[0].rstrip(".") for item in caught}
    return result, notes(sorted({_in_words(text) for text in doubts}))


def _in_words(doubt: str) -> str:
    """Say what the commonest remark means."""
    if "boundary" in doubt or "singular" in doubt or "Hessian" in doubt:
        return "a random part is estimated as 0"
    return f"statsmodels: {doubt}"


def _components(
    parts: dict[str, np.ndarray], experiments: np.ndarray
) -> tuple[list[str], list[list[list[str]]], list[list[np.ndarray]]]:
    """Mark the members of each random part in each experiment, as statsmodels wants them."""
    names, columns, matrices = list(parts), [], []
    for values in parts.values():
        own_columns, own_matrices = [], []
        for experiment in np.unique(experiments):
            members, code = np.unique(values[experiments == experiment], return_inverse=True)
            own_columns.append([str(member) for member in members])
            own_matrices.append(np.eye(len(members))[code])
        columns.append(own_columns)
        matrices.append(own_matrices)
    return names, columns, matrices


def _effect(
    arm: str, place: int, result: Any, remarks: str, counts: tuple[int, int, float]
) -> MixedEffect:
    n_cells, n_experiments, alpha = counts
    estimate, error = float(result.fe_params[place]), float(result.bse_fe[place])
    if not np.isfinite(error) or error <= 0:
        return MixedEffect(arm, estimate, note=notes([remarks, "no standard error"]))
    df = n_experiments - 1
    reach = float(stats.t.ppf(1 - alpha / 2, df)) * error
    statistic = estimate / error
    return MixedEffect(
        arm=arm,
        estimate=estimate,
        low=estimate - reach,
        high=estimate + reach,
        statistic=statistic,
        df=float(df),
        p_value=float(2 * stats.t.sf(abs(statistic), df)),
        converged=bool(result.converged),
        n_cells=n_cells,
        n_experiments=n_experiments,
        note=remarks,
    )
