"""How often the 95 % interval holds the true zinc, over cells simulated signal by signal.

``python tests/benchmarks/interval_coverage.py [--cells 4000] [--out docs/validation/coverage.md]``
draws cells, calibrates them through `calibrate_in_situ`, converts frames at known saturations and
counts. With ``--out`` it writes the tables into the page and the figure beside it. The signals are
made by equations of this file's own: nothing is shared with what is judged.
"""

from __future__ import annotations

import argparse
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import t as student
from scores import holds, insert

from zincflux.calibrate import (
    Binding,
    Calibration,
    CalibrationSettings,
    CellSignals,
    Uncertainty,
    calibrate_in_situ,
    free_zinc,
)
from zincflux.indicators import Indicator, Record
from zincflux.phases import Phase
from zincflux.plot.style import BLUE, GREY, VERMILLION, new_figure, style, to_png

SATURATIONS = (0.02, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.98)
HILLS = (1.0, 0.29)
SCOPES = ("per-cell", "pooled")
METHODS = ("analytic", "monte-carlo")
K_NM, K_RELATIVE_SD, HILL_RELATIVE_SD = 15.0, 0.13, 0.02
SIGNAL_ERROR = 0.02
DISH_CELLS, GROUP_CELLS = 40, 100
GROUP_SATURATION = 0.3

PIXELS, BACKGROUND_PIXELS = 300, 5000
GAIN_E, READ_NOISE_E, BACKGROUND = 0.5, 1.6, 100.0
MINIMUM, DYNAMIC_RANGE, RANGE_SPREAD, LOAD_SPREAD = 60.0, 10.0, 0.15, 0.4
FRAMES, INTERVAL_S = 20, 10.0
PHASES = (
    Phase(name="TPEN", role="minimum", start_s=0.0, end_s=FRAMES * INTERVAL_S),
    Phase(
        name="zinc with pyrithione",
        role="maximum",
        start_s=FRAMES * INTERVAL_S,
        end_s=2 * FRAMES * INTERVAL_S,
    ),
)


def camera(rng: np.random.Generator, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Photograph cells: their mean counts above background, and the error that photons predict."""
    light = rng.poisson((counts + BACKGROUND) * GAIN_E * PIXELS) / PIXELS
    light += rng.normal(0, READ_NOISE_E / PIXELS**0.5, counts.shape)
    noise = ((BACKGROUND * GAIN_E + READ_NOISE_E**2) / BACKGROUND_PIXELS) ** 0.5
    dark = BACKGROUND * GAIN_E + rng.normal(0, noise, counts.shape)
    variance = (np.maximum(light, 0) + READ_NOISE_E**2) / PIXELS + noise**2
    return (light - dark) / GAIN_E, np.sqrt(variance) / GAIN_E


class Cells(NamedTuple):
    """True minimum and maximum of cells, and what was recorded in both phases."""

    minimum: np.ndarray
    maximum: np.ndarray
    recorded: CellSignals

    @classmethod
    def draw(cls, rng: np.random.Generator, n: int) -> Cells:
        """Load n cells with dye and record their calibration."""
        minimum = MINIMUM * np.exp(rng.normal(0, LOAD_SPREAD, n))
        maximum = minimum * DYNAMIC_RANGE * np.exp(rng.normal(0, RANGE_SPREAD, n))
        signal, sd = camera(rng, np.repeat(np.stack([minimum, maximum], axis=1), FRAMES, axis=1))
        return cls(
            minimum,
            maximum,
            CellSignals(
                cell_ids=np.arange(1, n + 1),
                time_s=INTERVAL_S * np.arange(2 * FRAMES),
                signal=signal,
                signal_sd=sd,
                usable=np.ones(signal.shape, dtype=bool),
            ),
        )

    def measure(
        self, rng: np.random.Generator, saturation: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Photograph the cells at saturations (n, T), with foreign light that noise hides."""
        true = self.minimum[:, None] + saturation * (self.maximum - self.minimum)[:, None]
        signal, sd = camera(rng, true)
        signal = signal + SIGNAL_ERROR * true * rng.normal(size=true.shape)
        return signal, np.hypot(sd, SIGNAL_ERROR * np.abs(signal))


def constants(rng: np.random.Generator, hill: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw true K and n, which differ from those that are entered."""
    k_nM = K_NM * np.exp(rng.normal(0, K_RELATIVE_SD, (n, 1)))
    return k_nM, hill * (1 + rng.normal(0, HILL_RELATIVE_SD, (n, 1)))


def calibrated(cells: Cells, hill: float, scope: Any) -> Calibration:
    """Calibrate a dish as a movie would be."""
    record = Record(
        name="simulated", k_nM=K_NM, k_includes_beta=False, source="-", confidence="unverified"
    )
    indicator = Indicator(
        name="simulated", kind="intensity", default="simulated", records=(record,)
    )
    binding = Binding(
        k_nM=K_NM,
        hill=hill,
        beta=1.0,
        k_sd_nM=K_RELATIVE_SD * K_NM,
        hill_sd=HILL_RELATIVE_SD * hill,
    )
    settings = CalibrationSettings(source="in-situ", scope=scope)
    return calibrate_in_situ(cells.recorded, PHASES, indicator, binding, settings)


@dataclass(frozen=True)
class Row:
    """What was found at one saturation."""

    hill: float
    scope: str
    method: str
    saturation: float
    stated: int
    covered: float
    width: float
    one_sided: float
    without: float

    @property
    def error(self) -> float:
        """Monte Carlo error of the coverage."""
        return (self.covered * (1 - self.covered) / self.stated) ** 0.5

    @property
    def coverage(self) -> str:
        """Coverage with its error."""
        return f"{self.covered:.1%} ± {self.error:.1%}"


def coverage(seed: int, n_cells: int) -> list[Row]:
    """Count, for each Hill coefficient, scope, method and saturation."""
    rows = []
    saturation = np.tile(SATURATIONS, (DISH_CELLS, 1))
    for number, hill in enumerate(HILLS):
        rng = np.random.default_rng([seed, number])
        found: dict[tuple[str, str], list[np.ndarray]] = {}
        for _ in range(-(-n_cells // DISH_CELLS)):
            cells = Cells.draw(rng, DISH_CELLS)
            k_nM, n = constants(rng, hill, DISH_CELLS)
            truth = k_nM * (saturation / (1 - saturation)) ** (1 / n)
            signal, sd = cells.measure(rng, saturation)
            for scope in SCOPES:
                calibration = calibrated(cells, hill, scope)
                for method in METHODS:
                    zinc = free_zinc(signal, calibration, sd, Uncertainty(method=method))
                    ends = np.stack([truth, zinc.low_nM, zinc.high_nM])
                    found.setdefault((scope, method), []).append(ends)
        for (scope, method), dishes in found.items():
            together = np.concatenate(dishes, axis=1)
            rows += [
                _row(hill, scope, method, level, together[:, :, k])
                for k, level in enumerate(SATURATIONS)
            ]
    return rows


def _row(hill: float, scope: str, method: str, level: float, values: np.ndarray) -> Row:
    truth, low, high = values
    stated, right = holds(truth, low, high)
    both = np.isfinite(low) & np.isfinite(high)
    return Row(
        hill=hill,
        scope=scope,
        method=method,
        saturation=level,
        stated=int(stated.sum()),
        covered=float(right[stated].mean()),
        width=float(np.median(np.sqrt(high[both] / low[both]))) if both.any() else np.nan,
        one_sided=float((stated & ~both).mean()),
        without=float((~stated).mean()),
    )


class Group(NamedTuple):
    """Share of dishes whose mean lies within its interval, and the median widths (factors)."""

    hill: float
    naive: float
    with_shared: float
    naive_width: float
    shared_width: float


def groups(seed: int, n_dishes: int) -> list[Group]:
    """Average ln Z over the cells of a dish, which share one K and n."""
    quantile = student.ppf(0.975, GROUP_CELLS - 1)
    result = []
    for number, hill in enumerate(HILLS):
        rng = np.random.default_rng([seed, 100 + number])
        saturation = np.full((GROUP_CELLS, 1), GROUP_SATURATION)
        off, independent, shared = np.empty((3, n_dishes))
        for dish in range(n_dishes):
            cells = Cells.draw(rng, GROUP_CELLS)
            k_nM, n = constants(rng, hill, 1)
            truth = k_nM * (GROUP_SATURATION / (1 - GROUP_SATURATION)) ** (1 / n)
            zinc = free_zinc(*_frame(rng, cells, saturation, calibrated(cells, hill, "per-cell")))
            ln = np.log(zinc.zinc_nM[:, 0])
            off[dish] = abs(ln.mean() - np.log(truth[0, 0]))
            independent[dish] = quantile * ln.std(ddof=1) / GROUP_CELLS**0.5
            shared[dish] = 1.96 * np.mean(zinc.shared_ln_sd)
        whole = np.hypot(independent, shared)
        result.append(
            Group(
                hill,
                float((off <= independent).mean()),
                float((off <= whole).mean()),
                float(np.exp(np.median(independent))),
                float(np.exp(np.median(whole))),
            )
        )
    return result


def _frame(
    rng: np.random.Generator, cells: Cells, saturation: np.ndarray, calibration: Calibration
) -> tuple[np.ndarray, Calibration, np.ndarray]:
    signal, sd = cells.measure(rng, saturation)
    return signal, calibration, sd


def table(rows: list[Row]) -> str:
    """Write one table for each Hill coefficient and scope."""
    parts = []
    head = (
        "| true saturation | coverage, analytic | coverage, Monte Carlo | width, analytic "
        "| width, Monte Carlo | one-sided, both | no interval, both |"
    )
    for hill in HILLS:
        for scope in SCOPES:
            lines = [f"**n = {hill:g}, {scope}**\n", head, "|---" * 7 + "|"]
            for level in SATURATIONS:
                first, second = (
                    next(
                        r
                        for r in rows
                        if (r.hill, r.scope, r.method, r.saturation) == (hill, scope, method, level)
                    )
                    for method in METHODS
                )
                lines.append(
                    f"| {level:g} | {first.coverage} | {second.coverage} | {_factor(first.width)} "
                    f"| {_factor(second.width)} | {first.one_sided:.1%}, {second.one_sided:.1%} "
                    f"| {first.without:.1%}, {second.without:.1%} |"
                )
            parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _factor(width: float) -> str:
    return "–" if np.isnan(width) else f"×{width:.3g}"


def group_table(found: list[Group], n_dishes: int) -> str:
    """Write the table of group means."""
    lines = [
        "| n | coverage, scatter alone | coverage, shared errors added | width, scatter alone "
        "| width, shared errors added |",
        "|---|---|---|---|---|",
    ]
    for g in found:
        naive, joined = (
            f"{p:.1%} ± {(p * (1 - p) / n_dishes) ** 0.5:.1%}" for p in (g.naive, g.with_shared)
        )
        lines.append(
            f"| {g.hill:g} | {naive} | {joined} | {_factor(g.naive_width)} "
            f"| {_factor(g.shared_width)} |"
        )
    return "\n".join(lines)


def draw(rows: list[Row]) -> bytes:
    """Draw coverage against saturation."""
    with style():
        figure = new_figure(3.0)
        axes = figure.subplots(1, len(HILLS), sharey=True)
        places = np.arange(len(SATURATIONS))
        for ax, hill in zip(axes, HILLS, strict=True):
            ax.axhspan(93, 97, color="#E4E4E4", lw=0, zorder=0)
            ax.axhline(95, color=GREY, lw=0.8)
            looks = [(s, m) for s in SCOPES for m in METHODS]
            for shift, (scope, method) in zip((-0.24, -0.08, 0.08, 0.24), looks, strict=True):
                part = [r for r in rows if (r.hill, r.scope, r.method) == (hill, scope, method)]
                ax.errorbar(
                    places + shift,
                    [100 * r.covered for r in part],
                    yerr=[196 * r.error for r in part],
                    fmt="o" if scope == "per-cell" else "s",
                    mfc=None if method == "analytic" else "white",
                    color=BLUE if scope == "per-cell" else VERMILLION,
                    ms=4,
                    lw=0.9,
                    label=f"{scope}, {method}",
                )
            ax.set_xticks(places, [f"{level:g}" for level in SATURATIONS])
            ax.set_xlabel("True saturation (fraction)")
            ax.set_title(f"n = {hill:g}")
            ax.set_ylim(90, 100)
        axes[0].set_ylabel("Intervals that hold the truth (%)")
        axes[1].legend(loc="lower center", ncols=2)
    return to_png(figure)


MARK = "<!-- intervals, made by tests/benchmarks/interval_coverage.py -->"
GROUP_MARK = "<!-- group means, made by tests/benchmarks/interval_coverage.py -->"


def main() -> None:
    """Count, print, and write the page and its figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=4000)
    parser.add_argument("--dishes", type=int, default=1000, help="dishes of the group means")
    parser.add_argument("--seed", type=int, default=1000, help="0 was looked at while writing this")
    parser.add_argument("--out", type=Path, help="page to write the tables into")
    options = parser.parse_args()
    start = time.perf_counter()
    rows = coverage(options.seed, options.cells)
    found = groups(options.seed, options.dishes)
    text, group_text = table(rows), group_table(found, options.dishes)
    print(text, group_text, sep="\n\n")
    note = f"{options.cells} cells per figure, seed {options.seed}"
    print(f"\n{note}; {time.perf_counter() - start:.0f} s, {platform.platform()}")
    if options.out is not None:
        insert(options.out, MARK, f"{text}\n\n{note}.")
        note = f"{options.dishes} dishes of {GROUP_CELLS} cells, seed {options.seed}"
        insert(options.out, GROUP_MARK, f"{group_text}\n\n{note}.")
        options.out.with_suffix(".png").write_bytes(draw(rows))


if __name__ == "__main__":
    main()
