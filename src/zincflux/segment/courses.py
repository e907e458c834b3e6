"""Squares of an outline, divided into two groups by their courses over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zincflux.movie import FloatArray

FLOOR = 0.1
"""What is dimmer than this share of the mean is taken as bright as that: noise rules it."""

SIGNIFICANT = 1.5
"""How far the difference must stand out of the largest that noise makes."""

DIFFERENT = 0.1
"""Least chi-square distance between the courses of two cells."""

APART = 0.85
"""Least share of the variance between squares that lies between the two groups.

Two halves of a normal distribution reach 0.64, of a steady gradient 0.75."""

STRAIGHT = 0.9
"""Least share of the squares that a straight line puts with their group."""

DISTANT = 0.4
"""Least distance between the middles of both groups, in cell diameters."""

SQUARINGS = 14
"""Times that a matrix is squared: what is a thousandth smaller than the largest then is nothing."""

ROUNDING = 1e-9
"""What computing makes of no noise at all."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Squares of an outline, in two groups by their courses.

    Attributes
    ----------
    places
        Row and column of each square, shape (m, 2).
    score
        Where each square stands between the two courses, (m,).
    limit
        Score up to which squares belong to the first group.
    stands_out
        Largest difference between courses over the largest that noise would make.
    difference
        Chi-square distance between the courses of both groups.
    apart
        Share of the scores' variance that lies between the groups.
    """

    places: FloatArray
    score: FloatArray
    limit: float
    stands_out: float
    difference: float
    apart: float

    @property
    def border(self) -> float:
        """Score halfway between both groups."""
        first = self.score <= self.limit
        return float(np.median(self.score[first]) + np.median(self.score[~first])) / 2

    def are_two_cells(self, diameter: float) -> bool:
        """Decide; `diameter` is that of a cell, in squares."""
        return (
            self.stands_out >= SIGNIFICANT
            and self.difference >= DIFFERENT
            and self.apart >= APART
            and self._are_side_by_side(diameter)
        )

    def _are_side_by_side(self, diameter: float) -> bool:
        first = self.score <= self.limit
        one, two = self.places[first].mean(axis=0), self.places[~first].mean(axis=0)
        if np.hypot(*(one - two)) < DISTANT * diameter:
            return False
        right = ((self.places - (one + two) / 2) @ (one - two) > 0) == first
        return bool(right.mean() >= STRAIGHT)


def compare(light: FloatArray, places: FloatArray) -> Groups | None:
    """Divide squares into two groups by their courses.

    Parameters
    ----------
    light
        Brightness of each square above background over time, shape (T, m).
    places
        Row and column of each square, (m, 2).

    Returns
    -------
    Groups or None
        None where there is no light above the background, or none in one of the groups.
    """
    n_frames, n_squares = light.shape
    total = float(light.sum())
    if total <= 0:
        return None
    table = np.asarray(light, dtype=np.float64) / total
    of_frame, of_square = table.sum(axis=1), table.sum(axis=0)
    frame_mass = np.maximum(of_frame, 0) + FLOOR / n_frames
    square_mass = np.maximum(of_square, FLOOR / n_squares)
    rest = table - np.outer(of_frame, of_square)
    # Two cells leave one axis; what is beyond the second is noise.
    size, beyond, axis = _first_axis(rest / np.sqrt(np.outer(frame_mass, square_mass)))
    noise = np.sqrt(beyond / ((n_frames - 2) * (n_squares - 2)))
    largest = noise * (np.sqrt(n_frames) + np.sqrt(n_squares))
    score = axis / np.sqrt(square_mass)
    limit, apart = _two_means(score, square_mass)
    first = score <= limit
    courses = [table[:, group].sum(axis=1) for group in (first, ~first)]
    if min(course.sum() for course in courses) <= 0:
        return None
    change = courses[0] / courses[0].sum() - courses[1] / courses[1].sum()
    return Groups(
        places=np.asarray(places, dtype=np.float64),
        score=score,
        limit=limit,
        stands_out=float(size / max(largest, ROUNDING)),
        difference=float(np.sqrt((change**2 / frame_mass).sum())),
        apart=apart,
    )


def _first_axis(table: FloatArray) -> tuple[float, float, FloatArray]:
    """Find the first axis of a table (T, m), as a singular value decomposition does.

    A library decomposes a table with threads, which takes a hundred times as long as its few
    numbers need where the cores have other work. Products of matrices this small use none.

    Returns
    -------
    tuple
        Largest singular value; sum of the squares of those beyond the second; and the first right
        singular vector, (m,).
    """
    is_tall = table.shape[0] >= table.shape[1]
    products = np.einsum("ti,tj->ij" if is_tall else "it,jt->ij", table, table)
    first, vector = _largest(products)
    second, _ = _largest(products - first * np.outer(vector, vector))
    axis = vector if is_tall else np.einsum("i,ij->j", vector, table)
    length = float(np.sqrt((axis**2).sum())) or 1.0
    beyond = max(float(np.trace(products)) - first - second, 0.0)
    return float(np.sqrt(first)), beyond, axis / length


def _largest(products: FloatArray) -> tuple[float, FloatArray]:
    """Find the largest eigenvalue of a symmetric matrix without negative ones, and its vector."""
    power = products.copy()  # gives another product of matrices than a matrix with itself
    for _ in range(SQUARINGS):
        total = float(np.trace(power))
        if total <= 0:
            return 0.0, np.zeros(len(products))
        power /= total
        power = power @ power.copy()
    widest = int(np.argmax(np.diagonal(power)))
    vector = np.einsum("ij,j->i", products, power[:, widest])
    vector /= float(np.sqrt((vector**2).sum())) or 1.0
    return max(float(np.einsum("i,ij,j->", vector, products, vector)), 0.0), vector


def _two_means(score: FloatArray, weight: FloatArray) -> tuple[float, float]:
    """Best limit between two groups on a line, and their share of the variance."""
    order = np.argsort(score, kind="stable")
    value, mass = score[order] - np.average(score, weights=weight), weight[order]
    low = np.cumsum(mass)[:-1]
    between = np.cumsum(value * mass)[:-1] ** 2 * (1 / low + 1 / (mass.sum() - low))
    best = int(between.argmax())
    total = float((value**2 * mass).sum())
    return float(score[order][best]), float(between[best] / max(total, np.finfo(float).tiny))
