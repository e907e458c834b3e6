"""How simulated whole cells look: sparse to confluent, textured, uneven."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Look:
    """How the cells of one field look.

    Attributes
    ----------
    diameter_px
        Typical distance of neighbours in a confluent layer.
    reach
        How far a cell spreads where nothing stops it, in diameters: small is sparse.
    stretch, roughness
        Aspect ratio (log spread) and how far outlines bend, in diameters.
    load_spread
        Spread of the dye between cells (sd of its logarithm).
    flatness
        0: thick in the middle, thin at the edge; 1: even.
    nucleus, golgi, fibres, rim, grain
        Brightness of structures relative to the cell: nucleus −1 (dark) to 1, others ≥ 0.
    seam
        Brightness of the borders between cells, −1 (dark) to 1 (bright).
    contrast
        Light of the median cell relative to the background.
    photons
        Of the median cell per pixel.
    blur_px, haze
        Blur, and share of the light out of focus.
    unevenness
        Depth of the background's gradient.
    """

    diameter_px: float
    reach: float
    stretch: float
    roughness: float
    load_spread: float
    flatness: float
    nucleus: float
    golgi: float
    fibres: float
    rim: float
    grain: float
    seam: float
    contrast: float
    photons: float
    blur_px: float
    haze: float
    unevenness: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Look:
        """Draw a look."""

        def sometimes(share: float, low: float, high: float) -> float:
            return float(rng.uniform(low, high)) if rng.random() < share else 0.0

        def log_uniform(low: float, high: float) -> float:
            return float(np.exp(rng.uniform(np.log(low), np.log(high))))

        return cls(
            diameter_px=log_uniform(20, 50),
            reach=float(rng.uniform(0.42, 1.0)),
            stretch=float(rng.uniform(0.0, 0.5)),
            roughness=log_uniform(0.03, 0.25),
            load_spread=float(rng.uniform(0.1, 0.9)),
            flatness=float(rng.uniform(0, 1)),
            nucleus=float(rng.uniform(-0.8, 0.9)),
            golgi=sometimes(0.5, 0.3, 3.0),
            fibres=sometimes(0.4, 0.1, 0.45),
            rim=sometimes(0.4, 0.1, 3.0),
            grain=float(rng.uniform(0.02, 0.35)),
            seam=float(rng.uniform(-0.6, 0.6)),
            contrast=log_uniform(0.5, 100),
            photons=log_uniform(8, 1000),
            blur_px=float(rng.uniform(0.4, 2.0)),
            haze=float(rng.uniform(0, 0.35)),
            unevenness=float(rng.uniform(0, 0.6)),
        )
