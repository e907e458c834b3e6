"""How often intervals over experiments hold the true fold change, and tests reject in vain.

``python tests/benchmarks/study_coverage.py [--studies 2000] [--out docs/validation/statistics.md]``
simulates studies cell by cell (no movie) with day-to-day and dish-to-dish variation, sends them
through `zincflux.statistics` and counts. The test over single cells that many papers report is
computed here alone, for comparison: the package offers none.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from scores import insert

from zincflux.plot.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, new_figure, style, to_png
from zincflux.statistics import (
    Arm,
    StudySettings,
    compare_pairs,
    dish_levels,
    experiment_levels,
    fit_arms,
    fit_dose_response,
    mixed_model,
)
from zincflux.statistics.contrasts import against_controls
from zincflux.statistics.levels import Levels

EXPERIMENTS = (3, 4, 6, 10)
FOLDS = {"control": 1.0, "A": 1.8, "B": 1.3, "C": 0.7}
DISHES, CELLS = 2, 25
DAY_SD, ARM_DAY_SD, DISH_SD, CELL_SD = 0.4, 0.12, 0.15, 0.6
"""Standard deviations of ln: shared by all dishes of a day, by those of an arm on a day, …"""

DOSES = (0.0, 3.0, 10.0, 30.0, 100.0, 300.0)
EC50, HILL, TOP, EC50_DAY_SD = 30.0, 1.2, 5.0, 0.2

SETTINGS = StudySettings(control="control")
ARMS = tuple(Arm(name) for name in sorted(FOLDS))


@dataclass(frozen=True)
class Design:
    """How a study is made.

    Attributes
    ----------
    n
        Experiments of each arm.
    effect
        Whether the arms differ.
    shared
        Whether each day has all arms; otherwise every arm has days of its own.
    """

    n: int
    effect: bool
    shared: bool = True


def draw_cells(rng: np.random.Generator, design: Design, n_studies: int) -> pd.DataFrame:
    """Draw the cells of many studies; the name of an experiment says which study it is of."""
    n, arms = design.n, sorted(FOLDS)
    shape = (n_studies, len(arms), n, DISHES, CELLS)
    folds = np.log([FOLDS[arm] if design.effect else 1.0 for arm in arms])
    day = rng.normal(0, DAY_SD, (n_studies, 1 if design.shared else len(arms), n))
    ln = folds[:, None] + day + rng.normal(0, ARM_DAY_SD, shape[:3])
    ln = ln[..., None] + rng.normal(0, DISH_SD, shape[:4])
    ln = ln[..., None] + rng.normal(0, CELL_SD, shape)
    study, arm, number, dish, _ = (index.ravel() for index in np.indices(shape))
    own = number if design.shared else arm * n + number
    codes = study * (n * len(arms)) + own
    names = [f"{s}/{d}" for s in range(n_studies) for d in range(n * len(arms))]
    return pd.DataFrame(
        {
            "condition": pd.Categorical.from_codes(arm, arms),
            "experiment": pd.Categorical.from_codes(codes, names),
            "replicate": pd.Categorical.from_codes(dish, ["0", "1"]),
            "value": np.exp(ln.ravel()),
            "study": study,
        }
    )


def studies(dishes: pd.DataFrame) -> Iterator[Levels]:
    """Part the dishes of all studies into single studies."""
    rows = experiment_levels(dishes, "log ratio")
    rows["study"] = rows.experiment.astype(str).str.split("/").str[0].astype(int)
    by_study: dict[int, list[dict[Arm, dict]]] = {}
    columns = ["study", "condition", "experiment", "level", "n_cells", "n_dishes"]
    arms = {arm.condition: arm for arm in ARMS}
    for study, name, day, *numbers in rows[columns].itertuples(index=False, name=None):
        tables = by_study.setdefault(study, [{arm: {} for arm in ARMS} for _ in range(3)])
        for table, value in zip(tables, numbers, strict=True):
            table[arms[name]][day] = value
    for tables in by_study.values():
        yield Levels(ARMS, "log ratio", *tables, beyond={})


class Counted(NamedTuple):
    """Yes or no, study by study, for what is counted."""

    t: np.ndarray
    bootstrap: np.ndarray
    rejected: np.ndarray
    any_holm: np.ndarray
    any_dunnett: np.ndarray
    any_tukey: np.ndarray
    any_anova: np.ndarray


def count(dishes: pd.DataFrame, design: Design) -> Counted:
    """Judge every study: does the interval of A's fold change hold the truth, is it rejected?"""
    truth = np.log(FOLDS["A"]) if design.effect else 0.0
    rows, critical = [], {}
    for levels in studies(dishes):
        found = {one.arm.condition: one for one in against_controls(levels, SETTINGS)}
        a = found["A"].found
        model = fit_arms([levels.level[arm] for arm in ARMS])
        control = ARMS.index(Arm("control"))
        rejects = []
        for name in ("dunnett", "tukey"):
            pairs = compare_pairs(model, control, name) if name not in critical else None
            if pairs is not None:  # all studies of a design have the same critical value
                error = abs(pairs[0].estimate / pairs[0].statistic)
                critical[name] = (pairs[0].high - pairs[0].low) / 2 / error
            t = _statistics(model, control if name == "dunnett" else None)
            rejects.append(bool(np.max(np.abs(t)) > critical[name]))
        rows.append(
            (
                a.low <= truth <= a.high,
                a.bootstrap_low <= truth <= a.bootstrap_high,
                a.p_value < SETTINGS.alpha,
                min(one.p_adjusted for one in found.values()) < SETTINGS.alpha,
                *rejects,
                model.f_p_value < SETTINGS.alpha,
            )
        )
    return Counted(*np.array(rows).T)


def _statistics(model: object, control: int | None) -> np.ndarray:
    """T of each arm against the control, or of each pair, where all have the same error."""
    means, inverse = model.means, model.covariance
    error = np.sqrt(model.variance * (inverse[0, 0] + inverse[1, 1] - 2 * inverse[0, 1]))
    off = means[:, None] - means[None, :]
    return (
        off[np.triu_indices(len(means), 1)] / error
        if control is None
        else (np.delete(off[:, control], control) / error)
    )


def naive(cells: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Test A against the control over cells, and over dishes, by Welch: whether each rejects."""
    own = cells[cells.condition.isin(["A", "control"])]
    ln = np.log(own["value"].to_numpy())
    rejected = []
    by_dish = (
        own.assign(ln=ln)
        .groupby(["study", "condition", "experiment", "replicate"], observed=True)["ln"]
        .mean()
        .reset_index()
    )
    for table in (own.assign(ln=ln), by_dish):
        of_arm = table.groupby(["study", "condition"], observed=True)["ln"]
        mean, var, n = (getattr(of_arm, name)().unstack() for name in ("mean", "var", "size"))
        parts = var / n
        t = (mean["A"] - mean["control"]) / np.sqrt(parts.sum(axis=1))
        df = parts.sum(axis=1) ** 2 / (parts**2 / (n - 1)).sum(axis=1)
        rejected.append(2 * stats.t.sf(np.abs(t), df) < SETTINGS.alpha)
    return rejected[0], rejected[1]


def mixed(seed: int, n: int, n_studies: int) -> tuple[np.ndarray, np.ndarray]:
    """Judge the mixed model: whether its interval of A holds the truth, whether it converged."""
    design = Design(n, effect=True)
    cells = draw_cells(np.random.default_rng([seed, 7, n]), design, n_studies)
    held, converged = [], []
    for _, own in cells.groupby("study"):
        table = pd.DataFrame(
            {
                "arm": own.condition.astype(str),
                "experiment": own.experiment.astype(str),
                "dish": own.groupby(
                    ["condition", "experiment", "replicate"], observed=True
                ).ngroup(),
                "level": np.log(own["value"]),
                "censored": False,
            }
        )
        found = {one.arm: one for one in mixed_model(table, "control")}["A"]
        converged.append(found.converged)
        held.append(found.low <= np.log(FOLDS["A"]) <= found.high)
    return np.array(held), np.array(converged)


def dose_response(seed: int, n: int, n_studies: int) -> np.ndarray:
    """Fit dose responses; give 1 where the interval holds the EC50, 0 where not, NaN without."""
    rng = np.random.default_rng([seed, 8, n])
    dose = np.array(DOSES)
    ec50 = EC50 * np.exp(rng.normal(0, EC50_DAY_SD, (n_studies, n, 1)))
    saturation = dose**HILL / (dose**HILL + ec50**HILL)
    ln = np.log(1 + (TOP - 1) * saturation) + rng.normal(0, DAY_SD, (n_studies, n, 1))
    ln = ln + rng.normal(0, ARM_DAY_SD, ln.shape)
    dish_sd = np.hypot(DISH_SD, CELL_SD / CELLS**0.5)
    ln = ln[..., None] + rng.normal(0, dish_sd, (*ln.shape, DISHES))
    study, day, arm, dish = (index.ravel() for index in np.indices(ln.shape))
    table = pd.DataFrame(
        {
            "condition": [f"study {number:05d}" for number in study],
            "dose": dose[arm],
            "dose_unit": "µM",
            "experiment": day.astype(str),
            "replicate": dish.astype(str),
            "value": np.exp(ln.ravel()),
        }
    )
    rows = fit_dose_response(table, StudySettings())
    held = (rows.ec50_low <= EC50) & (rows.ec50_high >= EC50)
    return np.where(np.isfinite(rows.ec50_low), held, np.nan)


def share(hits: np.ndarray) -> str:
    """Write a share with its Monte Carlo error."""
    hits = hits[np.isfinite(hits.astype(float))]
    if not len(hits):
        return "–"
    p = float(np.mean(hits.astype(float)))
    return f"{p:.1%} ± {(p * (1 - p) / len(hits)) ** 0.5:.1%}"


class Found(NamedTuple):
    """All counts."""

    effect: dict[int, Counted]
    none: dict[int, Counted]
    apart_effect: dict[int, Counted]
    apart_none: dict[int, Counted]
    cells: dict[int, np.ndarray]
    dishes: dict[int, np.ndarray]


def simulate(seed: int, n_studies: int) -> Found:
    """Simulate and judge all designs."""
    found = Found({}, {}, {}, {}, {}, {})
    for n in EXPERIMENTS:
        for place, (effect, shared) in enumerate(
            ((True, True), (False, True), (True, False), (False, False))
        ):
            design = Design(n, effect, shared)
            rng = np.random.default_rng([seed, place, n])
            cells = draw_cells(rng, design, n_studies)
            found[place][n] = count(dish_levels(cells), design)
            if not effect and shared:
                found.cells[n], found.dishes[n] = naive(cells)
    return found


def table_of_folds(found: Found) -> str:
    """Write coverage and rejections of one comparison."""
    lines = [
        "| experiments | days | t interval holds the fold change | bootstrap holds it "
        "| rejected without effect | rejected with effect (power) |",
        "|---" * 6 + "|",
    ]
    for days, effect, none in (
        ("shared", found.effect, found.none),
        ("own", found.apart_effect, found.apart_none),
    ):
        for n in EXPERIMENTS:
            lines.append(
                f"| {n} | {days} | {share(effect[n].t)} | {share(effect[n].bootstrap)} "
                f"| {share(none[n].rejected)} | {share(effect[n].rejected)} |"
            )
    return "\n".join(lines)


def table_of_naive(found: Found) -> str:
    """Write what happens when cells, or dishes, count as experiments."""
    lines = [
        "| experiments | n = experiments, paired | n = dishes | n = cells |",
        "|---" * 4 + "|",
    ]
    for n in EXPERIMENTS:
        lines.append(
            f"| {n} | {share(found.none[n].rejected)} | {share(found.dishes[n])} "
            f"| {share(found.cells[n])} |"
        )
    return "\n".join(lines)


def table_of_families(found: Found) -> str:
    """Write how often any of several arms is falsely called different."""
    lines = [
        "| experiments | days | analysis of variance | Dunnett | Tukey | t tests with Holm |",
        "|---" * 6 + "|",
    ]
    for days, none in (("shared", found.none), ("own", found.apart_none)):
        for n in EXPERIMENTS:
            own = none[n]
            lines.append(
                f"| {n} | {days} | {share(own.any_anova)} | {share(own.any_dunnett)} "
                f"| {share(own.any_tukey)} | {share(own.any_holm)} |"
            )
    return "\n".join(lines)


def table_of_models(seed: int, n_mixed: int, n_curves: int) -> str:
    """Write the coverage of the mixed model and of the EC50."""
    lines = [
        "| experiments | mixed model holds the fold change | mixed model converged "
        "| EC50 in its interval | no EC50 given |",
        "|---" * 5 + "|",
    ]
    for n in EXPERIMENTS:
        held, converged = mixed(seed, n, n_mixed) if n < 10 else (np.array([]), np.array([]))
        curves = dose_response(seed, n, n_curves)
        lines.append(
            f"| {n} | {share(held)} | {share(converged)} | {share(curves)} "
            f"| {share(np.isnan(curves))} |"
        )
    return "\n".join(lines)


def draw(found: Found) -> bytes:
    """Draw coverage, and false rejections, against the number of experiments."""
    with style():
        figure = new_figure(3.0)
        left, right = figure.subplots(1, 2)
        places = np.arange(len(EXPERIMENTS))
        left.axhspan(93, 97, color="#E4E4E4", lw=0, zorder=0)
        right.axhspan(3, 7, color="#E4E4E4", lw=0, zorder=0)
        left.axhline(95, color=GREY, lw=0.8)
        right.axhline(5, color=GREY, lw=0.8)
        coverage = (
            ("t, shared days", BLUE, "o", [found.effect[n].t for n in EXPERIMENTS]),
            ("t, own days", GREEN, "s", [found.apart_effect[n].t for n in EXPERIMENTS]),
            ("bootstrap", ORANGE, "^", [found.effect[n].bootstrap for n in EXPERIMENTS]),
        )
        rejections = (
            ("n = experiments", BLUE, "o", [found.none[n].rejected for n in EXPERIMENTS]),
            ("n = dishes", ORANGE, "^", [found.dishes[n] for n in EXPERIMENTS]),
            ("n = cells", VERMILLION, "D", [found.cells[n] for n in EXPERIMENTS]),
        )
        for ax, series in ((left, coverage), (right, rejections)):
            for shift, (label, colour, marker, hits) in zip((-0.12, 0, 0.12), series, strict=True):
                p = np.array([np.mean(one) for one in hits])
                error = np.sqrt(p * (1 - p) / len(hits[0]))
                ax.errorbar(
                    places + shift,
                    100 * p,
                    yerr=196 * error,
                    fmt=marker,
                    color=colour,
                    ms=4.5,
                    lw=0.9,
                    label=label,
                )
            ax.set_xticks(places, [str(n) for n in EXPERIMENTS])
            ax.set_xlabel("Experiments")
        left.set_ylabel("Intervals that hold the fold change (%)")
        right.set_ylabel("Rejections without effect (%)")
        left.set_ylim(60, 100)
        right.set_ylim(0, 80)
        left.legend(loc="lower right")
        right.legend(loc="center right")
    return to_png(figure)


MARKS = tuple(
    f"<!-- {name}, made by tests/benchmarks/study_coverage.py -->"
    for name in ("fold changes", "naive tests", "families", "models")
)


FIGURE = """\
![Left: share of intervals that hold the true fold change against the number of experiments; t
intervals lie at 95 %, the bootstrap far below with few experiments. Right: share of studies without
effect that are called significant; 5 % where experiments are counted, far more where cells
are.]({name})

Bars: 95 % Monte Carlo error. Grey: 93 to 97 %, and 3 to 7 %.

"""


def main() -> None:
    """Count, print, and write the page and its figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--mixed", type=int, default=40, help="studies of the mixed model")
    parser.add_argument("--curves", type=int, default=200, help="studies of the dose response")
    parser.add_argument("--seed", type=int, default=1000, help="0 was looked at while writing this")
    parser.add_argument("--out", type=Path, help="page to write the tables into")
    options = parser.parse_args()
    start = time.perf_counter()
    found = simulate(options.seed, options.studies)
    print(f"{time.perf_counter() - start:.0f} s")
    texts = [table_of_folds(found), table_of_naive(found), table_of_families(found)]
    texts.append(table_of_models(options.seed, options.mixed, options.curves))
    print(*texts, sep="\n\n")
    print(f"\n{time.perf_counter() - start:.0f} s, {platform.platform()}")
    notes = [f"{options.studies} studies per figure, seed {options.seed}."] * 3
    notes.append(
        f"{options.mixed} studies (mixed model) and {options.curves} (EC50) per figure, seed "
        f"{options.seed}."
    )
    if options.out is not None:
        texts[0] = FIGURE.format(name=options.out.with_suffix(".png").name) + texts[0]
        for mark, text, note in zip(MARKS, texts, notes, strict=True):
            insert(options.out, mark, f"{text}\n\n{note}")
        options.out.with_suffix(".png").write_bytes(draw(found))


if __name__ == "__main__":
    main()
