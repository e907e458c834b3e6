"""Autofluorescence: light of cells without indicator, from a run of such cells or as a number."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from zincflux.correct.background import Background
from zincflux.correct.per_channel import per_channel
from zincflux.correct.stored_run import no_results, read_settings, read_table
from zincflux.errors import CorrectionWarning, ExperimentError
from zincflux.movie import FloatArray

FEWEST_CELLS = 3
"""Fewest unlabelled cells that say how much cells differ."""

TABLES = ("traces.parquet", "cells.parquet")
"""Files of the run of unlabelled cells whose content is borrowed; its settings are checked."""

_UNFIT = ("defocused", "saturated_pixels", "off_edge", "lost")
_KEY = "background.unlabelled"


@dataclass(frozen=True, eq=False)
class Autofluorescence:
    """Light of cells without indicator above background, per channel, shape (C,), counts.

    Attributes
    ----------
    level
        Mean over cells.
    sd
        Standard deviation from cell to cell: what is not known of any one cell.
    se
        Standard error of the mean: the error that all cells share.
    n_cells
        Cells it was measured on; 0 for given numbers.
    """

    level: FloatArray
    sd: FloatArray
    se: FloatArray
    n_cells: int = 0


def find_autofluorescence(settings: Background, channels: Sequence[str]) -> Autofluorescence:
    """Find the autofluorescence as the settings say.

    Parameters
    ----------
    settings
        Give it as numbers, or name the run of unlabelled cells.
    channels
        Names of the channels.

    Raises
    ------
    ExperimentError
        If the run cannot be read or used, or a channel's name is unknown.

    Warns
    -----
    CorrectionWarning
        If the background of the unlabelled cells was found by another method.
    """
    if settings.unlabelled is not None:
        return measure_unlabelled(settings.unlabelled, channels, method=settings.method)
    return Autofluorescence(
        per_channel(settings.autofluorescence, channels, key="background.autofluorescence"),
        per_channel(settings.autofluorescence_sd, channels, key="background.autofluorescence_sd"),
        np.zeros(len(channels)),
    )


def measure_unlabelled(
    folder: str, channels: Sequence[str], *, method: str = "percentile"
) -> Autofluorescence:
    """Measure autofluorescence in the results of a run of unlabelled cells.

    Each cell counts with the mean of its frames. The noise of these means, from the scatter of
    frames, is taken out of the spread between cells. Cells that the run excluded are left out. Of
    several regions the whole cell counts, or else the first of ``segment.regions``.

    It is subtracted before bleed-through and bleaching are undone, so those of the unlabelled run
    must not be undone yet.

    Parameters
    ----------
    folder
        Results folder.
    channels
        Names of the channels.
    method
        ``background.method`` of the experiment that it is subtracted in.

    Raises
    ------
    ExperimentError
        If the folder holds no results, lacks a channel or has fewer than three cells, or if the
        run has an indicator or has corrected more than background.

    Warns
    -----
    CorrectionWarning
        If the background of the unlabelled cells was found by another method.
    """
    settings = _Settings(folder)
    settings.check(method)
    cells = read_table(folder, "cells", key=_KEY, columns=("cell_id", "excluded"))
    traces = read_table(folder, "traces", key=_KEY, columns=("cell_id", "flag"))
    columns = [f"{name}_corrected" for name in channels]
    missing = [name for name, c in zip(channels, columns, strict=True) if c not in traces]
    if missing:
        names = [str(column) for column in traces]
        found = [name.removesuffix("_corrected") for name in names if name.endswith("_corrected")]
        raise ExperimentError(
            f"{_KEY}: expected the movie's channels ({', '.join(map(repr, channels))}), found "
            f"{', '.join(map(repr, found))} in {folder}. Run the unlabelled cells with the same "
            "channels; further ones are named in channels.extra."
        )
    if "region" in traces and "region" in cells:
        region = settings.region(set(traces["region"]))
        traces, cells = (table[table["region"] == region] for table in (traces, cells))
    of_cells = _means(traces, cells, columns)
    if len(of_cells) < FEWEST_CELLS:
        raise ExperimentError(
            f"{_KEY}: expected at least {FEWEST_CELLS} cells that are not excluded, found "
            f"{len(of_cells)} in {folder}. Record more unlabelled cells and run them without an "
            "indicator, or give background.autofluorescence and background.autofluorescence_sd."
        )
    mean, noise = (of_cells[part].to_numpy(np.float64) for part in ("mean", "sem"))
    total = mean.var(axis=0, ddof=1)
    between = np.maximum(total - np.nan_to_num(noise**2).mean(axis=0), 0.0)
    return Autofluorescence(
        mean.mean(axis=0), np.sqrt(between), np.sqrt(total / len(mean)), len(mean)
    )


class _Settings:
    """What the run of unlabelled cells was made with."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._all = read_settings(folder, key=_KEY)

    def _group(self, name: str) -> dict[str, Any]:
        group = self._all.get(name, {})
        if not isinstance(group, dict):
            raise no_results(self._folder, _KEY, f"an experiment.toml whose {name} is no group")
        return group

    def check(self, method: str) -> None:
        """Refuse a run of labelled cells, or one that has corrected more than background."""
        self._refuse_labelled()
        self._refuse_subtracted()
        self._refuse_corrected()
        own = self._group("background").get("method", "percentile")
        if own != method:
            warnings.warn(
                f"{_KEY}: the unlabelled cells in {self._folder} were measured with "
                f'background.method = "{own}", these with "{method}": what the two differ by is '
                "taken for autofluorescence. Run the unlabelled cells with the same method.",
                CorrectionWarning,
                stacklevel=5,
            )

    def _refuse_labelled(self) -> None:
        indicator = self._all.get("indicator", "none")
        if indicator != "none":
            raise ExperimentError(
                f"{_KEY}: expected a run of cells without indicator, found indicator = "
                f'"{indicator}" in {self._folder}. Name a run of unlabelled cells; if it is one, '
                'run it again with indicator = "none".'
            )

    def _refuse_subtracted(self) -> None:
        background = self._group("background")
        own = background.get("autofluorescence", 0.0)
        numbers = own.values() if isinstance(own, dict) else (own,)
        if "unlabelled" in background or any(number != 0 for number in numbers):
            raise ExperimentError(
                f"{_KEY}: expected a run without background.autofluorescence, found one that "
                f"subtracts it from the unlabelled cells themselves: {Path(self._folder)}. Run "
                "them again without it."
            )

    def _refuse_corrected(self) -> None:
        """Autofluorescence is subtracted before these two, so they would be undone twice."""
        mixed = self._group("bleed_through")
        for key in ("donor", "acceptor"):
            if mixed.get(key, 0.0) != 0:
                raise ExperimentError(
                    f"{_KEY}: expected a run without bleed_through, found bleed_through.{key} = "
                    f"{mixed[key]} in {self._folder}: it would be undone twice. Run the unlabelled "
                    "cells without bleed_through."
                )
        method = self._group("bleaching").get("method", "none")
        if method != "none":
            raise ExperimentError(
                f'{_KEY}: expected a run with bleaching.method = "none", found "{method}" in '
                f"{self._folder}: bleaching would be undone twice. Run the unlabelled cells "
                "without bleaching."
            )

    def region(self, measured: set[str]) -> str:
        """Give the region that counts: the whole cell, or else the first that was asked for."""
        regions = self._group("segment").get("regions")
        if "cell" in measured or not isinstance(regions, list) or not regions:
            return "cell"
        return str(regions[0])


def _means(traces: pd.DataFrame, cells: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Give mean and standard error over frames of each cell, columns by part and channel."""
    out = cells.loc[cells["excluded"].astype(bool), "cell_id"]
    fit = ~traces["cell_id"].isin(out) & ~traces["flag"].astype(str).isin(_UNFIT)
    used = traces.loc[fit].dropna(subset=columns).groupby("cell_id")[columns]
    return pd.concat({"mean": used.mean(), "sem": used.sem()}, axis=1)
