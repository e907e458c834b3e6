"""Assay: what was recorded, and the settings that turn its traces into zinc and flux."""

from __future__ import annotations

from dataclasses import dataclass

from zincflux.experiment import Experiment
from zincflux.indicators import Indicator
from zincflux.movie import FloatArray


@dataclass(frozen=True, eq=False)
class Assay:
    """What the conversion of traces asks, whether they come from a movie or from a table.

    Attributes
    ----------
    experiment
        The settings.
    indicator
        The indicator, or None.
    channels
        Names of the measured channels.
    signal
        Positions among them of the one channel that is the signal, or of numerator and denominator.
    is_ratio
        Whether the signal is a ratio; one channel may hold ratios already.
    time_s
        Time of each frame, shape (T,).
    """

    experiment: Experiment
    indicator: Indicator | None
    channels: tuple[str, ...]
    signal: tuple[int, ...]
    is_ratio: bool
    time_s: FloatArray

    @property
    def follows(self) -> bool:
        """Whether cells may come and go: they are linked over frames, or stand in a table."""
        return self.experiment.table is not None or self.experiment.track.mode == "follow"
