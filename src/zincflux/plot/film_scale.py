"""Numbers as colours, the same in every frame of a film."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import NDArray

from zincflux.plot.style import wide_enough

N_COLOURS = 160


@dataclass(frozen=True)
class ColourScale:
    """A range of numbers, cut into `N_COLOURS` colours.

    Attributes
    ----------
    low, high
        Numbers at the ends; those beyond have the colours of the ends.
    is_log
        Whether the same factor, not the same difference, has the same width.
    title
        What the numbers are, in lines; the last one is the unit.
    """

    low: float
    high: float
    is_log: bool
    title: tuple[str, ...]

    def share(self, values: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Give where numbers lie between the ends: 0 to 1."""
        ends = np.array([self.low, self.high])
        numbers = np.clip(np.asarray(values, dtype=np.float64), *ends)
        if self.is_log:
            numbers, ends = np.log(numbers), np.log(ends)
        return np.asarray((numbers - ends[0]) / (ends[1] - ends[0]))

    def places(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Give the number of the colour, from 0."""
        cut = (self.share(values) * N_COLOURS).astype(np.int64)
        return np.asarray(np.minimum(cut, N_COLOURS - 1))

    def ticks(self) -> list[tuple[float, str]]:
        """Give round numbers between the ends, as text."""
        if self.is_log:
            decades = np.log10(self.high / self.low)
            steps = (1.0, 2.0, 5.0) if decades < 2.5 else (1.0,)
            found = LogLocator(subs=steps, numticks=12).tick_values(self.low, self.high)
        else:
            found = MaxNLocator(nbins=6).tick_values(self.low, self.high)
        inside = [float(v) for v in found if self.low <= v <= self.high]
        return [(v, f"{v:.6g}") for v in (inside if len(inside) > 1 else (self.low, self.high))]


def colour_scale(
    values: NDArray[np.float64], *, is_log: bool, title: tuple[str, ...]
) -> ColourScale:
    """Choose a range that holds the numbers, but for stray ones, and is not filled by noise.

    Parameters
    ----------
    values
        Numbers of any shape; those that are not finite are not looked at.
    is_log
        Whether colours go by factors; then numbers must be above 0 to count.
    title
        What the numbers are.
    """
    known = values[np.isfinite(values) & ((values > 0) | (not is_log))]
    low, high = np.quantile(known, [0.01, 0.99]) if known.size else (0.5, 2.0)
    return ColourScale(*wide_enough(low, high, is_log=is_log), is_log, title)
