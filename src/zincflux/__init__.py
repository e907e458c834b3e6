"""From fluorescence time-lapse movies to calibrated free zinc per cell."""

__version__ = "0.1.0"
