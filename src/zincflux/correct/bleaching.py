"""Bleaching: the share of the dye that the light has left, from phases in which zinc rests."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import scipy
from numpy.typing import ArrayLike
from pydantic import Field, model_validator

from zincflux.correct.exponential import fit_decay
from zincflux.correct.method_keys import refuse_unused, require
from zincflux.correct.region import Region, check_order
from zincflux.correct.same_axes import same_axes
from zincflux.errors import CorrectionWarning, ExperimentError
from zincflux.movie import FloatArray
from zincflux.settings import InputPath, Settings

DEFAULT_BETWEEN_DISHES_SD = 0.2
"""Relative standard deviation of the rate between dishes: our assumption, not a measurement."""

_MIN_FRAMES = 4


class Bleaching(Settings):
    """How bleaching is found."""

    method: Literal["none", "exponential", "reference", "experiment"] = Field(
        default="none",
        description="none, exponential (fitted on phases in which zinc rests), reference (the "
        "trace of a region that zinc does not change) or experiment (as a control dish lost it)",
    )
    phases: tuple[str, ...] = Field(
        default=(),
        description="Names of the phases that the exponential is fitted on, never a response; "
        "those with the role baseline if not given",
    )
    roi: Region | None = Field(
        default=None,
        description="Rectangle of the reference [y0, x0, y1, x1], px: a bead or fixed labelled "
        "cells",
    )
    experiment: InputPath | None = Field(
        default=None,
        description="Results folder of a control dish, run with method exponential or reference",
    )
    scales_with: Literal["light", "time"] | None = Field(
        default=None,
        description="What the loss in the control goes with: light (bleaching: as much per frame, "
        "at the same exposure and lamp) or time (dye that leaks: as much per s); light if not "
        "given",
    )
    between_dishes_sd: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="What dishes differ by: relative standard deviation of the rate, beside its "
        "error in the control; 0.2 if not given, which is an assumption",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        used_by = {
            "phases": ("exponential",),
            "roi": ("reference",),
            **dict.fromkeys(("experiment", "scales_with", "between_dishes_sd"), ("experiment",)),
        }
        refuse_unused(self, "bleaching", self.method, used_by)
        if self.method == "reference":
            require(self, "bleaching", "roi", self.method)
        if self.method == "experiment":
            require(self, "bleaching", "experiment", self.method)
        check_order(self.roi, "bleaching.roi")
        return self

    def scale(self) -> Literal["light", "time"]:
        """Return what the loss in a control goes with."""
        return self.scales_with or "light"

    def between(self) -> float:
        """Return the relative standard deviation of the rate between dishes."""
        given = self.between_dishes_sd
        return DEFAULT_BETWEEN_DISHES_SD if given is None else given


@dataclass(frozen=True, eq=False)
class BleachFit:
    """Bleaching of one channel.

    Attributes
    ----------
    rate_per_s
        Fitted rate in 1/s; NaN for a reference, or where nothing could be fitted.
    rate_se
        Its standard error in 1/s.
    factor
        Share of the first frame's light that is left in each frame, shape (T,); 1 in the first.
        Divide by it.
    residual
        Root mean square of the relative residuals of the fit.
    applied
        Whether the factor differs from 1: False where the fit was refused.
    log_sd
        Standard deviation of the factor's logarithm, an error of one sign in all frames, shape
        (T,); 0 in the first, and throughout where it is not known.
    """

    rate_per_s: float
    rate_se: float
    factor: FloatArray
    residual: float
    applied: bool
    log_sd: FloatArray


def fit_bleaching(time_s: ArrayLike, signal: ArrayLike, groups: ArrayLike) -> BleachFit:
    r"""Fit one exponential decay to several phases, each with its own level.

    .. math:: S_g(t) = A_g e^{-k t}

    The model is a generalised linear one with a log link and a variance in proportion to the
    signal (its factor taken from the residuals), so noise that makes a dim signal negative does
    no harm. Single frames that stand out, as in a loss of focus, count less. The standard error
    allows for residuals that resemble their neighbours.

    Parameters
    ----------
    time_s
        Time of each frame in s, shape (T,).
    signal
        Background-subtracted signal pooled over cells, counts, shape (T,); NaN is left out.
    groups
        Number of the phase of each frame, shape (T,); -1 where the frame is not used.

    Returns
    -------
    BleachFit
        Rate, its error, and the factor for all frames, also those between and after the phases.

    Raises
    ------
    ExperimentError
        If a phase holds fewer than four frames with a signal.

    Warns
    -----
    CorrectionWarning
        If the signal rises or is not above background (the factor is then 1), or if the rate is
        less than two standard errors (it is then used all the same).

    References
    ----------
    McCullagh P, Nelder JA. Generalized Linear Models. 2nd ed. Chapman and Hall; 1989, chapter 9.

    Examples
    --------
    >>> import numpy as np
    >>> time_s = np.arange(20.0)
    >>> fit = fit_bleaching(time_s, 500 * np.exp(-0.01 * time_s), np.zeros(20, dtype=int))
    >>> round(fit.rate_per_s, 6)
    0.01
    """
    time, values, group = np.asarray(time_s, float), np.asarray(signal, float), np.asarray(groups)
    named = group >= 0
    names, member = np.unique(group[named], return_inverse=True)
    time_used, used = time[named], values[named]
    known = np.isfinite(used)
    time_used, used, member = time_used[known], used[known], member[known]
    counts = np.bincount(member, minlength=max(1, len(names)))
    if counts.min() < _MIN_FRAMES:
        raise ExperimentError(
            f"bleaching.phases: expected at least {_MIN_FRAMES} frames with a signal in each phase "
            f"that bleaching is fitted on, found {counts.min()}. Name longer phases, or set "
            'bleaching.method = "none".'
        )
    level = np.bincount(member, used) / counts
    if level.min() <= 0:
        return _refused(
            time, "the signal of the phases that it is fitted on is not above background"
        )
    return _judge(time, *fit_decay(time_used, used, member))


def _judge(time_s: FloatArray, rate: float, error: float, residual: float) -> BleachFit:
    """Use a fitted decay, or say why not."""
    log_sd = np.nan_to_num(error) * (time_s - time_s[0])
    if rate <= 0:
        factor = _refused(time_s, f"the signal does not fall (rate {rate:.3g} per s)").factor
        return BleachFit(rate, error, factor, residual, applied=False, log_sd=log_sd)
    if rate < 2 * error:
        last = float(time_s[-1] - time_s[0])
        warnings.warn(
            f"bleaching: the rate {rate:.3g} per s is less than two standard errors ({error:.2g} "
            f"per s) and is used all the same; the last frame's factor {np.exp(-rate * last):.3g} "
            f"may be anything from {np.exp(-(rate + 2 * error) * last):.3g} to 1. Fit on longer "
            'phases (bleaching.phases) or set bleaching.method = "none".',
            CorrectionWarning,
            stacklevel=3,
        )
    factor = np.exp(-rate * (time_s - time_s[0]))
    return BleachFit(rate, error, factor, residual, applied=True, log_sd=log_sd)


def _refused(time_s: FloatArray, reason: str) -> BleachFit:
    """Warn that bleaching is not corrected, and return a factor of 1."""
    warnings.warn(
        f"bleaching: {reason}, so bleaching is not corrected. Check bleaching.phases, or set "
        'bleaching.method = "none".',
        CorrectionWarning,
        stacklevel=4,
    )
    ones, zeros = np.ones(len(time_s)), np.zeros(len(time_s))
    return BleachFit(np.nan, np.nan, ones, np.nan, applied=False, log_sd=zeros)


def reference_bleaching(signal: ArrayLike) -> BleachFit:
    """Take bleaching from the trace of a region that zinc does not change.

    Parameters
    ----------
    signal
        Background-subtracted mean of the region in counts, shape (T,); NaN is filled from the
        frames around it.

    Returns
    -------
    BleachFit
        The smoothed trace over its start as the factor.

    Warns
    -----
    CorrectionWarning
        If the region is not above background throughout: the factor is then 1.
    """
    values = np.asarray(signal, dtype=np.float64)
    known = np.isfinite(values)
    frames = np.arange(len(values), dtype=np.float64)
    if not known.any():
        return _refused(frames, "the reference bleaching.roi is never in view")
    filled = np.interp(frames, frames[known], values[known])
    smooth = _smooth(filled)
    if smooth.min() <= 0:
        return _refused(frames, "the reference bleaching.roi is not above background throughout")
    residual = float(np.sqrt(np.mean((filled / smooth - 1) ** 2)))
    unknown = np.zeros(len(values))
    return BleachFit(np.nan, np.nan, smooth / smooth[0], residual, applied=True, log_sd=unknown)


def _smooth(values: FloatArray) -> FloatArray:
    """Smooth a trace over a fifth of its length, after single outliers are taken out."""
    window = 2 * (len(values) // 10) + 1
    if window < 5:
        return values
    without_spikes = scipy.ndimage.median_filter(values, size=5, mode="nearest")
    return np.asarray(scipy.signal.savgol_filter(without_spikes, window, 2, mode="interp"))


def correct_bleaching(mean: ArrayLike, factor: ArrayLike) -> FloatArray:
    """Divide background-subtracted means by the share of the light that is left.

    Parameters
    ----------
    mean
        Corrected means in counts: (C, n) of one frame, (n, T) of one channel, or any other shape.
    factor
        Factor with as many axes as the means, or a single number: (C, 1) for (C, n), (1, T) for
        (n, T).

    Returns
    -------
    numpy.ndarray
        Means as they would be without bleaching, the shape of ``mean``.

    Raises
    ------
    ValueError
        If the number of axes differs.

    Examples
    --------
    >>> correct_bleaching([[100.0, 90.0]], [[1.0, 0.9]])
    array([[100., 100.]])
    """
    values = np.asarray(mean, dtype=np.float64)
    return np.asarray(values / same_axes(factor, values, "factor"))
