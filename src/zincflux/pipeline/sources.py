"""Errors of corrected traces that last: of backgrounds, autofluorescence and bleaching."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from zincflux.correct.background import subtract_background
from zincflux.correct.bleaching import BleachFit
from zincflux.correct.bleed_through import correct_bleed_through
from zincflux.correct.per_channel import per_channel
from zincflux.movie import FloatArray
from zincflux.pipeline.plan import Plan
from zincflux.pipeline.survey import Survey


@dataclass(frozen=True, eq=False)
class Source:
    """One error of the corrected traces that does not average out, at one standard deviation.

    Attributes
    ----------
    name
        What is wrong.
    shift, log_scale
        What the error adds to the traces of every cell, counts, and to their logarithm; shape
        (C, T).
    is_shared
        Whether it is the same error in all cells.
    is_fixed
        Whether it follows a course that is known, so that the minimum and maximum of the same
        movie contain it too; else it changes from frame to frame as it likes.
    """

    name: str
    shift: FloatArray
    log_scale: FloatArray
    is_shared: bool
    is_fixed: bool = True

    def applied(self, corrected: FloatArray) -> FloatArray:
        """Add the error to corrected traces (C, n, T)."""
        scale = np.exp(self.log_scale)[:, None, :]
        return np.asarray(corrected * scale + self.shift[:, None, :])


class Offset(NamedTuple):
    """Standard deviation per channel, shape (C,), of counts that are wrong in every frame."""

    name: str
    sd: FloatArray
    is_shared: bool
    is_fixed: bool = True


def find_sources(
    found: Survey, fits: Sequence[BleachFit] | None, n_frames: int
) -> tuple[Source, ...]:
    """List the errors of the corrected traces of a movie; those of size 0 are left out.

    Parameters
    ----------
    found
        The survey of the movie.
    fits
        Bleaching of each channel, or None.
    n_frames
        Number of frames T.
    """
    factor = np.ones((len(found.plan.channels), n_frames))
    if fits is not None:
        factor = np.stack([fit.factor for fit in fits])
    return (*_of_offsets(found, factor), *_of_bleaching(found.plan, fits))


def offsets_of(found: Survey) -> tuple[Offset, ...]:
    """List what may be wrong with background and autofluorescence."""
    plan, blank = found.plan, found.blank
    settings, own = plan.experiment.background, plan.autofluorescence
    value_sd = per_channel(settings.value_sd or 0.0, plan.channels, key="background.value_sd")
    offsets = [
        Offset("background", value_sd, is_shared=True),
        Offset("autofluorescence of the cell", own.sd, is_shared=False),
        Offset("mean autofluorescence", own.se, is_shared=True),
    ]
    if blank is not None:
        change = np.nan_to_num(blank.change_sd)
        offsets += [
            Offset("background at the cell", blank.uneven_sd, is_shared=False),
            Offset("mean of the blank", blank.level_se, is_shared=True),
            Offset("background of the moment", change, is_shared=True, is_fixed=False),
        ]
    return tuple(offsets)


def _of_offsets(found: Survey, factor: FloatArray) -> Iterator[Source]:
    plan = found.plan
    for offset in offsets_of(found):
        for channel, sd in enumerate(offset.sd):
            if not sd > 0:
                continue
            light = np.zeros_like(factor)
            light[channel] = -sd
            if plan.is_ratio:
                unmix(plan, light)
            yield Source(
                name=f"{plan.channels[channel]}: {offset.name}",
                shift=light / factor,
                log_scale=np.zeros_like(factor),
                is_shared=offset.is_shared,
                is_fixed=offset.is_fixed,
            )


def _of_bleaching(plan: Plan, fits: Sequence[BleachFit] | None) -> Iterator[Source]:
    for channel, fit in enumerate(fits or ()):
        if not fit.log_sd.any():
            continue
        log_scale = np.zeros((len(plan.channels), len(fit.log_sd)))
        log_scale[channel] = fit.log_sd
        yield Source(
            name=f"{plan.channels[channel]}: bleaching",
            shift=np.zeros_like(log_scale),
            log_scale=log_scale,
            is_shared=True,
        )


def light_of(plan: Plan, flat: FloatArray, background: FloatArray) -> FloatArray:
    """Leave the light of the indicator: without background, autofluorescence and bleed-through.

    Bleaching is not undone: light bleeds through as bright as it is at the moment.

    Parameters
    ----------
    plan
        The plan.
    flat
        Counts after dark and flat field, of pixels or their means, shape (C, …).
    background
        Counts of the background, with the axes of ``flat``.
    """
    own = plan.autofluorescence.level.reshape(-1, *(1 for _ in flat.shape[1:]))
    light = subtract_background(flat, background, own)
    if plan.is_ratio:
        unmix(plan, light)
    return light


def unmix(plan: Plan, light: FloatArray) -> None:
    """Take the bleed-through out of the numerator of (C, …) counts, in place."""
    bleed, (upper, lower) = plan.experiment.bleed_through, plan.signal
    acceptor = plan.roles.acceptor
    bound = 0.0 if acceptor is None else light[acceptor]
    light[upper] = correct_bleed_through(light[upper], light[lower], bound, bleed)
