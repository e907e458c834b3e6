"""Whether levels rise or fall with the dose, over experiments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy import stats

from zincflux.statistics.keys import MIN_EXPERIMENTS, notes
from zincflux.statistics.ratios import Contrast, paired, too_few

MIN_DOSES = 3
"""Fewer have no order to speak of."""


def trend_test(levels: Mapping[float, Mapping[str, float]], alpha: float = 0.05) -> Contrast:
    """Test for a linear trend over the ordered doses.

    In each experiment a line is fitted to the level against the rank of the dose; the slopes are
    tested against 0. Where every experiment has one dose only, one line is fitted to all.

    Parameters
    ----------
    levels
        For each dose the level by the name of the experiment.
    alpha
        The interval of the slope holds 1 − alpha.

    Returns
    -------
    Contrast
        ``estimate`` is the mean slope per step of the dose.
    """
    ranks = {dose: float(i) for i, dose in enumerate(sorted(levels))}
    if len(ranks) < MIN_DOSES:
        return Contrast(note=f"no trend: at least {MIN_DOSES} doses are needed")
    by_experiment: dict[str, dict[float, float]] = {}
    for dose, own in levels.items():
        for name, level in own.items():
            by_experiment.setdefault(name, {})[ranks[dose]] = level
    long = {name: own for name, own in sorted(by_experiment.items()) if len(own) >= MIN_DOSES}
    if len(long) < MIN_EXPERIMENTS and all(len(own) == 1 for own in by_experiment.values()):
        return _over_all(levels, ranks, alpha)
    if not long:
        return Contrast(note=f"trend: no experiment has {MIN_DOSES} doses")
    slopes = [np.polyfit(list(own), list(own.values()), 1)[0] for own in long.values()]
    alone = len(by_experiment) - len(long)
    remark = f"trend: {alone} experiments with fewer than {MIN_DOSES} doses are left out"
    found = paired(np.array(slopes), tuple(long), alpha, remark if alone else "")
    return replace(found, note=found.note.replace("too few", "trend: too few"))


def _over_all(
    levels: Mapping[float, Mapping[str, float]], ranks: Mapping[float, float], alpha: float
) -> Contrast:
    """Fit one line to experiments that have one dose each."""
    pairs = [(ranks[dose], value) for dose, own in levels.items() for value in own.values()]
    fewest = min(len(own) for own in levels.values())
    if fewest < MIN_EXPERIMENTS:
        return Contrast(note=f"trend: {too_few(fewest)}")
    x, y = np.array(pairs).T
    line = stats.linregress(x, y)
    if not line.stderr > 0:
        return Contrast(estimate=float(line.slope), note="trend: nothing to tell scatter from")
    df = len(pairs) - 2
    reach = float(stats.t.ppf(1 - alpha / 2, df)) * line.stderr
    return Contrast(
        estimate=float(line.slope),
        low=float(line.slope - reach),
        high=float(line.slope + reach),
        statistic=float(line.slope / line.stderr),
        df=float(df),
        p_value=float(line.pvalue),
        experiments=tuple(sorted({name for own in levels.values() for name in own})),
        note=notes(["trend: every experiment has one dose, so that one line is fitted to all"]),
    )
