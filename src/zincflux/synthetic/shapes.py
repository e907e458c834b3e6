"""Shapes: the outline of each cell, how thick it is, and what it is filled with."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label

from zincflux.movie import FloatArray, Labels
from zincflux.synthetic.population import Population
from zincflux.synthetic.settings import Simulation

FloatImage = NDArray[np.float32]

_HARMONICS = np.array([2, 3, 4, 5])
_STRENGTHS = np.array([0.30, 0.18, 0.11, 0.07])
_ANGLES = 128
_TILE = 256
_TILE_PER_DIAMETER = 50.0
_EDGE_THICKNESS = 0.3


@dataclass(frozen=True, eq=False)
class Traits:
    """What a cell keeps for life; the first axis of every field has the length n.

    Attributes
    ----------
    amplitude, phase, turn
        Harmonics of the outline, and how fast each turns (radians per frame), shape (n, 4).
    patch
        Where in the noise tile the cell's texture lies, shape (n, 2).
    nucleus, contrast
        Centre of the nucleus relative to the cell's radius, shape (n, 2), and its brightness
        against the cytosol, shape (n,).
    """

    amplitude: FloatArray
    phase: FloatArray
    turn: FloatArray
    patch: NDArray[np.intp]
    nucleus: FloatArray
    contrast: FloatArray

    @classmethod
    def draw(cls, settings: Simulation, n: int, rng: np.random.Generator) -> Traits:
        """Draw the traits of ``n`` cells."""
        size = (n, len(_HARMONICS))
        turning = settings.frame_interval_s / 1800 if settings.moving else 0.0
        normal = np.clip(rng.standard_normal(size), -1.8, 1.8)
        contrast = settings.nucleus_contrast * (1 + 0.3 * rng.standard_normal(n))
        return cls(
            amplitude=settings.irregularity * _STRENGTHS * normal,
            phase=rng.uniform(0, 2 * np.pi, size),
            turn=turning * rng.standard_normal(size),
            patch=rng.integers(0, _TILE, (n, 2)),
            nucleus=rng.uniform(-0.22, 0.22, (n, 2)),
            contrast=np.maximum(contrast, -0.9),
        )

    def of(self, cells: NDArray[np.intp]) -> Traits:
        """Select cells by index."""
        return Traits(**{f.name: getattr(self, f.name)[cells] for f in fields(self)})

    def outlines(self, roundness: FloatArray, frame: int) -> FloatArray:
        """Radius of each outline relative to a circle of the same area, shape (n, 128)."""
        theta = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
        phase = self.phase + self.turn * frame
        waves = np.cos(_HARMONICS[:, None] * theta + phase[:, :, None])
        outline = 1 + np.einsum("nm,nma->na", self.amplitude, waves) * (1 - roundness)[:, None]
        outline = np.clip(outline, 0.5, 1.7)
        return np.asarray(outline / np.sqrt(np.mean(outline**2, axis=1, keepdims=True)))


@dataclass(frozen=True, eq=False)
class Painted:
    """The cells of one frame on the canvas.

    Attributes
    ----------
    labels
        Index of the cell plus 1, 0 for none, shape (Y, X).
    texture
        Light per pixel, with the mean 1 over each cell, shape (Y, X).
    """

    labels: Labels
    texture: FloatImage


@dataclass(frozen=True, eq=False)
class _Pixels:
    """Pixels that lie within reach of a cell, one entry for each pair; all of shape (p,).

    ``dy`` and ``dx`` are distances from the cell's centre in pixels; ``rho`` is 0 at the centre
    and 1 on the outline; ``other`` is the ``rho`` of the nearest other cell at that pixel.
    """

    cell: NDArray[np.intp]
    place: NDArray[np.intp]
    dy: FloatImage
    dx: FloatImage
    rho: FloatImage
    other: FloatImage

    def where(self, chosen: NDArray[np.bool_]) -> _Pixels:
        return _Pixels(*(getattr(self, f.name)[chosen] for f in fields(self)))


@dataclass(frozen=True, eq=False)
class Painter:
    """Paints the cells of a frame on a canvas somewhat larger than the frame.

    Attributes
    ----------
    settings
        Of the movie.
    population, traits
        The cells.
    shape
        Height and width of the canvas.
    margin_px
        How far the canvas reaches beyond the frame on each side.
    tiles
        Periodic noise of three grain sizes (coarse, fine, vesicles), shape (3, 256, 256).
    """

    settings: Simulation
    population: Population
    traits: Traits
    shape: tuple[int, int]
    margin_px: int
    tiles: FloatImage

    def paint(self, frame: int) -> Painted:
        """Paint one frame."""
        labels = np.zeros(self.shape, dtype=np.int32)
        texture = np.zeros(self.shape, dtype=np.float32)
        pixels = self._claim(frame)
        if pixels is None:
            return Painted(labels, texture)
        labels.flat[pixels.place] = pixels.cell + 1
        # Two cells may claim a pixel alike: the one that did not get it gives it up.
        mine = labels.flat[pixels.place] == pixels.cell + 1
        pixels = pixels.where(mine & _largest_pieces(labels).flat[pixels.place])
        labels[...] = 0
        labels.flat[pixels.place] = pixels.cell + 1
        texture.flat[pixels.place] = self._texture(pixels, frame)
        return Painted(labels, texture)

    def _claim(self, frame: int) -> _Pixels | None:
        """Give each pixel to the cell that it lies deepest in."""
        cells = np.flatnonzero(self.population.exists[frame])
        pixels = self._near(cells, frame) if len(cells) else None
        if pixels is None:
            return None
        pixels = pixels.where(pixels.rho < 1)
        best = np.full(self.shape[0] * self.shape[1], np.inf, dtype=np.float32)
        np.minimum.at(best, pixels.place, pixels.rho)
        won = pixels.rho <= best[pixels.place]
        rival = np.full_like(best, np.inf)
        np.minimum.at(rival, pixels.place[~won], pixels.rho[~won])
        return replace(pixels, other=rival[pixels.place]).where(won)

    def _near(self, cells: NDArray[np.intp], frame: int) -> _Pixels:
        """List the pixels in reach of each cell, all cells at once."""
        people = self.population
        radius = people.radius_px[frame, cells]
        outline = self.traits.outlines(people.roundness[frame], frame)[cells]
        y = people.y_px[frame, cells] + self.margin_px
        x = people.x_px[frame, cells] + self.margin_px
        half = int(np.ceil(radius.max() * min(outline.max() * 1.15, 2.0))) + 1
        box = np.arange(-half, half + 1)
        row = np.rint(y).astype(np.intp)[:, None] + box
        column = np.rint(x).astype(np.intp)[:, None] + box
        inside = ((row >= 0) & (row < self.shape[0]))[:, :, None]
        inside = inside & ((column >= 0) & (column < self.shape[1]))[:, None, :]
        dy, dx = row - y[:, None], column - x[:, None]
        reach = (radius * outline.max(axis=1) * 1.15 + 1) ** 2
        inside &= dy[:, :, None] ** 2 + dx[:, None, :] ** 2 < reach[:, None, None]
        which, i, j = np.nonzero(inside)
        place = row[which, i] * self.shape[1] + column[which, j]
        offset = np.stack([dy[which, i], dx[which, j]]).astype(np.float32)
        rho = self._rho(offset, cells[which], frame)
        angle = np.arctan2(offset[0], offset[1]) * np.float32(_ANGLES / (2 * np.pi))
        rho /= (radius[:, None] * outline)[which, np.rint(angle).astype(np.intp) % _ANGLES]
        return _Pixels(cells[which], place, offset[0], offset[1], rho, np.empty_like(rho))

    def _rho(self, offset: FloatImage, cell: NDArray[np.intp], frame: int) -> FloatImage:
        """Distance from the centre in a plane that is warped, so that no outline is smooth."""
        strength = 0.06 * self.settings.irregularity * self.settings.diameter_px
        strength = strength * (1 - self.population.roundness[frame])[cell]
        place = self._tile_place(offset, cell)
        dy = offset[0] + strength * self._tile(0, place, shift=0)
        dx = offset[1] + strength * self._tile(0, place, shift=_TILE // 2)
        return np.asarray(np.hypot(dy, dx), dtype=np.float32)

    def _tile_place(self, offset: FloatImage, cell: NDArray[np.intp]) -> NDArray[np.intp]:
        """Place of each pixel in a flat tile of noise that travels with the cell."""
        scale = np.float32(_TILE_PER_DIAMETER / self.settings.diameter_px)
        i, j = (np.rint(offset * scale).astype(np.intp) + self.traits.patch[cell].T) % _TILE
        return np.asarray(i * _TILE + j)

    def _tile(self, grain: int, place: NDArray[np.intp], shift: int) -> FloatImage:
        """Take noise of one grain; other shifts give independent noise."""
        return np.take(self.tiles[grain].ravel(), place + shift * _TILE, mode="wrap")

    def _texture(self, pixels: _Pixels, frame: int) -> FloatImage:
        """Light per pixel: thickness, nucleus, grain and vesicles; mean 1 over each cell."""
        depth = np.minimum(1 - pixels.rho, 1.2 * (pixels.other - pixels.rho))
        dome = np.sqrt(1 - (1 - np.clip(depth, 0, 1)) ** 2)
        offset = np.stack([pixels.dy, pixels.dx])
        radius = self.population.radius_px[frame][pixels.cell].astype(np.float32)
        nucleus = self.traits.nucleus[pixels.cell].T.astype(np.float32)
        distance = np.hypot(*(offset / radius - nucleus))
        nuclear = 1 / (1 + np.exp((distance - 0.45) / 0.05))
        light = _EDGE_THICKNESS + (1 - _EDGE_THICKNESS) * dome
        light *= 1 + self.traits.contrast[pixels.cell] * nuclear
        place = self._tile_place(offset, pixels.cell)
        light *= np.exp(0.1 * (self._tile(0, place, 90) + self._tile(1, place, 30)))
        bright = np.clip(self._tile(2, place, 60) - 1.6, 0, 1.5)
        light *= 1 + self.settings.puncta * bright * (1 - nuclear)
        total = np.bincount(pixels.cell, light)
        count = np.bincount(pixels.cell)
        mean = total / np.maximum(count, 1)
        return np.asarray(light / mean[pixels.cell], dtype=np.float32)


def noise_tiles(rng: np.random.Generator) -> FloatImage:
    """Make periodic noise of mean 0 and variance 1, coarse, fine and spotty, (3, 256, 256)."""
    white = rng.standard_normal((3, _TILE, _TILE))
    grains = (8.0, 2.5, 1.6)
    smooth = [
        ndimage.gaussian_filter(w, g, mode="wrap") for w, g in zip(white, grains, strict=True)
    ]
    return np.stack([s / s.std() for s in smooth]).astype(np.float32)


def debris(settings: Simulation, shape: tuple[int, int], rng: np.random.Generator) -> FloatImage:
    """Light of bright specks that lie in the dish, in units of the median cell, (Y, X)."""
    image = np.zeros(shape, dtype=np.float32)
    y, x = np.ogrid[: shape[0], : shape[1]]
    for _ in range(settings.debris):
        centre = rng.uniform(0, 1, 2) * shape
        size = rng.uniform(0.6, 1.8) / settings.pixel_size_um
        height = rng.uniform(1.0, 5.0)
        image += height * np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / (2 * size**2))
    return image


def _largest_pieces(labels: Labels) -> NDArray[np.bool_]:
    """Tell which pixels belong to the largest connected piece of their cell."""
    pieces = label(labels, connectivity=1)
    size = np.bincount(pieces.ravel())
    owner = np.zeros(len(size), dtype=np.intp)
    owner[pieces.ravel()] = labels.ravel()
    largest = np.zeros(owner.max() + 1, dtype=np.intp)
    order = np.argsort(size, kind="stable")
    largest[owner[order]] = order
    keep = largest[owner] == np.arange(len(size))
    keep[0] = False
    return np.asarray(keep[pieces])
