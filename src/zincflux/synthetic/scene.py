"""Scene: everything about a synthetic movie that is drawn before its first frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray
from zincflux.phases import Phase
from zincflux.synthetic import kinetics, optics, shapes
from zincflux.synthetic.kinetics import Kinetics
from zincflux.synthetic.population import Population, populate
from zincflux.synthetic.settings import Simulation

_STREAMS = ("cells", "traits", "kinetics", "load", "drift", "focus", "background", "tiles")
NOISE_STREAM = len(_STREAMS)
"""Number of the random stream of the camera."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything that is drawn before the first frame is rendered.

    Attributes
    ----------
    settings
        Of the movie.
    phases
        What is done to the cells.
    time_s
        Time of each frame in s, shape (T,).
    population, kinetics, load
        The n cells: where they are, their zinc, their dye relative to the median, shape (n,).
    zinc_nM
        Shape (T, n).
    painter
        Paints the cells.
    background, debris, vignette
        What else the camera sees.
    drift_px, blur_um
        Shift and blur of each frame, shapes (T, 2) and (T,).
    """

    settings: Simulation
    phases: tuple[Phase, ...]
    time_s: FloatArray
    population: Population
    kinetics: Kinetics
    load: FloatArray
    zinc_nM: FloatArray
    painter: shapes.Painter
    background: optics.Background
    debris: shapes.FloatImage
    vignette: shapes.FloatImage
    drift_px: FloatArray
    blur_um: FloatArray

    def of(self, cells: NDArray[np.intp]) -> Scene:
        """Select cells by index, in the given order."""
        population = self.population.of(cells)
        traits = self.painter.traits.of(cells)
        return replace(
            self,
            population=population,
            kinetics=self.kinetics.of(cells),
            load=self.load[cells],
            zinc_nM=self.zinc_nM[:, cells],
            painter=replace(self.painter, population=population, traits=traits),
        )


def draw_scene(settings: Simulation) -> Scene:
    """Draw everything random but the noise, each from its own stream."""
    rng = {
        name: np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(number,)))
        for number, name in enumerate(_STREAMS)
    }
    phases = kinetics.protocol(settings)
    time_s = np.arange(settings.n_frames, dtype=np.float64) * settings.frame_interval_s
    population = populate(settings, rng["cells"])
    courses = Kinetics.draw(settings, population.n_cells, rng["kinetics"]).of(population.family)
    spread = np.clip(rng["load"].standard_normal(population.n_cells), -2, 2)
    load = np.exp(settings.load_spread * spread)[population.family]
    drift_px = optics.drift_path(settings, rng["drift"])
    blur_um = optics.focus_path(settings, phases, rng["focus"])
    margin = 4 + int(np.ceil(np.abs(drift_px).max() + 4 * blur_um.max() / settings.pixel_size_um))
    canvas = (settings.shape_px[0] + 2 * margin, settings.shape_px[1] + 2 * margin)
    traits = shapes.Traits.draw(settings, population.n_cells, rng["traits"])
    tiles = shapes.noise_tiles(rng["tiles"])
    return Scene(
        settings=settings,
        phases=phases,
        time_s=time_s,
        population=population,
        kinetics=courses,
        load=load,
        zinc_nM=kinetics.zinc(courses, phases, time_s, settings),
        painter=shapes.Painter(settings, population, traits, canvas, margin, tiles),
        background=optics.Background.draw(settings, rng["background"]),
        debris=shapes.debris(settings, canvas, rng["tiles"]),
        vignette=optics.vignette(settings),
        drift_px=drift_px,
        blur_um=blur_um,
    )
