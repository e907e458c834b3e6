"""What comes of the work on a movie, and what it was made with; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from napari_zincflux.choices import STEPS, Choices
from zincflux import Analysis, Results
from zincflux.movie import Image, Labels

State = Literal["missing", "wrong", "stale", "fresh"]

_NEEDED = {
    "cells": ("movie", "phases", "cells"),
    "calibration": STEPS,
    "results": STEPS,
}
"""The steps whose choices the outcome of a step depends on."""

_WITHOUT_EFFECT = {"name", "edits"}
"""Settings that change no number; the corrections themselves are compared by another way."""


@dataclass(frozen=True, eq=False)
class Found:
    """The cells of one view: the view and its label image (Y, X), and what they were made with."""

    made_with: dict[str, Any]
    view: Image
    labels: Labels

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(np.count_nonzero(np.unique(self.labels)))


@dataclass(frozen=True, eq=False)
class Measured:
    """An analysis, what it was made with, and what the user should know of it."""

    made_with: dict[str, Any]
    analysis: Analysis
    note: str = ""


def fits(made_with: dict[str, Any], choices: Choices, step: str) -> bool:
    """Tell whether the outcome of a step was made with choices as they are."""
    wanted = choices.part(*_NEEDED[step])
    names = set(Choices(made_with).part(*_NEEDED[step])) | set(wanted)
    return all(made_with.get(name) == wanted.get(name) for name in names - _WITHOUT_EFFECT)


def difference(results: Results, analysis: Analysis) -> str:
    """Say how an analysis that was made anew differs from stored results; empty if it does not.

    Parameters
    ----------
    results
        What was stored.
    analysis
        Made of the same movie with the same settings and corrections.
    """
    keys = [name for name in ("cell_id", "region", "frame") if name in results.traces]
    if set(keys) - set(analysis.traces):
        n_cells = analysis.cells["cell_id"].nunique()
    else:
        columns = [*keys, "signal"]
        rows = results.traces[columns].merge(
            analysis.traces[columns], on=keys, how="outer", suffixes=("", "_new"), indicator=True
        )
        same = np.isclose(rows["signal"], rows["signal_new"], rtol=1e-6, equal_nan=True)
        changed = rows[~(same & (rows["_merge"] == "both"))]
        n_cells = int(pd.Series(changed["cell_id"]).nunique())
    if not n_cells:
        return ""
    version = results.run.get("versions", {}).get("zincflux", "unknown")
    who = "1 cell differs" if n_cells == 1 else f"{n_cells} cells differ"
    return (
        f"{who} from the stored results, "
        f"which zincflux {version} made; the movie or another file may have changed since. The "
        "new numbers are shown; the stored ones stay in their folder."
    )
