"""A film of free zinc: the movie with every cell in the colour of its zinc."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.errors import ExperimentError, MetadataWarning, ResultsError, ZincfluxError
from zincflux.export.gif import MOST_FPS as MOST_FPS_OF_GIF
from zincflux.export.gif import GifFilm
from zincflux.export.kinds import Options, Steps
from zincflux.export.mp4 import MOST_FPS, Mp4Film, need_av
from zincflux.export.outlines import frame_labels, pixel_size_of
from zincflux.movie import Image
from zincflux.phases import Phase, frames_of
from zincflux.pipeline import Progress
from zincflux.pipeline.plan import Plan, make_plan
from zincflux.pipeline.replan import check_movie
from zincflux.plot.film import FilmPainter
from zincflux.plot.film_colours import ABOVE, BELOW, OUTLINED, UNCHANGED, codes, palette
from zincflux.plot.film_layout import FilmFacts
from zincflux.plot.film_scale import ColourScale, colour_scale
from zincflux.plot.style import time_unit, zinc_unit
from zincflux.plot.traces import ranked, shown_values
from zincflux.report.summary import of_region, regions
from zincflux.results import Results

ENDINGS = (".mp4", ".gif")

NO_MOVIE = "The movie could not be read: cells without their picture."

_FPS = (4.0, 20.0)
_LASTS_S = 15.0
"""How long a film lasts where that needs no unusual speed."""

_LONGEST_PX = (480, 1000)
"""Without a choice the longer side of the picture lies between these."""

_FILM_PX = (48, 8192)
_SAMPLED_FRAMES = 16

_MOST_PLACES = 3
"""Digits behind the point of a time."""

_GAMMA = 0.75
"""A square root, as in other pictures, would show more noise, which makes large files."""


def to_film(results: Results, path: Path, options: Options) -> Steps:
    """Write a film as MP4 or GIF, by the ending of its name."""
    is_gif = path.suffix.lower() == ".gif"
    labels = frame_labels(results)
    n_frames = len(results.frames)
    fps = _fps(options.fps, n_frames, is_gif=is_gif)
    quantity = _Quantity.of(results)
    shape = labels[0].shape
    ground = _Ground.of(results, shape)
    painter = FilmPainter(_facts(results, quantity, ground, shape, options.scale))
    film: GifFilm | Mp4Film
    if is_gif:
        film = GifFilm(path, painter.shape, palette(), fps, UNCHANGED)
    else:
        film = Mp4Film(path, painter.shape, palette(), fps)
    with film:
        for t in range(n_frames):
            yield Progress("film", t, n_frames)
            cells = labels[t]
            film.add(painter.paint(ground.frame(t), cells, quantity.colours(t, cells), t))


def need_for(path: Path) -> None:
    """Make sure that a film of this name can be written."""
    if path.suffix.lower() != ".gif":
        need_av()


def _fps(wanted: float | None, n_frames: int, *, is_gif: bool) -> float:
    if wanted is None:
        return float(np.clip(round(n_frames / _LASTS_S), *_FPS))
    most = MOST_FPS_OF_GIF if is_gif else MOST_FPS
    if not 0.1 <= wanted <= most:
        raise ExperimentError(
            f"--fps: expected 0.1 to {most:g} frames per second for a film as "
            f"{'GIF' if is_gif else 'MP4'}, found {wanted:g}. Choose one of these."
        )
    return wanted


@dataclass(frozen=True, eq=False)
class _Quantity:
    """What cells are coloured by.

    Attributes
    ----------
    codes
        Places in the palette, shape (T, cells).
    cell_ids
        Number of each cell.
    scale
        The colours.
    left_out
        Whether there are cells that are excluded.
    """

    codes: NDArray[np.uint8]
    cell_ids: NDArray[np.int64]
    scale: ColourScale
    left_out: bool

    @classmethod
    def of(cls, results: Results) -> _Quantity:
        names = regions(results.traces)
        region = "cell" if "cell" in names else names[0]
        rows = of_region(results.traces, region)
        out = results.cells.loc[results.cells["excluded"].astype(bool), "cell_id"]
        used = rows[~rows["cell_id"].isin(out)]
        is_zinc = bool(used["zinc_nM"].notna().any())
        column = "zinc_nM" if is_zinc else "f_f0"
        if not used[column].notna().any():
            raise ResultsError(
                f"{results.folder}: expected cells that have free zinc or F/F0 and are not "
                "excluded, found none: there is nothing to colour. The report says why."
            )
        numbers = shown_values(used, results.experiment.phases, column)
        factor, unit = zinc_unit(numbers) if is_zinc else (1.0, "")
        title = ("Free zinc", f"({unit})") if is_zinc else ("F/F0",)
        scale = colour_scale(numbers * factor, is_log=is_zinc, title=title)
        wide = _wide(used, column, factor, len(results.frames))
        return cls(
            codes(scale, wide.to_numpy()), wide.columns.to_numpy(np.int64), scale, len(out) > 0
        )

    def colours(self, t: int, labels: Image) -> NDArray[np.uint8]:
        """Give the place in the palette by label, for one frame."""
        most = max(int(labels.max(initial=0)), int(self.cell_ids.max(initial=0)))
        result = np.full(most + 1, OUTLINED, dtype=np.uint8)
        result[self.cell_ids] = self.codes[t]
        return result

    @property
    def legend(self) -> dict[int, str]:
        """Give the names of what is not a colour of the bar, as far as it occurs."""
        no_number = "no number, or excluded" if self.left_out else "no number"
        names = {ABOVE: "above range", BELOW: "below range", OUTLINED: no_number}
        there = set(np.unique(self.codes).tolist()) | ({OUTLINED} if self.left_out else set())
        return {code: name for code, name in names.items() if code in there}


def _wide(rows: pd.DataFrame, column: str, factor: float, n_frames: int) -> pd.DataFrame:
    """Give the numbers (T, cells): ±inf beyond the range, NaN without a number."""
    shown = rows.assign(shown=ranked(rows, column) * factor)
    table = shown.pivot(index="frame", columns="cell_id", values="shown")
    return table.reindex(range(n_frames))


@dataclass(frozen=True, eq=False)
class _Ground:
    """The movie behind the cells, or nothing where it is gone.

    Attributes
    ----------
    plan
        What the run has measured; None without a movie.
    ends
        Counts that are drawn black and white.
    """

    plan: Plan | None = None
    ends: tuple[float, float] = (0.0, 1.0)

    @classmethod
    def of(cls, results: Results, frame_shape: tuple[int, ...]) -> _Ground:
        try:
            with warnings.catch_warnings():
                # What is doubtful about it was told by the run.
                warnings.simplefilter("ignore")
                plan = make_plan(results.experiment, results.experiment.open_movie())
                check_movie(plan.movie, (len(results.frames), *frame_shape), results.folder)
                return cls(plan, _ends(plan))
        except (ZincfluxError, OSError) as error:
            warnings.warn(
                f"The film shows the cells without the movie. {error}",
                MetadataWarning,
                stacklevel=2,
            )
            return cls()

    def frame(self, t: int) -> Image | None:
        """Give the brightness of a frame (Y, X), 0 to 1; dim cells are brightened a little."""
        if self.plan is None:
            return None
        low, high = self.ends
        share = (_measured(self.plan, t) - low) / (high - low)
        return np.asarray(np.clip(np.nan_to_num(share), 0, 1) ** _GAMMA)


def _measured(plan: Plan, t: int) -> Image:
    """Give the channel that zinc is read from, or the mean of the two."""
    return np.asarray(plan.read(t)[list(plan.signal)].mean(axis=0, dtype=np.float32))


def _ends(plan: Plan) -> tuple[float, float]:
    """Find black and white for the whole film from a few frames."""
    n_frames = plan.movie.n_frames
    chosen = np.unique(np.linspace(0, n_frames - 1, min(n_frames, _SAMPLED_FRAMES)).astype(int))
    found: list[float] = []
    for t in chosen.tolist():
        image = _measured(plan, t)
        known = image[np.isfinite(image)]
        found += np.quantile(known, [0.01, 0.998]).tolist() if known.size else []
    low, high = min(found, default=0.0), max(found, default=1.0)
    return (low, high) if high > low else (low - 1.0, low + 1.0)


def _facts(
    results: Results,
    quantity: _Quantity,
    ground: _Ground,
    frame_shape: tuple[int, int],
    zoom: float | None,
) -> FilmFacts:
    time_s = results.frames["time_s"].to_numpy(np.float64)
    phases = results.experiment.phases
    return FilmFacts(
        frame_shape=frame_shape,
        pixel_size_um=pixel_size_of(results),
        scale=quantity.scale,
        legend=quantity.legend,
        times=times_in_words(time_s),
        phases=_phases(phases, time_s),
        zoom=_zoom(zoom, frame_shape),
        note=NO_MOVIE if ground.plan is None else "",
    )


def _zoom(wanted: float | None, frame_shape: Sequence[int]) -> float:
    longest = max(frame_shape)
    least, most = _LONGEST_PX
    if wanted is None:
        return float(-(-least // longest)) if longest < least else min(1.0, most / longest)
    if not _FILM_PX[0] <= wanted * longest <= _FILM_PX[1]:
        raise ExperimentError(
            f"--scale: expected {_FILM_PX[0] / longest:.3g} to {_FILM_PX[1] / longest:.3g} pixels "
            f"of the film per pixel of this movie, found {wanted:g}. Choose one of these."
        )
    return wanted


def times_in_words(time_s: NDArray[np.float64]) -> list[str]:
    """Write times with one unit, in as few digits as are right to a twentieth of the least step.

    Examples
    --------
    >>> times_in_words(np.array([0.0, 2.5, 5.0]))
    ['0.0 s', '2.5 s', '5.0 s']
    """
    factor, unit = time_unit(float(np.ptp(time_s)) if len(time_s) else 0.0)
    times = time_s * factor
    steps = np.diff(times)
    wrong = 0.05 * float(steps.min()) if len(steps) else np.inf
    right = (n for n in range(_MOST_PLACES) if np.abs(times - times.round(n)).max() <= wrong)
    places = next(right, _MOST_PLACES)
    return [f"{value:.{places}f} {unit}" for value in times]


def _phases(phases: Sequence[Phase], time_s: NDArray[np.float64]) -> list[tuple[str, str]]:
    """Give name and role of the phase of each frame."""
    result = [("", "")] * len(time_s)
    for phase in phases:
        for t in np.flatnonzero(frames_of(phase, time_s)).tolist():
            result[t] = (phase.name, phase.role)
    return result
