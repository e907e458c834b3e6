"""Simulated fields of whole cells filled with dye: sparse to confluent, textured, uneven."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.measure import label

from zincflux.movie import FloatArray, Labels
from zincflux.segment.learned.scaling import FloatImage
from zincflux.training.look import Look

_NEIGHBOURS = 8


def field_of_whole_cells(seed: int, side: int = 360) -> tuple[FloatImage, Labels]:
    """Simulate a field.

    Parameters
    ----------
    seed
        The same seed gives the same field.
    side
        Height and width, pixels.

    Returns
    -------
    image, labels
        Counts, and the number of the cell that each pixel belongs to.
    """
    rng = np.random.default_rng(np.random.SeedSequence([0xCE115, seed]))
    look = Look.draw(rng)
    labels, depth, offset = _layer(look, side, rng)
    light = _light(look, labels, depth, offset, rng)
    return _seen(look, light, rng), _without_scraps(labels, look.diameter_px)


def _layer(
    look: Look, side: int, rng: np.random.Generator
) -> tuple[Labels, FloatImage, FloatArray]:
    """Share the plane among cells: to the nearest centre, each by its own stretched measure.

    Returns labels, depth (0 at the edge to 1 in the middle), and the place of each pixel relative
    to the centre of its cell in units of the cell's reach, (2, Y, X).
    """
    centre = _centres(look, side, rng)
    n = len(centre)
    turn, log_stretch = rng.uniform(0, np.pi, n), look.stretch * rng.standard_normal(n)
    size = np.exp(rng.uniform(0.05, 0.3) * np.clip(rng.standard_normal(n), -2, 2))
    y, x = np.mgrid[:side, :side].astype(np.float32)
    bend = look.roughness * look.diameter_px
    for grain in (0.45, 0.15):
        y += bend * np.float32(grain**0.5) * _noise(side, grain * look.diameter_px, rng)
        x += bend * np.float32(grain**0.5) * _noise(side, grain * look.diameter_px, rng)
    place = np.stack([y.ravel(), x.ravel()], axis=1)
    _, near = cKDTree(centre).query(place, k=min(_NEIGHBOURS, n))
    near = near.reshape(len(place), -1)
    apart = place[:, None, :] - centre[near]
    sin, cos = np.sin(turn)[near], np.cos(turn)[near]
    long = (apart[..., 0] * sin + apart[..., 1] * cos) * np.exp(-log_stretch)[near]
    wide = (apart[..., 0] * cos - apart[..., 1] * sin) * np.exp(log_stretch)[near]
    rho = np.hypot(long, wide) / (size[near] * look.diameter_px * look.reach)
    order = np.argsort(rho, axis=1)[:, :2]
    first = np.take_along_axis(rho, order[:, :1], 1)[:, 0]
    second = np.take_along_axis(rho, order[:, -1:], 1)[:, 0] if n > 1 else np.inf
    owner = np.take_along_axis(near, order[:, :1], 1)[:, 0]
    lost = rng.random(n) < rng.choice([0.0, 0.0, 0.1, 0.4])
    labels = np.where((first < 1) & ~lost[owner], owner + 1, 0).reshape(side, side)
    labels = _largest_pieces(labels.astype(np.int32))
    depth = np.minimum(1 - first, 1.2 * (second - first)).reshape(side, side)
    inside = np.stack([long, wide])
    offset = np.take_along_axis(inside, order[None, :, :1], 2)[..., 0].reshape(2, side, side)
    return labels, np.clip(depth, 0, 1).astype(np.float32), (offset / look.diameter_px)


def _centres(look: Look, side: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Centres about a diameter apart: a jittered triangular grid, thinned."""
    step = look.diameter_px
    margin = 2 * step
    rows = np.arange(-margin, side + margin, step * np.sqrt(3) / 2)
    columns = np.arange(-margin, side + margin, step)
    y, x = np.meshgrid(rows, columns, indexing="ij")
    x = x + step / 2 * (np.arange(len(rows)) % 2)[:, None]
    centre = np.stack([y.ravel(), x.ravel()], axis=1)
    centre += rng.uniform(0.08, 0.3) * step * rng.standard_normal(centre.shape)
    keep = rng.random(len(centre)) < rng.choice([1.0, 0.9, 0.6, 0.3])
    keep[rng.integers(len(centre))] = True
    return np.asarray(centre[keep])


def _light(
    look: Look, labels: Labels, depth: FloatImage, offset: FloatArray, rng: np.random.Generator
) -> FloatImage:
    """Work out the light of the sample, the median cell being about 1, background not included."""
    side, diameter = labels.shape[0], look.diameter_px
    n = int(labels.max()) + 1
    load = np.exp(look.load_spread * np.clip(rng.standard_normal(n), -2.5, 2.5))
    load[0] = 0
    dome = np.sqrt(1 - (1 - depth) ** 2)
    light = look.flatness + (1 - look.flatness) * (0.15 + 0.85 * dome)
    nucleus_place = rng.uniform(-0.12, 0.12, (2, n))[:, labels]
    nuclear = _bump(offset - nucleus_place, rng.uniform(0.18, 0.28))
    light *= 1 + look.nucleus * (1 + 0.3 * rng.standard_normal(n))[labels] * nuclear
    if look.golgi:
        angle = rng.uniform(0, 2 * np.pi, n)
        beside = nucleus_place + 0.28 * np.stack([np.sin(angle), np.cos(angle)])[:, labels]
        spots = np.clip(_noise(side, 0.07 * diameter, rng) + 0.6, 0, 3)
        light += look.golgi * _bump(offset - beside, 0.12) * spots
    if look.fibres:
        light *= np.exp(look.fibres * _fibres(side, labels, diameter, rng))
    if look.rim:
        light += look.rim * np.exp(-depth / 0.08) * np.clip(_noise(side, diameter, rng) + 0.5, 0, 2)
    border = np.exp(-depth / rng.uniform(0.04, 0.12))
    light *= 1 + look.seam * border
    light *= np.exp(look.grain * (_noise(side, 2.5, rng) + _noise(side, 0.2 * diameter, rng)))
    light = np.clip(light, 0.03, 8) * load[labels]
    middle = np.median(light[labels > 0]) if (labels > 0).any() else 1.0
    return np.asarray(light / max(float(middle), 1e-6), dtype=np.float32)


def _bump(offset: FloatArray, radius: float) -> FloatImage:
    distance = np.hypot(offset[0], offset[1])
    return np.asarray(1 / (1 + np.exp((distance - radius) / 0.025)), dtype=np.float32)


def _fibres(side: int, labels: Labels, diameter: float, rng: np.random.Generator) -> FloatImage:
    """Streaks; each cell takes one of four directions."""
    which = rng.integers(0, 4, int(labels.max()) + 1)[labels]
    streaks = np.zeros((side, side), dtype=np.float32)
    for number, angle in enumerate((0, 45, 90, 135)):
        big = int(side * 1.5)
        noise = ndimage.gaussian_filter(
            rng.standard_normal((big, big)).astype(np.float32), (0.9, 0.35 * diameter)
        )
        turned = ndimage.rotate(noise, angle, reshape=False, order=1)
        start = (big - side) // 2
        part = turned[start : start + side, start : start + side]
        streaks = np.where(which == number, part / part.std(), streaks)
    return streaks


def _seen(look: Look, light: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Pass light through the optics to the camera."""
    side = light.shape[0]
    sharp = ndimage.gaussian_filter(light, look.blur_px)
    wide = ndimage.gaussian_filter(light, 0.7 * look.diameter_px)
    y, x = np.mgrid[:side, :side] / side - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.sin(angle) * y + np.cos(angle) * x + 0.3 * _noise(side, side / 6, rng)
    background = (1 + look.unevenness * slope) / look.contrast
    shading = 1 - rng.uniform(0, 0.4) * (y**2 + x**2)
    seen = ((1 - look.haze) * sharp + look.haze * wide + np.maximum(background, 0)) * shading
    counts = rng.poisson(np.maximum(seen, 0) * look.photons) + 1.5 * rng.standard_normal(seen.shape)
    return np.asarray(counts + 100, dtype=np.float32)


def _noise(side: int, grain: float, rng: np.random.Generator) -> FloatImage:
    """Smooth noise of variance 1."""
    noise = ndimage.gaussian_filter(
        rng.standard_normal((side, side)).astype(np.float32), grain, mode="wrap"
    )
    return np.asarray(noise / max(float(noise.std()), 1e-6), dtype=np.float32)


def _largest_pieces(labels: Labels) -> Labels:
    """Keep the largest connected piece of each cell."""
    pieces = label(labels, connectivity=1)
    size = np.bincount(pieces.ravel())
    owner = np.zeros(len(size), dtype=np.intp)
    owner[pieces.ravel()] = labels.ravel()
    largest = np.zeros(int(owner.max()) + 1, dtype=np.intp)
    order = np.argsort(size, kind="stable")
    largest[owner[order]] = order
    keep = largest[owner] == np.arange(len(size))
    return np.asarray(np.where(keep[pieces], labels, 0), dtype=np.int32)


def _without_scraps(labels: Labels, diameter_px: float) -> Labels:
    """Drop what is too small to be told from a speck, as at the edge of the field."""
    small = np.bincount(labels.ravel()) < 0.06 * diameter_px**2
    return np.asarray(np.where(small[labels], 0, labels), dtype=np.int32)
