"""Phase correlation of two images, each frequency weighted by its share of signal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from zincflux.movie import FloatArray, Image

_WORKING_SIZE_PX = 256  # larger frames are binned: the information on a shift is at cell scale
_TAPER = 0.5  # fraction of the frame under the cosine taper
_LOW_CUT = 3.0  # cycles per frame: slower structure is illumination, which does not move
_HIGH_CUT = 0.25  # cycles per working pixel
_LEAST_COHERENCE = 0.45  # unrelated images mostly reach 0.4 at 128 px, less in larger ones
_NOISE_BAND = 0.42  # cycles per working pixel: above, optics leave (almost) nothing but noise


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Half spectrum of an image.

    Attributes
    ----------
    values
        Weighted values (H, W // 2 + 1).
    weight
        Share of each frequency that is signal, 0 to 1.
    """

    values: NDArray[np.complex64]
    weight: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Grid:
    """What the size of the frames fixes, computed once.

    Attributes
    ----------
    shape
        Height and width in working pixels.
    step
        Camera pixels along the edge of a working pixel.
    """

    shape: tuple[int, int]
    step: int

    @classmethod
    def of(cls, frame_shape: tuple[int, ...]) -> Grid:
        """Choose how far frames of a size are binned."""
        step = max(1, max(frame_shape) // _WORKING_SIZE_PX)
        return cls((frame_shape[0] // step, frame_shape[1] // step), step)

    @cached_property
    def window(self) -> NDArray[np.float32]:
        """Taper that hides the edges of the frame."""
        rows, columns = (scipy.signal.windows.tukey(n, _TAPER) for n in self.shape)
        return np.asarray(np.outer(rows, columns), dtype=np.float32)

    @cached_property
    def spread(self) -> float:
        """How much the taper widens the scatter of chance peaks."""
        rows, columns = (scipy.signal.windows.tukey(n, _TAPER) ** 2 for n in self.shape)
        factor = [np.mean(axis**2) / np.mean(axis) ** 2 for axis in (rows, columns)]
        return float(np.sqrt(factor[0] * factor[1]))

    @cached_property
    def frequencies(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Cycles per working pixel along y (H, 1) and x (1, W // 2 + 1)."""
        fy = np.fft.fftfreq(self.shape[0]).astype(np.float32)
        fx = np.fft.rfftfreq(self.shape[1]).astype(np.float32)
        return fy[:, None], fx[None, :]

    @cached_property
    def multiplicity(self) -> NDArray[np.float32]:
        """How often each column of the half spectrum stands in the whole one."""
        times = np.full(self.shape[1] // 2 + 1, 2, dtype=np.float32)
        times[0] = 1
        if self.shape[1] % 2 == 0:
            times[-1] = 1
        return times

    @cached_property
    def radius(self) -> NDArray[np.float32]:
        """Cycles per working pixel in any direction."""
        fy, fx = self.frequencies
        return np.asarray(np.hypot(fy, fx))

    @cached_property
    def band(self) -> NDArray[np.float32]:
        """Weight of each frequency that leaves illumination and the finest noise out."""
        low = _LOW_CUT / min(self.shape)
        rise = 1 - np.exp(-((self.radius / low) ** 4))
        return np.asarray(rise * np.exp(-((self.radius / _HIGH_CUT) ** 2)), dtype=np.float32)

    @cached_property
    def shell(self) -> NDArray[np.intp]:
        """Number of the ring of equal frequency that each value belongs to."""
        n_shells = max(8, min(self.shape) // 4)
        return np.asarray(self.radius * (2 * n_shells), dtype=np.intp).ravel()

    @cached_property
    def shell_size(self) -> FloatArray:
        """Number of values in each ring."""
        return np.maximum(np.bincount(self.shell), 1).astype(np.float64)

    @cached_property
    def noise_shells(self) -> NDArray[np.bool_]:
        """Rings beyond what optics transmit."""
        middle = np.bincount(self.shell, self.radius.ravel()) / self.shell_size
        return np.asarray(middle > _NOISE_BAND)


def _binned(image: Image, step: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Average blocks of step x step pixels."""
    height, width = shape[0] * step, shape[1] * step
    # Whole rows are added up first: they lie in one piece, and what is left is smaller.
    strips = image[:height, :width].reshape(shape[0], step, width)
    rows = strips[:, 0].astype(np.float32)
    for dy in range(1, step):
        rows += strips[:, dy]
    total = rows[:, ::step].copy()
    for dx in range(1, step):
        total += rows[:, dx::step]
    total /= np.float32(step * step)
    return total


def spectrum_of(image: Image, grid: Grid) -> Spectrum:
    """Transform a tapered image whose bright parts are compressed.

    Parameters
    ----------
    image
        Pixels (Y, X); those that are not finite count as typical ones.
    grid
        The grid of the frame's size.

    Returns
    -------
    Spectrum
        All 0 where the image shows nothing but noise.
    """
    pixels = _binned(image, grid.step, grid.shape)
    finite = np.isfinite(pixels)
    if not finite.all():
        pixels[~finite] = np.median(pixels[finite]) if finite.any() else 0
    pixels -= np.float32(np.percentile(pixels[::4, ::4], 5))
    scale = float(pixels.mean())
    if scale <= 0:
        empty = np.zeros(grid.radius.shape)
        return Spectrum(empty.astype(np.complex64), empty.astype(np.float32))
    # The square root keeps a few very bright cells from deciding alone; the 1 keeps it linear,
    # hence quiet, at the background.
    pixels = np.sqrt(np.maximum(pixels / np.float32(scale) + 1, 0), dtype=np.float32)
    pixels -= (pixels * grid.window).sum() / grid.window.sum()
    values = scipy.fft.rfft2(pixels * grid.window, workers=1)
    return _weighted(values, grid)


def _weighted(values: NDArray[np.complex64], grid: Grid) -> Spectrum:
    """Weight each ring of frequencies by its share of signal: 1 - noise / power."""
    power = (values.real**2 + values.imag**2).ravel()
    mean_power = np.bincount(grid.shell, power) / grid.shell_size
    noise = float(np.median(mean_power[grid.noise_shells]))
    # Four standard deviations of a ring's mean power: a ring of pure noise must weigh nothing.
    limit = noise * (1 + 4 / np.sqrt(grid.shell_size))
    share = 1 - np.divide(limit, mean_power, out=np.ones_like(limit), where=mean_power > 0)
    weight = np.maximum(share, 0).astype(np.float32)[grid.shell].reshape(values.shape) * grid.band
    total = float(np.sqrt(mean_power.mean())) or 1.0
    return Spectrum(np.asarray(values * (weight / np.float32(total))), weight)


def find_peak(spectrum: Spectrum, reference: Spectrum, grid: Grid) -> tuple[float, float] | None:
    """Find the shift between two images.

    Returns
    -------
    tuple of float or None
        (dy, dx) in working pixels; None if the peak may be chance.
    """
    product = spectrum.values * reference.values.conj()
    size = np.abs(product)
    weight = np.sqrt(spectrum.weight * reference.weight)
    product *= np.divide(weight, size, out=np.zeros_like(size), where=size > 0)
    chance = float(np.sqrt((weight**2 * grid.multiplicity).sum())) * grid.spread
    if chance == 0:
        return None
    surface = scipy.fft.irfft2(product, s=grid.shape, workers=1)
    n_lags = surface.size
    height = float(surface.max()) * n_lags
    coherence = height / float((weight * grid.multiplicity).sum())
    # The largest of n chance values lies near sqrt(2 ln n) standard deviations; one more is
    # left as a margin.
    if height < chance * (np.sqrt(2 * np.log(n_lags)) + 1) or coherence < _LEAST_COHERENCE:
        return None
    y, x = np.unravel_index(int(surface.argmax()), surface.shape)
    return _refine(product, (_signed(int(y), grid.shape[0]), _signed(int(x), grid.shape[1])), grid)


def _signed(lag: int, length: int) -> int:
    """Read the second half of the lags as negative ones."""
    return lag - length if lag > length // 2 else lag


def _refine(
    product: NDArray[np.complex64], start: tuple[int, int], grid: Grid
) -> tuple[float, float]:
    """Find the peak between the pixels: correlate on a finer grid, then fit a parabola."""
    around = np.linspace(-1, 1, 9)
    fy, fx = (axis.ravel() for axis in grid.frequencies)
    rows = np.exp(2j * np.pi * np.outer(start[0] + around, fy)).astype(np.complex64)
    columns = np.exp(2j * np.pi * np.outer(fx, start[1] + around)).astype(np.complex64)
    # Not as products of matrices: for so few numbers, to share them among cores takes longer than
    # to add them up, by far where the cores have other work.
    fine = np.einsum("ij,jk->ik", rows, product * grid.multiplicity)
    fine = np.einsum("ij,jk->ik", fine, columns).real
    y, x = np.unravel_index(int(fine.argmax()), fine.shape)
    spacing = float(around[1] - around[0])
    dy = around[y] + spacing * _vertex(fine[:, x], int(y))
    dx = around[x] + spacing * _vertex(fine[y, :], int(x))
    return float(start[0] + dy), float(start[1] + dx)


def _vertex(values: NDArray[np.float32], top: int) -> float:
    """Place the vertex of the parabola through three points, in steps from the middle one."""
    if top in (0, len(values) - 1):
        return 0.0
    left, middle, right = (float(v) for v in values[top - 1 : top + 2])
    bend = left - 2 * middle + right
    return 0.5 * (left - right) / bend if bend < 0 else 0.0


def phase_ramp(grid: Grid, shift: tuple[float, float]) -> NDArray[np.complex64]:
    """Return the factor that moves an image back by a shift in working pixels."""
    fy, fx = grid.frequencies
    return np.asarray(
        np.exp(2j * np.pi * fy * shift[0]) * np.exp(2j * np.pi * fx * shift[1]),
        dtype=np.complex64,
    )
