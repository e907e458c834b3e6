"""Flat field: uneven illumination, from an image of an even field or from the movie itself."""

from __future__ import annotations

import warnings
from typing import Literal, Self

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray
from pydantic import Field, model_validator

from zincflux.correct.method_keys import refuse_unused, require
from zincflux.errors import CorrectionWarning, ExperimentError
from zincflux.movie import FloatArray, Image
from zincflux.settings import InputPath, Settings

_LEAST_GAIN = 0.1  # a tenth of the mean light: below, dividing only magnifies noise
_TILES = 24  # along each axis
_MAX_FRAMES = 128
_MIN_TILES = 30


class FlatField(Settings):
    """How uneven illumination is found."""

    method: Literal["none", "image", "estimate"] = Field(
        default="none",
        description="none, image (of an even fluorescent field) or estimate (from the movie)",
    )
    image: InputPath | None = Field(
        default=None, description="Image of an even fluorescent field, the same size as the movie"
    )
    dark: InputPath | None = Field(
        default=None, description="Image without light, subtracted before dividing"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        used_by = {"image": ("image",), "dark": ("image", "estimate")}
        refuse_unused(self, "flat_field", self.method, used_by)
        if self.method == "image":
            require(self, "flat_field", "image", self.method)
        return self


def flat_gain(image: Image, dark: Image | None = None) -> FloatArray:
    """Turn the image of an even field into the relative light of each pixel.

    Parameters
    ----------
    image
        Mean of several exposures of an even field (Y, X), counts.
    dark
        Image without light (Y, X), counts; nothing is subtracted if None.

    Returns
    -------
    numpy.ndarray
        Gain (Y, X), mean 1, nowhere 0.

    Raises
    ------
    ExperimentError
        If the shapes differ, or the image is not brighter than the dark one.

    Warns
    -----
    CorrectionWarning
        If more than one pixel in a thousand had (almost) no light: they are replaced by their
        surroundings.

    Examples
    --------
    >>> flat_gain(np.array([[100.0, 300.0]]))
    array([[0.5, 1.5]])
    """
    light = np.asarray(image, dtype=np.float64)
    if dark is not None:
        if np.shape(dark) != light.shape:
            raise ExperimentError(
                f"flat_field.dark: expected an image of {light.shape} px like flat_field.image, "
                f"found {np.shape(dark)}. Give a dark image of the same size."
            )
        light = light - np.asarray(dark, dtype=np.float64)
    finite = light[np.isfinite(light)]
    if finite.size == 0 or finite.mean() <= 0:
        raise ExperimentError(
            "flat_field.image: expected an even field brighter than flat_field.dark, found a mean "
            f"of {finite.mean() if finite.size else np.nan:g} counts above it. Check both images."
        )
    return _fill_dead(light / finite.mean())


def _fill_dead(gain: FloatArray) -> FloatArray:
    """Give pixels without light the gain of their surroundings."""
    dead = ~(gain >= _LEAST_GAIN)
    if dead.any():
        share = float(dead.mean())
        if share > 1e-3:
            warnings.warn(
                f"flat_field.image: {share:.1%} of the pixels have less than {_LEAST_GAIN:.0%} of "
                "the mean light; they are replaced by their surroundings. Check the image.",
                CorrectionWarning,
                stacklevel=3,
            )
        filled = np.where(dead, 1.0, gain)
        around = scipy.ndimage.median_filter(filled, size=7, mode="nearest")
        gain = np.where(dead, np.maximum(around, _LEAST_GAIN), gain)
    return np.asarray(gain / gain.mean())


class Flattening:
    """Divides frames by the relative light of each pixel.

    The mean of the dark image is added back, so that the result stays on the camera's scale:
    background and noise are treated the same with and without a flat field.

    Parameters
    ----------
    gains
        Gains (C, Y, X) or (Y, X), mean 1.
    dark
        Counts without light: an image (Y, X) or a number; 0 if None.

    Raises
    ------
    ExperimentError
        If the size of the dark image is not that of the gains.

    Examples
    --------
    >>> flattened = Flattening(np.array([[0.5, 1.5]]), dark=100.0)
    >>> flattened(np.array([[[150, 250]]], dtype=np.uint16))
    array([[[200., 200.]]], dtype=float32)
    """

    def __init__(self, gains: FloatArray, dark: Image | float | None = None) -> None:
        zero = np.asarray(0.0 if dark is None else dark, dtype=np.float64)
        if zero.ndim and zero.shape != gains.shape[-2:]:
            raise ExperimentError(
                f"flat_field.dark: expected an image of {gains.shape[-2:]} px like the movie, "
                f"found {zero.shape}. Give a dark image of the same size."
            )
        # (frame − zero) / gain + mean of zero, as one product and one sum per pixel.
        self._factor = (1 / gains).astype(np.float32)
        self._level = (zero.mean() - zero / gains).astype(np.float32)

    def __call__(self, frame: Image) -> NDArray[np.float32]:
        """Flatten a frame.

        Parameters
        ----------
        frame
            Pixels (C, Y, X), counts.

        Returns
        -------
        numpy.ndarray
            Pixels (C, Y, X), float32, counts.

        Raises
        ------
        ExperimentError
            If the size of the frame is not that of the gains.
        """
        if self._factor.shape[-2:] != frame.shape[-2:]:
            raise ExperimentError(
                f"flat_field.image: expected an image of {frame.shape[-2:]} px like the movie, "
                f"found {self._factor.shape[-2:]}. Give an image of the same camera, binning and "
                "crop."
            )
        result: NDArray[np.float32] = np.multiply(frame, self._factor, dtype=np.float32)
        result += self._level
        return result


class FlatFieldEstimator:
    """Estimate the illumination from the dimmer parts of many frames of the movie.

    Each frame is reduced to the medians of a coarse grid of tiles. The logarithm of a low
    percentile of these over time is fitted with a second-order surface; tiles that stand out
    above it hold cells and are left out. What the medium's own light does not show, this cannot
    see: an image of an even field is better.

    Parameters
    ----------
    dark
        Counts without light, a number or an image (Y, X); subtracted first. A wrong value makes
        the estimate too flat.
    """

    def __init__(self, dark: Image | float | None = None) -> None:
        self._dark = np.asarray(0.0 if dark is None else dark, dtype=np.float64)
        self._tiles: list[FloatArray] = []
        self._shape: tuple[int, ...] = ()
        self._every = 1
        self._seen = 0

    def update(self, frame: Image) -> None:
        """Take in a frame (C, Y, X), counts.

        At most 128 frames, spread evenly over the movie, are kept as tiles.
        """
        if self._seen % self._every == 0:
            self._shape = frame.shape
            self._tiles.append(_tile_medians(frame - self._dark))
        self._seen += 1
        if len(self._tiles) > _MAX_FRAMES:
            self._tiles = self._tiles[::2]
            self._every *= 2

    def result(self) -> FloatArray:
        """Return the gains (C, Y, X), mean 1 in each channel.

        Raises
        ------
        ExperimentError
            If no frame was taken in.

        Warns
        -----
        CorrectionWarning
            Always that an image is better; and if a channel shows too little light for a fit, in
            which case its gain is 1.
        """
        if not self._tiles:
            raise ExperimentError(
                'flat_field.method = "estimate" needs frames, found none. '
                'Set flat_field.method = "none".'
            )
        warnings.warn(
            "flat_field: the illumination is estimated from the movie, which mistakes uneven "
            'cells for uneven light. An image of an even field is better: flat_field.method = "'
            'image".',
            CorrectionWarning,
            stacklevel=2,
        )
        low = np.percentile(np.stack(self._tiles), 25, axis=0)
        return np.stack([_fit_surface(channel, self._shape[-2:]) for channel in low])


def _tile_edge(length: int) -> int:
    return max(1, length // _TILES)


def _tile_medians(frame: FloatArray) -> FloatArray:
    """Medians of a grid of tiles, (C, rows, columns); an incomplete last tile is left out."""
    height, width = (_tile_edge(length) for length in frame.shape[-2:])
    rows, columns = frame.shape[-2] // height, frame.shape[-1] // width
    tiles = frame[:, : rows * height, : columns * width].reshape(-1, rows, height, columns, width)
    # 16 x 16 pixels place a median well enough.
    some = tiles[:, :, :: -(-height // 16), :, :: -(-width // 16)]
    return np.asarray(np.median(some, axis=(2, 4)))


def _fit_surface(tiles: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Fit the dimmer tiles (rows, columns) with exp of a second-order surface (Y, X)."""
    centres = [_centres(length) for length in shape]
    y, x = (axis.ravel() for axis in np.meshgrid(*centres, indexing="ij"))
    light = tiles.ravel()
    usable = np.isfinite(light) & (light > 0)
    if np.count_nonzero(usable) < _MIN_TILES:
        warnings.warn(
            "flat_field: the movie shows too little light between the cells to estimate the "
            'illumination; it is taken to be even. Set flat_field.method = "image" or "none".',
            CorrectionWarning,
            stacklevel=3,
        )
        return np.ones(shape)
    coefficients = _robust_fit(_surface(y, x)[usable], np.log(light[usable]))
    full_y = (np.arange(shape[0]) + 0.5) / shape[0] * 2 - 1
    full_x = (np.arange(shape[1]) + 0.5) / shape[1] * 2 - 1
    grid_y, grid_x = (axis.ravel() for axis in np.meshgrid(full_y, full_x, indexing="ij"))
    exponent = _surface(grid_y, grid_x) @ coefficients
    gain = np.exp(exponent - exponent.max()).reshape(shape)
    gain = np.maximum(gain, _LEAST_GAIN * gain.mean())
    return np.asarray(gain / gain.mean())


def _centres(length: int) -> FloatArray:
    """Centres of the tiles along an axis that runs from -1 to 1."""
    edge = _tile_edge(length)
    return (np.arange(length // edge) + 0.5) * edge / length * 2 - 1


def _surface(y: FloatArray, x: FloatArray) -> FloatArray:
    """Terms of a second-order surface, (n, 6)."""
    return np.column_stack([np.ones_like(y), y, x, y * y, y * x, x * x])


def _robust_fit(design: FloatArray, values: FloatArray) -> FloatArray:
    """Least squares without the values that stand out above the fit."""
    kept = np.ones(len(values), dtype=bool)
    coefficients: FloatArray = np.zeros(design.shape[1])
    for _ in range(20):
        coefficients = np.asarray(np.linalg.lstsq(design[kept], values[kept], rcond=None)[0])
        residuals = values - design @ coefficients
        # Cells only add light, so the scatter is read off the tiles below the fit.
        below = residuals[residuals < 0]
        spread = 1.4826 * float(np.median(-below)) if below.size else 0.0
        new = residuals <= 2 * spread + 1e-9
        if np.count_nonzero(new) < _MIN_TILES or np.array_equal(new, kept):
            break
        kept = new
    return coefficients
