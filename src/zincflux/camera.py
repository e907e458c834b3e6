"""Camera: offset, gain and read noise, and the noise of a pixel that follows from them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from zincflux.errors import ExperimentError
from zincflux.movie import FloatArray, Image
from zincflux.settings import InputPath, Settings

_TILE = 8  # px along each edge
_MAX_TILES = 2048  # per pair and channel; each pair has others
_FIRST_DEGREE = 3
_DEGREES = (_TILE - _FIRST_DEGREE) ** 2
_ONE_FRAME = "estimated from one frame"
_ROUNDING = 1 / 12  # variance that rounding to whole counts adds


class Camera(Settings):
    """What is known about the camera; the noise is estimated from the movie otherwise."""

    offset: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="Counts without light"
    )
    gain_e: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Electrons per count; needs read_noise_e and offset or dark",
    )
    read_noise_e: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="Read noise of a pixel, electrons (standard deviation); needs gain_e",
    )
    dark: InputPath | None = Field(
        default=None, description="Image without light, in place of offset"
    )
    saturation_level: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Counts from which a pixel is at the camera's limit; the file's bit depth "
        "tells if not given",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.gain_e is None) != (self.read_noise_e is None):
            given, lacking = "gain_e", "read_noise_e"
            if self.gain_e is None:
                given, lacking = lacking, given
            raise ValueError(
                f"camera.{given} is given without camera.{lacking}. Give both, or neither: the "
                "noise is then estimated from the movie."
            )
        if self.offset is not None and self.dark is not None:
            raise ValueError(
                "camera.offset and camera.dark are both given, but one replaces the other. "
                "Remove one."
            )
        if self.gain_e is not None and self.offset is None and self.dark is None:
            raise ValueError(
                "camera.gain_e needs the counts without light. Add camera.offset or camera.dark."
            )
        return self


@dataclass(frozen=True, eq=False)
class NoiseModel:
    """Variance of a pixel as a straight line of its counts.

    Attributes
    ----------
    slope
        Counts² per count, shape (C,): the inverse of the gain in electrons per count.
    intercept
        Counts² at 0 counts, shape (C,); below 0 where the offset is large.
    origin
        ``"given"``, ``"estimated"`` (from pairs of frames) or ``"estimated from one frame"``.
    floor
        Smallest variance that is ever returned, counts².

    Raises
    ------
    ValueError
        If the shapes differ or a value is not finite.
    """

    slope: FloatArray
    intercept: FloatArray
    origin: str
    floor: float = 1e-12

    def __post_init__(self) -> None:
        if self.slope.ndim != 1 or self.slope.shape != self.intercept.shape:
            raise ValueError(
                f"expected slope and intercept of one shape (C,), found {self.slope.shape} and "
                f"{self.intercept.shape}."
            )
        if not np.all(np.isfinite([self.slope, self.intercept])) or self.floor <= 0:
            raise ValueError(
                f"expected finite numbers and a floor above 0, found slope {self.slope}, "
                f"intercept {self.intercept}, floor {self.floor}."
            )

    def variance(self, raw: ArrayLike) -> FloatArray:
        """Return the variance of a pixel.

        Parameters
        ----------
        raw
            Counts as recorded, shape (C, …).

        Returns
        -------
        numpy.ndarray
            Variance in counts², shape (C, …); NaN where the counts are NaN.
        """
        counts = np.asarray(raw, dtype=np.float64)
        axes = (-1,) + (1,) * (counts.ndim - 1)
        line = self.slope.reshape(axes) * counts + self.intercept.reshape(axes)
        return np.asarray(np.maximum(line, self.floor))

    def variance_of_mean(self, mean_raw: ArrayLike, n_pixels: ArrayLike) -> FloatArray:
        """Return the variance of the mean of many pixels whose noise is independent.

        Parameters
        ----------
        mean_raw
            Mean counts as recorded, shape (C, n).
        n_pixels
            Number of pixels, shape (n,).

        Returns
        -------
        numpy.ndarray
            Variance in counts², shape (C, n); NaN where there are no pixels.

        Examples
        --------
        >>> noise = NoiseModel(np.array([0.5]), np.array([-40.0]), "given")
        >>> noise.variance_of_mean([[1080.0]], [100])
        array([[5.]])
        """
        count = np.asarray(n_pixels, dtype=np.float64)
        return np.asarray(self.variance(mean_raw) / np.where(count > 0, count, np.nan))


def noise_from_settings(
    camera: Camera, n_channels: int, dark: Image | None = None
) -> NoiseModel | None:
    r"""Make the noise model from what is known about the camera.

    .. math:: \sigma^2 = (raw - offset) / g + (r / g)^2 + 1/12

    with g electrons per count and a read noise of r electrons.

    Parameters
    ----------
    camera
        The settings.
    n_channels
        Number of channels.
    dark
        The image that ``camera.dark`` names.

    Returns
    -------
    NoiseModel or None
        None if the gain is not known: estimate it (`estimate_noise`).

    Raises
    ------
    ExperimentError
        If ``camera.dark`` holds no finite pixel.

    Examples
    --------
    >>> camera = Camera(offset=100, gain_e=2.0, read_noise_e=3.0)
    >>> noise_from_settings(camera, 1).slope
    array([0.5])
    """
    if camera.gain_e is None or camera.read_noise_e is None:
        return None
    offset = offset_from_settings(camera, dark)
    if offset is None:
        raise ExperimentError("camera.dark: expected its image to be read first, found none.")
    slope = 1 / camera.gain_e
    read = (camera.read_noise_e / camera.gain_e) ** 2 + _ROUNDING
    return NoiseModel(
        np.full(n_channels, slope), np.full(n_channels, read - slope * offset), "given", read
    )


def offset_from_settings(camera: Camera, dark: Image | None = None) -> float | None:
    """Return the counts without light, from the key or the dark image; None if neither is given.

    Raises
    ------
    ExperimentError
        If the dark image holds no finite pixel.
    """
    if camera.offset is not None or dark is None:
        return camera.offset
    pixels = np.asarray(dark, dtype=np.float64)
    pixels = pixels[np.isfinite(pixels)]
    if pixels.size == 0:
        raise ExperimentError(
            "camera.dark: expected an image with finite pixels, found none. Check the file."
        )
    # Hot pixels must not raise the level of all others.
    low, high = np.percentile(pixels, [1, 99])
    return float(pixels[(pixels >= low) & (pixels <= high)].mean())


def estimate_noise(
    pairs: Iterable[tuple[Image, Image]],
    *,
    offset: float | None = None,
    saturation_level: float | None = None,
) -> NoiseModel:
    """Estimate the noise of a pixel from frames shot one after the other (photon transfer).

    In small tiles, the variance of half the difference of both frames is compared with the mean
    of both. Only its finest structure counts, so that cells that move a little or change in
    brightness leave little behind; tiles in which they leave much are left out, and a line is
    fitted to the others. The noise is taken to be independent from pixel to pixel: smoothing or
    resampling before makes it too small.

    Parameters
    ----------
    pairs
        Frames (C, Y, X) that follow one another. Two identical frames, as of a movie of one
        frame, tell nothing as a pair: if there are no others, the noise is taken from the pixels'
        scatter within a frame, which fine structure in the cells makes too large.
    offset
        Counts without light, where known: the variance there is kept above 0.
    saturation_level
        Counts from which a pixel is at the camera's limit; its tile is left out.

    Returns
    -------
    NoiseModel
        Slope and intercept per channel. A channel whose tiles all have the same mean gets slope
        0 and its variance as the intercept.

    Raises
    ------
    ExperimentError
        If there is no frame at all.

    References
    ----------
    Janesick JR. Photon Transfer. SPIE Press; 2007.
    """
    limit = math.inf if saturation_level is None else saturation_level
    tiles: list[list[FloatArray]] = []
    first: Image | None = None
    for number, (before, after) in enumerate(pairs):
        first = before if first is None else first
        if not np.array_equal(before, after):
            tiles.append(_pair_tiles(before, after, limit, number))
    if first is None:
        raise ExperimentError("movie: expected at least one frame to estimate noise, found none.")
    origin = "estimated"
    if not any(channel.size for pair in tiles for channel in pair):
        origin, tiles = _ONE_FRAME, [[_usable(_tiles(channel, limit)) for channel in first]]
    lines = [
        _fit_line(np.concatenate(channel, axis=1), offset) for channel in zip(*tiles, strict=True)
    ]
    slope, intercept = np.array(lines).T
    return NoiseModel(slope, intercept, origin, _floor(first))


def _floor(frame: Image) -> float:
    """Smallest variance that is meaningful: that of rounding, or of the number format."""
    if np.issubdtype(frame.dtype, np.integer):
        return _ROUNDING
    finite = frame[np.isfinite(frame)]
    typical = float(np.median(np.abs(finite))) if finite.size else 0.0
    return max((1e-6 * typical) ** 2, 1e-300)


def _basis() -> FloatArray:
    """Orthonormal products of polynomials over a tile, third degree and more on both axes.

    What optics draw is smooth over a tile and has next to nothing there; noise has its full share.
    """
    axis = np.linspace(-1, 1, _TILE)
    polynomials = np.linalg.qr(np.vander(axis, increasing=True))[0][:, _FIRST_DEGREE:]
    return np.asarray(np.kron(polynomials, polynomials))


def _cut(image: Image, number: int = 0) -> FloatArray:
    """Cut an image (Y, X) into tiles (n, pixels); of large ones, every n-th row of tiles.

    Which rows, changes with the number of the image, so that several of them show more cells.
    """
    rows, columns = image.shape[0] // _TILE, image.shape[1] // _TILE
    skip = max(1, math.ceil(rows * columns / _MAX_TILES))
    tiles = image[: rows * _TILE, : columns * _TILE].reshape(rows, _TILE, columns, _TILE)
    chosen = tiles[number % max(1, min(skip, rows)) :: skip].transpose(0, 2, 1, 3)
    return chosen.reshape(-1, _TILE * _TILE).astype(np.float64)


def _scatter(tiles: FloatArray) -> FloatArray:
    """Variance of the noise in each tile (n, pixels)."""
    # Without their level, blank tiles give exactly 0.
    return np.asarray((((tiles - tiles[:, :1]) @ _basis()) ** 2).mean(axis=1))


def _tiles(image: Image, limit: float) -> FloatArray:
    """Mean and variance of the tiles of one image, (2, n)."""
    tiles = _cut(image)
    tiles = tiles[(tiles < limit).all(axis=1)]
    return np.array([tiles.mean(axis=1), _scatter(tiles)])


def _pair_tiles(before: Image, after: Image, limit: float, number: int) -> list[FloatArray]:
    """Mean and variance of the tiles of two frames (C, Y, X), one array (2, n) per channel."""
    result = []
    for first, second in zip(before, after, strict=True):
        a, b = _cut(first, number), _cut(second, number)
        below = (a < limit).all(axis=1) & (b < limit).all(axis=1)
        a, b = a[below], b[below]
        mean_a, mean_b = a.mean(axis=1), b.mean(axis=1)
        level, variance = (mean_a + mean_b) / 2, _scatter(a - b) / 2
        dark = float(np.nanmin(level)) if level.size else 0.0
        change = 0.05 * (level - dark) + 4 * np.sqrt(2 * variance / _TILE**2)
        steady = np.abs(mean_a - mean_b) <= change
        result.append(_usable(np.array([level, variance])[:, steady]))
    return result


def _usable(tiles: FloatArray) -> FloatArray:
    """Leave out tiles with NaN, and tiles without noise (a blank border) if others have some."""
    tiles = tiles[:, np.isfinite(tiles).all(axis=0)]
    noisy = tiles[1] > 0
    return tiles[:, noisy] if noisy.any() else tiles


def _fit_line(tiles: FloatArray, offset: float | None) -> tuple[float, float]:
    """Fit slope and intercept to the tiles (2, n) that hold nothing but noise."""
    level, variance = tiles
    if level.size == 0 or not variance.any():
        return 0.0, 0.0
    base = float(level.min()) if offset is None else min(offset, float(level.min()))
    slope, at_base = _start(level - base, variance)
    # Of tiles with noise alone, 1 % scatter beyond this multiple of the line.
    cut = float(scipy.special.chdtri(_DEGREES, 0.01)) / _DEGREES
    kept_mean = float(scipy.special.chdtr(_DEGREES + 2, cut * _DEGREES)) / 0.99
    for _ in range(30):
        line = np.maximum(slope * (level - base) + at_base, 1e-12 * float(variance.max()))
        kept = variance < cut * line
        if np.count_nonzero(kept) < 3:
            break
        found = _weighted_line(level[kept] - base, variance[kept], 1 / line[kept])
        new_slope, new_base = found[0] / kept_mean, found[1] / kept_mean
        done = np.allclose([slope, at_base], [new_slope, new_base], rtol=1e-6, atol=0)
        slope, at_base = new_slope, new_base
        if done:
            break
    return slope, at_base - slope * base


def _start(height: FloatArray, variance: FloatArray) -> tuple[float, float]:
    """Fit the lower quarter of the variances at each level: motion only ever adds."""
    order = np.array_split(np.argsort(height, kind="stable"), min(30, max(1, height.size // 20)))
    quarter = float(scipy.special.chdtri(_DEGREES, 0.75)) / _DEGREES
    middle = np.array([height[part].mean() for part in order])
    low = np.array([np.percentile(variance[part], 25) for part in order]) / quarter
    smallest = 1e-6 * float(low.max()) or 1e-300
    return _weighted_line(middle, low, 1 / np.maximum(low, smallest))


def _weighted_line(
    height: FloatArray, variance: FloatArray, weight: NDArray[np.float64]
) -> tuple[float, float]:
    """Least squares for a line that neither falls nor starts below 0."""
    scale = float(height.max())
    if scale <= 0:
        return 0.0, float(np.average(variance, weights=weight**2))
    design = np.column_stack([height / scale, np.ones_like(height)]) * weight[:, None]
    (rise, start), _ = scipy.optimize.nnls(design, variance * weight)
    return float(rise) / scale, float(start)
