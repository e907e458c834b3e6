"""Tables of a finished analysis as arrays of cells × frames; no Qt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zincflux.phases import Phase, Role, close, frames_of, with_role

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Mask = NDArray[np.bool_]

BELOW, ABOVE = "below_min", "above_max"
"""Flags of a value that is known only to lie beyond the calibrated range."""


class Quantity(NamedTuple):
    """What can be shown of every cell over time.

    Attributes
    ----------
    name
        Column of the table of traces.
    label
        What stands at the axis, with the unit.
    log
        Whether the axis is logarithmic.
    low, high
        Columns with the ends of the interval; empty where there is none.
    """

    name: str
    label: str
    log: bool = False
    low: str = ""
    high: str = ""


QUANTITIES = (
    Quantity("zinc_nM", "free Zn²⁺ (nM)", True, "zinc_low_nM", "zinc_high_nM"),
    Quantity("f_f0", "F/F₀"),
    Quantity("dff", "ΔF/F₀"),
    Quantity("ratio", "ratio"),
    Quantity("signal", "signal (counts or ratio)"),
    Quantity("saturation", "saturation of the indicator"),
)


@dataclass(frozen=True, eq=False)
class TraceData:
    """Traces of n cells over T frames.

    Attributes
    ----------
    cell_ids
        Numbers of the cells, increasing, shape (n,).
    time_s
        Time of each frame, (T,).
    flag_names
        Reasons that occur; the first one is empty.
    flags
        Number of the reason in `flag_names`, (n, T).
    excluded
        Which cells summaries leave out, (n,).
    """

    cell_ids: IntArray
    time_s: FloatArray
    flag_names: tuple[str, ...]
    flags: NDArray[np.int8]
    excluded: Mask
    _place: IntArray
    _columns: dict[str, FloatArray]
    _arrays: dict[str, FloatArray] = field(default_factory=dict)
    _medians: dict[str, FloatArray] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        traces: pd.DataFrame,
        cells: pd.DataFrame,
        frames: pd.DataFrame,
        *,
        region: str = "cell",
    ) -> TraceData:
        """Arrange the tables of an analysis.

        Parameters
        ----------
        traces, cells, frames
            Tables as described in `zincflux.columns`, in any order of rows.
        region
            Which part is shown where several were measured.
        """
        rows = traces[traces["region"] == region] if "region" in traces else traces
        own = cells[cells["region"] == region] if "region" in cells else cells
        ids = np.unique(own["cell_id"].to_numpy(np.int64))
        time_s = frames["time_s"].to_numpy(np.float64)
        row = np.searchsorted(ids, rows["cell_id"].to_numpy(np.int64))
        place = row * len(time_s) + rows["frame"].to_numpy(np.int64)
        excluded = np.zeros(len(ids), dtype=bool)
        excluded[np.searchsorted(ids, own["cell_id"])] = own["excluded"].to_numpy(bool)
        names, flags = _coded(rows["flag"])
        grid = np.zeros(len(ids) * len(time_s), dtype=np.int8)
        grid[place] = flags
        numbers = [*_NUMBERS, "y_um", "x_um", "area_um2"]
        return cls(
            ids,
            time_s,
            names,
            grid.reshape(len(ids), len(time_s)),
            excluded,
            place,
            {name: rows[name].to_numpy(np.float64) for name in numbers if name in rows},
        )

    @property
    def n_cells(self) -> int:
        """Number of cells, n."""
        return len(self.cell_ids)

    @property
    def n_frames(self) -> int:
        """Number of frames, T."""
        return len(self.time_s)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What there is a number of, zinc first."""
        return tuple(
            q
            for q in QUANTITIES
            if q.name in self._columns and np.isfinite(self._columns[q.name]).any()
        )

    def values(self, column: str) -> FloatArray:
        """Give a column of the table of traces, shape (n, T); NaN where there is no row."""
        if column not in self._arrays:
            grid = np.full(self.n_cells * self.n_frames, np.nan)
            if column in self._columns:
                grid[self._place] = self._columns[column]
            self._arrays[column] = grid.reshape(self.n_cells, self.n_frames)
        return self._arrays[column]

    def flagged(self, name: str) -> Mask:
        """Tell where a reason stands, (n, T)."""
        if name not in self.flag_names:
            return np.zeros(self.flags.shape, dtype=bool)
        return np.asarray(self.flags == self.flag_names.index(name))

    def rows_of(self, cell_ids: Iterable[int]) -> NDArray[np.intp]:
        """Give the rows of cells, in their order; numbers that there are none of are left out."""
        asked = np.fromiter((int(cell) for cell in cell_ids), dtype=np.int64)
        row = np.searchsorted(self.cell_ids, asked)
        inside = row < self.n_cells
        row, asked = row[inside], asked[inside]
        return np.asarray(row[self.cell_ids[row] == asked])

    def median(self, quantity: Quantity) -> FloatArray:
        """Give the median over the cells that are not excluded, (T,).

        Of zinc a value beyond the range ranks below or above all others, so that the median does
        not drift towards the range; it is NaN where it lies beyond the range itself.
        """
        if quantity.name not in self._medians:
            values = self.ranked(quantity)[~self.excluded]
            self._medians[quantity.name] = _median(values)
        return self._medians[quantity.name]

    def response(self, quantity: Quantity, phases: Sequence[Phase] = ()) -> FloatArray:
        """Give a number per cell that cells are ordered by, (n,).

        This is the median over the response phases less that over the baseline (of a logarithmic
        quantity their ratio's logarithm), or over the whole movie where no phase is a response.
        Values beyond the range count as lowest or highest.
        """
        values = self.ranked(quantity)
        if quantity.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.where(values == -np.inf, -np.inf, np.log10(values))
        before = _inside(phases, "baseline", self.time_s)
        during = _inside(phases, "response", self.time_s)
        level = _median(values[:, during if during.any() else slice(None)].T, keep_infinite=True)
        if before.any() and during.any():
            base = _median(values[:, before].T, keep_infinite=True)
            level = level - np.where(np.isfinite(base), base, 0.0)
        return level

    def ordered(self, quantity: Quantity, phases: Sequence[Phase] = ()) -> NDArray[np.intp]:
        """Give the rows of all cells, the strongest response first; those without a number last."""
        response = self.response(quantity, phases)
        return np.argsort(np.where(np.isnan(response), np.inf, -response), kind="stable")

    def frame_at(self, time_s: float) -> int:
        """Give the frame nearest to a time."""
        return int(np.abs(self.time_s - time_s).argmin()) if self.n_frames else 0

    def place_of(self, cell: int, frame: int) -> tuple[float, float] | None:
        """Give the centroid (y, x) of a cell in µm: in a frame, or in the nearest one that has it.

        It is None for a cell that there is none of, or that was never measured.
        """
        row = self.rows_of([cell])
        if not row.size:
            return None
        y, x = self.values("y_um")[row[0]], self.values("x_um")[row[0]]
        known = np.flatnonzero(np.isfinite(y) & np.isfinite(x))
        if not known.size:
            return None
        nearest = known[np.abs(known - frame).argmin()]
        return float(y[nearest]), float(x[nearest])

    def ranked(self, quantity: Quantity) -> FloatArray:
        """Give the values (n, T), with an infinity for zinc that lies beyond the range."""
        values = self.values(quantity.name)
        if quantity.name != "zinc_nM":
            return values
        missing = np.isnan(values)
        values = np.where(missing & self.flagged(BELOW), -np.inf, values)
        return np.where(missing & self.flagged(ABOVE), np.inf, values)


_NUMBERS = tuple(
    dict.fromkeys(name for q in QUANTITIES for name in (q.name, q.low, q.high) if name)
)


def spans_of(phases: Sequence[Phase], time_s: FloatArray) -> list[tuple[str, str, float, float]]:
    """Give name, role, start and end of each phase; open ends become the end of the movie."""
    last = float(time_s[-1]) if len(time_s) else 0.0
    spans: list[tuple[str, str, float, float]] = []
    for phase in close(phases):
        end = last if phase.end_s is None else phase.end_s
        spans.append((phase.name, phase.role, phase.start_s, min(end, max(last, phase.start_s))))
    return spans


def limits_of(
    data: TraceData, quantity: Quantity, phases: Sequence[Phase] = ()
) -> tuple[float, float]:
    """Give the values that the ends of the colours stand for.

    They are percentiles 1 and 99 outside the phases of minimum and maximum, where zinc is anything.
    """
    values = data.values(quantity.name)
    ends = np.zeros(data.n_frames, dtype=bool)
    if quantity.name == "zinc_nM":
        ends = _inside(phases, "minimum", data.time_s) | _inside(phases, "maximum", data.time_s)
    known = values[:, ~ends] if not ends.all() else values
    known = known[np.isfinite(known) & ((known > 0) | (not quantity.log))]
    if not known.size:
        return 1.0, 10.0
    low, high = (float(v) for v in np.percentile(known, [1, 99]))
    if high > low:
        return low, high
    return (low / 2, low * 2) if quantity.log else (low - 0.5, low + 0.5)


def _inside(phases: Sequence[Phase], role: Role, time_s: FloatArray) -> Mask:
    inside = np.zeros(len(time_s), dtype=bool)
    for phase in with_role(close(phases), role):
        inside |= frames_of(phase, time_s)
    return inside


def _coded(flags: pd.Series) -> tuple[tuple[str, ...], NDArray[np.int8]]:
    """Give each reason a number; no reason is 0."""
    import pandas as pd

    codes, names = pd.factorize(flags.fillna(""))
    ordered = ("", *sorted(str(name) for name in names if name))
    number = np.array([ordered.index(str(name)) for name in names], dtype=np.int8)
    return ordered, number[codes] if len(names) else np.zeros(len(flags), dtype=np.int8)


def _median(values: FloatArray, *, keep_infinite: bool = False) -> FloatArray:
    """Median over the first axis of what is known; NaN where nothing is, or it is infinite."""
    n = np.count_nonzero(~np.isnan(values), axis=0)
    if not len(values):
        return np.full(values.shape[1:], np.nan)
    ordered = np.sort(values, axis=0)  # NaN last
    low = np.take_along_axis(ordered, np.maximum(n - 1, 0)[None] // 2, axis=0)[0]
    high = np.take_along_axis(ordered, np.minimum(n // 2, len(values) - 1)[None], axis=0)[0]
    with np.errstate(invalid="ignore"):
        middle = np.where(low == high, low, (low + high) / 2)
    if not keep_infinite:
        middle = np.where(np.isfinite(middle), middle, np.nan)
    return np.asarray(np.where(n > 0, middle, np.nan))
