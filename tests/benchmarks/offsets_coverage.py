"""How often the 95 % interval holds the true zinc where a background or a bleaching rate is wrong.

``python tests/benchmarks/offsets_coverage.py [--dishes 400] [--out docs/validation/coverage.md]``
draws dishes whose cells carry light that was not subtracted (autofluorescence of their own, or a
background that is wrong in the whole dish) or whose bleaching was taken from another dish, converts
their traces through `zincflux.pipeline.zinc.convert`, and counts, with and without telling it the
standard deviations. The traces are made by equations of this file's own. K, n and β are exact and
``signal_error`` is 0, so that nothing else can make up for an interval that is too narrow.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import t as student

from zincflux.errors import ZincfluxWarning
from zincflux.experiment import Experiment
from zincflux.indicators import Indicator, Record
from zincflux.pipeline.assay import Assay
from zincflux.pipeline.sources import Source
from zincflux.pipeline.traces import Traces
from zincflux.pipeline.zinc import Converted, convert

SATURATIONS = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9)
DISH_CELLS, GROUP_CELLS, GROUP_SATURATION = 20, 100, 2
SMALL_DISH_CELLS, MORE_DISHES = 4, 3
K_NM = 15.0

PIXELS, BACKGROUND_PIXELS = 300, 5000
GAIN_E, READ_NOISE_E, BACKGROUND = 0.5, 1.6, 100.0
LOAD_SPREAD, RANGE_SPREAD = 0.4, 0.15
INTENSITY = ((60.0, 600.0),)
RATIO = ((200.0, 420.0), (200.0, 120.0))
"""Counts of free and of bound indicator, per channel; of a ratio numerator and denominator."""

OFFSET_SD = 8.0
BLEACH_RATE_PER_S, BLEACH_RELATIVE_SD = 4e-4, 0.2
FRAMES, RAMP, INTERVAL_S = 20, 100, 10.0
"""Frames of minimum and maximum each, and of the steady rise between them."""


WRONG = ("autofluorescence of each cell", "background of the dish")


class Case(NamedTuple):
    """One way to calibrate, and what is wrong."""

    name: str
    ends: str
    channels: tuple[tuple[float, float], ...]
    wrong: str

    @property
    def is_ratio(self) -> bool:
        return len(self.channels) == 2

    @property
    def n_cells(self) -> int:
        """Cells of a dish: few where its cells share an error but nothing else."""
        shared = self.wrong != WRONG[0] and not self.ends.startswith("pooled")
        return SMALL_DISH_CELLS if shared else DISH_CELLS

    @property
    def beta(self) -> float:
        free, bound = self.channels[-1]
        return free / bound if self.is_ratio else 1.0


CASES = tuple(
    Case(f"{kind}, {ends}", ends, channels, wrong)
    for kind, channels, ways in (
        ("intensity", INTENSITY, ("own ends", "pooled range", "borrowed range")),
        ("ratio", RATIO, ("own ends", "pooled ends", "given ends")),
    )
    for ends in ways
    for wrong in WRONG
) + tuple(
    Case(f"{kind}, own ends", "own ends", channels, "bleaching of another dish")
    for kind, channels in (("intensity", INTENSITY), ("ratio", RATIO))
)


def times() -> np.ndarray:
    """Times of all frames, s."""
    return INTERVAL_S * np.arange(2 * FRAMES + RAMP)


def frames() -> np.ndarray:
    """Frames in which the saturation is one of those that are counted."""
    return FRAMES + np.round(RAMP * np.array(SATURATIONS)).astype(int)


def phases() -> list[dict[str, Any]]:
    """Minimum, response and maximum."""
    step = INTERVAL_S * FRAMES
    return [
        {"name": "TPEN", "role": "minimum", "start_s": 0.0},
        {"name": "zinc", "role": "response", "start_s": step},
        {"name": "saturation", "role": "maximum", "start_s": step + INTERVAL_S * RAMP},
    ]


def camera(rng: np.random.Generator, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Photograph cells: their mean counts above background, and the error that photons predict."""
    light = rng.poisson((counts + BACKGROUND) * GAIN_E * PIXELS) / PIXELS
    light += rng.normal(0, READ_NOISE_E / PIXELS**0.5, counts.shape)
    noise = ((BACKGROUND * GAIN_E + READ_NOISE_E**2) / BACKGROUND_PIXELS) ** 0.5
    dark = BACKGROUND * GAIN_E + rng.normal(0, noise, counts.shape)
    variance = (np.maximum(light, 0) + READ_NOISE_E**2) / PIXELS + noise**2
    return (light - dark) / GAIN_E, np.sqrt(variance) / GAIN_E


def assay(case: Case, folder: Path) -> Assay:
    """Say how the dish is calibrated."""
    ratio = case.is_ratio
    calibration: dict[str, Any] = {"k_nM": K_NM, "k_sd_nM": 0.0, "hill": 1.0}
    if ratio:
        calibration |= {"beta": case.beta, "k_includes_beta": False}
    if case.ends.startswith("pooled"):
        calibration["scope"] = "pooled"
    shown = phases()
    if case.ends == "given ends":
        low, high = (case.channels[0][k] / case.channels[1][k] for k in (0, 1))
        calibration |= {"source": "constants", "minimum": low, "maximum": high}
    elif case.ends == "borrowed range":
        calibration = {
            "source": "experiment",
            "file": str(folder / "sister.toml"),
            "between_dishes_sd": 0.0,
        }
        shown[0]["role"] = "ignore"
    experiment = Experiment.parse(
        {
            "movie": {"path": "simulated"},
            "phases": shown,
            "calibration": calibration,
            "uncertainty": {"signal_error": 0.0},
        },
        where="benchmark",
    )
    record = Record(name="-", k_nM=K_NM, k_includes_beta=False, source="-", confidence="unverified")
    kind: Any = "ratio" if ratio else "intensity"
    n = len(case.channels)
    return Assay(
        experiment=experiment,
        indicator=Indicator(name="simulated", kind=kind, default="-", records=(record,)),
        channels=("a", "b")[:n],
        signal=tuple(range(n)),
        is_ratio=ratio,
        time_s=times(),
    )


def _bound(signal: np.ndarray, case: Case) -> np.ndarray:
    """Fraction of the indicator that is bound where its ratio is so far from Rmin to Rmax."""
    return signal * case.beta / (1 - signal + signal * case.beta)


class Dish(NamedTuple):
    """Traces of a dish, and the zinc that was there in the frames of known saturation."""

    traces: Traces
    truth_nM: np.ndarray


def dish(rng: np.random.Generator, case: Case, n: int, *, wrong: bool = True) -> Dish:
    """Record a dish of n cells in which something is wrong."""
    time_s = times()
    # Smooth, since steps would pass for noise of the traces.
    signal = np.clip((np.arange(len(time_s)) - FRAMES) / RAMP, 0, 1)
    bound = signal if not case.is_ratio else _bound(signal, case)
    load = np.exp(rng.normal(0, LOAD_SPREAD, (n, 1)))
    stretch = np.exp(rng.normal(0, RANGE_SPREAD, (n, 1))) if not case.is_ratio else 1.0
    counts = [load * (free + bound * (full * stretch - free)) for free, full in case.channels]
    clean = np.stack(counts)
    corrected, sd = camera(rng, clean)
    shape = (len(clean), len(time_s))
    sources = []
    for channel in range(len(clean)):
        shift, log_scale = np.zeros(shape), np.zeros(shape)
        if case.wrong == "bleaching of another dish":
            log_scale[channel] = BLEACH_RELATIVE_SD * BLEACH_RATE_PER_S * time_s
            error = rng.normal() * log_scale[channel] * wrong
            corrected[channel] *= np.exp(error)
            sd[channel] *= np.exp(error)
        else:
            shift[channel] = OFFSET_SD
            size = (n, 1) if case.wrong == WRONG[0] else (1, 1)
            corrected[channel] += OFFSET_SD * rng.normal(size=size) * wrong
        shared = case.wrong != WRONG[0]
        sources.append(Source(case.wrong, shift, log_scale, is_shared=shared))
    x = bound[frames()]
    return Dish(_traces(corrected, sd, tuple(sources)), K_NM * x / (1 - x))


def _traces(corrected: np.ndarray, sd: np.ndarray, sources: tuple[Source, ...]) -> Traces:
    n, n_frames = corrected.shape[1:]
    plane = np.ones((n, n_frames))
    return Traces(
        cell_id=np.arange(1, n + 1),
        parent_id=np.zeros(n, dtype=np.int64),
        region=np.full(n, "cell", dtype=object),
        y_um=plane,
        x_um=plane,
        area_um2=plane,
        inside_fraction=plane,
        clipped_fraction=0 * plane,
        raw=corrected,
        background=0 * corrected,
        corrected=corrected,
        corrected_sd=sd,
        bleaching=None,
        sources=sources,
    )


def converted(assay: Assay, traces: Traces) -> Converted:
    """Convert a dish whose doubts are not the point."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZincfluxWarning)
        return convert(assay, traces, np.zeros(len(assay.time_s), dtype=bool))


def store_sister(rng: np.random.Generator, folder: Path) -> None:
    """Calibrate another dish of many cells, in which nothing is wrong, to borrow from."""
    case = CASES[0]
    made = converted(assay(case, folder), dish(rng, case, 400, wrong=False).traces)
    assert made.calibration is not None
    (folder / "sister.toml").write_text(made.calibration.to_toml(), encoding="utf-8")


@dataclass(frozen=True)
class Row:
    """Share of intervals that hold the truth at each saturation, with and without the errors."""

    case: Case
    told: np.ndarray
    error: np.ndarray
    untold: np.ndarray


def coverage(seed: int, n_dishes: int, cases: tuple[Case, ...] = CASES) -> list[Row]:
    """Count over dishes; the Monte Carlo error is that of the mean over dishes."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store_sister(np.random.default_rng([seed, 999]), folder)
        for number, case in enumerate(cases):
            rng = np.random.default_rng([seed, number])
            how = assay(case, folder)
            hits = {True: [], False: []}
            n = n_dishes * (MORE_DISHES if case.n_cells == SMALL_DISH_CELLS else 1)
            for _ in range(n):
                made = dish(rng, case, case.n_cells)
                for told in (True, False):
                    traces = made.traces if told else _silent(made.traces)
                    hits[told].append(_held(converted(how, traces), made.truth_nM))
            of_dishes = np.array(hits[True])
            error = of_dishes.std(axis=0, ddof=1) / n**0.5
            rows.append(Row(case, of_dishes.mean(axis=0), error, np.mean(hits[False], axis=0)))
    return rows


def _silent(traces: Traces) -> Traces:
    return _traces(traces.corrected, traces.corrected_sd, ())


def _held(made: Converted, truth_nM: np.ndarray) -> np.ndarray:
    """Share of a dish's intervals that hold the truth, by saturation."""
    low, high = made.zinc.low_nM[:, frames()], made.zinc.high_nM[:, frames()]
    stated = np.isfinite(low) | np.isfinite(high)
    inside = (np.nan_to_num(low, nan=0.0) <= truth_nM) & (
        truth_nM <= np.where(np.isfinite(high), high, np.inf)
    )
    return np.where(stated, inside, np.nan).mean(axis=0, where=stated)


class Group(NamedTuple):
    """Share of dishes whose mean of ln Z lies within its interval, and that interval's width."""

    name: str
    naive: float
    joined: float
    naive_width: float
    joined_width: float


GROUPS = tuple(case for case in CASES if case.ends == "given ends")


def groups(seed: int, n_dishes: int) -> list[Group]:
    """Average ln Z over the cells of a dish at one saturation."""
    quantile = student.ppf(0.975, GROUP_CELLS - 1)
    found = []
    for number, case in enumerate(GROUPS):
        rng = np.random.default_rng([seed, 500 + number])
        how = assay(case, Path())
        off, independent, shared = np.empty((3, n_dishes))
        for k in range(n_dishes):
            made = dish(rng, case, GROUP_CELLS)
            zinc = converted(how, made.traces).zinc
            frame = frames()[GROUP_SATURATION]
            ln = np.log(zinc.zinc_nM[:, frame])
            off[k] = abs(np.nanmean(ln) - np.log(made.truth_nM[GROUP_SATURATION]))
            independent[k] = quantile * np.nanstd(ln, ddof=1) / GROUP_CELLS**0.5
            shared[k] = 1.96 * np.nanmean(zinc.shared_ln_sd[:, frame])
        joined = np.hypot(independent, shared)
        found.append(
            Group(
                case.wrong,
                float(np.mean(off <= independent)),
                float(np.mean(off <= joined)),
                float(np.exp(np.median(independent))),
                float(np.exp(np.median(joined))),
            )
        )
    return found


def table(rows: list[Row]) -> str:
    """Write coverage by case and saturation, and in brackets what it is when nothing is told."""
    head = " | ".join(f"θ = {x:g}" for x in SATURATIONS)
    lines = [
        f"| ends of the signal | what is wrong | {head} |",
        "|---" * (2 + len(SATURATIONS)) + "|",
    ]
    for row in rows:
        cells = " | ".join(
            f"{100 * told:.1f} ± {100 * error:.1f} % ({100 * untold:.0f} %)"
            for told, error, untold in zip(row.told, row.error, row.untold, strict=True)
        )
        lines.append(f"| {row.case.name} | {row.case.wrong} | {cells} |")
    return "\n".join(lines)


def group_table(found: list[Group], n_dishes: int) -> str:
    """Write the table of means over a dish."""
    lines = [
        "| what is wrong | coverage, scatter alone | coverage, shared errors added "
        "| width, scatter alone | width, shared errors added |",
        "|---|---|---|---|---|",
    ]
    for g in found:
        naive, joined = (
            f"{p:.1%} ± {(p * (1 - p) / n_dishes) ** 0.5:.1%}" for p in (g.naive, g.joined)
        )
        lines.append(
            f"| {g.name} | {naive} | {joined} | ×{g.naive_width:.3g} | ×{g.joined_width:.3g} |"
        )
    return "\n".join(lines)


MARKS: Mapping[str, str] = {
    "cells": "<!-- offsets, made by tests/benchmarks/offsets_coverage.py -->",
    "groups": "<!-- offsets of means, made by tests/benchmarks/offsets_coverage.py -->",
}
END = "<!-- end -->"


def insert(page: Path, mark: str, text: str) -> None:
    """Replace what stands in the page between a mark and the end mark after it."""
    head, found, rest = page.read_text(encoding="utf-8").partition(mark)
    if not found:
        raise SystemExit(f"{page}: expected the line {mark!r}")
    _, end, tail = rest.partition(END)
    page.write_text(f"{head}{mark}\n\n{text}\n\n{end}{tail}", encoding="utf-8")


def main() -> None:
    """Count, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dishes", type=int, default=400, help=f"of {DISH_CELLS} cells")
    parser.add_argument("--seed", type=int, default=2000, help="0 was looked at while writing this")
    parser.add_argument("--out", type=Path, help="page to write the tables into")
    options = parser.parse_args()
    start = time.perf_counter()
    text = table(coverage(options.seed, options.dishes))
    small = MORE_DISHES * options.dishes
    note = (
        f"{options.dishes} dishes of {DISH_CELLS} cells per figure; where cells share an error but "
        f"no ends, {small} dishes of {SMALL_DISH_CELLS}; seed {options.seed}."
    )
    means = group_table(groups(options.seed, options.dishes), options.dishes)
    group_note = f"{options.dishes} dishes of {GROUP_CELLS} cells, seed {options.seed}."
    print(text, note, means, group_note, sep="\n\n")
    print(f"\n{time.perf_counter() - start:.0f} s, {platform.platform()}")
    if options.out is not None:
        insert(options.out, MARKS["cells"], f"{text}\n\n{note}")
        insert(options.out, MARKS["groups"], f"{means}\n\n{group_note}")


if __name__ == "__main__":
    main()
