"""How often the 95 % interval holds the true zinc, over cells in rendered movies.

``python tests/benchmarks/rendered_coverage.py [--movies 41] [--out
docs/validation/rendered-coverage.md]`` renders movies, analyses each through the function that the
command line calls, and counts cells. With ``--out`` it writes the tables into the page and the
figure beside it. The estimator never sees the truth, and the simulator shares no code with it.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from accuracy import analyse, join, pair
from films import (
    CHAIN_FILMS,
    DEFAULT,
    EXACT,
    FILMS,
    PAIRS,
    SCOPE_FILMS,
    SCOPES,
    SENSOR_FILMS,
    SENSORS,
    Film,
)
from scores import Score, insert, score

import zincflux
from zincflux.plot.style import BLUE, GREEN, GREY, VERMILLION, log_ticks, new_figure, style, to_png
from zincflux.synthetic import SyntheticMovie

FIRST_SEED = 100_000
NEXT_FILM = 1000
SETTLING_FRAMES = 2


def rows_of(film: Film, seed: int) -> pd.DataFrame:
    """Render one movie, analyse it in each way, and list its cells beside the truth."""
    made = zincflux.simulate(film.settings(seed))
    frames = np.stack([made.movie.data[t] for t in range(made.movie.n_frames)])
    made = replace(made, movie=replace(made.movie, data=frames))
    constants = film.constants(seed)
    tables = []
    for case in film.looks:
        calibration = {**case.changes["calibration"], **constants}
        case = replace(case, changes={**case.changes, "calibration": calibration})
        tables.append(_cells(film, made, analyse(case, made)).assign(look=case.name))
    return pd.concat(tables, ignore_index=True).assign(film=film.name, movie=seed)


def _cells(film: Film, made: SyntheticMovie, analysis: zincflux.Analysis) -> pd.DataFrame:
    """Last frame of both levels, and the mean of ln(zinc/true zinc) over the frames of each."""
    rows = join(analysis.traces, made.truth, pair(analysis, made))
    time_s = made.movie.require_time()
    tables = []
    for level, phase in zip(film.levels, made.phases, strict=False):
        inside = np.flatnonzero((time_s >= phase.start_s) & (time_s < phase.end_s))
        part = rows[rows["frame"].isin(inside[SETTLING_FRAMES:])]
        ln = np.log(part["zinc_nM"] / part["zinc_nM_true"]).groupby(part["true_id"]).mean()
        last = part[part["frame"] == inside[-1]]
        tables.append(last.assign(level=level, mean_ln_error=last["true_id"].map(ln)))
    names = ["zinc_nM", "zinc_low_nM", "zinc_high_nM", "zinc_nM_true", "mean_ln_error", "level"]
    return pd.concat(tables)[names]


def _work(job: tuple[Film, int]) -> pd.DataFrame:
    return rows_of(*job)


def measure(films: Sequence[Film], movies: int, first_seed: int) -> pd.DataFrame:
    """Render and analyse all movies, several at a time."""
    jobs = [
        (film, first_seed + NEXT_FILM * FILMS.index(film) + number)
        for film in films
        for number in range(round(movies * film.movies))
    ]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return pd.concat(pool.map(_work, jobs, chunksize=4), ignore_index=True)


def scored(
    cells: pd.DataFrame, films: Sequence[Film], *, means: bool = False
) -> Iterator[tuple[Film, float, str, Score]]:
    """Score each film, level and look; with ``means``, the mean of each cell over its frames."""
    for film in films:
        for level in film.levels:
            for case in film.looks:
                chosen = (cells["film"] == film.name) & (cells["look"] == case.name)
                part = cells[chosen & (cells["level"] == level)]
                if len(part) and means:
                    mean = part["zinc_nM_true"] * np.exp(part["mean_ln_error"])
                    part = part.assign(zinc_nM=mean)
                if len(part):
                    yield film, level, case.name, score(part)


def sensor_table(cells: pd.DataFrame) -> str:
    """Write coverage and width of each sensor and saturation, in order of the saturation."""
    found = {(film.name, at, name): s for film, at, name, s in scored(cells, SENSOR_FILMS)}
    lines = [
        f"| sensor | true saturation | cells | coverage, {EXACT} | width | one-sided "
        f"| coverage, {DEFAULT} | width | one-sided |",
        "|---" * 9 + "|",
    ]
    for sensor, *_ in SENSORS:
        for level in sorted(at for pair_ in PAIRS for at in pair_):
            exact, default = (found[sensor, level, name] for name in (EXACT, DEFAULT))
            lines.append(
                f"| {sensor} | {level:g} | {exact.cells} | {_covered(exact)} "
                f"| {_factor(exact.width)} | {exact.one_sided:.1%} | {_covered(default)} "
                f"| {_factor(default.width)} | {default.one_sided:.1%} |"
            )
    return "\n".join(lines)


def chain_table(cells: pd.DataFrame) -> str:
    """Write what the steps of the chain do to the interval."""
    lines = [
        "| movies | analysis | true saturation | cells | coverage | width | one-sided "
        "| bias of ln Z | spread of ln Z |",
        "|---" * 9 + "|",
    ]
    for film, level, name, s in scored(cells, CHAIN_FILMS):
        lines.append(
            f"| {film.name} | {name} | {level:g} | {s.cells} | {_covered(s)} | {_factor(s.width)} "
            f"| {s.one_sided:.1%} | {s.bias:+.3f} | {s.spread:.3f} |"
        )
    return "\n".join(lines)


def scope_table(cells: pd.DataFrame) -> str:
    """Compare the scopes of the calibration."""
    lines = [
        "| movies | true saturation | scope | cells | with a number | coverage | width "
        "| bias of ln Z | spread of ln Z | RMS error of ln Z | RMS error, mean of the phase |",
        "|---" * 11 + "|",
    ]
    means = [s for *_, s in scored(cells, SCOPE_FILMS, means=True)]
    for (film, level, name, s), mean in zip(scored(cells, SCOPE_FILMS), means, strict=True):
        lines.append(
            f"| {film.name} | {level:g} | {name} | {s.cells} | {s.number:.1%} | {_covered(s)} "
            f"| {_factor(s.width)} | {s.bias:+.3f} | {s.spread:.3f} "
            f"| {s.rms:.3f} ± {s.rms_error:.3f} | {mean.rms:.3f} ± {mean.rms_error:.3f} |"
        )
    return "\n".join(lines)


def _covered(s: Score) -> str:
    return f"{s.covered:.1%} ± {s.error:.1%}"


def _factor(width: float) -> str:
    return "–" if np.isnan(width) else f"×{width:.3g}"


def draw(cells: pd.DataFrame) -> bytes:
    """Draw coverage against saturation, and the error of ln Z of each scope."""
    with style():
        figure = new_figure(7.6)
        axes = figure.subplot_mosaic(_MOSAIC, height_ratios=(1.1, 1, 1))
        for name, (sensor, *_) in zip("abc", SENSORS, strict=True):
            _draw_sensor(axes[name], cells, sensor)
            axes[name].tick_params(labelleft=name == "a")
        axes["a"].set_ylabel("Intervals that hold\nthe truth (%)")
        handles, labels = axes["a"].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=2)
        for name, means, title in (
            ("d", False, "Scope of the calibration, at two true saturations: one frame"),
            ("e", True, "The same: mean of ln Z over the frames of a phase"),
        ):
            _draw_scopes(axes[name], cells, means=means)
            axes[name].set_title(title)
            axes[name].set_ylabel("RMS error of ln Z")
        axes["d"].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return to_png(figure)


_MOSAIC = [["a", "b", "c"], ["d"] * 3, ["e"] * 3]


def _draw_sensor(ax: Any, cells: pd.DataFrame, sensor: str) -> None:
    ax.axhspan(93, 97, color="#E4E4E4", lw=0, zorder=0)
    ax.axhline(95, color=GREY, lw=0.8)
    levels = sorted(at for pair_ in PAIRS for at in pair_)
    looks = ((EXACT, -0.12, "o", BLUE, BLUE), (DEFAULT, 0.12, "s", VERMILLION, "white"))
    films = [film for film in SENSOR_FILMS if film.name == sensor]
    for name, shift, marker, colour, face in looks:
        found = {at: s for _, at, look_, s in scored(cells, films) if look_ == name}
        ax.errorbar(
            np.arange(len(levels)) + shift,
            [100 * found[at].covered for at in levels],
            yerr=[196 * found[at].error for at in levels],
            fmt=marker,
            color=colour,
            mfc=face,
            ms=4,
            lw=0.9,
            label=name,
        )
    ax.set_xticks(np.arange(len(levels)), [f"{100 * at:g}" for at in levels])
    ax.set_xlabel("True saturation (%)")
    ax.set_title(sensor)
    ax.set_ylim(90, 100.6)


def _draw_scopes(ax: Any, cells: pd.DataFrame, *, means: bool) -> None:
    found = {(f.name, at, name): s for f, at, name, s in scored(cells, SCOPE_FILMS, means=means)}
    places = [(film.name, at) for film in SCOPE_FILMS for at in film.levels]
    looks = zip(SCOPES, (-0.2, 0.0, 0.2), "oDs", (BLUE, GREEN, VERMILLION), strict=True)
    for scope, shift, marker, colour in looks:
        part = [found[film, at, scope] for film, at in places]
        ax.errorbar(
            np.arange(len(places)) + shift,
            [s.rms for s in part],
            yerr=[1.96 * s.rms_error for s in part],
            fmt=marker,
            color=colour,
            ms=4,
            lw=0.9,
            label=scope,
        )
    ax.set_yscale("log")
    log_ticks(ax.yaxis, decades=2.0)
    ax.set_xticks(np.arange(len(places)), [f"{at:.0%}" for _, at in places])
    for number, film in enumerate(SCOPE_FILMS):
        # Below the saturations, between the two of a kind of movie.
        name = film.name.replace(", ", "\n")
        ax.text(
            2 * number + 0.5, -0.14, name, ha="center", va="top", transform=ax.get_xaxis_transform()
        )
        if number:
            ax.axvline(2 * number - 0.5, color=GREY, lw=0.5)
    ax.set_xlim(-0.5, len(places) - 0.5)


MARKS = {
    f"<!-- {name}, made by tests/benchmarks/rendered_coverage.py -->": write
    for name, write in (
        ("sensors", sensor_table),
        ("chain", chain_table),
        ("scopes", scope_table),
    )
}


def main() -> None:
    """Count, print, and write the page and its figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--movies", type=int, default=41, help="movies of 50 cells per figure")
    parser.add_argument("--seed", type=int, default=FIRST_SEED, help="of the first movie")
    parser.add_argument("--out", type=Path, help="page to write the tables into")
    options = parser.parse_args()
    start = time.perf_counter()
    cells = measure(FILMS, options.movies, options.seed)
    took = f"{time.perf_counter() - start:.0f} s, {platform.platform()}"
    note = f"{options.movies} movies of 50 cells for most figures, seeds from {options.seed} on."
    for mark, write in MARKS.items():
        text = write(cells)
        print(text, end="\n\n")
        if options.out is not None:
            insert(options.out, mark, f"{text}\n\n{note}")
    print(took)
    if options.out is not None:
        options.out.with_suffix(".png").write_bytes(draw(cells))


if __name__ == "__main__":
    main()
