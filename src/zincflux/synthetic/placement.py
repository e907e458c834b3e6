"""Where cells may lie: in colonies or apart, and not on top of one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from zincflux.movie import FloatArray
from zincflux.synthetic.settings import Simulation

Bounds = NDArray[np.float64]
"""Lowest and highest y and x that a centre may take, pixels, shape (2, 2)."""

_TOUCHING = 0.86
_APART = 1.3


def bounds_of(settings: Simulation, beyond_px: float) -> Bounds:
    """Give the range of the centres: the frame and beyond, or well inside where no edge cuts."""
    side = np.asarray(settings.shape_px, dtype=np.float64) - 1
    if settings.edge_cells:
        return np.stack([np.full(2, -beyond_px), side + beyond_px])
    inset = np.minimum(settings.inset_px, side / 2)
    return np.stack([inset, side - inset])


def settle(
    settings: Simulation, radius_px: FloatArray, bounds: Bounds, rng: np.random.Generator
) -> FloatArray:
    """Place cells, some beside one another, and push them apart where they overlap.

    Parameters
    ----------
    settings
        Holds the share of the cells that settle beside another one.
    radius_px
        Radius of each cell, shape (n,).
    bounds
        Range of the centres.
    rng
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        Centres y, x in pixels, shape (n, 2).
    """
    n = len(radius_px)
    centre = rng.uniform(bounds[0], bounds[1], (n, 2))
    beside = rng.random(n) < settings.crowding
    angle = rng.uniform(0, 2 * np.pi, n)
    neighbour = (rng.random(n) * np.arange(n)).astype(np.intp)
    colony = np.arange(n)
    for cell in np.flatnonzero(beside[1:]) + 1:
        other = neighbour[cell]
        distance = _TOUCHING * (radius_px[cell] + radius_px[other])
        direction = np.array([np.sin(angle[cell]), np.cos(angle[cell])])
        centre[cell] = centre[other] + distance * direction
        colony[cell] = colony[other]
    return push_apart(np.clip(centre, *bounds), radius_px, bounds, colony, rounds=200)


def push_apart(
    centre: FloatArray,
    radius_px: FloatArray,
    bounds: Bounds,
    colony: NDArray[np.intp],
    rounds: int,
) -> FloatArray:
    """Move cells that overlap away from one another, softly.

    Parameters
    ----------
    centre
        Centres y, x in pixels, shape (n, 2).
    radius_px
        Radii, shape (n,).
    bounds
        Range of the centres.
    colony
        Cells of one colony may touch; others keep a gap; shape (n,).
    rounds
        How many times at most.

    Returns
    -------
    numpy.ndarray
        New centres, shape (n, 2).
    """
    centre = centre.copy()
    for _ in range(rounds if len(centre) > 1 else 0):
        pairs = cKDTree(centre).query_pairs(
            2 * _APART * float(radius_px.max()), output_type="ndarray"
        )
        one, two = pairs[:, 0], pairs[:, 1]
        apart = centre[two] - centre[one]
        distance = np.maximum(np.hypot(apart[:, 0], apart[:, 1]), 1e-6)
        spacing = np.where(colony[one] == colony[two], _TOUCHING, _APART)
        overlap = np.maximum(spacing * (radius_px[one] + radius_px[two]) - distance, 0)
        if not overlap.any():
            break
        push = apart * (0.3 * overlap / distance)[:, None]
        np.add.at(centre, one, -push)
        np.add.at(centre, two, push)
        np.clip(centre, *bounds, out=centre)
    return centre
