"""Which cells there are, and where and how large each one is in each frame."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import FloatArray
from zincflux.synthetic.placement import bounds_of, push_apart, settle
from zincflux.synthetic.settings import Simulation

_ROUNDED_IN_MITOSIS = 0.2
_ROUNDED_IN_DEATH = 0.35
_GROWTH_IN_MITOSIS_TIMES = 20.0


@dataclass(frozen=True, eq=False)
class Population:
    """n cells over T frames, in pixels of the first frame, without the drift of the sample.

    Attributes
    ----------
    parent, family
        Index of the mother (−1 for none), and number of the family; shape (n,).
    death_frame
        Frame in which the cell begins to die; infinite if it does not; shape (n,).
    exists
        Whether the cell is there, shape (T, n).
    y_px, x_px, radius_px
        Centre, and radius of the circle of the same area, shape (T, n).
    roundness
        0 for a spread cell to 1 for a round one, shape (T, n).
    dye
        Dye per area relative to the spread, healthy cell, shape (T, n).
    """

    parent: NDArray[np.intp]
    family: NDArray[np.intp]
    death_frame: FloatArray
    exists: NDArray[np.bool_]
    y_px: FloatArray
    x_px: FloatArray
    radius_px: FloatArray
    roundness: FloatArray
    dye: FloatArray

    @property
    def n_cells(self) -> int:
        """Number of cells over the whole movie."""
        return len(self.parent)

    def of(self, cells: NDArray[np.intp]) -> Population:
        """Select cells by index, in the given order; a mother that is left out becomes −1."""
        place = np.full(self.n_cells + 1, -1, dtype=np.intp)
        place[cells] = np.arange(len(cells))
        frames = {
            name: getattr(self, name)[:, cells]
            for name in ("exists", "y_px", "x_px", "radius_px", "roundness", "dye")
        }
        return Population(
            parent=place[self.parent[cells]],
            family=self.family[cells],
            death_frame=self.death_frame[cells],
            **frames,
        )

    def same_as(self) -> NDArray[np.intp]:
        """For each frame, the first of the equal frames that it continues, shape (T,)."""
        poses = (self.exists, self.y_px, self.x_px, self.radius_px, self.roundness)
        changed = np.zeros(len(self.exists), dtype=bool)
        for pose in poses:
            changed[1:] |= np.any(pose[1:] != pose[:-1], axis=1)
        return np.maximum.accumulate(np.where(changed, np.arange(len(changed)), 0))


def populate(settings: Simulation, rng: np.random.Generator) -> Population:
    """Place the cells and, if they are moving, let them wander and divide."""
    walk = _Walk(settings, rng)
    for frame in range(settings.n_frames):
        walk.record()
        if settings.moving and frame + 1 < settings.n_frames:
            walk.divide(frame)
            walk.step()
    return walk.population()


@dataclass
class _Walk:
    """The cells of the moment, and what has been recorded of all of them."""

    settings: Simulation
    rng: np.random.Generator
    parent: list[int] = field(default_factory=list)
    radius_px: list[float] = field(default_factory=list)
    birth: list[float] = field(default_factory=list)
    division: list[float] = field(default_factory=list)
    death: list[float] = field(default_factory=list)
    records: list[tuple[NDArray[np.intp], FloatArray]] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings, rng = self.settings, self.rng
        beyond = 1.5 * settings.diameter_px if settings.moving and settings.edge_cells else 0.0
        self.bounds = bounds_of(settings, beyond)
        radius = self._radii(settings.n_cells)
        self.centre = settle(settings, radius, bounds_of(settings, 0.0), rng)
        if beyond:
            outside = self._beyond_the_frame()
            radius = np.append(radius, self._radii(len(outside)))
            self.centre = np.concatenate([self.centre, outside])
        self.alive = np.arange(len(radius))
        for size in radius:
            self._add(-1, float(size), birth=-np.inf)
        self.heading = rng.standard_normal((len(radius), 2)) * self._step_px()

    def _radii(self, n: int) -> FloatArray:
        settings = self.settings
        spread = np.clip(self.rng.standard_normal(n), -2, 2)
        return settings.diameter_px / 2 * np.exp(settings.diameter_spread * spread)

    def _beyond_the_frame(self) -> FloatArray:
        """Cells around the frame, as dense as in it: some of them will come in."""
        settings = self.settings
        side = np.asarray(settings.shape_px) - 1
        area = np.prod(self.bounds[1] - self.bounds[0])
        n = round(settings.n_cells * area / np.prod(settings.shape_px))
        centre = self.rng.uniform(self.bounds[0], self.bounds[1], (n, 2))
        return centre[np.any((centre < 0) | (centre > side), axis=1)]

    def _step_px(self) -> float:
        """Spread of the step between two frames along one axis."""
        settings = self.settings
        step_um = settings.speed_um_per_min / 60 * settings.frame_interval_s
        return step_um / settings.pixel_size_um / math.sqrt(2)

    def _add(self, parent: int, radius_px: float, birth: float) -> int:
        settings, rng = self.settings, self.rng
        dies = rng.random() < settings.dying_fraction
        death = rng.uniform(0.1, 0.7) * settings.n_frames if dies else np.inf
        wait_h = rng.exponential() / max(settings.division_rate_per_h, 1e-9)
        rest = 3 * settings.mitosis_time_s if parent >= 0 else 0.0
        frame = max(birth, 0.0) + (wait_h * 3600 + rest) / settings.frame_interval_s
        divides = settings.moving and frame < min(death, settings.n_frames - 1)
        self.parent.append(parent)
        self.radius_px.append(radius_px)
        self.birth.append(birth)
        self.death.append(float(np.ceil(death)) if death > birth else np.inf)
        self.division.append(float(np.floor(frame)) if divides else np.inf)
        return len(self.parent) - 1

    def record(self) -> None:
        """Keep where the cells are in this frame."""
        self.records.append((self.alive.copy(), self.centre.copy()))

    def divide(self, frame: int) -> None:
        """Replace each mother whose last frame this is by two daughters side by side."""
        due = np.asarray(self.division)[self.alive] <= frame
        for place in np.flatnonzero(due):
            mother = int(self.alive[place])
            radius = self.radius_px[mother]
            angle = self.rng.uniform(0, np.pi)
            reach = 0.45 * radius * np.array([np.sin(angle), np.cos(angle)])
            for side in (-1, 1):
                daughter = self._add(mother, radius, birth=frame + 1.0)
                self.alive = np.append(self.alive, daughter)
                self.centre = np.vstack([self.centre, self.centre[place] + side * reach])
                self.heading = np.vstack([self.heading, side * reach / 10])
        keep = np.append(~due, np.ones(len(self.alive) - len(due), dtype=bool))
        self.alive, self.centre = self.alive[keep], self.centre[keep]
        self.heading = self.heading[keep]

    def step(self) -> None:
        """Let the cells wander in a persistent walk that turns back at the bounds."""
        settings = self.settings
        memory = math.exp(-settings.frame_interval_s / settings.persistence_s)
        noise = self.rng.standard_normal(self.heading.shape) * self._step_px()
        self.heading = memory * self.heading + math.sqrt(1 - memory**2) * noise
        there = self.centre + self.heading
        outside = (there < self.bounds[0]) | (there > self.bounds[1])
        self.heading[outside] *= -1
        there = np.clip(there, *self.bounds)
        frame = len(self.records)
        size = self._sizes(np.array([frame]))[0][0, self.alive]
        self.centre = push_apart(there, size, self.bounds, np.zeros_like(self.alive), rounds=4)

    def _sizes(self, frames: NDArray[np.intp]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Radius, roundness and dye per area of every cell in some frames, each (T, n)."""
        settings = self.settings
        interval, mitosis = settings.frame_interval_s, settings.mitosis_time_s
        time = frames[:, None] * interval
        birth, division, death = (
            np.asarray(moment) * interval for moment in (self.birth, self.division, self.death)
        )
        age = np.maximum(time - birth, 0)
        amount = 1 - 0.5 * np.exp(-age / (_GROWTH_IN_MITOSIS_TIMES * mitosis))
        dividing = np.clip(1 - (division - time) / mitosis, 0, 1)
        rounded = np.maximum(dividing, np.exp(-3 * age / mitosis))
        dead = np.maximum(time - death, 0)
        dying = -np.expm1(-3 * dead / settings.death_time_s)
        squeeze = (1 - _ROUNDED_IN_MITOSIS * rounded) * (1 - _ROUNDED_IN_DEATH * dying)
        radius = np.asarray(self.radius_px) * np.sqrt(amount) * squeeze
        dye = np.exp(-dead / settings.death_time_s) / squeeze**2
        return radius, np.maximum(rounded, dying), dye

    def population(self) -> Population:
        """Give everything that was recorded."""
        n, n_frames = len(self.parent), len(self.records)
        exists = np.zeros((n_frames, n), dtype=bool)
        y_px, x_px = np.zeros((n_frames, n)), np.zeros((n_frames, n))
        for frame, (cells, centre) in enumerate(self.records):
            exists[frame, cells] = True
            y_px[frame, cells], x_px[frame, cells] = centre[:, 0], centre[:, 1]
        family = np.arange(n)
        for cell, parent in enumerate(self.parent):
            if parent >= 0:
                family[cell] = family[parent]
        radius, roundness, dye = self._sizes(np.arange(n_frames))
        return Population(
            parent=np.asarray(self.parent, dtype=np.intp),
            family=family,
            death_frame=np.asarray(self.death),
            exists=exists,
            y_px=y_px,
            x_px=x_px,
            radius_px=radius,
            roundness=roundness,
            dye=dye,
        )
