"""Bleaching or leak of a control dish, stored with its results and applied to another movie."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zincflux.correct.bleaching import BleachFit, Bleaching
from zincflux.correct.stored_run import no_results, read_record, read_table
from zincflux.errors import CorrectionWarning, ExperimentError
from zincflux.movie import FloatArray

TABLES = ("frames.parquet",)
"""Files of the control's run whose content is borrowed, beside the record (`record_hashes`)."""

_KEY = "bleaching.experiment"
_BORROWED = ("rate_per_s", "rate_se_per_s", "applied")


def bleaching_record(
    method: str, fits: Mapping[str, BleachFit], time_s: FloatArray
) -> dict[str, Any]:
    """Give as plain data what a run found of bleaching, for ``run.json``.

    Parameters
    ----------
    method
        How it was found.
    fits
        What was found, by channel.
    time_s
        Time of each frame in s, shape (T,).

    Returns
    -------
    dict
        Numbers that do not exist are None.
    """
    interval = float(np.median(np.diff(time_s))) if len(time_s) > 1 else None
    return {
        "method": method,
        "frame_interval_s": interval,
        "duration_s": float(time_s[-1] - time_s[0]),
        "channels": {
            channel: {
                "rate_per_s": _plain(fit.rate_per_s),
                "rate_se_per_s": _plain(fit.rate_se),
                "residual": _plain(fit.residual),
                "applied": fit.applied,
                "left_at_end": float(fit.factor[-1]),
            }
            for channel, fit in fits.items()
        },
    }


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def record_hashes(settings: Bleaching) -> tuple[str, ...]:
    """Hash what a control's ``run.json`` says of bleaching: rates, their errors, frame interval.

    The file itself also holds times, which differ each time the control is run.

    Parameters
    ----------
    settings
        Name the folder, or none.

    Returns
    -------
    tuple of str
        SHA-256 in hex; none where no control is named.

    Raises
    ------
    ExperimentError
        If the folder holds no results.
    """
    if settings.experiment is None:
        return ()
    record = read_record(settings.experiment, key=_KEY).get("bleaching")
    text = json.dumps(record, sort_keys=True)
    return (hashlib.sha256(text.encode()).hexdigest(),)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


class Control:
    """What the run of a control dish says of bleaching.

    Parameters
    ----------
    settings
        Name the folder and say how bleaching is carried over.
    channels
        Channels that must be known: those of the signal.

    Raises
    ------
    ExperimentError
        If the folder holds no results, found no bleaching, or lacks a channel.
    """

    def __init__(self, settings: Bleaching, channels: Sequence[str]) -> None:
        folder = settings.experiment or ""
        record = read_record(folder, key=_KEY).get("bleaching") or {}
        if not isinstance(record, dict):
            raise no_results(folder, _KEY, "run.json without a record of bleaching")
        self.settings = settings
        self.folder = folder
        self.method = record.get("method", "none")
        if self.method not in ("exponential", "reference"):
            raise ExperimentError(
                f"{_KEY}: expected the results of a control in which bleaching was measured, found "
                f'bleaching.method = "{self.method}" in {folder}. Run the control with '
                'bleaching.method = "exponential" (or "reference") first.'
            )
        try:
            self.interval_s = _number(record["frame_interval_s"])
            self.channels: dict[str, dict[str, float | None]] = {
                name: {key: _number(found[key]) for key in _BORROWED}
                for name, found in record["channels"].items()
            }
        except (KeyError, TypeError, ValueError, AttributeError):
            found = "run.json with an incomplete record of bleaching"
            raise no_results(folder, _KEY, found) from None
        missing = [name for name in channels if name not in self.channels]
        if missing:
            raise ExperimentError(
                f"{_KEY}: expected the channels {', '.join(map(repr, channels))}, found "
                f"{', '.join(map(repr, self.channels))} in {folder}. Run the control with the same "
                "channels."
            )
        self._check_found(channels)
        if self.method == "reference":
            curves = [f"{name}_bleach_factor" for name in self.channels]
            self._frames = read_table(folder, "frames", key=_KEY, columns=["time_s", *curves])

    def _check_found(self, channels: Sequence[str]) -> None:
        """Refuse a control whose own fit was refused; one that did not bleach has a rate."""
        without = [name for name in channels if not self._is_found(name)]
        if without:
            raise ExperimentError(
                f"{_KEY}: expected the bleaching of {', '.join(map(repr, without))}, found none in "
                f"{self.folder}: it was refused there. Look at the control's report, and run it "
                "again with other bleaching.phases or another bleaching.roi."
            )

    def _is_found(self, channel: str) -> bool:
        found = self.channels.get(channel)
        if found is None:
            return False
        return found["rate_per_s"] is not None or (
            self.method == "reference" and bool(found["applied"])
        )

    def fit(self, channel: str, time_s: FloatArray) -> BleachFit:
        """Carry the bleaching of a channel over to the frames of another movie.

        Parameters
        ----------
        channel
            Name of the channel; one whose bleaching the control did not find is left as it is.
        time_s
            Time of each frame in s, shape (T,).

        Raises
        ------
        ExperimentError
            If a measured curve is shorter than the movie.

        Warns
        -----
        CorrectionWarning
            If the control did not bleach: the factor is then 1.
        """
        since = time_s - time_s[0]
        if not self._is_found(channel):
            return _nothing(since)
        if self.method == "reference":
            return self._curve(channel, since)
        return self._exponential(channel, since)

    def _exponential(self, channel: str, since: FloatArray) -> BleachFit:
        stored = self.channels[channel]
        rate, error = stored["rate_per_s"] or 0.0, stored["rate_se_per_s"] or 0.0
        if rate <= 0:
            warnings.warn(
                f"bleaching: {channel!r} of the control {self.folder} did not bleach (rate "
                f"{rate:.3g} per s), so nothing is corrected; the error of its rate is in the "
                "intervals.",
                CorrectionWarning,
                stacklevel=4,
            )
            rate = 0.0
        error = float(np.hypot(error, self.settings.between() * rate))
        dose = self._dose(since)
        scale = float(dose[-1] / since[-1]) if len(since) > 1 else 1.0
        return BleachFit(
            rate * scale,
            error * scale,
            np.exp(-rate * dose),
            np.nan,
            applied=rate > 0,
            log_sd=error * dose,
        )

    def _dose(self, since: FloatArray) -> FloatArray:
        """Time in the control that has done as much, s: each frame here did what one did there."""
        if self.settings.scale() == "time" or self.interval_s is None:
            return since
        return np.arange(len(since), dtype=np.float64) * float(self.interval_s)

    def _curve(self, channel: str, since: FloatArray) -> BleachFit:
        """Take the curve of a reference region frame by frame, or at the same times."""
        there = self._frames["time_s"].to_numpy(np.float64)
        curve = self._frames[f"{channel}_bleach_factor"].to_numpy(np.float64)
        by_light = self.settings.scale() == "light"
        asked = np.arange(len(since), dtype=np.float64) if by_light else since
        known = np.arange(len(there)) if by_light else there - there[0]
        last, end = float(np.max(asked)), float(known[-1])
        if last > end * (1 + 1e-9):
            unit = "frames" if by_light else "s"
            raise ExperimentError(
                f"{_KEY}: expected a curve as long as the movie ({last + by_light:g} {unit}), "
                f"found {end + by_light:g} {unit} in {self.folder}. Record the control longer, or "
                'run it with bleaching.method = "exponential", which may be extended.'
            )
        factor = np.interp(asked, known, curve)
        factor = factor / factor[0]
        log_sd = self.settings.between() * np.abs(np.log(factor))
        return BleachFit(np.nan, np.nan, factor, np.nan, applied=True, log_sd=log_sd)


def _nothing(since: FloatArray) -> BleachFit:
    zeros = np.zeros(len(since))
    return BleachFit(np.nan, np.nan, np.ones(len(since)), np.nan, applied=False, log_sd=zeros)
