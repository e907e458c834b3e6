"""Crops to learn from: turned, mirrored, zoomed, and seen through worse cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from zincflux.movie import FloatArray
from zincflux.segment.learned.scaling import FloatImage, inputs_of
from zincflux.training.targets import Example

BLANK_SHARE = 0.03
"""Share of the crops that show no cell."""

WIDE_ZOOM_SHARE = 0.25
"""Share of the crops whose cells are far from the common size."""


@dataclass(frozen=True, eq=False)
class Kind:
    """Examples of one kind, and how often one of them is drawn.

    Attributes
    ----------
    share
        Probability of this kind.
    examples
        Arrays (5, Y, X) as `zincflux.training.targets.example` makes them.
    """

    share: float
    examples: Sequence[Example]

    def odds(self) -> FloatArray:
        """Probability of each example: larger ones somewhat more often."""
        area = np.array([e.shape[1] * e.shape[2] for e in self.examples], dtype=float)
        odds = np.sqrt(np.clip(area / 128**2, 1, 8))
        return np.asarray(odds / odds.sum())


class Batches:
    """The batch of each step: it depends on the seed and the number of the step alone.

    Parameters
    ----------
    kinds
        What to draw from.
    seed
        Seed of the whole training.
    side
        Height and width of a crop, pixels.
    """

    def __init__(self, kinds: Sequence[Kind], seed: int, side: int) -> None:
        self.kinds, self.seed, self.side = kinds, seed, side
        share = np.array([kind.share for kind in kinds])
        self._share = share / share.sum()
        self._odds = [kind.odds() for kind in kinds]

    def make(self, step: int, n_crops: int) -> tuple[FloatImage, FloatImage]:
        """Make inputs (n, 2, side, side) and targets (n, 4, side, side) of a step."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, step]))
        inputs, targets = [], []
        for _ in range(n_crops):
            crop = self._crop(rng)
            if rng.random() < BLANK_SHARE:
                crop[0] = _blank(self.side, rng)
                crop[1:4], crop[4] = 0, 1
            inputs.append(inputs_of(degraded(crop[0], rng)))
            targets.append(crop[1:])
        return np.stack(inputs), np.stack(targets)

    def _crop(self, rng: np.random.Generator) -> FloatImage:
        """Draw a crop of an example, (5, side, side), any way round and somewhat zoomed."""
        which = int(rng.choice(len(self.kinds), p=self._share))
        number = int(rng.choice(len(self._odds[which]), p=self._odds[which]))
        example = self.kinds[which].examples[number]
        if rng.random() < WIDE_ZOOM_SHARE:
            zoom = float(np.exp(rng.uniform(np.log(0.45), np.log(2.2))))
        else:
            zoom = float(np.exp(0.15 * rng.standard_normal()))
        shape = np.array(example.shape[1:], dtype=float)
        inset = np.minimum(0.5 * self.side / zoom, 0.5 * shape)
        middle = rng.uniform(inset, shape - inset + 1e-6)
        crop = sampled(example, self.side, middle, _turned(rng) / zoom)
        crop[3] += (crop[3] != 0) * np.float32(np.log2(zoom))
        return crop


def sampled(example: Example, side: int, middle: FloatArray, matrix: FloatArray) -> FloatImage:
    """Cut a square out of an example (5, Y, X); what lies beyond its edge is mirrored.

    Parameters
    ----------
    example
        Brightness, inside and depth are interpolated, size and weight taken from the nearest.
    side
        Height and width of the crop, pixels.
    middle
        Middle of the crop, (y, x) from the upper left corner of the example.
    matrix
        Turns and stretches steps in the crop into steps in the example, (2, 2).
    """
    at = np.arange(side) - (side - 1) / 2
    y, x = np.meshgrid(at, at, indexing="ij")
    place = np.einsum("ij,jyx->iyx", matrix, np.stack([y, x])) + middle[:, None, None] - 0.5
    low = np.maximum(np.floor(place.min(axis=(1, 2))).astype(int) - 2, 0)
    high = np.ceil(place.max(axis=(1, 2))).astype(int) + 3
    ends = np.array(example.shape[1:])
    if (place.min() >= 0) and (place.max(axis=(1, 2)) <= ends - 1).all():
        # Only what is needed is turned into single precision.
        example = example[:, low[0] : high[0], low[1] : high[1]]
        place = place - low[:, None, None]
    result = np.empty((len(example), side, side), dtype=np.float32)
    for n, part in enumerate(example.astype(np.float32)):
        if n < 3:
            ndimage.map_coordinates(part, place, output=result[n], order=1, mode="reflect")
        else:
            ndimage.map_coordinates(part, place, output=result[n], order=0, mode="reflect")
    return result


def _turned(rng: np.random.Generator) -> FloatArray:
    """Matrix of a random rotation, reflection and slight stretch."""
    turn, back = (_rotation(rng.uniform(0, 2 * np.pi)) for _ in range(2))
    stretch = np.exp(0.07 * rng.standard_normal())
    return np.asarray(turn @ np.diag([stretch, rng.choice([-1, 1]) / stretch]) @ back)


def _rotation(angle: float) -> FloatArray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def degraded(level: FloatImage, rng: np.random.Generator) -> FloatImage:
    """See a levelled picture through a worse microscope: all of it at random.

    Tone, haze, shading and gradient, blur, photon and camera noise, few grey levels; at the end
    gain and offset, for other pictures have other percentiles.
    """

    def sometimes(share: float) -> bool:
        return bool(rng.random() < share)

    light: NDArray[np.floating[Any]] = level
    if sometimes(0.5):
        power = float(np.exp(rng.uniform(np.log(0.5), np.log(1.7))))
        light = np.sign(light) * np.abs(light) ** power
    if sometimes(0.2):
        share = rng.uniform(0.05, 0.35)
        light = (1 - share) * light + share * ndimage.gaussian_filter(light, rng.uniform(6, 25))
    if sometimes(0.3):
        gradient = rng.uniform(0, 0.2) * _slope(light.shape, rng)
        light = light * (1 + _slope(light.shape, rng)) + gradient
    if sometimes(0.35):
        light = ndimage.gaussian_filter(light, rng.uniform(0.3, 1.7))
    if sometimes(0.5):
        light = light + _noise_of(light, rng)
    if sometimes(0.25):
        steps = float(np.exp(rng.uniform(np.log(12), np.log(128))))
        light = np.round(light * steps) / steps
    gain = float(np.exp(rng.normal(0, 0.25))) * (rng.uniform(0.3, 4) if sometimes(0.1) else 1.0)
    return np.asarray(gain * light + rng.normal(0, 0.03), dtype=np.float32)


def _slope(shape: tuple[int, ...], rng: np.random.Generator) -> FloatImage:
    """Gradient in a random direction, at most a half up and down."""
    angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.5)
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
    slope = np.sin(angle) * y[:, None] + np.cos(angle) * x
    return np.asarray(depth * slope / np.sqrt(2), dtype=np.float32)


def _blank(side: int, rng: np.random.Generator) -> FloatImage:
    """See nothing but noise: levelled, it fills the range from 0 to 1."""
    noise = rng.standard_normal((side, side), dtype=np.float32)
    if rng.random() < 0.6:
        noise = ndimage.gaussian_filter(noise, rng.uniform(0.4, 2.5))
    noise *= rng.uniform(0, 0.25) / noise.std()
    return np.asarray(0.45 + noise + rng.uniform(0, 1) * _slope(noise.shape, rng), np.float32)


def _noise_of(level: NDArray[np.floating[Any]], rng: np.random.Generator) -> FloatImage:
    """Photon and camera noise, some of it with grain."""
    strength = float(np.exp(rng.uniform(np.log(0.005), np.log(0.12))))
    noise: NDArray[np.float32] = rng.standard_normal(level.shape, dtype=np.float32)
    if rng.random() < 0.3:
        noise = ndimage.gaussian_filter(noise, 0.7) * np.float32(2.4)
    photons = rng.uniform(0, 1)
    light = 1 - photons + photons * np.clip(level, 0.05, None) * 2
    return np.asarray(strength * noise * np.sqrt(light), dtype=np.float32)
