"""Optics: blur, haze, drift, focus, background, and the camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtr

from zincflux.movie import FloatArray
from zincflux.phases import Phase
from zincflux.synthetic.settings import Simulation

FloatImage = NDArray[np.float32]

_BLOCK = 8
_CLOUDS = 6


def drift_path(settings: Simulation, rng: np.random.Generator) -> FloatArray:
    """Smooth walk of the sample from (0, 0), in pixels down and right, shape (T, 2)."""
    n = settings.n_frames
    velocity = rng.standard_normal((n, 2)) + rng.standard_normal(2) * 0.2
    path = np.cumsum(ndimage.gaussian_filter1d(velocity, max(n / 10, 1), axis=0), axis=0)
    path -= path[0]
    farthest = np.hypot(path[:, 0], path[:, 1]).max()
    if farthest == 0:
        return path
    return np.asarray(path * (settings.drift_um / settings.pixel_size_um / farthest))


def focus_path(
    settings: Simulation, phases: tuple[Phase, ...], rng: np.random.Generator
) -> FloatArray:
    """Blur of each frame in µm: an addition knocks the dish out of focus, shape (T,)."""
    blur = np.full(settings.n_frames, settings.psf_um)
    for phase in phases[1:]:
        first = round(phase.start_s / settings.frame_interval_s)
        hit = blur[first : first + settings.defocus_frames]
        extra = settings.defocus_um * rng.uniform(0.6, 1.0, len(hit))
        hit[:] = np.hypot(hit, extra)
    return blur


def blur_kernel(sigma_px: float, shift_px: float) -> FloatArray:
    """Weights that blur by a Gaussian and move by a part of a pixel, in one go.

    The image is taken as constant within each pixel and integrated over each pixel again, so a
    pure shift is linear interpolation and loses no light.

    Parameters
    ----------
    sigma_px
        Standard deviation of the Gaussian.
    shift_px
        Shift towards higher indices, from −0.5 to 0.5.

    Returns
    -------
    numpy.ndarray
        Weights of odd length with the sum 1.
    """
    reach = int(np.ceil(4 * sigma_px)) + 1
    edges = np.arange(-reach - 1, reach + 2) - shift_px
    if sigma_px > 1e-3:
        scaled = edges / sigma_px
        gauss = np.exp(-(scaled**2) / 2) / np.sqrt(2 * np.pi)
        ramp = edges * ndtr(scaled) + sigma_px * gauss
    else:
        ramp = np.maximum(edges, 0.0)
    weights = np.diff(ramp, n=2)
    return np.asarray(weights / weights.sum())


def image_sharp(
    canvas: FloatImage,
    margin_px: int,
    shape: tuple[int, int],
    drift_px: FloatArray,
    sigma_px: float,
) -> FloatImage:
    """Blur the canvas, move it by the drift and cut the frame out of it.

    Parameters
    ----------
    canvas
        Light of the sample, larger than the frame, (Y + 2·margin, X + 2·margin).
    margin_px
        How far the canvas reaches beyond the frame.
    shape
        Height and width of the frame.
    drift_px
        Shift down and right, shape (2,).
    sigma_px
        Blur.
    """
    image = canvas
    for axis in (0, 1):
        whole = int(np.rint(drift_px[axis]))
        kernel = blur_kernel(sigma_px, float(drift_px[axis]) - whole)
        reach = len(kernel) // 2
        start = margin_px - whole - reach
        image = np.take(image, np.arange(start, start + shape[axis] + 2 * reach), axis=axis)
        image = ndimage.convolve1d(image, kernel, axis=axis, mode="nearest")
        image = np.take(image, np.arange(reach, reach + shape[axis]), axis=axis)
    return image


def image_haze(
    canvas: FloatImage,
    margin_px: int,
    shape: tuple[int, int],
    drift_px: FloatArray,
    sigma_px: float,
) -> FloatImage:
    """Light out of focus: the canvas under a wide Gaussian, computed on blocks of 8 × 8 pixels.

    Parameters as for `image_sharp`.
    """
    padded = np.pad(canvas, [(0, -side % _BLOCK) for side in canvas.shape])
    rows, columns = padded.shape[0] // _BLOCK, padded.shape[1] // _BLOCK
    blocks = padded.reshape(rows, _BLOCK, columns, _BLOCK).mean(axis=(1, 3))
    # Averaging over blocks and interpolating between them blur already.
    blurred = (_BLOCK**2 - 1) / 12 + _BLOCK**2 / 6
    sigma = math.sqrt(max(sigma_px**2 - blurred, 0.0))
    blocks = ndimage.gaussian_filter(blocks, sigma / _BLOCK, mode="nearest")
    return _interpolate(blocks, shape, margin_px - drift_px)


def _interpolate(blocks: FloatImage, shape: tuple[int, int], start: FloatArray) -> FloatImage:
    """Interpolate between the middles of blocks.

    Slices and sums, no matrix product: the bytes must not depend on the number of threads.
    """
    image = blocks
    for axis, side in enumerate(shape):
        place = (np.arange(side) + start[axis] - (_BLOCK - 1) / 2) / _BLOCK
        place = np.clip(place, 0, blocks.shape[axis] - 1)
        low = place.astype(np.intp)
        high = np.minimum(low + 1, blocks.shape[axis] - 1)
        part = np.expand_dims((place - low).astype(np.float32), 1 - axis)
        image = np.take(image, low, axis) * (1 - part) + np.take(image, high, axis) * part
    return image


@dataclass(frozen=True, eq=False)
class Background:
    """Light of the medium: a gradient, and clouds that move across the frame.

    Attributes
    ----------
    slope
        Depth of the gradient down and right, shape (2,).
    centre, velocity
        Of the clouds, relative to the frame and per movie, shape (k, 2).
    width, height
        Of the clouds, relative to the frame and to the background, shape (k,).
    """

    slope: FloatArray
    centre: FloatArray
    velocity: FloatArray
    width: FloatArray
    height: FloatArray

    @classmethod
    def draw(cls, settings: Simulation, rng: np.random.Generator) -> Background:
        """Draw a background that stays above zero everywhere."""
        angle = rng.uniform(0, 2 * np.pi)
        height = np.where(np.arange(_CLOUDS) % 2, -1.0, 1.0) * rng.uniform(0.5, 1, _CLOUDS)
        course = rng.standard_normal((_CLOUDS, 2))
        course /= np.linalg.norm(course, axis=1, keepdims=True)
        field_um = np.asarray(settings.shape_px) * settings.pixel_size_um
        return cls(
            slope=0.5 * np.array([np.sin(angle), np.cos(angle)]) / np.sqrt(2),
            centre=rng.uniform(0, 1, (_CLOUDS, 2)),
            velocity=course * settings.background_drift_um / field_um,
            width=rng.uniform(0.15, 0.4, _CLOUDS),
            height=0.5 * height / np.abs(height).max(),
        )

    def field(self, progress: float, shape: tuple[int, int]) -> FloatImage:
        """Relief of the background, between about −1 and 1.

        Parameters
        ----------
        progress
            Share of the movie that has passed.
        shape
            Height and width of the frame.
        """
        y, x = (
            ((np.arange(-(-side // _BLOCK) + 1) - 0.5) * _BLOCK / side)[:, None] for side in shape
        )
        centre = self.centre + progress * self.velocity
        rows = np.exp(-(((y - centre[:, 0]) / self.width) ** 2) / 2) * self.height
        columns = np.exp(-(((x - centre[:, 1]) / self.width) ** 2) / 2)
        clouds = np.clip((rows[:, None] * columns).sum(axis=2), -0.5, 0.5)
        relief = clouds + self.slope[0] * (2 * y - 1) + self.slope[1] * (2 * x.T - 1)
        start = np.full(2, _BLOCK - 0.5)
        return _interpolate(relief.astype(np.float32), shape, start)


def vignette(settings: Simulation) -> FloatImage:
    """Light that reaches each pixel, 1 in the centre, shape (Y, X)."""
    y, x = (2 * (np.arange(side) + 0.5) / side - 1 for side in settings.shape_px)
    return np.asarray(1 - settings.shading * (y[:, None] ** 2 + x**2) / 2, dtype=np.float32)


def expose(
    electrons: FloatImage, settings: Simulation, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Record light with a camera: photon noise, read noise, offset, limit.

    Parameters
    ----------
    electrons
        Expected electrons per pixel, any shape.
    settings
        Holds gain, offset, read noise and bit depth.
    rng
        Source of the noise.

    Returns
    -------
    numpy.ndarray
        Counts, same shape.
    """
    caught = rng.poisson(electrons).astype(np.float32)
    caught += np.float32(settings.read_noise_e) * rng.standard_normal(
        electrons.shape, dtype=np.float32
    )
    counts = np.rint(caught / np.float32(settings.gain_e) + np.float32(settings.offset))
    np.clip(counts, 0, 2**settings.bit_depth - 1, out=counts)
    return np.asarray(counts, dtype=np.uint16)
