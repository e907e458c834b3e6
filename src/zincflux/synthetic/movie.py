"""A synthetic movie and the truth about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.movie import FloatArray, Labels, Movie, Source
from zincflux.phases import Phase
from zincflux.synthetic import kinetics, shapes
from zincflux.synthetic.render import SyntheticFrames
from zincflux.synthetic.scene import Scene, draw_scene
from zincflux.synthetic.settings import Simulation
from zincflux.synthetic.truth import cell_table, experiment_of, frame_table


@dataclass(frozen=True, eq=False)
class SyntheticMovie:
    """A movie with everything that is true about it.

    Attributes
    ----------
    settings
        What it was made from.
    movie
        The movie; its frames are rendered when they are asked for.
    phases
        What was done to the cells.
    drift_px
        Shift of the sample since the first frame, down and right, pixels, shape (T, 2).
    experiment
        Plain data for an experiment file; the movie's path is to be added.
    """

    settings: Simulation
    movie: Movie
    phases: tuple[Phase, ...]
    drift_px: FloatArray
    experiment: dict[str, Any]
    _scene: Scene
    _frames: SyntheticFrames

    def labels(self, t: int) -> Labels:
        """Label image of frame ``t`` in its own coordinates: ``cell_id``, 0 for none, (Y, X)."""
        return self._frames.labels(t)

    def electrons(self, t: int) -> shapes.FloatImage:
        """Render the mean electrons of frame ``t``, before noise, offset and gain, (C, Y, X)."""
        return self._frames.electrons(t)

    @cached_property
    def truth(self) -> pd.DataFrame:
        """One row for each cell and each frame that shows at least one pixel of it.

        Columns: ``cell_id``, ``frame``, ``time_s``, ``zinc_nM``, ``signal`` (F/Fmin, or the
        ratio), ``y_um``, ``x_um`` (centroid times pixel size, 0 in the middle of the first pixel),
        ``area_um2``, ``alive`` (False once the cell begins to die).
        """
        scene = self._scene
        signal = kinetics.signal(scene.zinc_nM, self.settings)
        return frame_table(
            (self.labels(t) for t in range(self.settings.n_frames)),
            scene.time_s,
            {"zinc_nM": scene.zinc_nM, "signal": signal},
            scene.population.death_frame,
            self.settings.pixel_size_um,
        )

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row for each cell.

        Columns: ``cell_id``, ``parent_id`` (0 for none), ``first_frame`` and ``last_frame`` in
        which it is seen, ``rest_zinc_nM``, ``plateau_zinc_nM`` (that the uptake approaches),
        ``onset_s`` (when zinc reaches it), ``uptake_rate_per_s`` (rate constant),
        ``initial_rate_nM_per_s`` (derivative of zinc at the onset), ``dye_load`` (1 is the
        median), ``death_s`` (empty for cells that live on).
        """
        scene = self._scene
        death_s = scene.population.death_frame * self.settings.frame_interval_s
        facts = {"dye_load": scene.load, "death_s": np.where(np.isinf(death_s), np.nan, death_s)}
        return cell_table(self.truth, scene.population.parent, scene.kinetics, self.phases, facts)


def simulate(settings: Simulation) -> SyntheticMovie:
    """Make a movie with known zinc, cells and tracks.

    Frames are rendered on demand; the noise of a frame depends on the seed and the frame alone,
    so any order of access gives the same bytes.

    Parameters
    ----------
    settings
        What to make.

    Examples
    --------
    >>> made = simulate(Simulation(n_cells=3, n_frames=10, shape_px=(64, 64), seed=7))
    >>> made.movie.data.shape
    (10, 1, 64, 64)
    >>> made.labels(0).max()
    np.int32(3)
    """
    scene = draw_scene(settings)
    frames = SyntheticFrames(scene)
    # Cells that stand still have their centre in the first frame: it shows all of them.
    shown = _seen(frames, scene.population.n_cells, settings.n_frames if settings.moving else 1)
    if len(shown) < scene.population.n_cells or settings.moving:
        scene = scene.of(shown)
        frames = SyntheticFrames(scene)
    movie = Movie(
        data=frames,
        channels=settings.channels,
        pixel_size_um=settings.pixel_size_um,
        time_s=scene.time_s,
        saturation_level=float(2**settings.bit_depth - 1),
        bit_depth=settings.bit_depth,
        source=Source(format="synthetic", axes="TCYX", shape=frames.shape),
    )
    return SyntheticMovie(
        settings=settings,
        movie=movie,
        phases=scene.phases,
        drift_px=scene.drift_px,
        experiment=experiment_of(settings, scene.phases),
        _scene=scene,
        _frames=frames,
    )


def _seen(frames: SyntheticFrames, n_cells: int, n_frames: int) -> NDArray[np.intp]:
    """Index of every cell that is ever in view, in the order of its first appearance."""
    first = np.full(n_cells, n_frames)
    for t in reversed(range(n_frames)):
        shown = np.bincount(frames.labels(t).ravel(), minlength=n_cells + 1)[1:] > 0
        first[shown] = t
    order = np.argsort(first, kind="stable")
    return np.asarray(order[first[order] < n_frames])
