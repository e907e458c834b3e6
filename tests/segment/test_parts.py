"""Candidates of parts of an image, and of several cuts at once."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from zincflux.segment.candidates import look_at, only
from zincflux.segment.contrast import measure_contrast


@cache
def scene():
    """A few clumps of two or three cells, and single ones."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:200, :220]
    places = [(30, 30), (30, 52), (50, 40), (110, 60), (110, 85), (160, 160), (40, 150), (150, 40)]
    light = sum(float(rng.uniform(60, 300)) * (np.hypot(y - a, x - b) < 12) for a, b in places)
    image = ndimage.gaussian_filter(100.0 + light, 2) + rng.normal(0, 2, y.shape)
    return look_at(measure_contrast(image, 22.0), 0.2)


def test_clumps_are_what_hangs_together():
    seen, pieces = scene()
    found = seen.candidates(pieces)
    areas, n = ndimage.label(pieces > 0)
    first = np.array([areas[pieces == k + 1][0] for k in range(found.tree.n_leaves)])
    assert found.clumps.max() + 1 == n
    assert np.unique(np.stack([first, found.clumps]), axis=1).shape[1] == n
    np.testing.assert_array_equal(found.of_inside, pieces[pieces > 0])
    one = np.zeros(first.size, dtype=bool)
    one[0] = True
    np.testing.assert_array_equal(found.whole_clumps(one), first == first[0])


@pytest.mark.parametrize("k", [0, 1, 3])
def test_a_part_is_what_it_would_be_alone(k):
    seen, pieces = scene()
    found = seen.candidates(pieces)
    kept = found.clumps % 4 != k
    part = found.part(kept)
    alone = seen.candidates(only(pieces, kept))
    np.testing.assert_array_equal(part.pieces, alone.pieces)
    for name in ("children", "parent", "seam"):
        np.testing.assert_allclose(getattr(part.tree, name), getattr(alone.tree, name))
    for name in ("inside", "outline", "box", "pairs", "borders"):
        one, other = (getattr(x.tree.sums, name) for x in (part, alone))
        np.testing.assert_allclose(one, other)
    assert part.tree.rounds == alone.tree.rounds
    np.testing.assert_allclose(part.looks, alone.looks)
    assert found.part(np.ones(kept.size, dtype=bool)) is found


def test_two_cuts_at_once():
    seen, pieces = scene()
    found = seen.candidates(pieces)
    other = seen.candidates(only(pieces, found.clumps != 2))
    tree, looks = seen.grown([pieces, other.pieces])
    n = found.tree.n_leaves
    assert tree.n_leaves == n + other.tree.n_leaves
    assert len(looks) == len(found.looks) + len(other.looks)
    np.testing.assert_array_equal(looks[n : tree.n_leaves], other.looks[: other.tree.n_leaves])
    # In every round, joins of both.
    expected = np.concatenate([found.looks, other.looks])
    np.testing.assert_allclose(np.sort(looks, axis=0), np.sort(expected, axis=0))
