"""Which cells the heat map shows, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from zincflux.batch.values import choose_metrics

MAX_CELLS = 600
"""Rows of a heat map that a page or figure can show."""

MAX_OF_ARM = 60

ARM = ["condition", "dose", "dose_unit", "group"]
_COLUMNS = [*ARM, "sample", "cell_id", "region", "rank"]


def choose_cells(
    cells: pd.DataFrame, responses: pd.DataFrame, metrics: Sequence[str]
) -> pd.DataFrame:
    """Choose cells of every arm, evenly over the ranks of the headline.

    Parameters
    ----------
    cells, responses
        Tables as in `zincflux.columns.STUDY_CELLS` and ``STUDY_RESPONSES``.
    metrics
        What `choose_metrics` is told.

    Returns
    -------
    pandas.DataFrame
        The arm, ``sample``, ``cell_id``, ``region`` and ``rank`` in the arm, 0 the largest. Of
        several regions the first; cells without the number come last.
    """
    chosen = choose_metrics(metrics, cells, responses)
    used = cells[~cells["excluded"].to_numpy(bool)]
    if not len(used):
        return pd.DataFrame(used.assign(rank=0), columns=_COLUMNS)
    used = used[used["region"] == used["region"].iloc[0]]
    used = used.assign(headline=_headline(used, responses, chosen))
    used = used.sort_values("headline", ascending=False, kind="stable", na_position="last")
    by_arm = used.groupby(ARM, dropna=False, sort=False)
    used = used.assign(rank=by_arm.cumcount(), size=by_arm["cell_id"].transform("size"))
    most = int(np.clip(MAX_CELLS // by_arm.ngroups, 1, MAX_OF_ARM))
    picked = _evenly(used["rank"].to_numpy(), used["size"].to_numpy(), most)
    return pd.DataFrame(used[picked], columns=_COLUMNS)


def _evenly(rank: np.ndarray, size: np.ndarray, most: int) -> np.ndarray:
    """Tell which ranks of 0 … size − 1 belong to ``most`` of them that are evenly spread."""
    share = np.minimum(most / size, 1.0)
    return np.floor((rank + 1) * share + 1e-9) > np.floor(rank * share + 1e-9)


def _headline(
    used: pd.DataFrame, responses: pd.DataFrame, metrics: Sequence[str]
) -> pd.Series[float]:
    """Give each cell its headline, of the first response phase of its sample."""
    if not metrics:
        return pd.Series(np.nan, index=used.index)
    if metrics[0] in used:
        return used[metrics[0]]
    first = responses.drop_duplicates(["sample", "cell_id", "region"])
    keys = pd.MultiIndex.from_frame(first[["sample", "cell_id", "region"]])
    values = pd.Series(first[metrics[0]].to_numpy(np.float64), index=keys)
    wanted = pd.MultiIndex.from_frame(used[["sample", "cell_id", "region"]])
    return pd.Series(values.reindex(wanted).to_numpy(), index=used.index)
