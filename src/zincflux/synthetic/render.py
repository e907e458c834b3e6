"""Frames of a synthetic movie, rendered when they are asked for."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import Labels
from zincflux.synthetic import kinetics, optics, shapes
from zincflux.synthetic.scene import NOISE_STREAM, Scene


class SyntheticFrames:
    """The pixels of a synthetic movie, rendered frame by frame, in any order.

    Parameters
    ----------
    scene
        What to render.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._same_as = scene.population.same_as()
        # Frames of cells that stand still are painted once; a few, as threads may differ in frame.
        self._paint = lru_cache(maxsize=4)(scene.painter.paint)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape (T, C, Y, X)."""
        settings = self._scene.settings
        return (settings.n_frames, len(settings.channels), *settings.shape_px)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, uint16."""
        return np.dtype(np.uint16)

    def __len__(self) -> int:
        return self._scene.settings.n_frames

    def __getitem__(self, t: int, /) -> NDArray[np.uint16]:
        """Render frame ``t`` with its noise, (C, Y, X)."""
        t = self._frame(t)
        settings = self._scene.settings
        seed = np.random.SeedSequence(settings.seed, spawn_key=(NOISE_STREAM, t))
        return optics.expose(self.electrons(t), settings, np.random.default_rng(seed))

    def _frame(self, t: int) -> int:
        t, n = int(t), len(self)
        if not -n <= t < n:
            raise IndexError(f"expected a frame from 0 to {n - 1}, found {t}")
        return t % n

    def labels(self, t: int) -> Labels:
        """Label image of frame ``t`` in its own coordinates, (Y, X)."""
        t = self._frame(t)
        scene = self._scene
        shift = np.rint(scene.drift_px[t]).astype(int)
        top, left = scene.painter.margin_px - shift
        height, width = scene.settings.shape_px
        canvas = self._paint(int(self._same_as[t])).labels
        return canvas[top : top + height, left : left + width].copy()

    def electrons(self, t: int) -> shapes.FloatImage:
        """Render the expected electrons of frame ``t``, without noise, (C, Y, X) float32."""
        t = self._frame(t)
        scene, settings = self._scene, self._scene.settings
        painted = self._paint(int(self._same_as[t]))
        emission = kinetics.emission(scene.zinc_nM[t], settings)
        image = np.empty(self.shape[1:], dtype=np.float32)
        for channel, light in enumerate(emission):
            bleached = np.exp(-settings.bleach_rate_per_s[channel] * scene.time_s[t])
            unit = settings.electrons_per_unit * bleached
            dye = unit * scene.load * scene.population.dye[t] * light
            glow = np.append(0.0, dye + settings.autofluorescence_e).astype(np.float32)
            canvas = np.take(glow, painted.labels) * painted.texture
            if settings.debris:
                canvas += np.float32(unit) * scene.debris
            image[channel] = self._through_optics(canvas, t)
        image += self._background(t)[:, None, None] * self._relief(t)
        image *= scene.vignette
        return image

    def _through_optics(self, canvas: shapes.FloatImage, t: int) -> shapes.FloatImage:
        scene, settings = self._scene, self._scene.settings
        where = scene.painter.margin_px, settings.shape_px, scene.drift_px[t]
        sharp = optics.image_sharp(canvas, *where, scene.blur_um[t] / settings.pixel_size_um)
        share = np.float32(settings.haze_fraction)
        if share == 0:
            return sharp
        haze = optics.image_haze(canvas, *where, settings.haze_um / settings.pixel_size_um)
        return (1 - share) * sharp + share * haze

    def _background(self, t: int) -> shapes.FloatImage:
        """Mean background of each channel, electrons, shape (C,)."""
        scene, settings = self._scene, self._scene.settings
        level = np.full(len(settings.channels), settings.background_e)
        if settings.background_follows_dye and len(scene.load):
            now, start = (
                kinetics.emission(scene.zinc_nM[frame], settings).mean(axis=1) for frame in (t, 0)
            )
            level = level * (1 + settings.background_follows_dye * (now / start - 1))
        return level.astype(np.float32)

    def _relief(self, t: int) -> shapes.FloatImage:
        settings = self._scene.settings
        progress = t / max(settings.n_frames - 1, 1)
        field = self._scene.background.field(progress, settings.shape_px)
        return 1 + np.float32(settings.background_unevenness) * field
