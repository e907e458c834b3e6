"""Background: counts that do not come from the indicator in the cell."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, field_validator, model_validator

from zincflux.correct.cell_free import percentile_background
from zincflux.correct.level import BackgroundLevel, neighbour_noise
from zincflux.correct.method_keys import refuse_unused, require
from zincflux.correct.region import Region, check_order, cut_region, region_mean
from zincflux.correct.same_axes import same_axes
from zincflux.errors import ExperimentError
from zincflux.movie import FloatArray, Image, clean_name
from zincflux.settings import Settings

DEFAULT_PERCENTILE = 25.0
DEFAULT_RING_UM = (2.0, 8.0)

PerChannel = float | dict[str, float]
"""Counts: one number for all channels, or a number for each channel's name."""


class Background(Settings):
    """How the background is found."""

    method: Literal["percentile", "ring", "roi", "constant", "none"] = Field(
        default="percentile",
        description="percentile (of the cell-free area), ring (around each cell), roi (a "
        "rectangle), constant (given) or none",
    )
    percentile: float | None = Field(
        default=None,
        gt=0,
        lt=100,
        allow_inf_nan=False,
        description="Percentile of the cell-free area, corrected for noise; 25 if not given. The "
        "ring method uses it for a cell whose ring is too small",
    )
    ring_um: tuple[float, float] | None = Field(
        default=None,
        description="Inner and outer distance of the ring from the cell, um; [2, 8] if not given",
    )
    roi: Region | None = Field(
        default=None,
        description="Rectangle without cells [y0, x0, y1, x1], px; its mean is the background",
    )
    value: PerChannel | None = Field(
        default=None,
        description="Constant background, counts: a number, or a table of channel name = number",
    )
    autofluorescence: PerChannel = Field(
        default=0.0,
        description="Counts of unlabelled cells above background, subtracted as well: a number, "
        "or a table of channel name = number (0 where not named)",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        used_by = {
            "percentile": ("percentile", "ring"),
            "ring_um": ("ring",),
            "roi": ("roi",),
            "value": ("constant",),
        }
        refuse_unused(self, "background", self.method, used_by)
        if self.method == "roi":
            require(self, "background", "roi", self.method)
        if self.method == "constant":
            require(self, "background", "value", self.method)
        check_order(self.roi, "background.roi")
        if self.ring_um is not None and not 0 <= self.ring_um[0] < self.ring_um[1] < np.inf:
            raise ValueError(
                "background.ring_um: expected (inner, outer) with 0 <= inner < outer, um, found "
                f"{self.ring_um}"
            )
        return self

    @field_validator("value", "autofluorescence")
    @classmethod
    def _finite(cls, value: PerChannel | None) -> PerChannel | None:
        numbers = value.values() if isinstance(value, dict) else (value or 0.0,)
        if not np.all(np.isfinite(list(numbers))):
            raise ValueError("expected finite counts")
        return value

    def percentile_or_default(self) -> float:
        """Return the percentile of the cell-free area."""
        return DEFAULT_PERCENTILE if self.percentile is None else self.percentile

    def ring_px(self, pixel_size_um: float) -> tuple[float, float]:
        """Return the inner and outer distance of the ring in px; at least one px wide."""
        inner, outer = (edge / pixel_size_um for edge in self.ring_um or DEFAULT_RING_UM)
        return inner, max(outer, inner + 1)


def frame_background(
    frame: Image,
    settings: Background,
    channels: Sequence[str],
    flat_indices: NDArray[np.intp] | None = None,
    *,
    shift: tuple[int, int] = (0, 0),
) -> BackgroundLevel:
    """Find the background level of one frame by the chosen method.

    The level of the ``ring`` method is the percentile's: it serves a cell whose ring is too small
    (`zincflux.correct.rings.ring_background`).

    Parameters
    ----------
    frame
        Pixels (C, Y, X).
    settings
        The method and its keys.
    channels
        Names of the channels.
    flat_indices
        Cell-free pixels from `zincflux.correct.cell_free.sample_pixels`; all if None.
    shift
        (dy, dx) in px by which this frame has drifted; a rectangle moves along.

    Returns
    -------
    BackgroundLevel
        Level per channel.

    Raises
    ------
    ExperimentError
        If the rectangle lies outside the frame, or a channel name is unknown.
    """
    if settings.method == "none":
        return _given(np.zeros(len(channels)))
    if settings.method == "constant":
        assert settings.value is not None  # noqa: S101 (required at birth)
        return _given(per_channel(settings.value, channels, key="background.value", missing=None))
    if settings.method == "roi":
        assert settings.roi is not None  # noqa: S101
        return roi_background(frame, settings.roi, shift=shift)
    if flat_indices is None:
        flat_indices = np.arange(frame.shape[-2] * frame.shape[-1])
    return percentile_background(frame, flat_indices, settings.percentile_or_default())


def _given(level: FloatArray) -> BackgroundLevel:
    return BackgroundLevel(level, np.full(level.shape, np.nan), 0)


def roi_background(
    frame: Image, roi: Region, *, shift: tuple[int, int] = (0, 0)
) -> BackgroundLevel:
    """Take the mean of a rectangle for the background.

    Parameters
    ----------
    frame
        Pixels (C, Y, X).
    roi
        (y0, x0, y1, x1) in px, in the coordinates of the first frame.
    shift
        (dy, dx) in px by which this frame has drifted.

    Returns
    -------
    BackgroundLevel
        Level per channel; NaN where the rectangle has drifted out of view.

    Raises
    ------
    ExperimentError
        If the rectangle does not lie within the frame.
    """
    key = "background.roi"
    pixels = cut_region(frame, roi, key=key, shift=shift)
    return BackgroundLevel(
        region_mean(frame, roi, key=key, shift=shift),
        np.array([neighbour_noise(channel) for channel in pixels]),
        int(pixels.shape[-2] * pixels.shape[-1]),
    )


def per_channel(
    value: float | Mapping[str, float],
    channels: Sequence[str],
    *,
    key: str,
    missing: float | None = 0.0,
) -> FloatArray:
    """Give each channel its number.

    Parameters
    ----------
    value
        One number for all, or a number for each channel's name.
    channels
        Names of the channels.
    key
        Key of the experiment, for the message.
    missing
        Number of a channel that is not named; None if each must be.

    Returns
    -------
    numpy.ndarray
        Numbers, shape (C,).

    Raises
    ------
    ExperimentError
        If a name is no channel of the movie, or a channel has no number but needs one.

    Examples
    --------
    >>> per_channel({"CFP": 110.0}, ["CFP", "YFP"], key="background.autofluorescence")
    array([110.,   0.])
    """
    if not isinstance(value, Mapping):
        return np.full(len(channels), float(value))
    result = np.full(len(channels), np.nan if missing is None else missing)
    for name, number in value.items():
        if clean_name(name) not in channels:
            near = difflib.get_close_matches(name, channels, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ExperimentError(
                f"{key}: expected names of the movie's channels "
                f"({', '.join(map(repr, channels))}), found {name!r}.{hint}"
            )
        result[channels.index(clean_name(name))] = number
    without = [name for name, number in zip(channels, result, strict=True) if np.isnan(number)]
    if without:
        raise ExperimentError(
            f"{key}: expected a number for every channel, found none for "
            f"{', '.join(map(repr, without))}. Add it, or give one number for all."
        )
    return result


def subtract_background(
    mean: ArrayLike, background: ArrayLike, autofluorescence: ArrayLike = 0.0
) -> FloatArray:
    """Subtract background and autofluorescence from means.

    Parameters
    ----------
    mean
        Means in counts: (C, n) of one frame, (n, T) of one channel, or any other shape.
    background, autofluorescence
        Counts with as many axes as the means, or a single number: (C, 1) for the level of a
        frame, (C, n) for the ring of each cell, (1, T) for the levels of one channel.

    Returns
    -------
    numpy.ndarray
        Corrected means in counts, the shape of ``mean``. Values below 0 are kept.

    Raises
    ------
    ValueError
        If the number of axes differs.

    Examples
    --------
    >>> subtract_background([[300.0, 400.0]], [[100.0]], autofluorescence=10.0)
    array([[190., 290.]])
    """
    values = np.asarray(mean, dtype=np.float64)
    corrected = values - same_axes(background, values, "background")
    return np.asarray(corrected - same_axes(autofluorescence, values, "autofluorescence"))
