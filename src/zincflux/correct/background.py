"""Background: counts that do not come from the indicator in the cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, field_validator, model_validator

from zincflux.correct.cell_free import percentile_background
from zincflux.correct.level import BackgroundLevel, neighbour_noise
from zincflux.correct.method_keys import refuse_unused, require
from zincflux.correct.per_channel import PerChannel, per_channel
from zincflux.correct.region import Region, check_order, cut_region, region_mean
from zincflux.correct.same_axes import same_axes
from zincflux.movie import FloatArray, Image
from zincflux.settings import InputPath, Settings

DEFAULT_PERCENTILE = 25.0
DEFAULT_RING_UM = (2.0, 8.0)


_OWN_KEY = {"roi": "roi", "blank": "blank", "constant": "value"}


def _numbers(value: PerChannel | None) -> list[float]:
    return list(value.values()) if isinstance(value, dict) else [value or 0.0]


def _any_number(*values: PerChannel) -> bool:
    return any(number != 0 for value in values for number in _numbers(value))


class Background(Settings):
    """How the background is found."""

    method: Literal["percentile", "ring", "roi", "blank", "constant", "none"] = Field(
        default="percentile",
        description="percentile (of the cell-free area), ring (around each cell), roi (a "
        "rectangle), blank (a dish without cells), constant (given) or none",
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
    blank: InputPath | None = Field(
        default=None,
        description="Movie or image of a dish without cells, taken with the same settings: its "
        "mean is the background; how uneven it is and how it changes are in the intervals",
    )
    value: PerChannel | None = Field(
        default=None,
        description="Constant background, counts: a number, or a table of channel name = number",
    )
    value_sd: PerChannel | None = Field(
        default=None,
        description="Standard deviation of that background, counts, an error that all cells "
        "share: a number, or a table of channel name = number; 0 if not given",
    )
    autofluorescence: PerChannel = Field(
        default=0.0,
        description="Counts of unlabelled cells above background, subtracted as well: a number, "
        "or a table of channel name = number (0 where not named)",
    )
    autofluorescence_sd: PerChannel = Field(
        default=0.0,
        description="Standard deviation of autofluorescence from cell to cell, counts: a number, "
        "or a table of channel name = number (0 where not named)",
    )
    unlabelled: InputPath | None = Field(
        default=None,
        description="Results folder of a run of unlabelled cells, taken with the same settings: "
        "their mean is the autofluorescence, their spread is in the intervals",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        used_by = {
            "percentile": ("percentile", "ring"),
            "ring_um": ("ring",),
            "roi": ("roi",),
            "blank": ("blank",),
            "value": ("constant",),
            "value_sd": ("constant",),
        }
        refuse_unused(self, "background", self.method, used_by)
        if self.method in _OWN_KEY:
            require(self, "background", _OWN_KEY[self.method], self.method)
        if self.unlabelled is not None and _any_number(
            self.autofluorescence, self.autofluorescence_sd
        ):
            raise ValueError(
                "background.unlabelled gives autofluorescence and its spread already; remove "
                "background.autofluorescence and background.autofluorescence_sd, or unlabelled"
            )
        check_order(self.roi, "background.roi")
        if self.ring_um is not None and not 0 <= self.ring_um[0] < self.ring_um[1] < np.inf:
            raise ValueError(
                "background.ring_um: expected (inner, outer) with 0 <= inner < outer, um, found "
                f"{self.ring_um}"
            )
        return self

    @field_validator("value", "value_sd", "autofluorescence", "autofluorescence_sd")
    @classmethod
    def _finite(cls, value: PerChannel | None) -> PerChannel | None:
        if not np.all(np.isfinite(_numbers(value))):
            raise ValueError("expected finite counts")
        return value

    @field_validator("value_sd", "autofluorescence_sd")
    @classmethod
    def _not_below_zero(cls, value: PerChannel | None) -> PerChannel | None:
        if min(_numbers(value), default=0.0) < 0:
            raise ValueError("expected a standard deviation of 0 counts or more")
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
    (`zincflux.correct.rings.ring_background`). That of ``blank`` is not the frame's to find
    (`zincflux.correct.blank`).

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
        return BackgroundLevel.given(np.zeros(len(channels)))
    if settings.method == "constant":
        assert settings.value is not None  # noqa: S101 (required at birth)
        value = per_channel(settings.value, channels, key="background.value", missing=None)
        return BackgroundLevel.given(value)
    if settings.method == "roi":
        assert settings.roi is not None  # noqa: S101
        return roi_background(frame, settings.roi, shift=shift)
    if flat_indices is None:
        flat_indices = np.arange(frame.shape[-2] * frame.shape[-1])
    return percentile_background(frame, flat_indices, settings.percentile_or_default())


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
