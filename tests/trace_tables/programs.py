"""Writes traces that are known as tables, in the layouts and spellings of several programs."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

TIMES = {
    "s": (1.0, ("Time (s)", "t/s", "time_s", "Time [sec]", "Elapsed Time (s)", "Time, s", "T (s)")),
    "ms": (1e-3, ("Elapsed Time [ms]", "Time (msec)", "time_ms")),
    "min": (60.0, ("Time (min)", "t (min)", "TIME_min", "Time in min")),
    "h": (3600.0, ("Time [h]", "time (hours)")),
}
FRAMES = ("Frame", "frame", "Slice", "ImageNumber", "Time Point", "Frame #", "frame_number")


@dataclass(frozen=True)
class Truth:
    """Traces (C, n, T) and the times of their frames, s; the names of the cells are 1 … n."""

    time_s: np.ndarray
    values: np.ndarray
    place: np.ndarray = field(repr=False)  # (3, n, T): area, x, y

    @property
    def n_cells(self):
        return self.values.shape[1]

    @property
    def n_frames(self):
        return len(self.time_s)


def uneven(random, low, high, shape):
    """Numbers of three decimals but no whole ones, beside which 1,234 may be 1234."""
    numbers = np.round(random.uniform(low, high, shape), 3)
    return np.where(numbers % 1 == 0, numbers + 0.25, numbers)


@st.composite
def truths(draw, n_channels=1, gaps=True):
    """Traces with frames that are missing for all or for single cells."""
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    n_cells, n_frames = draw(st.integers(1, 5)), draw(st.integers(2, 7))
    shape = (n_channels, n_cells, n_frames)
    values = uneven(random, 0.01, 5000, shape)
    place = uneven(random, 1, 500, (3, n_cells, n_frames))
    if gaps:
        gone = random.random(shape[1:]) < 0.2
        gone[np.arange(n_cells), random.integers(0, n_frames, n_cells)] = False
        gone[:, random.integers(0, n_frames)] = False
        values[:, gone] = np.nan
        place[:, gone] = np.nan
        seen = ~gone.all(axis=0)
        values, place = values[:, :, seen], place[:, :, seen]
    steps = random.integers(1, 9, values.shape[2])
    return Truth((np.cumsum(steps) - steps[0]) * 3.6, values, place)


@dataclass(frozen=True)
class Spelling:
    """How numbers and fields are written."""

    separator: str = ","
    comma: bool = False
    end: str = "\n"
    encoding: str = "utf-8"
    missing: str = ""

    def number(self, value):
        text = self.missing if np.isnan(value) else f"{value:.12g}"
        return text.replace(".", ",") if self.comma else text

    def encode(self, header, rows):
        quoted = [
            [f'"{text}"' if self.separator in text else text for text in row]
            for row in [header, *rows]
        ]
        lines = [self.separator.join(row) for row in quoted]
        return (self.end.join(lines) + self.end).encode(self.encoding)


@st.composite
def spellings(draw):
    separator = draw(st.sampled_from(",;\t"))
    return Spelling(
        separator=separator,
        comma=separator != "," and draw(st.booleans()),
        end=draw(st.sampled_from(["\n", "\r\n", "\r"])),
        encoding=draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])),
        missing=draw(st.sampled_from(["", "NaN", "NA", "#N/A", "OVRFLW", "-"])),
    )


def wide(truth, time, headers, spelling, order):
    """Rows of a wide table: `headers` gives the name of each column's cell and channel."""
    unit, word = time
    columns = [(word, truth.time_s / TIMES[unit][0])]
    columns += [(name, trace) for name, trace in headers]
    columns = [columns[0], *(columns[1:][number] for number in order)]
    rows = [[spelling.number(trace[t]) for _, trace in columns] for t in range(truth.n_frames)]
    return spelling.encode([name for name, _ in columns], rows)


def long(truth, columns, spelling, *, order=None, keep_gaps=False):
    """Rows of a long table: `columns` maps headers to functions of (cell, frame) → text."""
    pairs = [(cell, t) for t in range(truth.n_frames) for cell in range(truth.n_cells)]
    known = [(c, t) for c, t in pairs if keep_gaps or np.isfinite(truth.values[0, c, t])]
    chosen = known if order is None else order(known)
    rows = [[text(c, t) for text in columns.values()] for c, t in chosen]
    return spelling.encode(list(columns), rows)
