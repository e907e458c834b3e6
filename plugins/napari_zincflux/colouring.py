"""One value per cell and frame, painted into the outlines; no Qt, no napari."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_zincflux.trace_data import ABOVE, BELOW, TraceData, limits_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from zincflux.phases import Phase

    FloatArray = NDArray[np.float64]
    Labels = NDArray[np.int32]

BEYOND = 1e6
"""Stands for a value above the calibrated range, and its negative for one below."""


class Choice(NamedTuple):
    """What cells can be coloured by.

    Attributes
    ----------
    key
        Name in programs.
    label
        Name for people, with the unit.
    over_time
        Whether it changes from frame to frame.
    log
        Whether the logarithm to base 10 is painted.
    names
        What the numbers 0, 1, 2 … stand for; empty for measured numbers.
    """

    key: str
    label: str
    over_time: bool = False
    log: bool = False
    names: tuple[str, ...] = ()


_RESPONSES = (
    Choice("peak_zinc_nM", "peak free Zn²⁺ (log₁₀ nM)", log=True),
    Choice("rate_nM_per_s", "rate of free Zn²⁺ (nM/s)"),
    Choice("half_time_s", "half time (s)"),
    Choice("peak_f_f0", "peak F/F₀"),
    Choice("responder", "responder", names=("no", "yes")),
)
_CELLS = (
    Choice("baseline_zinc_nM", "free Zn²⁺ at rest (log₁₀ nM)", log=True),
    Choice("area_um2", "area (µm²)"),
    Choice("excluded", "excluded", names=("no", "yes")),
)


class Colouring:
    """Values that cells are coloured by.

    Parameters
    ----------
    data
        The traces.
    cells, responses
        Tables as described in `zincflux.columns`; of several response phases the first counts.
    phases
        What was done to the cells: the colours of zinc do not stretch to minimum and maximum.
    """

    def __init__(
        self,
        data: TraceData,
        cells: pd.DataFrame,
        responses: pd.DataFrame,
        phases: Sequence[Phase] = (),
    ) -> None:
        self.data, self._phases = data, phases
        self._limits: dict[str, tuple[float, float]] = {}
        self.features = features_of(cells, responses)
        over_time = tuple(
            Choice(q.name, _over_time_label(q.label, q.log), over_time=True, log=q.log)
            for q in data.quantities
        )
        flag = Choice("flag", "flag", over_time=True, names=("no flag", *data.flag_names[1:]))
        fixed = tuple(c for c in (*_RESPONSES, *_CELLS) if self._known(c))
        self.choices: tuple[Choice, ...] = (*over_time, flag, *fixed)

    def choice(self, key: str) -> Choice:
        """Give a choice by its key.

        Raises
        ------
        KeyError
            If there is none of this name, or nothing of it was measured.
        """
        for choice in self.choices:
            if choice.key == key:
                return choice
        known = ", ".join(c.key for c in self.choices)
        raise KeyError(f"colour: expected one of {known}, found {key!r}.")

    def values(self, key: str, frame: int) -> FloatArray:
        """Give the value of each cell in a frame, shape (n,); NaN where there is none.

        Zinc beyond the range is `BEYOND` or its negative.
        """
        choice = self.choice(key)
        if key == "flag":
            return self.data.flags[:, frame].astype(np.float64)
        if choice.over_time:
            column = self.data.values(key)[:, frame]
        else:
            own = self.features.set_index("index")[key]
            column = own.reindex(self.data.cell_ids).to_numpy(np.float64)
        if choice.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                column = np.log10(np.where(column > 0, column, np.nan))
        if key == "zinc_nM":
            missing = np.isnan(column)
            for name, value in ((ABOVE, BEYOND), (BELOW, -BEYOND)):
                column = np.where(missing & self.data.flagged(name)[:, frame], value, column)
        return np.asarray(column, dtype=np.float64)

    def limits(self, key: str) -> tuple[float, float]:
        """Give the values at the two ends of the colours, for all frames."""
        if key not in self._limits:
            self._limits[key] = self._find_limits(key)
        return self._limits[key]

    def _find_limits(self, key: str) -> tuple[float, float]:
        choice = self.choice(key)
        if choice.names:
            return 0.0, float(max(len(choice.names) - 1, 1))
        if choice.over_time:
            quantity = next(q for q in self.data.quantities if q.name == key)
            ends = limits_of(self.data, quantity, self._phases)
            return (float(np.log10(ends[0])), float(np.log10(ends[1]))) if choice.log else ends
        known = self.values(key, 0)
        known = known[np.isfinite(known)]
        if not known.size:
            return 0.0, 1.0
        low, high = (float(v) for v in np.percentile(known, [2, 98]))
        return (low, high) if high > low else (low - 0.5, low + 0.5)

    def within(self, key: str, values: FloatArray) -> FloatArray:
        """Keep measured zinc inside the limits of the colours: outside stands what is beyond."""
        if key != "zinc_nM":
            return values
        low, high = self.limits(key)
        return np.where(np.abs(values) < BEYOND, np.clip(values, low, high), values)

    def paint(
        self, labels: Labels, key: str, frame: int, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Paint the value of each cell into its outline.

        Parameters
        ----------
        labels
            Label image (Y, X) of the frame.
        key
            Which value.
        frame
            Number of the frame.
        out
            Picture (Y, X) to paint on; a new one if not given.

        Returns
        -------
        numpy.ndarray
            Shape (Y, X); NaN outside cells and where a cell has no value.
        """
        # Outlines that were just drawn have numbers that no table knows yet.
        ids = self.data.cell_ids
        last = max(int(labels.max(initial=0)), int(ids[-1]) if ids.size else 0)
        table = np.full(last + 1, np.nan, dtype=np.float32)
        table[ids] = self.within(key, self.values(key, frame))
        # No number lies outside the table; to say so spares a second look at every pixel.
        return np.take(table, labels, out=out, mode="clip")

    def _known(self, choice: Choice) -> bool:
        if choice.key not in self.features:
            return False
        return bool(np.isfinite(self.features[choice.key].to_numpy(np.float64)).any())


def features_of(cells: pd.DataFrame, responses: pd.DataFrame) -> pd.DataFrame:
    """Join what is known of each cell, as ``Labels.features`` wants it.

    Parameters
    ----------
    cells, responses
        Tables as described in `zincflux.columns`; of several response phases the first counts.

    Returns
    -------
    pandas.DataFrame
        One row per cell; ``index`` is its number in the label image.
    """
    whole = cells[cells["region"] == "cell"] if "region" in cells else cells
    own = responses[responses["region"] == "cell"] if "region" in responses else responses
    first = own.drop_duplicates("cell_id").drop(columns=["region"], errors="ignore")
    joined = whole.merge(first, on="cell_id", how="left", suffixes=("", "_response"))
    if "responder" in joined:
        joined["responder"] = joined["responder"].map({True: 1.0, False: 0.0}).astype("float64")
    if "excluded" in joined:
        joined["excluded"] = joined["excluded"].astype("float64")
    return joined.rename(columns={"cell_id": "index"}).reset_index(drop=True)


def outlines_of(
    labels: Labels, cells: NDArray[np.int64] | list[int], *, width: int = 2, most: int = 12
) -> NDArray[np.uint8]:
    """Draw the outlines of some cells, inside their edge.

    Parameters
    ----------
    labels
        Label image (Y, X).
    cells
        Their numbers.
    width
        Thickness of the lines, px.
    most
        Cells that get a number each, 1, 2 …; with more of them all get 1.

    Returns
    -------
    numpy.ndarray
        Shape (Y, X): 0, or the place of the cell in the selection, from 1.
    """
    drawn = np.zeros(labels.shape, dtype=np.uint8)
    numbers = range(1, len(cells) + 1) if len(cells) <= most else [1] * len(cells)
    if not len(cells):
        return drawn
    table = np.zeros(int(max(labels.max(initial=0), *cells)) + 1, dtype=np.uint8)
    table[np.asarray(cells)] = list(numbers)
    rows = np.flatnonzero(table[labels].any(axis=1)) if len(cells) > most else None
    if rows is None:
        boxes = [np.nonzero(labels == cell) for cell in cells]
        parts = [
            (slice(max(y.min() - 1, 0), y.max() + 2), slice(max(x.min() - 1, 0), x.max() + 2))
            for y, x in boxes
            if y.size
        ]
    else:
        parts = [(slice(None), slice(None))]
    chosen = np.asarray(cells)
    for part in parts:
        window = labels[part]
        inside = window
        for _ in range(width):
            inside = _eroded(inside)
        edge = (inside == 0) & np.isin(window, chosen)
        drawn[part][edge] = table[window[edge]]
    return drawn


def _eroded(labels: Labels) -> Labels:
    """Remove the pixels that touch another value to the side."""
    padded = np.pad(labels, 1)
    middle = padded[1:-1, 1:-1]
    same = np.ones(labels.shape, dtype=bool)
    for part in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        same &= part == middle
    return np.where(same, middle, 0)


def _over_time_label(label: str, log: bool) -> str:
    return label.replace("(nM)", "(log₁₀ nM)") if log else label
